package main

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/hibiken/asynqmon"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/gateway"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/httpmux"
)

// handler is everything on the main listener.
func (n *node) handler() http.Handler { return behindProxies(n.cfg.Proxies, n.mux()) }

// mux is where everything on the main listener is.
func (n *node) mux() *httpmux.Mux {
	mux := &httpmux.Mux{}
	if n.cfg.Has("gateway") {
		tabs := n.gate.Watch(n.gateway)
		mux.Handle(gateway.Path, tabs)
		mux.Handle(strings.TrimSuffix(gateway.Path, "/"), tabs) // a WebSocket follows no redirect to it
	}
	if n.networks.sip != nil {
		mux.Handle("/ws", n.gate.Watch(n.networks.sip.ServeWS()))
		mux.Handle("/records/mediatel-record", n.auth.Watch(n.networks.sip.RecordingHandler(n.mayHear)))
		mux.Handle("GET /sip/trace", n.auth.Watch(n.onlyAdmins(http.HandlerFunc(n.sipTrace))))
	}
	if n.cfg.Has("api") {
		api := httpmux.Compress(n.api)
		for _, pattern := range []string{"/api/v1/", "/openapi.json", "/docs", "/docs/"} {
			mux.Handle(pattern, api)
		}
		mux.Handle("/v1/", httpmux.Compress(n.administration))
		queues := asynqmon.New(asynqmon.Options{RootPath: "/queues", RedisConnOpt: n.conn, ReadOnly: true})
		mux.Handle("/queues/", httpmux.Compress(n.onlyAdmins(queues)))
	}
	if n.cfg.AdminListen == "" {
		n.mountOperations(mux)
	}
	for pattern, page := range n.pages {
		mux.Handle(pattern, page)
	}
	return mux
}

// behindProxies gives requests the address of who sent them, as a trusted proxy tells it: the last one in X-Forwarded-For
// that is not itself a trusted proxy's. What comes from elsewhere may claim what it likes.
func behindProxies(trusted []string, next http.Handler) http.Handler {
	var networks []netip.Prefix
	for _, text := range trusted {
		network, _ := config.ParseNetwork(text) // checked with the configuration
		networks = append(networks, network)
	}
	trusts := func(ip netip.Addr) bool {
		return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		for err == nil && trusts(peer.Addr()) && len(hops) > 0 {
			last := strings.TrimSpace(hops[len(hops)-1])
			hops = hops[:len(hops)-1]
			ip, bad := netip.ParseAddr(last)
			if bad != nil {
				break
			}
			peer = netip.AddrPortFrom(ip, 0)
			r.RemoteAddr = peer.String()
		}
		next.ServeHTTP(w, r)
	})
}

// operations is everything on the admin listener.
func (n *node) operations() http.Handler {
	mux := &httpmux.Mux{}
	n.mountOperations(mux)
	return mux
}

func (n *node) mountOperations(mux *httpmux.Mux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := n.ready(r.Context()); err != nil {
			n.log.Warn("not ready", "error", err)
			answer(w, http.StatusServiceUnavailable, "not ready: a neighbour does not answer; the log and `ringmaster doctor` say which")
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	if n.cfg.Metrics.Enabled {
		mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry, promhttp.HandlerOpts{Registry: n.registry}))
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// onlyAdmins guards pages that have no login of their own.
func (n *node) onlyAdmins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := n.auth.Authenticate(r)
		switch {
		case err != nil && !errors.Is(err, access.ErrDenied):
			if !errors.Is(err, context.Canceled) {
				n.log.Error("nobody could be asked who this is", "error", err)
			}
			answer(w, http.StatusServiceUnavailable, "try again in a moment")
		case err != nil:
			answer(w, http.StatusForbidden, "log in first: POST /api/v1/login")
		case user.Role != access.RoleAdmin:
			answer(w, http.StatusForbidden, "this page is for the role admin")
		default:
			next.ServeHTTP(w, r)
		}
	})
}
