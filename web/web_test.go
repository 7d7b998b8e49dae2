package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(h http.Handler, method, path, tag string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	for _, name := range []string{"console", "desk", "crm", "card", "first-admin", "sign-in", "denied"} {
		h, err := Page{Name: name, Frames: []string{"https://crm.example.com"}, Framed: name == "card"}.Handler()
		if err != nil {
			t.Fatal(err)
		}
		w := ask(h, "GET", "/", "")
		csp := w.Header().Get("Content-Security-Policy")
		ancestors := map[bool]string{true: "frame-ancestors 'self'", false: "frame-ancestors 'none'"}[name == "card"]
		strict := strings.HasPrefix(csp, "default-src 'none'") && !strings.Contains(csp, "unsafe")
		frames := strings.Contains(csp, "frame-src 'self' https://crm.example.com") && strings.HasSuffix(csp, ancestors)
		if w.Code != 200 || !strict || !frames {
			t.Errorf("%s: %d, policy %q", name, w.Code, csp)
		}
		for _, forbidden := range []string{"://", "style=", "onclick"} {
			if strings.Contains(w.Body.String(), forbidden) {
				t.Errorf("%s holds %s, which its policy forbids", name, forbidden)
			}
		}
		if again := ask(h, "GET", "/", w.Header().Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s asked for again: %d", name, again.Code)
		}
	}
	if _, err := (Page{Name: "../web"}).Handler(); !errors.Is(err, ErrNoPage) {
		t.Errorf("a page that is none: %v", err)
	}
}

func TestAssets(t *testing.T) {
	for path, kind := range map[string]string{
		"/assets/page.js":      "text/javascript; charset=utf-8",
		"/assets/dist/desk.js": "text/javascript; charset=utf-8",
		"/assets/style.css":    "text/css; charset=utf-8",
		"/assets/logo.svg":     "image/svg+xml",
	} {
		w := ask(Assets(), "GET", path, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	for _, path := range []string{"/assets/", "/assets/none.js", "/assets/../pages/desk.html", "/assets/../web.go", "/assets/dist",
		"/assets/dist/../web.go"} {
		if w := ask(Assets(), "GET", path, ""); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := ask(Assets(), "POST", "/assets/page.js", ""); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}
