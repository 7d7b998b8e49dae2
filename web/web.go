// Package web holds the browser side. The pages that people work in all day are TypeScript and Svelte in src; `make web` builds
// dist of it, one script and one style a page, which is committed so that Go alone builds the binary, and `make check-web` proves
// that it is of these sources. The small pages around them are plain HTML, CSS and ES modules, embedded as they are.
//
// Pages load nothing from elsewhere, and their Content-Security-Policy sees to it. Texts are English, Ukrainian and
// Russian, all in messages/*.json, which serve the program too; /assets/words.js is made of them.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/creditorro/ringmaster/internal/httpmux"
	"github.com/creditorro/ringmaster/web/messages"
)

//go:embed pages assets dist
var files embed.FS

// ErrNoPage says that there is no page of that name.
var ErrNoPage = errors.New("web: no such page")

// policy lets a page use its own server and nothing else. Trusted Types make the browser refuse text as markup, so that a
// contact's name can never become a script; the one policy that pages may make names our own scripts, for workers.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types ringmaster"

// Page says how a page is served.
type Page struct {
	Name   string            // of a file in pages, without its ending
	Frames []string          // origins besides our own whose pages may be shown inside this one, such as "https://crm.example.com"
	Framed bool              // our own pages may show this one inside them
	Data   map[string]string // data-* attributes of the root element: what the page is told of where it runs
}

// Handler serves the page.
func (p Page) Handler() (http.Handler, error) {
	content, err := files.ReadFile("pages/" + p.Name + ".html")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNoPage, p.Name)
	}
	content = p.tell(content)
	ancestors := "'none'"
	if p.Framed {
		ancestors = "'self'"
	}
	csp := policy + "; frame-src " + strings.Join(append([]string{"'self'"}, p.Frames...), " ") + "; frame-ancestors " + ancestors
	tag := etag(content)
	return httpmux.Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", csp)
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups") // cards open in tabs of their own
		w.Header().Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
		send(w, r, "text/html; charset=utf-8", tag, content)
	})), nil
}

// tell puts the page's data into its root element.
func (p Page) tell(content []byte) []byte {
	var root strings.Builder
	root.WriteString(`<html lang="en"`)
	for _, name := range slices.Sorted(maps.Keys(p.Data)) {
		fmt.Fprintf(&root, ` data-%s="%s"`, name, html.EscapeString(p.Data[name]))
	}
	root.WriteString(">")
	return bytes.Replace(content, []byte(`<html lang="en">`), []byte(root.String()), 1)
}

// Assets serves scripts, styles and pictures; it belongs at /assets/.
func Assets() http.Handler {
	return httpmux.Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		file := name
		if built, ok := strings.CutPrefix(name, "assets/dist/"); ok {
			file = "dist/" + built
		}
		content, err := files.ReadFile(file)
		if name == "assets/words.js" {
			content, err = words()
		}
		if err != nil || !strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r)
			return
		}
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // the machine's table may lack these, and a module of the wrong type does not run
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".txt":
			kind = "text/plain; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		if name == "assets/dist/ringmaster.js" { // a CRM's own page may import it from here
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		send(w, r, kind, etag(content), content)
	}))
}

// words is a script with the pages' words in every language: the messages whose keys have no dot.
var words = sync.OnceValues(func() ([]byte, error) {
	all := make(map[string]map[string]json.RawMessage, len(messages.Languages))
	for _, language := range messages.Languages {
		data, err := messages.Files.ReadFile(language + ".json")
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		var list map[string]json.RawMessage
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, fmt.Errorf("web: %s: %w", language, err)
		}
		maps.DeleteFunc(list, func(key string, _ json.RawMessage) bool { return strings.Contains(key, ".") })
		all[language] = list
	}
	text, err := json.Marshal(all)
	names := `{"en":"English","uk":"Українська","ru":"Русский"}`
	return fmt.Appendf(nil, "export const languages = %s;\nexport const words = %s;\n", names, text), err
})

// etag is a weak one: what is sent may be compressed on its way.
func etag(content []byte) string {
	sum := sha256.Sum256(content)
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}

// send replies with the content, or, when the browser has it already, with 304. Browsers ask each time: after an update of
// the binary nobody sees an old script.
func send(w http.ResponseWriter, r *http.Request, kind, tag string, content []byte) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", kind)
	w.Write(content)
}
