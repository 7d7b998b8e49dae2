package media

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Side is one of a bridge's two ends.
type Side int

const (
	Agent Side = iota
	Customer
)

func (s Side) other() Side { return 1 - s }

// Bridge joins an agent's leg with a customer's. Each end may be attached, replaced and detached at any time; sound of a
// side whose other side is missing is dropped.
type Bridge struct {
	ends   [2]atomic.Pointer[end]
	gates  [2]atomic.Int32 // of type Gate
	passed [2]atomic.Int64 // when the side was last passed on, Unix nanoseconds
	fills  [2]atomic.Pointer[filler]
	notice atomic.Pointer[notice]
	tap    atomic.Pointer[func(Side, *Packet)]
}

// Gate says what becomes of a side's sound.
type Gate int32

const (
	Open Gate = iota // it is passed on
	Hush             // it is replaced by silence: the far end's timers still see a living call
	Shut             // it is dropped: something else is played to the far end
)

type end struct{ leg Leg }

// Tap sets who hears both sides as they are passed on, such as a recorder; nil: nobody. It may be called by several goroutines.
func (b *Bridge) Tap(f func(Side, *Packet)) {
	if f == nil {
		b.tap.Store(nil)
		return
	}
	b.tap.Store(&f)
}

// Attach makes leg the given side, in place of the one before.
func (b *Bridge) Attach(s Side, leg Leg) {
	if old := b.ends[s].Swap(&end{leg}); old != nil && old.leg != leg {
		old.leg.Listen(nil)
	}
	leg.Listen(func(p *Packet) { b.pass(s, p) })
}

// Detach takes the side's leg out; it lives on.
func (b *Bridge) Detach(s Side) {
	if old := b.ends[s].Swap(nil); old != nil {
		old.leg.Listen(nil)
	}
	b.fill(s, nil)
}

// Say passes on what a side has said before it is attached, at its leg.
func (b *Bridge) Say(s Side, p *Packet) { b.pass(s, p) }

// Gate sets what becomes of what the side says.
func (b *Bridge) Gate(s Side, g Gate) {
	b.gates[s].Store(int32(g))
	if g != Open {
		b.fill(s, nil)
	}
}

var silence = sync.OnceValue(func() (frames [2][maxPayload]byte) {
	for i := range maxPayload {
		frames[0][i], frames[1][i] = ULaw.Silence(), ALaw.Silence()
	}
	return frames
})

func (b *Bridge) pass(from Side, p *Packet) {
	gate := Gate(b.gates[from].Load())
	switch {
	case p.Noise && gate == Open:
		b.fill(from, noiseClip(p.Payload))
		return
	case p.Noise || gate == Shut || gate == Hush && p.Event:
		return
	case gate == Hush:
		frames := silence()
		p.Payload = frames[p.Codec/ALaw][:len(p.Payload)]
	}
	b.passed[from].Store(p.Arrived.UnixNano())
	if b.fills[from].Load() != nil {
		b.fill(from, nil)
	}
	n := b.notice.Load()
	switch {
	case n == nil:
		b.deliver(from, p)
	case !n.whispered:
		n.heard(from, p)
	case from == Agent:
		b.deliver(from, p)
	default: // who listens to both sides does not hear the whisper
		if tap := b.tap.Load(); tap != nil {
			(*tap)(from, p)
		}
		n.heard(from, p)
	}
}

// deliver hands a packet to the tap and to the other end.
func (b *Bridge) deliver(from Side, p *Packet) {
	if tap := b.tap.Load(); tap != nil {
		(*tap)(from, p)
	}
	if to := b.ends[from.other()].Load(); to != nil {
		to.leg.Send(p)
	}
}

// quietAfter is how long a side may send nothing before the other one is kept company.
const quietAfter = 500 * time.Millisecond

// Tend keeps the stream to each side going while the other one says nothing, as between words when it sends no silence: many a
// far end hangs up on a stream that stops. It is to be called about once a second.
func (b *Bridge) Tend(now time.Time) {
	for _, s := range []Side{Agent, Customer} {
		if b.ends[s].Load() == nil || b.fills[s].Load() != nil || Gate(b.gates[s].Load()) == Shut ||
			now.Sub(time.Unix(0, b.passed[s].Load())) < quietAfter {
			continue
		}
		b.fill(s, noiseClip(nil))
	}
}

// filler speaks in place of a side that is silent.
type filler struct {
	clip atomic.Pointer[Clip]
	stop chan struct{}
}

// fill begins to play clip in place of what the side says, until the side is heard again; nil: ends it.
func (b *Bridge) fill(s Side, clip *Clip) {
	if clip == nil {
		if old := b.fills[s].Swap(nil); old != nil {
			close(old.stop)
		}
		return
	}
	f := &filler{stop: make(chan struct{})}
	f.clip.Store(clip)
	if !b.fills[s].CompareAndSwap(nil, f) { // it says several times a second how loud its silence is
		if running := b.fills[s].Load(); running != nil {
			running.clip.Store(clip)
		}
		return
	}
	go b.play(s, f)
}

func (b *Bridge) play(s Side, f *filler) {
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	p := Packet{Codec: ULaw, Marker: true, SSRC: rand.Uint32()}
	for at := 0; ; at += FrameSize {
		clip := *f.clip.Load()
		at %= len(clip)
		end := b.ends[s].Load()
		if end == nil || b.fills[s].Load() != f {
			return
		}
		p.Payload, p.Arrived = clip[at:at+FrameSize], time.Now()
		if b.notice.Load() == nil {
			b.deliver(s, &p)
		}
		p.Seq, p.TS, p.Marker = p.Seq+1, p.TS+FrameSize, false
		select {
		case <-ticker.C:
		case <-f.stop:
			return
		case <-end.leg.Closed():
			return
		}
	}
}

// Announce plays clip to both ends until it ends, or ctx does. Meanwhile the customer does not hear the agent, and the agent
// hears the customer through the announcement.
func (b *Bridge) Announce(ctx context.Context, clip Clip) {
	n := &notice{}
	b.notice.Store(n)
	defer b.notice.CompareAndSwap(n, nil)
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	said := Packet{Codec: ULaw, Marker: true, SSRC: rand.Uint32()}
	mixed := Packet{Codec: ULaw, Marker: true, SSRC: rand.Uint32()}
	buf := make([]byte, FrameSize)
	for at := 0; at < len(clip); at += FrameSize {
		said.Payload = clip[at:min(at+FrameSize, len(clip))]
		mixed.Payload = n.mix(buf[:copy(buf, said.Payload)])
		said.Arrived = time.Now()
		mixed.Arrived = said.Arrived
		b.deliver(Agent, &said)
		b.deliver(Customer, &mixed)
		for _, p := range []*Packet{&said, &mixed} {
			p.Seq, p.TS, p.Marker = p.Seq+1, p.TS+FrameSize, false
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Whisper plays clip to the agent alone until it ends, or ctx does. The agent hears the customer through it; the customer, and
// the tap, hear the call as it is.
func (b *Bridge) Whisper(ctx context.Context, clip Clip) {
	n := &notice{whispered: true}
	if len(clip) == 0 || !b.notice.CompareAndSwap(nil, n) {
		return
	}
	defer b.notice.CompareAndSwap(n, nil)
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	p := Packet{Codec: ULaw, Marker: true, SSRC: rand.Uint32()}
	buf := make([]byte, FrameSize)
	for at := 0; at < len(clip); at += FrameSize {
		p.Payload, p.Arrived = n.mix(buf[:copy(buf, clip[at:])]), time.Now()
		if to := b.ends[Agent].Load(); to != nil {
			to.leg.Send(&p)
		}
		p.Seq, p.TS, p.Marker = p.Seq+1, p.TS+FrameSize, false
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// notice is an announcement to both ends, or to the agent alone, and what the customer said meanwhile.
type notice struct {
	whispered bool

	mu    sync.Mutex
	queue []byte // µ-law
}

// maxQueue bounds what waits to be mixed: the oldest is dropped.
const maxQueue = 5 * FrameSize

func (n *notice) heard(from Side, p *Packet) {
	if from != Customer || p.Event {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	at := len(n.queue)
	n.queue = append(n.queue, p.Payload...)
	Convert(n.queue[at:], n.queue[at:], p.Codec, ULaw)
	if over := len(n.queue) - maxQueue; over > 0 {
		n.queue = n.queue[:copy(n.queue, n.queue[over:])]
	}
}

// mix adds what the customer said to frame.
func (n *notice) mix(frame []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := min(len(frame), len(n.queue))
	for i, b := range n.queue[:k] {
		sum := int32(Decode(frame[i], ULaw)) + int32(Decode(b, ULaw))
		frame[i] = Encode(int16(min(max(sum, -32768), 32767)), ULaw)
	}
	n.queue = n.queue[:copy(n.queue, n.queue[k:])]
	return frame
}
