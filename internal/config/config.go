// Package config is the settings of a node: what they are called, where they come from, and which of them contradict each other.
// Nothing else of ours is imported by it but the defaults of limits: rooms get their values from the wiring, and bring what they
// refuse as a Check.
package config

import (
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/limits"
)

// Config is every setting of a node. Each has one name in all places: `limits.max_calls` here is max_calls below limits:
// in the file, RINGMASTER_LIMITS_MAX_CALLS in the environment, and --set limits.max_calls=… on the command line (the
// commonest have flags of their own). Flags win over the environment, that over the file, that over the defaults.
//
// A Secret may also be the name of a file that holds it: vouch.secret_file, RINGMASTER_VOUCH_SECRET_FILE. Secrets are
// refused on the command line, which every user of a machine can read. Durations are written as 90s, 10m, 1h30m; lists
// in the environment and in --set are separated by commas.
type Config struct {
	Listen      string `key:"listen"`       // host:port for agents, the CRM and supervisors
	AdminListen string `key:"admin_listen"` // host:port for /healthz, /readyz and /metrics alone; empty: they are on listen
	// how browsers reach listen, such as https://dialer.example.com; empty: http://listen
	PublicURL string `key:"public_url"`
	// of texts for agents who have none of their own, and for who asks for no other: en, uk or ru
	Language string `key:"language"`
	// addresses and networks whose X-Forwarded-For is believed, such as that of the nginx in front
	Proxies []string `key:"trusted_proxies"`
	Data    string   `key:"data"`  // folder for the SQLite file, recordings and generated keys
	Roles   []string `key:"roles"` // of gateway, dialer, scheduler, api; fewer than all need PostgreSQL and Redis
	// this process among its peers, unique: a-z, 0-9, '-', '.', at most 63; empty: the host's name
	Node string `key:"node"`

	TLS       TLS       `key:"tls"`
	Database  Database  `key:"database"`
	Redis     Redis     `key:"redis"`
	Vouch     Vouch     `key:"vouch"`
	API       API       `key:"api"`
	Telephony Telephony `key:"telephony"`
	Limits    Limits    `key:"limits"`
	Webhook   Webhook   `key:"webhook"`
	Recording Recording `key:"recording"`
	Log       Log       `key:"log"`
	Metrics   Metrics   `key:"metrics"`

	origin map[string]string // where settings came from, by key; absent: the default
}

// TLS of the listener; empty where a reverse proxy in front speaks it.
type TLS struct {
	Cert string `key:"cert"` // PEM file, the chain included
	Key  string `key:"key"`  // PEM file
}

// Database is the system of record.
type Database struct {
	URL Secret `key:"url"` // postgres://user:password@host/name, or sqlite:FILE; empty: ringmaster.db in the data folder
}

// Redis carries task queues and the moment's state.
type Redis struct {
	// redis://[[user]:password@]host[:port][,host…][/db], rediss:// for TLS; empty: embedded
	URL Secret `key:"url"`
	// what keys, channels and task queues are named by; empty: a name made with the database's tables
	Prefix           string `key:"prefix"`
	Master           string `key:"master"`            // the master's name when the hosts are Sentinels
	Cluster          bool   `key:"cluster"`           // the hosts are nodes of a Redis Cluster
	Username         string `key:"username"`          // wins over the URL's
	Password         Secret `key:"password"`          // wins over the URL's
	SentinelUsername string `key:"sentinel_username"` // where Sentinels ask for one of their own
	SentinelPassword Secret `key:"sentinel_password"`
	CA               string `key:"ca"` // PEM file of the authorities that rediss:// trusts; empty: the system's
}

// Vouch is the cookie by which browsers enter: minted by Vouch Proxy, or by our own login.
type Vouch struct {
	// HS256 key that Vouch Proxy signs with (vouch.jwt.secret); empty: made and kept in the data folder
	Secret         Secret `key:"secret"`
	PreviousSecret Secret `key:"previous_secret"` // accepted too while the key is being changed
	RequireExp     bool   `key:"require_exp"`     // refuse cookies without exp; the CRM's may have none
	// pages that may use the cookie and be shown as cards, such as https://crm.example.com; public_url always may
	AllowedOrigins []string `key:"allowed_origins"`
	// where single sign-on begins, such as https://vouch.example.com/login; the page to come back to is added as ?url=
	LoginURL string `key:"login_url"`
}

// API is the HTTP API for supervisors and the CRM. API tokens are not settings: `ringmaster token` makes them.
type API struct {
	JWTSecret Secret `key:"jwt_secret"` // HS256 key of the bearer tokens that logins get; empty: made and kept in the data folder
}

// Telephony is the phone networks; each one that is configured is there.
type Telephony struct {
	Simulated Simulated `key:"simulated"`
	SIP       SIP       `key:"sip"`
	Mediatel  Mediatel  `key:"mediatel"`
}

// Mediatel is an existing Mediatel server as the phone network: it rings agents' phones and reaches customers. Agents' logins
// there are set by `ringmaster agent mediatel`.
type Mediatel struct {
	URL          string `key:"url"`           // https://host of the server; empty: not there
	Path         string `key:"path"`          // of its Socket.IO, as npm's socket.io names it: a slash at its end or not
	CookieSecret Secret `key:"cookie_secret"` // HS256 key of VouchCookie at its edge; empty: vouch.secret
	// what agents' passwords there are encrypted with; the same on all nodes; empty: made and kept in the data folder
	Key          Secret `key:"key"`
	OwnCampaigns bool   `key:"own_campaigns"` // it runs campaigns of its own: its auto-call flag follows ours
	// call code there that ends Clerical where none of ours is known; empty: its own time limit does
	EndCode string `key:"end_code"`
}

// SIP is our own telephony: agents' phones register here, and customers are reached over trunks. Browsers' phones come in
// at /ws of the listener above.
type SIP struct {
	// host:port of SIP over UDP and TCP, where phones register and trunks answer; empty: not there
	Listen      string `key:"listen"`
	TLSListen   string `key:"tls_listen"`   // host:port of SIP over TLS, with the certificate of tls; empty: none
	MediaListen string `key:"media_listen"` // host:port (UDP) of all browsers' sound; empty: no phones in browsers
	// the IPv4 address under which phones, browsers and trunks reach this node
	Advertise string `key:"advertise"`
	// the IPv6 address under which carriers and desk phones reach this node; empty: they do not
	Advertise6 string `key:"advertise6"`
	Realm      string `key:"realm"` // of phones' addresses and passwords; empty: advertise
	// what browsers' short-lived passwords follow from; the same on all nodes; empty: made and kept in the data folder
	Secret  Secret `key:"secret"`
	RTPLow  int    `key:"rtp_low"`  // ports (UDP) of trunks' and desk phones' sound: the first
	RTPHigh int    `key:"rtp_high"` // and the last
	// WAV played to customers at the answer, such as that the call is recorded; empty: none
	Notice string `key:"notice"`
	// WAV played to an answered customer for whom there is no agent; empty: none
	Abandoned string `key:"abandoned"`
	// WAV left with answering machines after their beep, by campaigns that want that; empty: such campaigns do not start
	MachineMessage string `key:"machine_message"`
	Comfort        string `key:"comfort"` // WAV that a held customer hears; empty: silence
	// StartTone is a WAV that an agent whose leg is nailed up hears at the start of each call; empty: a short beep.
	StartTone string `key:"start_tone"`
	// algorithms that phones are challenged with, the preferred first: md5, sha-256; empty: md5 alone
	Digest       []string              `key:"digest"`
	MediaTimeout time.Duration         `key:"media_timeout"` // a side unheard for so long ends the call, 5s to 5m
	ReloadGrace  time.Duration         `key:"reload_grace"`  // time for a reloaded tab to come back into its call, 1s to 1m
	Trunks       map[string]*Trunk     `key:"trunks"`        // carriers, tried in the order of their priority
	Servers      map[string]*SIPServer `key:"servers"`       // external telephony servers that want to know who calls
}

// Trunk is a carrier: a way to customers' phones.
type Trunk struct {
	// host[:port]; a domain without a port has its NAPTR and SRV records looked up; an IPv6 address with a port: [2001:db8::1]:5060
	Host      string `key:"host"`
	Transport string `key:"transport"` // udp, tcp or tls; empty: as the domain's records say, else udp
	// sdes: the sound is encrypted, by keys in the signalling; over tls alone. Empty: in the clear
	SRTP string `key:"srtp"`
	// our address as this carrier is told it (Via, Contact, SDP), an IPv6 one has it called by IPv6; empty: that of all
	Advertise string `key:"advertise"`
	// PEM file of the authorities that are trusted for this carrier, over tls alone; empty: the system's
	CA string `key:"ca"`
	// PEM file of our certificate for a carrier that wants one, over tls alone; empty: none
	Cert       string `key:"cert"`
	Key        string `key:"key"`      // and its key
	Priority   int    `key:"priority"` // the lowest is tried first
	Username   string `key:"username"` // for digest; empty: the carrier knows us by address
	Password   Secret `key:"password"`
	Register   bool   `key:"register"`    // whether the carrier wants a registration
	FromDomain string `key:"from_domain"` // domain of the caller's address; empty: host
	// user of the caller's address, such as an account; empty: the caller's number
	FromUser string `key:"from_user"`
	Asserted bool   `key:"asserted_identity"` // the caller's number in P-Asserted-Identity too (RFC 3325)
	// hide the caller's number from customers (RFC 3323); calls whose profile forbids it are not made over this carrier
	Privacy  bool     `key:"privacy"`
	CallerID string   `key:"caller_id"` // shown when a campaign names none, E.164
	Rewrites []string `key:"rewrites"`  // beginnings of numbers to replace, the first that fits: +380=0
	Codecs   []string `key:"codecs"`    // in the order of preference: g711a, g711u; empty: both
	Channels int      `key:"channels"`  // calls at once; 0: no limit
	CPS      float64  `key:"cps"`       // calls begun a second; 0: no limit
	// never ask the carrier for a sign of life: it is presumed well until calls fail
	NoOptions bool `key:"no_options"`
	// how long after its ringing a person rests whose call lost its process, at least 32s; 0: 3m
	UnknownRest time.Duration `key:"unknown_rest"`
	Sources     []string      `key:"sources"` // further addresses and networks that the carrier signals from
}

// SIPServer is an external telephony server where agents' phones are registered.
type SIPServer struct {
	Host      string `key:"host"`      // as extensions name it, without port
	Transport string `key:"transport"` // udp, tcp or tls; empty: udp
	Username  string `key:"username"`
	Password  Secret `key:"password"`
}

// Simulated is the scripted phone network, for trying out. It dials nobody.
type Simulated struct {
	Profile string  `key:"profile"` // everyday, prompt; empty: not there
	Speed   float64 `key:"speed"`   // its clock against the wall's, 0.1 to 1000
	Seed    int     `key:"seed"`    // the same seed draws the same fates
	Ledger  string  `key:"ledger"`  // file to which every ring of a customer's phone is written; empty: none
}

// Limits of this node.
type Limits struct {
	MaxCalls     int           `key:"max_calls"`     // calls at once, 1 to 20000; more are left to other nodes
	DrainTimeout time.Duration `key:"drain_timeout"` // how long running calls may go on after SIGTERM, 0 to 24h
	Lease        time.Duration `key:"lease"`         // how long a lost node holds its calls, 10s to 5m; the same on all nodes
	TabGrace     time.Duration `key:"tab_grace"`     // how long an agent stays without a tab (a reload), 1s to 10m
	// MiB that all tabs together may leave unread, 4 to 4096; above it the slowest are closed
	TabMemory int `key:"tab_memory"`
}

// Webhook is how the CRM is told.
type Webhook struct {
	Allow []string `key:"allow"` // networks, addresses and hosts that need not be public and may speak plain http
	// what endpoints' headers and certificates are encrypted with; the same on all nodes; empty: made and kept in the data folder
	Key Secret `key:"key"`
}

// Recording is where recordings are kept and heard.
type Recording struct {
	// put before campaigns' recording links that are paths on this server; empty: public_url
	LinkBase string        `key:"link_base"`
	Folder   string        `key:"folder"` // where calls are recorded; empty: recordings in the data folder
	Keep     time.Duration `key:"keep"`   // how long they are kept in the folder, 24h or more; 0: for ever
	S3       S3            `key:"s3"`
}

// S3 is a store to which recordings move after the call; how long it keeps them is its own rule.
type S3 struct {
	Endpoint  string `key:"endpoint"` // host[:port]; empty: recordings stay in the folder
	Bucket    string `key:"bucket"`
	Prefix    string `key:"prefix"`   // of the objects' names, such as recordings/
	Insecure  bool   `key:"insecure"` // plain http, for a store on a network of one's own
	AccessKey Secret `key:"access_key"`
	SecretKey Secret `key:"secret_key"`
}

// Log goes to stderr.
type Log struct {
	Level  string `key:"level"`  // debug, info, warn, error
	Format string `key:"format"` // text, json
}

// Metrics are Prometheus's.
type Metrics struct {
	Enabled bool `key:"enabled"` // whether /metrics is served
}

// allRoles are what a process can be.
var allRoles = []string{"gateway", "dialer", "scheduler", "api"}

// Default is a whole node on this machine's loopback, with everything embedded and no phone network.
func Default() *Config {
	return &Config{
		Listen:   "127.0.0.1:8080",
		Data:     "./data",
		Language: "en",
		Roles:    append([]string(nil), allRoles...),
		Telephony: Telephony{
			Simulated: Simulated{Speed: 1, Seed: 1},
			SIP: SIP{RTPLow: limits.RTPLow, RTPHigh: limits.RTPHigh, MediaTimeout: limits.MediaTimeout,
				ReloadGrace: limits.ReloadGrace},
			Mediatel: Mediatel{Path: "/mediatel/socket.io"},
		},
		Limits: Limits{MaxCalls: limits.Calls, DrainTimeout: limits.Drain, Lease: limits.Lease, TabGrace: limits.TabGrace,
			TabMemory: limits.TabMemory >> 20},
		Log:     Log{Level: "info", Format: "text"},
		Metrics: Metrics{Enabled: true},
	}
}

// Derive fills in what follows from other settings.
func (c *Config) Derive() {
	if c.Node == "" {
		host, _ := os.Hostname() // without one, the check asks for node
		c.Node = nodeName(host)
	}
	if c.Database.URL == "" {
		c.Database.URL = Secret("sqlite:" + filepath.Join(c.Data, "ringmaster.db"))
	}
	if c.PublicURL == "" {
		scheme := "http://"
		if c.TLS.Cert != "" {
			scheme = "https://"
		}
		c.PublicURL = scheme + c.Listen
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.Recording.Folder == "" {
		c.Recording.Folder = filepath.Join(c.Data, "recordings")
	}
	if c.Recording.LinkBase == "" {
		c.Recording.LinkBase = c.PublicURL
	}
}

// nodeName makes a node's name of a host's: what task queues and Redis keys are named by.
func nodeName(host string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(host))
	return strings.Trim(clean[:min(len(clean), 63)], "-.")
}

// Has reports whether this process plays the role.
func (c *Config) Has(role string) bool {
	return slices.Contains(c.Roles, role)
}

// CanCall reports whether there is a phone network by which this node may call.
func (c *Config) CanCall() bool {
	t := c.Telephony
	return t.Simulated.Profile != "" || t.SIP.Listen != "" || t.Mediatel.URL != ""
}

// NetworkOf is the phone network of a new extension: the one that was asked for, else the one that is configured.
func (c *Config) NetworkOf(asked string) (string, error) {
	t := c.Telephony
	var configured []string
	for _, n := range []struct {
		name string
		is   bool
	}{{"sip", t.SIP.Listen != ""}, {"mediatel", t.Mediatel.URL != ""}, {"simulated", t.Simulated.Profile != ""}} {
		if n.is {
			configured = append(configured, n.name)
		}
	}
	switch {
	case asked != "":
		return asked, nil
	case len(configured) > 1:
		return "", Errorf("several phone networks are configured: choose one by --network %s",
			strings.Join(configured, " or --network "))
	case len(configured) == 1:
		return configured[0], nil
	}
	return "sip", nil
}

// Working are the roles that this process can fill: a dialer without a phone network is none, and its peers should know.
func (c *Config) Working() []string {
	if c.CanCall() {
		return c.Roles
	}
	return slices.DeleteFunc(slices.Clone(c.Roles), func(role string) bool { return role == "dialer" })
}

// EmbeddedRedis reports whether Redis runs inside this process.
func (c *Config) EmbeddedRedis() bool { return c.Redis.URL == "" }

// SQLite reports whether the system of record is a file.
func (c *Config) SQLite() bool { return strings.HasPrefix(c.Database.URL.Reveal(), "sqlite:") }

// Secure reports whether browsers reach this node by TLS, its own or a proxy's.
func (c *Config) Secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// PublicHostPort is where browsers reach this node, as tabs are told it.
func (c *Config) PublicHostPort() (host string, port int) {
	public, err := url.Parse(c.PublicURL) // checked with the configuration
	if err != nil {
		return "", 0
	}
	port, err = strconv.Atoi(public.Port())
	if err != nil {
		port = map[string]int{"http": 80, "https": 443}[public.Scheme]
	}
	return public.Hostname(), port
}

// AllHide says whether every way to customers that is configured hides the caller's number.
func (c *Config) AllHide() bool {
	sip := c.Telephony.SIP
	for _, t := range sip.Trunks {
		if !t.Privacy {
			return false
		}
	}
	return sip.Listen != "" && len(sip.Trunks) > 0 && !c.OtherWays()
}

// NoMessage says whether customers are called first by our own telephony, and those for whom there is no agent hear nothing.
func (c *Config) NoMessage() bool {
	return c.Telephony.SIP.Listen != "" && c.Telephony.SIP.Abandoned == ""
}

// NoMachineMessage says whether customers are called by our own telephony, which has no message for answering machines.
func (c *Config) NoMachineMessage() bool {
	return c.Telephony.SIP.Listen != "" && c.Telephony.SIP.MachineMessage == ""
}

// OtherWays says whether customers are reached by other networks than our own, too.
func (c *Config) OtherWays() bool {
	return c.Telephony.Mediatel.URL != "" || c.Telephony.Simulated.Profile != ""
}

// TrustedProxies are the networks of trusted_proxies.
func (c *Config) TrustedProxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range c.Proxies {
		network, _ := ParseNetwork(text) // checked with the configuration
		networks = append(networks, network)
	}
	return networks
}
