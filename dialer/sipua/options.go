package sipua

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/limits"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/recording"
	"github.com/creditorro/ringmaster/internal/telemetry"
)

// Options of a [Network]. The zero value of every field that is not named as required is sensible.
type Options struct {
	Node string // this process's name, as other nodes know it; required

	Listen    Listen
	Advertise string // the IPv4 address under which phones, browsers and trunks reach us; required
	// Advertise6 is the IPv6 address under which trunks and desk phones reach us; the zero value: none does. We listen at the ports
	// of Listen then, too.
	Advertise6 netip.Addr
	RTPLow     int // range of UDP ports for RTP, even ones are used; default [limits.RTPLow]
	RTPHigh    int // default [limits.RTPHigh]

	Realm       string // of digest authentication and of agents' addresses; default: Advertise
	Secret      []byte // at least 32 bytes; nonces and browsers' passwords are derived from it; required
	Credentials Credentials
	// Owner says which agent has an extension now, 0: nobody. A browser's phone registers for that agent alone; nil: none does.
	Owner func(ctx context.Context, extension string) (agentID int64, err error)
	// of digest, offered in this order; default: MD5 alone, because common phones (baresip 1) give up on a challenge
	// that they do not know instead of passing it over (RFC 8760, section 2.4)
	Algorithms   []string
	Installation installation.Name     // by which keys are named, with Redis
	Redis        redis.UniversalClient // where phones are, for the other nodes; nil: there are none

	Resolver Resolver // of the trunks' servers; default: the system's
	Trunks   []Trunk  // in the order of preference
	Servers  []Server // external telephony servers that want to know who calls

	Recordings     *recording.Library // nil: calls are not recorded
	RecordingDone  func(ctx context.Context, trace string, rec Recording)
	Notice         media.Clip // played to the customer at the answer, before the agent is heard
	Abandoned      media.Clip // played to an answered customer for whom there is no agent
	MachineMessage media.Clip // left with answering machines after their beep
	Comfort        media.Clip // what a held or waiting side hears; default: silence
	// StartTone tells an agent whose leg is nailed up that a call begins, and nobody else; default: a short beep.
	StartTone media.Clip

	// CheckRequest decides whether a WebSocket may be opened; an fs.ErrPermission becomes a 403, another
	// error a 503. Required for ServeWS.
	CheckRequest func(*http.Request) error
	// PhoneChanged is told when an extension's phone appears or is lost. It must not block.
	PhoneChanged func(extension string, reachable bool)
	// TrunksChanged is told when there may be room for calls that was not there before. It must not block.
	TrunksChanged func()

	MediaTimeout time.Duration // a side unheard for so long ends the call; default [limits.MediaTimeout]
	ReloadGrace  time.Duration // time for a reloaded tab to come back into its call; default [limits.ReloadGrace]

	// Now is the time that all nodes share: of what the record is told, and of browsers' passwords; nil: time.Now.
	Now        func() time.Time
	Log        *slog.Logger
	Metrics    *telemetry.Metrics
	Registerer prometheus.Registerer // nil: the figures of this package are not exported
}

// Listen says where the network listens. Empty: not at all, but UDP is required: trunks answer there.
type Listen struct {
	UDP       string // SIP, such as "0.0.0.0:5060"
	TCP       string // SIP
	TLS       string // SIP
	TLSConfig *tls.Config
	Media     string // browsers' ICE, DTLS and SRTP, all on one UDP port, such as "0.0.0.0:5062"; empty: no browsers
}

// Recording is what was kept of a call, and how well it was heard.
type Recording struct {
	recording.Recording
	Agent, Customer media.Stats
	Err             error // why there is less, or nothing, than should be; nil: complete
}

// Credentials returns what a desk phone may prove itself with.
type Credentials interface {
	// HA1 answers MD5 and SHA-256 of "user:realm:password" in lower-case hex, either may be empty; ErrNoUser: nobody.
	HA1(ctx context.Context, user string) (md5, sha256 string, err error)
}

// ErrNoUser says that no phone of this name may register.
var ErrNoUser = errors.New("sipua: no such user")

// Server is an external telephony server where agents' phones are registered.
type Server struct {
	Host      string // as in agents.Extension.Server, without port
	Transport string // "udp" (default), "tcp" or "tls"
	Username  string
	Password  string
}

// Trunk is a way to customers' phones.
type Trunk struct {
	Name string // required, unique
	// host or host:port, an IPv6 address with a port in brackets; a domain without port may have NAPTR and SRV records; required
	Host       string
	Transport  string // "udp", "tcp" or "tls"; default: what Host says by NAPTR or SRV records, else "udp"
	Username   string // for digest; empty: the trunk knows us by address
	Password   string
	Register   bool   // whether the trunk wants a registration
	FromDomain string // domain of the From header; default: the trunk's host
	FromUser   string // user of the From header, such as an account; default: the caller's number
	// AssertedIdentity says the caller's number in P-Asserted-Identity. Privacy hides it from the customer, so that the trunk takes
	// no call whose NoHiding is set.
	AssertedIdentity, Privacy bool
	CallerID                  string         // shown when a call brings none
	Rewrites                  []Rewrite      // of the customer's number; the first whose prefix matches is applied
	Codecs                    []media.Codec  // in the order of preference; default: A-law, µ-law
	Channels                  int            // calls at a time; zero: no limit
	CPS                       float64        // INVITEs a second; zero: no limit
	Sources                   []netip.Prefix // further addresses that the trunk signals from
	// UnknownRest is how long after the time of ringing a phone may ring by a call that lost its process, for gateways may heed no
	// Expires; default 3 minutes, at least 32 s.
	UnknownRest time.Duration
	Check       time.Duration // between OPTIONS; default 30 s, negative: presumed well
	SRTP        bool          // the sound is protected by keys in the SDP (SDES, RFC 4568); over TLS alone
	// Advertise is our address as this trunk is told it, in Via, Contact and SDP; default: that of Options. An IPv6 one has it
	// called by IPv6.
	Advertise netip.Addr
	// TLS has the authorities that are trusted for this trunk (RootCAs; default: the system's) and our certificate, if it wants one.
	// The trunk's certificate must be for its Host. Over TLS alone.
	TLS *tls.Config
	// Authorities are those that are trusted for this trunk, asked for at each connection; nil: TLS says.
	Authorities func() *x509.CertPool

	anyTransport bool // Host is a domain that may choose
}

// Rewrite replaces the beginning of a number.
type Rewrite struct{ Prefix, With string }

// dialed is the number as the trunk wants it.
func (t *Trunk) dialed(number string) string {
	for _, r := range t.Rewrites {
		if rest, ok := strings.CutPrefix(number, r.Prefix); ok {
			return r.With + rest
		}
	}
	return number
}

func (o *Options) defaults() error {
	if o.Now == nil {
		o.Now = time.Now
	}
	ip := net.ParseIP(o.Advertise).To4()
	switch {
	case o.Node == "":
		return errors.New("sipua: Node: want this process's name")
	case o.Redis != nil && o.Installation == "":
		return errors.New("sipua: Installation: want the name by which keys in Redis are named")
	case ip == nil || ip.IsUnspecified():
		return fmt.Errorf("sipua: Advertise %q: want the IPv4 address that phones and trunks reach", o.Advertise)
	case o.Advertise6.IsValid() && (!o.Advertise6.Is6() || o.Advertise6.Is4In6() || o.Advertise6.IsUnspecified() ||
		o.Advertise6.Zone() != ""):
		return fmt.Errorf("sipua: Advertise6 %s: want an IPv6 address without a zone", o.Advertise6)
	case o.Listen.UDP == "":
		return errors.New("sipua: Listen.UDP: want an address, such as 0.0.0.0:5060")
	case len(o.Secret) < 32:
		return errors.New("sipua: Secret: want at least 32 bytes")
	case o.Listen.TLS != "" && o.Listen.TLSConfig == nil:
		return errors.New("sipua: Listen.TLS: want a certificate in Listen.TLSConfig")
	}
	setDefault(&o.RTPLow, limits.RTPLow)
	setDefault(&o.RTPHigh, limits.RTPHigh)
	setDefault(&o.Realm, o.Advertise)
	setDefault(&o.MediaTimeout, limits.MediaTimeout)
	setDefault(&o.ReloadGrace, limits.ReloadGrace)
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{"MD5"}
	}
	for _, a := range o.Algorithms {
		if hashes[a] == nil {
			return fmt.Errorf("sipua: Algorithms: %q: want MD5 or SHA-256", a)
		}
	}
	if o.Resolver == nil {
		o.Resolver = newSystemResolver()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Comfort == nil {
		o.Comfort = media.Quiet()
	}
	if o.StartTone == nil {
		o.StartTone = StartTone()
	}
	names := map[string]bool{}
	for i := range o.Trunks {
		t := &o.Trunks[i]
		if t.Name == "" || names[t.Name] {
			return fmt.Errorf("sipua: trunk %d: Name %q: want a unique name", i+1, t.Name)
		}
		names[t.Name] = true
		if err := t.defaults(); err != nil {
			return fmt.Errorf("sipua: trunk %s: %w", t.Name, err)
		}
	}
	for _, t := range o.Trunks {
		if f, certain, _ := t.familyWanted(); certain && !o.addresses()[f].IsValid() {
			return fmt.Errorf("sipua: trunk %s: it is called by %s, and we have no such address: want Advertise6", t.Name, f)
		}
	}
	for _, s := range o.Servers {
		if s.Host == "" || !validTransport(s.Transport) {
			return fmt.Errorf("sipua: server %q: want a host, and the transport udp, tcp or tls", s.Host)
		}
	}
	return nil
}

func (t *Trunk) defaults() error {
	if t.Host == "" {
		return errors.New("want the trunk's address in Host")
	}
	if strings.Contains(bare(hostOf(t.Host)), "%") {
		return fmt.Errorf("want an address without a zone as Host, not %s", t.Host)
	}
	if !validTransport(t.Transport) {
		return fmt.Errorf("want udp, tcp or tls as Transport, not %q", t.Transport)
	}
	if t.Channels < 0 || t.CPS < 0 {
		return errors.New("want zero or more as Channels and CPS")
	}
	if t.SRTP && t.Transport != "tls" {
		return errors.New("want tls as Transport for SRTP: its keys are in the signalling")
	}
	if a := t.Advertise; a.IsValid() && (a.Is4In6() || a.IsUnspecified() || a.Zone() != "") {
		return fmt.Errorf("want an IPv4 or IPv6 address without a zone as Advertise, not %s", a)
	}
	if _, _, err := t.familyWanted(); err != nil {
		return err
	}
	if userPart(t.FromUser) != t.FromUser || t.FromUser != "" && t.Privacy {
		return fmt.Errorf("want a number or a name as FromUser, and none with Privacy, not %q", t.FromUser)
	}
	if (t.TLS != nil || t.Authorities != nil) && t.Transport != "tls" {
		return errors.New("want tls as Transport for TLS")
	}
	if t.Register && t.Username == "" {
		return errors.New("want a Username to register with")
	}
	setDefault(&t.UnknownRest, dialer.UnknownRest)
	if t.UnknownRest < linger {
		return fmt.Errorf("want an UnknownRest of %s or more, not %s: for so long an INVITE may be on its way", linger, t.UnknownRest)
	}
	t.anyTransport = t.Transport == "" && t.hasServers()
	setDefault(&t.Transport, "udp")
	setDefault(&t.FromDomain, hostOf(t.Host))
	setDefault(&t.Check, 30*time.Second)
	if len(t.Codecs) == 0 {
		t.Codecs = []media.Codec{media.ALaw, media.ULaw}
	}
	return nil
}

func validTransport(s string) bool { return s == "" || s == "udp" || s == "tcp" || s == "tls" }

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// hostOf is an address without its port.
func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return bare(addr)
}

// bare is a host without the brackets that an IPv6 address has in addresses of SIP.
func bare(host string) string { return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]") }
