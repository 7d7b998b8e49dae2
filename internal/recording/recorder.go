package recording

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	ringSamples = 1 << 14                // 2 s of each side are kept in memory at most
	lag         = 500 * time.Millisecond // sound that comes later than this is lost
	flushEvery  = 500 * time.Millisecond
	maxDrift    = rate / 2 // samples between a source's clock and ours before its timeline is set anew
	silence     = 0xFF     // µ-law zero
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

	file *os.File
	size int64
	err  error // the first failure to write; the call goes on without a recording
	fail func(error)
	stop chan struct{}
	done chan struct{}
}

// timeline places a source's RTP timestamps on the recording's clock.
type timeline struct {
	known bool
	ssrc  uint32
	shift int64 // position = extended timestamp + shift
	ts    uint32
	ext   int64
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

// Write puts µ-law samples with their RTP timestamp on a side: 0 the left, 1 the right. It only touches memory.
func (r *Recorder) Write(side int, ssrc, ts uint32, arrived time.Time, ulaw []byte) {
	if arrived.Before(r.start) {
		arrived = r.start
	}
	now := int64(arrived.Sub(r.start) * rate / time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.lines[side].place(ssrc, ts, now)
	limit := r.written + ringSamples
	for i, b := range ulaw {
		if pos := at + int64(i); pos >= r.written && pos < limit {
			r.ring[(pos%ringSamples)*channels+int64(side)] = b
		}
	}
}

// place answers the position of a timestamp. A new source, or one whose clock strayed, begins at the present moment.
func (t *timeline) place(ssrc, ts uint32, now int64) int64 {
	if t.known && ssrc == t.ssrc {
		t.ext += int64(int32(ts - t.ts))
		t.ts = ts
		if drift := t.ext + t.shift - now; drift < maxDrift && drift > -maxDrift {
			return t.ext + t.shift
		}
	}
	*t = timeline{known: true, ssrc: ssrc, ts: ts, shift: now}
	return now
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
			r.flush(time.Now(), buf)
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

func (r *Recorder) refuse(err error) {
	r.err = fmt.Errorf("recording: write: %w", err)
	if r.fail != nil {
		r.fail(r.err)
	}
}

// Finish ends the file and gives it its final name. It answers what was kept, and the first failure.
func (r *Recorder) Finish() (Recording, error) {
	close(r.stop)
	<-r.done
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
