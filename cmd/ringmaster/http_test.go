package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/agents"
)

func TestBehindProxies(t *testing.T) {
	for name, c := range map[string]struct {
		trusted   []string
		peer      string
		forwarded []string
		want      string
	}{
		"nobody is trusted":           {nil, "192.0.2.1:5000", []string{"198.51.100.7"}, "192.0.2.1:5000"},
		"the proxy tells":             {[]string{"192.0.2.1"}, "192.0.2.1:5000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		"what the client claims":      {[]string{"192.0.2.1"}, "192.0.2.1:5000", []string{"10.0.0.1, 198.51.100.7"}, "198.51.100.7:0"},
		"two proxies, two headers":    {[]string{"192.0.2.0/24"}, "192.0.2.1:5000", []string{"10.0.0.1, 198.51.100.7", "192.0.2.9"}, "198.51.100.7:0"},
		"a stranger claims":           {[]string{"192.0.2.1"}, "203.0.113.5:5000", []string{"198.51.100.7"}, "203.0.113.5:5000"},
		"the proxy tells nothing":     {[]string{"192.0.2.1"}, "192.0.2.1:5000", nil, "192.0.2.1:5000"},
		"the proxy passes nonsense":   {[]string{"192.0.2.1"}, "192.0.2.1:5000", []string{"unknown"}, "192.0.2.1:5000"},
		"an IPv4 client over IPv6":    {[]string{"::1"}, "[::1]:5000", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"a mapped address is trusted": {[]string{"192.0.2.1"}, "[::ffff:192.0.2.1]:5000", []string{"198.51.100.7"}, "198.51.100.7:0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.forwarded
			var got string
			behindProxies(c.trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(nil, r)
			if got != c.want {
				t.Errorf("address %s, want %s", got, c.want)
			}
		})
	}
}

// TestRepliesAreCompressed: what is longer than a kilobyte is sent by gzip to whoever takes it, with the same content; what is not text is not.
func TestRepliesAreCompressed(t *testing.T) {
	h := phoneHouse(t)
	if err := h.node.mountPages(); err != nil {
		t.Fatal(err)
	}
	for i := range 30 { // so that lists are long
		if _, err := h.node.store.CreateExtension(t.Context(), agents.Extension{Name: fmt.Sprintf("36%02d", i), Network: "sip", Number: fmt.Sprintf("36%02d", i), Codecs: []string{"g711a"}}); err != nil {
			t.Fatal(err)
		}
	}
	handler := h.node.handler()
	ask := func(method, path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, h.url+path, nil)
		r.Header.Set("Authorization", "Bearer "+h.token)
		if accept != "" {
			r.Header.Set("Accept-Encoding", accept)
		}
		reply := httptest.NewRecorder()
		handler.ServeHTTP(reply, r)
		return reply
	}
	for _, path := range []string{"/openapi.json", "/docs", "/docs/docs.js", "/assets/style.css", "/assets/page.js", "/first-admin", "/v1/extensions",
		"/api/v1/event-schemas/call.completed", "/queues/", "/metrics"} {
		plain, short := ask("GET", path, ""), ask("GET", path, "br, gzip;q=0.8")
		if plain.Code != http.StatusOK || plain.Header().Get("Content-Encoding") != "" {
			t.Fatalf("%s: %d, encoding %q for who takes none", path, plain.Code, plain.Header().Get("Content-Encoding"))
		}
		if plain.Body.Len() < 1024 {
			if short.Header().Get("Content-Encoding") != "" {
				t.Errorf("%s: %d bytes were compressed", path, plain.Body.Len())
			}
			continue
		}
		if short.Header().Get("Content-Encoding") != "gzip" || short.Body.Len() >= plain.Body.Len() {
			t.Errorf("%s: %d bytes, encoding %q, of %d", path, short.Body.Len(), short.Header().Get("Content-Encoding"), plain.Body.Len())
			continue
		}
		if path != "/metrics" { // has its own compression, and counts what we ask
			if !strings.Contains(strings.Join(short.Header().Values("Vary"), ","), "Accept-Encoding") || !strings.Contains(strings.Join(plain.Header().Values("Vary"), ","), "Accept-Encoding") {
				t.Errorf("%s: caches are not told that it varies: %v", path, plain.Header())
			}
			unzip, err := gzip.NewReader(short.Body)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(unzip); err != nil || string(text) != plain.Body.String() {
				t.Errorf("%s: %v, %d bytes came of %d", path, err, len(text), plain.Body.Len())
			}
		}
	}
	if refused := ask("GET", "/openapi.json", "gzip;q=0"); refused.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for who refuses it")
	}
	if missing := ask("GET", "/records/mediatel-record?calltraceID=1", "gzip"); missing.Header().Get("Content-Encoding") != "" || missing.Header().Get("Vary") != "" {
		t.Errorf("recordings: %v", missing.Header())
	}
}
