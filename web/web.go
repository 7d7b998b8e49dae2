// Package web holds the browser side. The pages that people work in all day are TypeScript and Svelte in src; `make web` builds
// dist of it, one script and one style a page, which is committed so that Go alone builds the binary, and `make check-web` proves
// that it is of these sources. The small pages around them are plain HTML, CSS and ES modules, embedded as they are.
//
// A page carries its styles and a shell of what it is going to be, so that it is painted before its script has come; scripts are
// named with the version of all assets and kept by browsers for as long as that lasts.
//
// Pages load nothing from elsewhere, and their Content-Security-Policy sees to it. Texts are English, Ukrainian and
// Russian, all in messages/*.json, which serve the program too; /assets/words.js is made of them.
package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/web/messages"
)

//go:embed pages assets dist
var files embed.FS

// ErrNoPage says that there is no page of that name.
var ErrNoPage = errors.New("web: no such page")

// policy lets a page use its own server and nothing else. Trusted Types make the browser refuse text as markup, so that a
// contact's name can never become a script; the one policy that pages may make names our own scripts, for workers. What stands in
// the page itself is named by its hash.
func policy(page composed, frames, ancestors string) string {
	return "default-src 'none'; script-src 'self' " + page.scripts + "; style-src 'self' " + page.styles + "; " +
		"img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; " +
		"require-trusted-types-for 'script'; trusted-types ringmaster; frame-src " + frames + "; frame-ancestors " + ancestors
}

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
	page, err := compose(p.tell(content))
	if err != nil {
		return nil, err
	}
	ancestors := "'none'"
	if p.Framed {
		ancestors = "'self'"
	}
	csp := policy(page, strings.Join(append([]string{"'self'"}, p.Frames...), " "), ancestors)
	text := newText("text/html; charset=utf-8", page.content)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", csp)
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups") // cards open in tabs of their own
		w.Header().Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
		text.send(w, r)
	}), nil
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
	var known sync.Map // name → *text
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		asset, ok := known.Load(name)
		if !ok {
			content, err := assetNamed(name)
			if err != nil {
				http.NotFound(w, r)
				return
			}
			asset, _ = known.LoadOrStore(name, newText(kind(name), content))
		}
		if name == "assets/dist/ringmaster.js" { // a CRM's own page may import it from here
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		asset.(*text).send(w, r)
	})
}

// assetNamed is the content of what is served at /assets/…; name has no leading slash.
func assetNamed(name string) ([]byte, error) {
	if name == "assets/words.js" {
		return words()
	}
	if language, is := strings.CutPrefix(name, "assets/reasons-"); is {
		if language, is = strings.CutSuffix(language, ".json"); is && slices.Contains(messages.Languages, language) {
			return reasons(language)
		}
	}
	file := name
	if built, ok := strings.CutPrefix(name, "assets/dist/"); ok {
		file = "dist/" + built
	}
	if !strings.HasPrefix(name, "assets/") {
		return nil, fmt.Errorf("web: %w: %s", fs.ErrNotExist, name)
	}
	content, err := files.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return content, nil
}

// kind is the media type by a name's ending: the machine's table may lack some, and a module of the wrong type does not run.
func kind(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}

// catalogue is a language's messages: the pages' own, whose keys have no dot, or the program's.
func catalogue(language string, program bool) (map[string]json.RawMessage, error) {
	data, err := messages.Files.ReadFile(language + ".json")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	var list map[string]json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("web: %s: %w", language, err)
	}
	maps.DeleteFunc(list, func(key string, _ json.RawMessage) bool { return strings.Contains(key, ".") != program })
	return list, nil
}

// words is a script with the pages' words in every language.
var words = sync.OnceValues(func() ([]byte, error) {
	all := make(map[string]map[string]json.RawMessage, len(messages.Languages))
	for _, language := range messages.Languages {
		list, err := catalogue(language, false)
		if err != nil {
			return nil, err
		}
		all[language] = list
	}
	text, err := json.Marshal(all)
	names := `{"en":"English","uk":"Українська","ru":"Русский"}`
	return fmt.Appendf(nil, "export const languages = %s;\nexport const words = %s;\n", names, text), err
})

// reasons is by what a page says again, in another language, what the program has said: the words of the program's reasons, and
// the types of their arguments but texts and numbers.
func reasons(language string) ([]byte, error) {
	list, err := catalogue(language, true)
	if err != nil {
		return nil, err
	}
	kinds := map[string]map[string]reason.Type{}
	for _, kind := range reason.Kinds() {
		for _, a := range kind.Args {
			if a.Type == reason.Text || a.Type == reason.Number {
				continue
			}
			if kinds[kind.Key] == nil {
				kinds[kind.Key] = map[string]reason.Type{}
			}
			kinds[kind.Key][a.Name] = a.Type
		}
	}
	return json.Marshal(map[string]any{"words": list, "kinds": kinds})
}
