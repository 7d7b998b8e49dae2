package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
)

// document serves the description of the API, made at the first request. What huma writes and OpenAPI does not know is put in
// OpenAPI's words, so that tools take the document.
func (a *api) document() {
	text := sync.OnceValues(func() ([]byte, error) {
		raw, err := json.Marshal(a.huma.OpenAPI())
		if err != nil {
			return nil, err
		}
		var doc map[string]any
		if err := json.Unmarshal(raw, &doc); err != nil {
			return nil, err
		}
		inOpenAPI(doc)
		paths, _ := doc["paths"].(map[string]any)
		for _, path := range paths {
			operations, _ := path.(map[string]any)
			for _, operation := range operations {
				if o, is := operation.(map[string]any); is && o["security"] == nil {
					o["security"] = []any{} // said: it needs none
				}
			}
		}
		return json.Marshal(doc)
	})
	a.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
		content, err := text()
		if err != nil {
			a.problem(r.Context(), err).write(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(content) // the client went away
	})
}

// inOpenAPI says what a pattern means in the description, at any depth.
func inOpenAPI(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			inOpenAPI(item)
		}
	case map[string]any:
		if meaning, is := v["patternDescription"].(string); is {
			delete(v, "patternDescription")
			if v["description"] == nil {
				v["description"] = upper(meaning)
			}
		}
		for _, item := range v {
			inOpenAPI(item)
		}
	}
}

// upper begins a sentence.
func upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
