package api

import (
	"embed"
	"net/http"
)

// page of documentation: it renders /openapi.json by itself and loads nothing from elsewhere.
//
//go:embed docs
var docFiles embed.FS

func (a *api) docs() {
	for path, file := range map[string]struct{ name, kind string }{
		"/docs":          {"docs/index.html", "text/html; charset=utf-8"},
		"/docs/docs.js":  {"docs/docs.js", "text/javascript; charset=utf-8"},
		"/docs/docs.css": {"docs/docs.css", "text/css; charset=utf-8"},
	} {
		content, err := docFiles.ReadFile(file.name)
		if err != nil {
			panic(err) // embedded: a wrong name is a mistake in this file
		}
		a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			_, _ = w.Write(content) // the client went away
		})
	}
}
