package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/web"
)

// hall serves the console to a supervisor, with agents who all change once a second, and nothing else.
type hall struct {
	agents   int
	beat     atomic.Int64 // how often they have changed
	streams  atomic.Int64 // that were opened
	looks    atomic.Int64 // at the agents, without a stream
	noStream atomic.Bool  // as behind a proxy that lets no stream through
}

var hallStates = []string{"available", "delivered", "talking", "holding", "clerical", "paused"}

func (h *hall) agent(i int) map[string]any {
	n := int(h.beat.Load()) + i
	state := hallStates[n%len(hallStates)]
	a := map[string]any{"id": i + 1, "login": fmt.Sprintf("agent%04d", (i*7919)%h.agents), "state": state,
		"auto_call": n%5 != 0,
		"since":     time.Now().Add(-time.Duration(n%40) * time.Minute).UTC(),
		"extension": fmt.Sprint(3000 + i), "queues": []string{"Winter"},
		"reachable": true, "free": state == "available", "pause_id": "", "call": nil}
	if state == "talking" || state == "holding" {
		a["call"] = map[string]any{"name": fmt.Sprint("Ann ", n), "crm_id": fmt.Sprint(n),
			"number": fmt.Sprintf("+4477009%05d", n%100000), "queue": "Winter",
			"campaign_id": 1, "contact_id": n, "started_at": time.Now().UTC()}
	}
	return a
}

func (h *hall) overview() map[string]any {
	return map[string]any{"at": time.Now().UTC(), "agents": map[string]int{"free": 3, "talking": int(h.beat.Load()) % 50},
		"campaigns": map[string]int{"running": 1}, "troubles": []any{}, "campaign": nil}
}

// live is the stream: everything, and then everybody's change each second.
func (h *hall) live(w http.ResponseWriter, r *http.Request) {
	if h.noStream.Load() {
		http.Error(w, "no streams here", http.StatusBadGateway)
		return
	}
	h.streams.Add(1)
	w.Header().Set("Content-Type", "text/event-stream")
	winter := map[string]any{"id": 1, "name": "Winter", "queue": "Winter", "mode": "progressive", "status": "running"}
	for name := "snapshot"; ; name = "delta" {
		items := []map[string]any{{"kind": "overview", "id": "", "value": h.overview()},
			{"kind": "campaign", "id": "1", "value": winter}}
		for i := range h.agents {
			items = append(items, map[string]any{"kind": "agent", "id": fmt.Sprint(i + 1), "value": h.agent(i)})
		}
		body, _ := json.Marshal(map[string]any{"at": time.Now().UTC(), "items": items})
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, body); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(time.Second):
			h.beat.Add(1)
		}
		if h.noStream.Load() {
			return
		}
	}
}

func (h *hall) serve(tb testing.TB) string {
	tb.Helper()
	who := func(r *http.Request) (string, error) {
		if r.URL.Path == "/agent" {
			return "agent", nil
		}
		return "supervisor", nil
	}
	routes, err := web.Site{Who: who}.Routes()
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.Handle(pattern, handler)
	}
	reply := func(pattern string, body func() any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body())
		})
	}
	list := func(items ...any) any { return map[string]any{"items": append([]any{}, items...), "next_cursor": ""} }
	mux.HandleFunc("GET /api/v1/live", h.live)
	reply("GET /api/v1/me", func() any { return map[string]any{"login": "sue", "role": "supervisor"} })
	reply("GET /api/v1/overview", func() any { return h.overview() })
	reply("GET /api/v1/agents/live", func() any {
		h.looks.Add(1)
		h.beat.Add(1)
		var all []any
		for i := range h.agents {
			all = append(all, h.agent(i))
		}
		return list(all...)
	})
	for _, empty := range []string{"trunks", "calls/live", "campaigns"} {
		reply("GET /api/v1/"+empty, func() any { return list() })
	}
	reply("GET /api/v1/attempts", func() any { return list(map[string]any{}) })
	mux.HandleFunc("POST /stream/{is}", func(_ http.ResponseWriter, r *http.Request) {
		h.noStream.Store(r.PathValue("is") == "off")
	})
	reply("GET /counts", func() any { return map[string]int64{"streams": h.streams.Load(), "looks": h.looks.Load()} })
	server := httptest.NewServer(mux)
	tb.Cleanup(func() {
		h.noStream.Store(true) // streams end
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// node runs a script of web/test against the hall.
func node(tb testing.TB, url string, args ...string) string {
	tb.Helper()
	for _, program := range []string{"node", "npm", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Skipf("needs %s: run `make test-deps`", program)
		}
	}
	run := exec.CommandContext(tb.Context(), "node", args...)
	run.Dir = filepath.Dir(testdeps.NPM(tb, "test"))
	run.Env = append(os.Environ(), "BASE="+url)
	out, err := run.CombinedOutput()
	if err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestConsoleFollowsTheStream: one stream a browser, and looks again and again where there is none to be had.
func TestConsoleFollowsTheStream(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	h := &hall{agents: 40}
	t.Log(node(t, h.serve(t), "--test", "--test-reporter=spec", "live.test.mjs"))
}

// TestShellOfThePages: what is painted before the script runs is in the right place and theme, and scripts are fetched once.
func TestShellOfThePages(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	t.Log(node(t, (&hall{agents: 5}).serve(t), "--test", "--test-reporter=spec", "shell.test.mjs"))
}

// BenchmarkWall is the console before 500 agents who all change once a second: the longest task of the page's main thread, in
// time of the wall and of the processor, and the first paint. WALL=60 for a minute of it.
func BenchmarkWall(b *testing.B) {
	for _, page := range []string{"agents", "overview"} {
		b.Run(page, func(b *testing.B) {
			h := &hall{agents: 500}
			url := h.serve(b)
			for b.Loop() {
				report(b, node(b, url, "wall.mjs", page))
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkPaint is how soon a page is there, in medians of LOADS=9 loads without a cache: the first paint, that of a second
// load, and the page's own heading; what came over the wire, and how far things that had been painted jumped.
func BenchmarkPaint(b *testing.B) {
	for _, page := range []string{"console", "desk"} {
		b.Run(page, func(b *testing.B) {
			url := (&hall{agents: 20}).serve(b)
			for b.Loop() {
				report(b, node(b, url, "paint.mjs", page))
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// report is the figures of a script's last line.
func report(b *testing.B, out string) {
	b.Helper()
	var figures map[string]float64
	if err := json.Unmarshal([]byte(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]), &figures); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for unit, value := range figures {
		b.ReportMetric(value, unit)
	}
}
