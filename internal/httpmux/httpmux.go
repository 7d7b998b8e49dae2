// Package httpmux is what all our HTTP faces share: a ServeMux that knows its routes, so that a test can ask each of them who may
// enter, and the compression of replies.
package httpmux

import (
	"net/http"
	"slices"

	"github.com/klauspost/compress/gzhttp"
)

// Mux is a ServeMux that remembers its patterns. The zero value is ready.
type Mux struct {
	mux      http.ServeMux
	patterns []string
}

// Handle is [http.ServeMux.Handle].
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.mux.Handle(pattern, h)
	m.patterns = append(m.patterns, pattern)
}

// HandleFunc is [http.ServeMux.HandleFunc].
func (m *Mux) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(f))
}

// ServeHTTP passes the request to the handler of its pattern.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// Handler is [http.ServeMux.Handler].
func (m *Mux) Handler(r *http.Request) (h http.Handler, pattern string) { return m.mux.Handler(r) }

// Patterns are all that were registered, sorted.
func (m *Mux) Patterns() []string { return slices.Sorted(slices.Values(m.patterns)) }

// minCompressed is how many bytes a reply has at least that is worth compressing: one packet takes less anyway.
const minCompressed = 1024

var compress = func() func(http.Handler) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.EnableZstd(false), gzhttp.ContentTypes([]string{
		"application/json", "application/problem+json", "application/schema+json", "application/yaml", "application/vnd.oai.openapi",
		"application/vnd.oai.openapi+json", "text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml",
		"text/plain", "text/csv",
	}))
	if err != nil {
		panic(err) // the options above are constants
	}
	return wrap
}()

// Compress sends texts of a kilobyte and more by gzip to whoever takes it. It is not for streams, nor for connections that are
// taken over.
func Compress(next http.Handler) http.Handler { return compress(next) }
