package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// text is something that the binary holds, and the forms in which it is sent: compressed once, when it is first asked for.
type text struct {
	kind    string
	content []byte
	tag     string
	packed  func() []byte // by gzip; nil: not worth it
}

func newText(kind string, content []byte) *text {
	sum := sha256.Sum256(content)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	return &text{kind: kind, content: content, tag: tag, packed: sync.OnceValue(func() []byte {
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return nil
		}
		if _, err := w.Write(content); err != nil || w.Close() != nil || packed.Len()+minSaved > len(content) {
			return nil
		}
		return packed.Bytes()
	})}
}

const (
	minSaved = 512                                   // bytes: below, one packet takes the plain text anyway
	forever  = "public, max-age=31536000, immutable" // RFC 8246
)

// send replies with the text, or, when the browser has it already, with 304. Who asks with the version of all assets may keep it
// for ever. All others ask each time: after an update of the binary nobody sees an old page.
func (t *text) send(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if asked := r.URL.Query().Get("v"); asked != "" && strings.HasPrefix(r.URL.Path, "/assets/") {
		if now, err := version(); err == nil && asked == now {
			h.Set("Cache-Control", forever)
		}
	}
	h.Add("Vary", "Accept-Encoding")
	h.Set("ETag", t.tag)
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Header.Get("If-None-Match") == t.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", t.kind)
	content := t.content
	if takesGzip(r) {
		if packed := t.packed(); packed != nil {
			h.Set("Content-Encoding", "gzip")
			content = packed
		}
	}
	w.Write(content)
}

// takesGzip says whether the client wants gzip: browsers name it without a weight, and a weight of nought refuses it
// (RFC 9110, 12.5.3).
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
