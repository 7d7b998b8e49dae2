// Package node is a process at work: it makes the rooms as the configuration has them, joins them, runs what its roles ask for,
// and stops all of it in order. It is wiring: it may know every room, and no room knows it.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/gateway"
	"github.com/creditorro/ringmaster/agents/roster"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/api/mediatelv1"
	"github.com/creditorro/ringmaster/internal/clocks"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/embedded"
	"github.com/creditorro/ringmaster/internal/ids"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/telemetry"
	"github.com/creditorro/ringmaster/webhook"
)

// Node is one process at work: the rooms, and the wires between them. It is made whole, whatever its roles; Run starts
// only what the roles ask for. What is exported is for those who add to a node, such as the demo, and for tests.
type Node struct {
	Config *config.Config
	Log    *slog.Logger
	Store  *store.Store
	Clocks *clocks.Clocks
	Roster *roster.Roster
	Hooks  webhook.Sealer // of endpoints' headers and certificates

	Networks Networks

	Cookies   *access.Vouch
	Passwords *access.Passwords
	Gate      *access.Gate
	Auth      *access.Authenticator

	API            *api.Handler
	Administration *mediatelv1.Handler     // in Mediatel's shape
	Pages          map[string]http.Handler // that people work in, by pattern; see MountPages

	// Outermost is around all of the main listener, as the demo needs it; nil: nothing is.
	Outermost func(http.Handler) http.Handler

	ids      ids.Generator // of attempts, planned ones and those from outside
	version  string
	registry *prometheus.Registry
	metrics  *telemetry.Metrics

	embedded     *embedded.Redis // nil: Redis is a server
	folder       io.Closer       // the lock of the data folder, where Redis is inside
	conn         redisconn.Conn
	redis        redis.UniversalClient
	installation installation.Name // by which everything in Redis is named

	tries   *access.Tries
	origins access.Origins

	recordings *recordings // nil: without telephony of our own
	dialer     *dialer.Dialer
	allow      webhook.AllowList // places that webhooks may go to although they are not public
	deliverer  *webhook.Deliverer
	states     *stateEvents
	tracing    atomic.Bool // somebody reads the SIP trace
	gateway    *gateway.Gateway
}

// New connects to the neighbours and makes the rooms, in the order in which they need each other. The system of record
// must be there, with this version's tables or older ones, which are brought up to date; Redis may come later. The log goes to w.
func New(ctx context.Context, cfg *config.Config, w io.Writer, version string) (_ *Node, err error) {
	n := &Node{Config: cfg, Log: NewLogger(cfg.Log, w), version: version, registry: prometheus.NewRegistry(),
		Passwords: &access.Passwords{},
		Pages:     map[string]http.Handler{}}
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n.metrics = telemetry.New(n.registry)
	n.makeClocks()
	for _, make := range []func(context.Context) error{
		n.connectRedis, n.openRecord, n.nameInstallation, n.makeAccess, n.makeRoster, n.lookAtClocks, n.makeWebhook, n.makeDialer,
		n.makeGateway, n.makeAPI,
		n.makeAdministration,
	} {
		if err := make(ctx); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Node) connectRedis(context.Context) (err error) {
	settings := RedisConfig(n.Config)
	if n.Config.EmbeddedRedis() {
		if n.folder, err = lockFolder(n.Config.Data); err != nil {
			return err
		}
		if n.embedded, err = embedded.Start(); err != nil {
			return err
		}
		settings = redisconn.Config{URL: n.embedded.URL()}
	}
	if n.conn, err = redisconn.New(settings); err != nil {
		return err
	}
	n.redis = n.conn.Client()
	return nil
}

func (n *Node) openRecord(ctx context.Context) error {
	s, err := openStoreWith(ctx, n.Config, store.Options{IDs: &n.ids, Logger: n.Log, Now: n.Clocks.SQL,
		OnEvent: func() { n.deliverer.Wake() }})
	if err != nil {
		return err
	}
	n.Store = s
	have, need, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if have > need {
		return TablesError(have, need)
	}
	return s.Migrate(ctx)
}

func (n *Node) makeAccess(context.Context) error {
	secrets, err := n.Config.VouchSecrets()
	if err != nil {
		return err
	}
	session, err := n.Config.SessionSecret()
	if err != nil {
		return err
	}
	if n.origins, err = access.NewOrigins(append([]string{n.Config.PublicURL}, n.Config.Vouch.AllowedOrigins...)); err != nil {
		return err
	}
	if n.Cookies, err = access.NewVouch(access.VouchOptions{Secrets: secrets, Secure: n.Config.Secure(),
		MustEnd: n.Config.Vouch.RequireExp,
		Now:     n.Clocks.SQL}); err != nil {
		return err
	}
	n.Gate = access.NewGate(n.Cookies, n.Store.Users, n.Clocks.SQL, n.Log)
	n.tries = access.NewTries(n.redis, n.installation, n.Log, n.Clocks.Redis)
	n.Auth, err = access.NewAuthenticator(access.AuthenticatorOptions{
		Store: n.Store.Users, Gate: n.Gate, Tries: n.tries, Origins: n.origins, SessionSecret: session, Passwords: n.Passwords,
		Now: n.Clocks.SQL,
	})
	return err
}

func (n *Node) makeRoster(context.Context) (err error) {
	n.Roster, err = roster.New(n.redis, roster.Options{Installation: n.installation, Node: n.Config.Node, Roles: n.Config.Working(),
		Record: n.Store.Agents, Log: n.Log, Metrics: n.metrics,
		Now: n.Clocks.Redis})
	if err == nil {
		n.states = newStateEvents(n.Roster, n.Store, n.Clocks.SQL, n.Log)
	}
	return err
}

func (n *Node) makeWebhook(ctx context.Context) (err error) {
	if n.allow, err = webhook.ParseAllowList(n.Config.Webhook.Allow); err != nil {
		return err
	}
	if n.Hooks, err = WebhookSealer(n.Config); err != nil {
		return err
	}
	if err := opensEndpoints(ctx, n.Config, n.Store, n.Hooks); err != nil {
		return err
	}
	n.deliverer, err = webhook.NewDeliverer(webhook.Deps{
		TaskQueue: n.webhookQueue(),
		Sealer:    n.Hooks, Store: n.Store.Webhooks, Queue: asynq.NewClientFromRedisClient(n.redis), Allow: n.allow, Metrics: n.metrics,
		Logger: n.Log,
		Now:    n.Clocks.SQL,
	})
	return err
}

func (n *Node) makeDialer(context.Context) (err error) {
	if n.Networks, err = makeNetworks(n.Config.Telephony); err != nil {
		return err
	}
	if n.Config.Has("dialer") && n.Config.Telephony.SIP.Listen != "" {
		if err := n.makeSIP(); err != nil {
			return err
		}
	}
	if n.Config.Has("dialer") && n.Config.Telephony.Mediatel.URL != "" {
		if err := n.makeMediatel(); err != nil {
			return err
		}
	}
	n.dialer, err = dialer.New(dialer.Deps{
		Installation: n.installation, Node: n.Config.Node, Store: n.Store.Dialing, Queues: n.Store.Queues,
		Previews: n.Store.Previews, Tried: n.Store.Campaigns.Tried,
		Roster: n.liveRoster(), Networks: n.Networks.byName,
		Redis: n.redis, IDs: &n.ids, Log: n.Log, Metrics: n.metrics,
		Now: n.Clocks.SQL, MayDial: n.Clocks.Agree,
		Limits: dialer.Limits{MaxCalls: n.Config.Limits.MaxCalls, Lease: n.Config.Limits.Lease, Drain: drain(n.Config.Limits)},
	})
	return err
}

func (n *Node) makeGateway(context.Context) (err error) {
	host, port := n.Config.PublicHostPort()
	memory := ""
	if n.Config.EmbeddedRedis() && n.Config.Has("gateway") {
		memory = filepath.Join(n.Config.Data, "live.json")
	}
	n.gateway, err = gateway.New(gateway.Deps{
		Memory: memory, Record: callsOnRecord{n.Store, n.Clocks}, Now: n.Clocks.Redis,
		Store: n.Store.Agents, Roster: n.Roster, Calls: n.dialer.Desk(), Cookies: n.Gate, Passwords: n.Passwords, Tries: n.tries,
		Tokens: loginTokens{n.Store, n.Clocks.SQL}, Entered: n.agentEntered,
		Language: n.Config.Language, Allows: n.origins.Allows, Host: host, Port: port, Grace: n.Config.Limits.TabGrace,
		SendMemory: n.Config.Limits.TabMemory << 20, Log: n.Log, Metrics: n.metrics,
	})
	return err
}

func (n *Node) makeAPI(context.Context) error {
	signOn, err := n.signOn()
	if err != nil {
		return err
	}
	there, err := n.mediatelAdmin()
	if err != nil {
		return err
	}
	firstAdminKey, err := n.Config.SessionSecret()
	if err != nil {
		return err
	}
	noNetwork := ""
	if n.Config.Has("dialer") && !n.Config.CanCall() {
		noNetwork = HowToCall
	}
	n.API, err = api.New(api.Deps{
		NoNetwork: noNetwork,
		Mediatel:  there,
		Store:     apiStore(n.Store),
		Auth:      n.Auth, Logins: n.Auth, Cookies: n.Cookies, Origins: n.origins,
		SignOn: signOn, Hash: n.Passwords.Hash, FirstAdminKey: firstAdminKey, PublicURL: n.Config.PublicURL,
		Roster: n.Roster, Webhooks: n.deliverer, Allow: n.allow, Sealer: n.Hooks, Dialer: n.dialer, Trunks: n.trunks, Pacing: n.pacing,
		AllHide: n.allHide, NoMessage: n.Config.NoMessage(), NoMachine: n.Config.NoMachineMessage(),
		Settings: n.settings, Describe: mediatelv1.Describe, RecordingBase: n.Config.Recording.LinkBase, Version: n.version,
		Logger: n.Log, Now: n.Clocks.SQL, Language: n.Config.Language,
	})
	return err
}

// Close gives back what New took, the newest first.
func (n *Node) Close() {
	n.Networks.close()
	if n.redis != nil {
		_ = n.redis.Close() // nothing is waited for any more
	}
	if n.embedded != nil {
		n.embedded.Close()
	}
	if n.Store != nil {
		if err := n.Store.Disconnect(); err != nil {
			n.Log.Warn("system of record not closed well", "error", err)
		}
	}
	if n.folder != nil {
		n.folder.Close()
	}
}

// ready says what keeps the node from its work; nil: nothing.
func (n *Node) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	sql := n.Store.Ping(ctx)
	n.metrics.Dependency("sql", sql == nil)
	live := n.redis.Ping(ctx).Err()
	n.metrics.Dependency("redis", live == nil)
	if live != nil {
		live = fmt.Errorf("redis does not answer: %w", live)
	}
	return errors.Join(sql, live)
}
