package node

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/gateway"
	"github.com/creditorro/ringmaster/internal/httpmux"
)

// Handler is everything on the main listener.
func (n *Node) Handler() http.Handler {
	var all http.Handler = n.Routes()
	if n.Outermost != nil {
		all = n.Outermost(all)
	}
	return access.BehindProxies(n.Config.TrustedProxies(), all)
}

// Routes is where everything on the main listener is.
func (n *Node) Routes() *httpmux.Mux {
	mux := &httpmux.Mux{}
	if n.Config.Has("gateway") {
		tabs := n.Gate.Watch(n.gateway)
		mux.Handle(gateway.Path, tabs)
		mux.Handle(strings.TrimSuffix(gateway.Path, "/"), tabs) // a WebSocket follows no redirect to it
	}
	if n.Networks.SIP != nil {
		mux.Handle("/ws", n.Gate.Watch(n.Networks.SIP.ServeWS()))
		mux.Handle("/records/mediatel-record", n.Auth.Watch(n.Networks.SIP.RecordingHandler(n.mayHear)))
		mux.Handle("GET /sip/trace", n.Auth.Watch(n.onlyAdmins(http.HandlerFunc(n.sipTrace))))
	}
	if n.Config.Has("api") {
		api := httpmux.Compress(n.API)
		for _, pattern := range []string{"/api/v1/", "/openapi.json", "/docs", "/docs/"} {
			mux.Handle(pattern, api)
		}
		mux.Handle("/v1/", httpmux.Compress(n.Administration))
		mux.Handle("/queues/", httpmux.Compress(n.onlyAdmins(n.queues())))
	}
	if n.Config.AdminListen == "" {
		n.mountOperations(mux)
	}
	for pattern, page := range n.Pages {
		mux.Handle(pattern, page)
	}
	return mux
}

// operations is everything on the admin listener.
func (n *Node) operations() http.Handler {
	mux := &httpmux.Mux{}
	n.mountOperations(mux)
	return mux
}

func (n *Node) mountOperations(mux *httpmux.Mux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := n.ready(r.Context()); err != nil {
			n.Log.Warn("not ready", "error", err)
			answer(w, http.StatusServiceUnavailable, "not ready: a neighbour does not answer; the log and `ringmaster doctor` say which")
			return
		}
		if err := n.Clocks.Agree(); err != nil {
			answer(w, http.StatusServiceUnavailable, "not ready: nothing is dialed: "+err.Error())
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	if n.Config.Metrics.Enabled {
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
func (n *Node) onlyAdmins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := n.Auth.Authenticate(r)
		switch {
		case err != nil && !errors.Is(err, access.ErrDenied):
			if !errors.Is(err, context.Canceled) {
				n.Log.Error("nobody could be asked who this is", "error", err)
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
