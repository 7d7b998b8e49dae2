package recording

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
)

// Handler serves recordings: GET or HEAD with ?calltraceID=ID, the parameter's name in any case, Range requests honoured;
// with download=1 as a file to keep. allow says whether the request may hear that call; its error becomes a 403, because
// who may not hear a call should not learn whether it exists.
func (l *Library) Handler(allow func(r *http.Request, trace string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		trace := parameter(r, "calltraceid")
		if _, err := key(trace); err != nil {
			http.Error(w, "calltraceID: want 1 to 20 decimal digits", http.StatusBadRequest)
			return
		}
		if err := allow(r, trace); errors.Is(err, fs.ErrPermission) {
			http.Error(w, "this recording is not for you", http.StatusForbidden)
			return
		} else if err != nil {
			slog.WarnContext(r.Context(), "whether a recording may be heard cannot be asked", "calltraceid", trace, "error", err)
			http.Error(w, "try again in a moment", http.StatusServiceUnavailable)
			return
		}
		content, err := l.Open(r.Context(), trace)
		switch {
		case errors.Is(err, ErrNotFound):
			http.Error(w, "there is no recording of this call", http.StatusNotFound)
			return
		case err != nil:
			slog.ErrorContext(r.Context(), "recording cannot be opened", "calltraceid", trace, "error", err)
			http.Error(w, "the recording cannot be read now", http.StatusBadGateway)
			return
		}
		defer content.Close()
		h := w.Header()
		h.Set("Content-Type", "audio/wav")
		h.Set("Cache-Control", "private, no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if parameter(r, "download") == "1" {
			h.Set("Content-Disposition", `attachment; filename="`+trace+suffix+`"`)
		}
		http.ServeContent(w, r, "", content.ModTime, content)
	})
}

// parameter reads a query parameter whose name may be written in any case.
func parameter(r *http.Request, name string) string {
	for k, v := range r.URL.Query() {
		if strings.EqualFold(k, name) {
			return v[0]
		}
	}
	return ""
}
