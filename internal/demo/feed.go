package demo

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	maxWatchers  = 200              // browsers on one feed
	watcherQueue = 256              // frames that may wait for a browser; one that is slower is cut off and comes back by itself
	writeTimeout = 10 * time.Second // for one frame
	heartbeat    = 15 * time.Second // so that proxies and browsers do not take silence for death
)

// frame is one Server-Sent Event.
type frame struct {
	number int64 // its id, growing; 0: none
	data   []byte
}

// feed hands frames to the browsers that watch.
type feed struct {
	mu       sync.Mutex
	watchers map[chan frame]bool
	ended    bool
}

// end lets every browser go: a server that stops waits for its streams.
func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for c := range f.watchers {
		delete(f.watchers, c)
		close(c)
	}
}

func (f *feed) publish(fr frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.watchers {
		select {
		case c <- fr:
		default:
			delete(f.watchers, c)
			close(c)
		}
	}
}

func (f *feed) join() (c chan frame, leave func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || len(f.watchers) >= maxWatchers {
		return nil, nil, false
	}
	if f.watchers == nil {
		f.watchers = map[chan frame]bool{}
	}
	c = make(chan frame, watcherQueue)
	f.watchers[c] = true
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, c)
	}, true
}

// serve sends what past answers and then every frame that keep lets through, until the browser goes or is too slow. Past is
// asked after joining, so nothing falls between the two; what comes twice by that is told by its number.
func (f *feed) serve(w http.ResponseWriter, r *http.Request, past func() []frame, keep func(frame) bool) {
	frames, leave, ok := f.join()
	if !ok {
		http.Error(w, "too many browsers watch, or the demo ends", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	stream := newStream(w)
	last := int64(0)
	for _, fr := range past() {
		last = fr.number
		stream.send(fr)
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for stream.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			stream.beat()
		case fr, open := <-frames:
			if !open {
				return
			}
			if (fr.number == 0 || fr.number > last) && keep(fr) {
				stream.send(fr)
			}
		}
	}
}

// stream writes Server-Sent Events, each within a deadline, and remembers the first error.
type stream struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	err error
}

func newStream(w http.ResponseWriter) *stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	s := &stream{w: w, c: http.NewResponseController(w)}
	s.beat() // the headers leave at once
	return s
}

func (s *stream) send(fr frame) {
	if fr.number != 0 {
		s.write("id: %d\ndata: %s\n\n", fr.number, fr.data)
	} else {
		s.write("data: %s\n\n", fr.data)
	}
}

func (s *stream) beat() { s.write(":\n\n") }

func (s *stream) write(format string, args ...any) {
	if s.err != nil {
		return
	}
	_ = s.c.SetWriteDeadline(time.Now().Add(writeTimeout)) // a writer without deadlines is a test's recorder
	if _, s.err = fmt.Fprintf(s.w, format, args...); s.err == nil {
		s.err = s.c.Flush()
	}
}
