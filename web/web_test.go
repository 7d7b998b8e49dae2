package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
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

var versioned = regexp.MustCompile(`src="/assets/[a-z/-]+\.js\?v=[0-9a-f]{16}">`)

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
		for tag := range strings.SplitSeq(w.Body.String(), "<") {
			if strings.Contains(tag, `type="module"`) && !versioned.MatchString(tag) {
				t.Errorf("%s has a script without a version: %s", name, tag)
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

// TestWhatIsKept: an asset that is asked for with the version of all is kept for ever, any other is asked for each time.
func TestWhatIsKept(t *testing.T) {
	h, err := Page{Name: "console"}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`/assets/dist/console\.js\?v=[0-9a-f]+`).FindString(ask(h, "GET", "/", "").Body.String())
	for path, want := range map[string]string{
		found: "public, max-age=31536000, immutable", "/assets/dist/console.js": "no-cache", "/assets/dist/console.js?v=1": "no-cache",
	} {
		if w := ask(Assets(), "GET", path, ""); w.Code != 200 || w.Header().Get("Cache-Control") != want {
			t.Errorf("%s: %d, %q, want %q", path, w.Code, w.Header().Get("Cache-Control"), want)
		}
	}
}

// TestPacked: scripts come compressed to whoever takes that, and are the same.
func TestPacked(t *testing.T) {
	plain := ask(Assets(), "GET", "/assets/dist/console.js", "")
	for accept, packed := range map[string]bool{
		"gzip, deflate, br": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "": false, "*": false,
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/assets/dist/console.js", nil)
		r.Header.Set("Accept-Encoding", accept)
		Assets().ServeHTTP(w, r)
		if (w.Header().Get("Content-Encoding") == "gzip") != packed || !strings.Contains(w.Header().Get("Vary"), "Accept-Encoding") {
			t.Errorf("%q: %v", accept, w.Header())
			continue
		}
		if body := w.Body.Bytes(); packed {
			unpacked, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if all, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(all, plain.Body.Bytes()) || len(body) > len(all)/2 {
				t.Errorf("%q: %d of %d bytes, %v", accept, len(body), len(all), err)
			}
		}
	}
	if w, r := httptest.NewRecorder(), httptest.NewRequest("HEAD", "/assets/dist/console.js", nil); true {
		if Assets().ServeHTTP(w, r); w.Code != 200 || w.Header().Get("ETag") != plain.Header().Get("ETag") {
			t.Errorf("HEAD: %d %v", w.Code, w.Header())
		}
	}
}
