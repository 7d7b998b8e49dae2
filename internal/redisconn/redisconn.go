// Package redisconn turns a Redis address into connections. Everything that talks to Redis, Asynq included, gets the
// same settings from here: the same servers, credentials, TLS and time limits, for one server, Sentinel or Cluster.
package redisconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Config says where Redis is. The zero Config is refused: an embedded Redis has a URL too.
type Config struct {
	// URL is redis://[[user]:password@]host[:port][,host[:port]...][/db], or rediss:// for TLS. Several hosts are the
	// Sentinels when Master is set, else the nodes of a Cluster.
	URL string

	Master           string // Sentinel's name of the master; empty: no Sentinel
	Cluster          bool   // Redis Cluster, also when only one node is named
	Username         string // overrides the URL's
	Password         string // overrides the URL's
	SentinelUsername string
	SentinelPassword string
	CA               string // PEM file with the authorities that rediss:// trusts; empty: the system's
}

// Time limits of one command. A lost Redis must be noticed before an agent notices.
const (
	dialTimeout = 2 * time.Second
	ioTimeout   = 3 * time.Second
	poolTimeout = 4 * time.Second
)

// Options are the connection settings in go-redis's words. Errors never quote the URL, which may hold a password.
func (c Config) Options() (*redis.UniversalOptions, error) {
	o := &redis.UniversalOptions{
		MasterName:            c.Master,
		SentinelUsername:      c.SentinelUsername,
		SentinelPassword:      c.SentinelPassword,
		IsClusterMode:         c.Cluster,
		DialTimeout:           dialTimeout,
		ReadTimeout:           ioTimeout,
		WriteTimeout:          ioTimeout,
		PoolTimeout:           poolTimeout,
		DialerRetries:         1, // a lost server is reported at once; who called decides whether to try again
		ContextTimeoutEnabled: true,

		// Redis Enterprise's notices of maintenance, asked for at each connect; a plain server refuses them.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if err := parseURL(c.URL, o); err != nil {
		return nil, err
	}
	if c.Username != "" {
		o.Username = c.Username
	}
	if c.Password != "" {
		o.Password = c.Password
	}
	if err := c.trust(o); err != nil {
		return nil, err
	}
	several := len(o.Addrs) > 1
	switch {
	case c.Master != "" && c.Cluster:
		return nil, errors.New("redis: Sentinel (master) and Cluster exclude each other; keep one")
	case several && c.Master == "" && !c.Cluster:
		return nil, errors.New("redis: several hosts need either master (Sentinel) or cluster: true")
	case c.Cluster && o.DB != 0:
		return nil, errors.New("redis: a Cluster has only database 0; leave the number out")
	}
	return o, nil
}

// parseURL reads hosts, credentials, database and TLS. url.Parse knows one host only, so the list is cut out first.
func parseURL(raw string, o *redis.UniversalOptions) error {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(raw), "://")
	if !ok || (scheme != "redis" && scheme != "rediss") {
		return errors.New("redis: want redis://host:port, or rediss:// for TLS")
	}
	authority, path, _ := strings.Cut(rest, "/")
	hosts := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		u, err := url.Parse("redis://" + authority[:at+1] + "host")
		if err != nil {
			return errors.New("redis: user and password: want user:password@, with other characters than letters and digits " +
				"percent-encoded")
		}
		hosts, o.Username = authority[at+1:], u.User.Username()
		o.Password, _ = u.User.Password()
	}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, err := address(strings.TrimSpace(host))
		if err != nil {
			return err
		}
		o.Addrs = append(o.Addrs, addr)
	}
	if path != "" {
		db, err := strconv.Atoi(path)
		if err != nil || db < 0 {
			return fmt.Errorf("redis: database %q: want a number, 0 or more", path)
		}
		o.DB = db
	}
	if scheme == "rediss" {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return nil
}

// address completes a host with Redis's port.
func address(host string) (string, error) {
	if host == "" {
		return "", errors.New("redis: a host is empty; want redis://host:port")
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "6379"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("redis: port %q: want 1 to 65535", port)
	}
	return net.JoinHostPort(name, port), nil
}

// trust makes TLS believe the authorities of c.CA and no others.
func (c Config) trust(o *redis.UniversalOptions) error {
	if c.CA == "" {
		return nil
	}
	if o.TLSConfig == nil {
		return errors.New("redis: ca is set, but the URL is not rediss://")
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return fmt.Errorf("redis: ca: %w", err)
	}
	o.TLSConfig.RootCAs = x509.NewCertPool()
	if !o.TLSConfig.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("redis: ca: no certificate in %s", c.CA)
	}
	return nil
}

// Conn makes clients that share one set of settings. It is an asynq.RedisConnOpt.
type Conn struct{ options *redis.UniversalOptions }

var _ asynq.RedisConnOpt = Conn{}

// New checks the settings; it connects to nothing yet.
func New(c Config) (Conn, error) {
	o, err := c.Options()
	return Conn{options: o}, err
}

// Client is a new client with a pool of its own; the caller closes it.
func (c Conn) Client() redis.UniversalClient { return redis.NewUniversalClient(c.options) }

// MakeRedisClient is Client, as Asynq and asynqmon call it.
func (c Conn) MakeRedisClient() any { return c.Client() }

// Addrs are the servers named in the settings.
func (c Conn) Addrs() []string { return c.options.Addrs }
