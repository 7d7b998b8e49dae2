package node

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/dialer/sipua"
)

const (
	traceFor    = 30 * time.Second // when nobody says how long
	traceMost   = 10 * time.Minute
	traceBuffer = 1024 // messages that a slow reader may be behind
)

// sipTrace streams every SIP message of this node, credentials hidden, for ?seconds=N: what a carrier's support asks for.
// One reader at a time.
func (n *Node) sipTrace(w http.ResponseWriter, r *http.Request) {
	length := traceFor
	if text := r.URL.Query().Get("seconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > traceMost {
			answer(w, http.StatusBadRequest, fmt.Sprintf("seconds=%q: want 1 to %.0f", text, traceMost.Seconds()))
			return
		}
		length = time.Duration(seconds) * time.Second
	}
	if !n.tracing.CompareAndSwap(false, true) {
		answer(w, http.StatusConflict, "somebody is reading the trace; wait for the end of theirs")
		return
	}
	defer n.tracing.Store(false)
	ctx, cancel := context.WithTimeout(r.Context(), length)
	defer cancel()
	lines := make(chan sipua.TraceLine, traceBuffer)
	sipua.Trace(func(l sipua.TraceLine) {
		select {
		case lines <- l:
		default: // the reader is slow; calls are not
		}
	})
	defer sipua.Trace(nil)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-lines:
			arrow := "<-"
			if l.Sent {
				arrow = "->"
			}
			fmt.Fprintf(w, "%s %s %s %s %s\n%s\n", l.At.UTC().Format(time.RFC3339Nano), l.Transport, l.Local, arrow, l.Remote, l.Message)
			_ = flush.Flush()
		}
	}
}
