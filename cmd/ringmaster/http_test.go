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

// TestRepliesAreCompressed: what is longer than a kilobyte is sent by gzip to whoever takes it, with the same content; what is
// not text is not.
func TestRepliesAreCompressed(t *testing.T) {
	h := phoneHouse(t)
	if err := h.node.MountPages(h.node.Site()); err != nil {
		t.Fatal(err)
	}
	for i := range 30 { // so that lists are long
		if _, err := h.node.Store.Agents.CreateExtension(t.Context(),
			agents.Extension{Name: fmt.Sprintf("36%02d", i), Network: "sip", Number: fmt.Sprintf("36%02d", i),
				Codecs: []string{"g711a"}}); err != nil {
			t.Fatal(err)
		}
	}
	handler := h.node.Handler()
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
	for _, path := range []string{"/openapi.json", "/docs", "/docs/docs.js", "/assets/style.css", "/assets/page.js", "/first-admin",
		"/v1/extensions",
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
			if !strings.Contains(strings.Join(short.Header().Values("Vary"), ","), "Accept-Encoding") ||
				!strings.Contains(strings.Join(plain.Header().Values("Vary"), ","), "Accept-Encoding") {
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
	if missing := ask("GET", "/records/mediatel-record?calltraceID=1", "gzip"); missing.Header().Get("Content-Encoding") != "" ||
		missing.Header().Get("Vary") != "" {
		t.Errorf("recordings: %v", missing.Header())
	}
}
