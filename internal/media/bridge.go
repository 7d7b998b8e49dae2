package media

import (
	"sync"
	"sync/atomic"
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
	ends  [2]atomic.Pointer[end]
	gates [2]atomic.Int32 // of type Gate
	tap   atomic.Pointer[func(Side, *Packet)]
}

// Gate says what becomes of a side's sound.
type Gate int32

const (
	Open Gate = iota // it is passed on
	Hush             // it is replaced by silence: the far end's timers still see a living call
	Shut             // it is dropped: something else is played to the far end
)

type end struct{ leg Leg }

// Tap sets who hears both sides as they are passed on, such as a recorder; nil: nobody.
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
}

// Gate sets what becomes of what the side says.
func (b *Bridge) Gate(s Side, g Gate) { b.gates[s].Store(int32(g)) }

var silence = sync.OnceValue(func() (frames [2][maxPayload]byte) {
	for i := range maxPayload {
		frames[0][i], frames[1][i] = ULaw.Silence(), ALaw.Silence()
	}
	return frames
})

func (b *Bridge) pass(from Side, p *Packet) {
	switch Gate(b.gates[from].Load()) {
	case Shut:
		return
	case Hush:
		if p.Event {
			return
		}
		frames := silence()
		p.Payload = frames[p.Codec/ALaw][:len(p.Payload)]
	}
	if tap := b.tap.Load(); tap != nil {
		(*tap)(from, p)
	}
	if to := b.ends[from.other()].Load(); to != nil {
		to.leg.Send(p)
	}
}
