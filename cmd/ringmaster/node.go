package main

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
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/embedded"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/telemetry"
	"github.com/creditorro/ringmaster/webhook"
)

// node is one process at work: the rooms, and the wires between them. It is made whole, whatever its roles; run starts
// only what the roles ask for.
type node struct {
	cfg      *config.Config
	log      *slog.Logger
	registry *prometheus.Registry
	metrics  *telemetry.Metrics

	embedded *embedded.Redis // nil: Redis is a server
	folder   io.Closer       // the lock of the data folder, where Redis is inside
	conn     redisconn.Conn
	redis    redis.UniversalClient
	store    *store.Store

	cookies   *access.Vouch
	passwords *access.Passwords
	gate      *access.Gate
	tries     *access.Tries
	auth      *access.Authenticator
	origins   access.Origins

	networks   networks
	recordings *recordings // nil: without telephony of our own
	roster     *roster.Roster
	dialer     *dialer.Dialer
	allow      webhook.AllowList // places that webhooks may go to although they are not public
	hooks      webhook.Sealer
	deliverer  *webhook.Deliverer
	states     *stateEvents
	tracing    atomic.Bool // somebody reads the SIP trace
	gateway    *gateway.Gateway
	api        *api.Handler

	administration *mediatelv1.Handler     // in Mediatel's shape
	pages          map[string]http.Handler // besides the node's own, by pattern: what the demo adds
}

// newNode connects to the neighbours and makes the rooms, in the order in which they need each other. The system of record
// must be there, with this version's tables or older ones, which are brought up to date; Redis may come later.
func newNode(ctx context.Context, cfg *config.Config, c console) (_ *node, err error) {
	n := &node{cfg: cfg, log: newLogger(cfg.Log, c.err), registry: prometheus.NewRegistry(), passwords: &access.Passwords{},
		pages: map[string]http.Handler{}}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n.metrics = telemetry.New(n.registry)
	for _, make := range []func(context.Context) error{
		n.connectRedis, n.openRecord, n.makeAccess, n.makeRoster, n.makeWebhook, n.makeDialer, n.makeGateway, n.makeAPI,
		n.makeAdministration,
	} {
		if err := make(ctx); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *node) connectRedis(context.Context) (err error) {
	settings := redisConfig(n.cfg)
	if n.cfg.EmbeddedRedis() {
		if n.folder, err = lockFolder(n.cfg.Data); err != nil {
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

func (n *node) openRecord(ctx context.Context) error {
	s, err := openStoreWith(ctx, n.cfg, store.Options{Logger: n.log, OnEvent: func() { n.deliverer.Wake() }})
	if err != nil {
		return err
	}
	n.store = s
	have, need, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if have > need {
		return tablesError(have, need)
	}
	return s.Migrate(ctx)
}

func (n *node) makeAccess(context.Context) error {
	secrets, err := n.cfg.VouchSecrets()
	if err != nil {
		return err
	}
	session, err := n.cfg.SessionSecret()
	if err != nil {
		return err
	}
	if n.origins, err = access.NewOrigins(append([]string{n.cfg.PublicURL}, n.cfg.Vouch.AllowedOrigins...)); err != nil {
		return err
	}
	if n.cookies, err = access.NewVouch(access.VouchOptions{Secrets: secrets, Secure: n.cfg.Secure(), MustEnd: n.cfg.Vouch.RequireExp}); err != nil {
		return err
	}
	n.gate = access.NewGate(n.cookies, n.store, nil, n.log)
	n.tries = access.NewTries(n.redis, n.log, nil)
	n.auth, err = access.NewAuthenticator(access.AuthenticatorOptions{
		Store: n.store, Gate: n.gate, Tries: n.tries, Origins: n.origins, SessionSecret: session, Passwords: n.passwords,
	})
	return err
}

func (n *node) makeRoster(context.Context) (err error) {
	n.roster, err = roster.New(n.redis, roster.Options{Node: n.cfg.Node, Roles: n.cfg.Working(), Record: n.store, Log: n.log, Metrics: n.metrics})
	if err == nil {
		n.states = newStateEvents(n.roster, n.store, n.log)
	}
	return err
}

func (n *node) makeWebhook(ctx context.Context) (err error) {
	if n.allow, err = webhook.ParseAllowList(n.cfg.Webhook.Allow); err != nil {
		return err
	}
	if n.hooks, err = webhookSealer(n.cfg); err != nil {
		return err
	}
	if err := opensEndpoints(ctx, n.cfg, n.store, n.hooks); err != nil {
		return err
	}
	n.deliverer, err = webhook.NewDeliverer(webhook.Deps{
		Sealer: n.hooks, Store: n.store, Queue: asynq.NewClientFromRedisClient(n.redis), Allow: n.allow, Metrics: n.metrics, Logger: n.log,
	})
	return err
}

func (n *node) makeDialer(context.Context) (err error) {
	if n.networks, err = makeNetworks(n.cfg.Telephony); err != nil {
		return err
	}
	if n.cfg.Has("dialer") && n.cfg.Telephony.SIP.Listen != "" {
		if err := n.makeSIP(); err != nil {
			return err
		}
	}
	if n.cfg.Has("dialer") && n.cfg.Telephony.Mediatel.URL != "" {
		if err := n.makeMediatel(); err != nil {
			return err
		}
	}
	n.dialer, err = dialer.New(dialer.Deps{
		Node: n.cfg.Node, Store: n.store, Roster: n.roster, Networks: n.networks.byName, Redis: n.redis, Log: n.log, Metrics: n.metrics,
		Limits: dialer.Limits{MaxCalls: n.cfg.Limits.MaxCalls, Lease: n.cfg.Limits.Lease, Drain: drain(n.cfg.Limits)},
	})
	return err
}

func (n *node) makeGateway(context.Context) (err error) {
	host, port := n.cfg.PublicHostPort()
	memory := ""
	if n.cfg.EmbeddedRedis() && n.cfg.Has("gateway") {
		memory = filepath.Join(n.cfg.Data, "live.json")
	}
	n.gateway, err = gateway.New(gateway.Deps{
		Memory: memory, Record: callsOnRecord{n.store},
		Store: n.store, Roster: n.roster, Calls: n.dialer.Desk(), Cookies: n.gate, Passwords: n.passwords, Tries: n.tries,
		Tokens: loginTokens{n.store}, Entered: n.agentEntered,
		Allows: n.origins.Allows, Host: host, Port: port, Grace: n.cfg.Limits.TabGrace, SendMemory: n.cfg.Limits.TabMemory << 20, Log: n.log, Metrics: n.metrics,
	})
	return err
}

func (n *node) makeAPI(context.Context) error {
	signOn, err := n.signOn()
	if err != nil {
		return err
	}
	there, err := n.mediatelAdmin()
	if err != nil {
		return err
	}
	firstAdminKey, err := n.cfg.SessionSecret()
	if err != nil {
		return err
	}
	n.api, err = api.New(api.Deps{
		Mediatel: there,
		Store:    n.store, NotFound: store.ErrNotFound, Conflict: store.ErrConflict,
		Auth: n.auth, Logins: n.auth, Cookies: n.cookies, Origins: n.origins,
		SignOn: signOn, Hash: n.passwords.Hash, FirstAdminKey: firstAdminKey, PublicURL: n.cfg.PublicURL,
		Roster: n.roster, Webhooks: n.deliverer, Allow: n.allow, Sealer: n.hooks, Dialer: n.dialer, Trunks: n.trunks, AllHide: n.allHide,
		Describe: mediatelv1.Describe, RecordingBase: n.cfg.Recording.LinkBase, Version: version, Logger: n.log,
	})
	return err
}

// close gives back what newNode took, the newest first.
func (n *node) close() {
	n.networks.close()
	if n.redis != nil {
		_ = n.redis.Close() // nothing is waited for any more
	}
	if n.embedded != nil {
		n.embedded.Close()
	}
	if n.store != nil {
		if err := n.store.Disconnect(); err != nil {
			n.log.Warn("system of record not closed well", "error", err)
		}
	}
	if n.folder != nil {
		n.folder.Close()
	}
}

// ready says what keeps the node from its work; nil: nothing.
func (n *node) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	sql := n.store.Ping(ctx)
	n.metrics.Dependency("sql", sql == nil)
	live := n.redis.Ping(ctx).Err()
	n.metrics.Dependency("redis", live == nil)
	if live != nil {
		live = fmt.Errorf("redis does not answer: %w", live)
	}
	return errors.Join(sql, live)
}
