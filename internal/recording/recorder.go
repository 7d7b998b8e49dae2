package recording

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
)

const (
	ringSamples = 1 << 14                // 2 s of each side are kept in memory at most
	lag         = 500 * time.Millisecond // sound that comes later than this is lost
	flushEvery  = 500 * time.Millisecond
	silence     = 0xFF // µ-law zero
	maxSound    = 2048 // samples of one packet
)

// Recorder writes one call. Write and Finish may be called by different goroutines.
type Recorder struct {
	final string
	part  string
	start time.Time

	mu      sync.Mutex
	ring    [ringSamples * channels]byte
	written int64 // samples a side that have left the ring
	lines   [channels]timeline
	sound   [maxSound + maxSound/stretchBy]byte
	ended   time.Time

	file *os.File
	size int64
	err  error // the first failure to write; the call goes on without a recording
	fail func(error)
	stop chan struct{}
	done chan struct{}
}

// Start begins the file of a call. fail is told, once, when the disk refuses; the recorder then only pretends.
func (l *Library) Start(trace string, now time.Time, fail func(error)) (*Recorder, error) {
	final, err := l.Path(trace)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o750); err != nil {
		return nil, fmt.Errorf("recording: start: %w", err)
	}
	part := final + partSuffix
	file, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("recording: start: %w", err)
	}
	if _, err := file.Write(header(0)); err != nil {
		_ = file.Close()
		_ = os.Remove(part)
		return nil, fmt.Errorf("recording: start: %w", err)
	}
	r := &Recorder{final: final, part: part, start: now, file: file, fail: fail, stop: make(chan struct{}),
		done: make(chan struct{})}
	for i := range r.ring {
		r.ring[i] = silence
	}
	go r.run()
	return r, nil
}

// Write puts a packet's sound on a side. It only touches memory.
func (r *Recorder) Write(side media.Side, p *media.Packet) {
	if p.Event || p.Noise || len(p.Payload) == 0 || len(p.Payload) > maxSound {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := int64(max(p.Arrived.Sub(r.start), 0) * rate / time.Second)
	at, samples := r.lines[side].position(p.SSRC, p.TS, len(p.Payload), now)
	sound := r.sound[:samples]
	stretch(sound, p.Payload, p.Codec)
	limit := r.written + ringSamples
	for i, b := range sound {
		if pos := at + int64(i); pos >= r.written && pos < limit {
			r.ring[(pos%ringSamples)*channels+int64(side)] = b
		}
	}
}

func (r *Recorder) run() {
	defer close(r.done)
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	buf := make([]byte, 0, ringSamples*channels)
	for {
		select {
		case now := <-ticker.C:
			buf = r.flush(now.Add(-lag), buf)
		case <-r.stop:
			r.flush(r.ended, buf)
			return
		}
	}
}

// flush moves all sound before the moment from the ring to the file, and makes the header agree.
func (r *Recorder) flush(before time.Time, buf []byte) []byte {
	r.mu.Lock()
	until := int64(before.Sub(r.start) * rate / time.Second)
	buf = buf[:0]
	for ; r.written < until; r.written++ {
		i := r.written % ringSamples * channels
		buf = append(buf, r.ring[i], r.ring[i+1])
		r.ring[i], r.ring[i+1] = silence, silence
	}
	r.mu.Unlock()
	if r.err != nil || len(buf) == 0 {
		return buf
	}
	if _, err := r.file.WriteAt(buf, headerBytes+r.size); err != nil {
		r.refuse(err)
		return buf
	}
	r.size += int64(len(buf))
	if _, err := r.file.WriteAt(header(r.size), 0); err != nil {
		r.refuse(err)
	}
	return buf
}

// cut takes off what was written of the time after the end, when Finish is called late.
func (r *Recorder) cut(end time.Time) {
	until := int64(max(end.Sub(r.start), 0) * rate / time.Second)
	if r.written <= until || r.err != nil {
		return
	}
	r.written, r.size = until, until*channels
	err := r.file.Truncate(headerBytes + r.size)
	if err == nil {
		_, err = r.file.WriteAt(header(r.size), 0)
	}
	if err != nil {
		r.refuse(err)
	}
}

func (r *Recorder) refuse(err error) {
	r.err = fmt.Errorf("recording: write: %w", err)
	if r.fail != nil {
		r.fail(r.err)
	}
}

// Finish ends the file at the moment given, which is when the call ended, and gives it its final name. It gives what was kept,
// and the first failure.
func (r *Recorder) Finish(end time.Time) (Recording, error) {
	r.ended = end
	close(r.stop)
	<-r.done
	r.cut(end)
	if err := r.file.Close(); err != nil && r.err == nil {
		r.refuse(err)
	}
	rec := Recording{Path: r.final, Start: r.start, End: r.start.Add(time.Duration(r.written) * time.Second / rate),
		Bytes: headerBytes + r.size}
	if err := os.Rename(r.part, r.final); err != nil && r.err == nil {
		r.refuse(err)
	}
	return rec, r.err
}

// Recording is what was kept of a call.
type Recording struct {
	Path       string // on this machine
	Start, End time.Time
	Bytes      int64
}
