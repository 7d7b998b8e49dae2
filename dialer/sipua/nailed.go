package sipua

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
)

// nailed is a leg to an agent's phone that outlives calls: it is set up when there is none yet, each call with the agent takes it
// rather than ring the phone, and gives it back at its end.
type nailed struct {
	n         *Network
	ext       agents.Extension
	ringUntil time.Time
	up        atomic.Bool // answered, and not over

	mu      sync.Mutex
	leg     *leg
	taker   *call     // that has the leg; nil: none
	rests   time.Time // since when no call has it
	leaving bool      // nobody wants it any more: it ends when no call has it
	over    chan struct{}
	latest  latest             // that the phone said while no call had the leg
	why     error              // of over; nil: nobody wanted it any more
	kept    string             // the Call-ID by which the next life finds it; empty: by none
	quiet   context.CancelFunc // ends the silence that the phone is sent between calls
}

// nailedRing is how long a phone may ring for a leg that no call waits for.
const nailedRing = 15 * time.Second

// StartTone is what an agent with a nailed-up leg hears at the start of each call: nothing rings to tell.
func StartTone() media.Clip { return media.Tone(950, 150*time.Millisecond, 50*time.Millisecond) }

var (
	errNailedTwice = errors.New("sipua: the extension has a nailed-up leg already")
	errPhoneMoved  = errors.New("sipua: the agent's phone has registered anew")
	errPhoneHolds  = errors.New("sipua: the agent's phone holds its nailed-up leg")
	errPhoneQuiet  = errors.New("sipua: the agent's phone gives no sign of life")
	errNoAnswer    = errors.New("sipua: the agent's phone was not answered")
	errWithCall    = errors.New("sipua: the agent's phone has left with its call")
)

// Nail implements [dialer.Nailer].
func (n *Network) Nail(ctx context.Context, ext agents.Extension) error {
	select {
	case <-n.ready:
	case <-ctx.Done():
		return nil
	}
	k := &nailed{n: n, ext: ext, over: make(chan struct{}), quiet: func() {}}
	k.mu.Lock() // what the phone says waits until there is a leg
	if err := n.enterNailed(ctx, k); err != nil {
		k.mu.Unlock()
		return unlessOver(ctx, err)
	}
	defer n.leaveNailed(k)
	k.ring()
	k.mu.Unlock()
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	done, stopping := ctx.Done(), n.stopping
	for {
		select {
		case <-k.over:
			return unlessOver(ctx, k.why)
		case now := <-ticker.C:
			k.check(now)
		case <-done:
			done = nil
			k.leave()
		case <-stopping:
			stopping = nil
			k.leave()
		}
	}
}

func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// enterNailed makes k the extension's, once no call rings the phone or talks by it.
func (n *Network) enterNailed(ctx context.Context, k *nailed) error {
	for {
		n.mu.Lock()
		busy := n.callBy(k.ext.Name)
		switch {
		case n.closed:
			n.mu.Unlock()
			return errClosed
		case n.nailed[k.ext.Name] != nil:
			n.mu.Unlock()
			return errNailedTwice
		case busy == nil:
			n.nailed[k.ext.Name] = k
			n.running.Add(1)
			n.mu.Unlock()
			return nil
		}
		n.mu.Unlock()
		select {
		case <-busy.ctx.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (n *Network) leaveNailed(k *nailed) {
	n.mu.Lock()
	delete(n.nailed, k.ext.Name)
	n.mu.Unlock()
	n.running.Done()
}

// callBy is a call of the extension's phone; nil: there is none. The caller holds n.mu.
func (n *Network) callBy(extension string) *call {
	for c := range n.calls {
		if c.extension.Name == extension && c.ctx.Err() == nil {
			return c
		}
	}
	return nil
}

// nailedOf is the leg that is kept for an extension and its owner; nil: there is none.
func (n *Network) nailedOf(ext agents.Extension) *nailed {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := n.nailed[ext.Name]; k != nil && k.ext.OwnerID == ext.OwnerID && k.ext.Server == ext.Server {
		return k
	}
	return nil
}

// countNailed counts the legs that are up.
func (n *Network) countNailed() (count float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range n.nailed {
		if k.up.Load() {
			count++
		}
	}
	return count
}

// ring sets the leg up. The caller holds k.mu.
func (k *nailed) ring() {
	k.ringUntil = time.Now().Add(nailedRing)
	k.leg, k.why = k.n.ringPhone("nailed-"+sip.GenerateTagN(16), k.ext, "ringmaster", "Ringmaster", true, k.tell)
	if k.why != nil {
		close(k.over)
	}
}

// tell is called by the legs, from their own goroutines. The call that has the leg hears it.
func (k *nailed) tell(l *leg, ev event) {
	k.mu.Lock()
	taker := k.taker
	if taker == nil && l == k.leg {
		k.happen(ev)
	}
	k.mu.Unlock()
	if taker != nil {
		taker.tell(l, ev)
	}
}

// happen takes what happens to a leg that no call has. The caller holds k.mu.
func (k *nailed) happen(ev event) {
	switch ev.kind {
	case answered:
		if err := k.leg.accept(ev.tag, ev.body); err != nil {
			k.end(err)
			return
		}
		k.rest()
	case failed, hungUp:
		k.end(fmt.Errorf("sipua: the agent's phone: %s", ev.cause))
	case farHeld:
		k.end(errPhoneHolds)
	}
}

// rest keeps the leg for the next call, in silence. The caller holds k.mu.
func (k *nailed) rest() {
	switch {
	case k.leaving:
		k.end(nil)
		return
	case k.leg.holding():
		k.end(errPhoneHolds)
		return
	}
	k.up.Store(true)
	k.rests = time.Now()
	k.keep()
	ctx, stop := context.WithCancel(context.Background())
	k.quiet = stop
	l := k.leg
	l.sound.Listen(k.latest.keep)
	k.n.endpoint.job(func() { media.Play(ctx, l.sound, media.Quiet(), true) })
}

// end ends the leg. The caller holds k.mu.
func (k *nailed) end(why error) {
	select {
	case <-k.over:
		return
	default:
	}
	k.up.Store(false)
	k.why = why
	k.quiet()
	k.forget()
	k.leg.end()
	close(k.over)
}

// leave ends the leg now, or when the call that has it gives it back.
func (k *nailed) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leaving = true
	if k.taker == nil {
		k.end(nil)
	}
}

// take gives the leg to a call, up or while it still rings; nil: there is none to be had.
func (k *nailed) take(c *call) (l *leg, up bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.taker != nil || k.leaving || k.isOver() {
		return nil, false
	}
	if k.up.Load() && k.dead(time.Now()) {
		k.end(errPhoneQuiet)
		return nil, false
	}
	k.quiet()
	k.taker = c
	return k.leg, k.up.Load()
}

// giveBack takes a leg from the call that had one: the same, or that of a tab which was reloaded meanwhile.
func (k *nailed) giveBack(l *leg) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taker = nil
	if l != k.leg {
		k.leg.end()
		k.leg = l
	}
	if !l.alive() {
		k.end(errWithCall)
		return
	}
	k.rest()
}

func (k *nailed) isOver() bool {
	select {
	case <-k.over:
		return true
	default:
		return false
	}
}

// check looks after what happens to the leg by nothing happening, while no call has it.
func (k *nailed) check(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.taker != nil || k.isOver():
	case !k.up.Load() && now.After(k.ringUntil):
		k.end(errNoAnswer)
	case k.up.Load() && k.leg.expired(now):
		k.end(errors.New("sipua: session timer expired"))
	case k.up.Load() && k.dead(now):
		k.end(errPhoneQuiet)
	}
}

// dead reports whether the phone of a leg that is up is lost: its sound has closed, or its connection is gone and it is not
// heard, or it has given no sign of life for long. The caller holds k.mu.
func (k *nailed) dead(now time.Time) bool {
	select {
	case <-k.leg.sound.Closed():
		return true
	default:
	}
	quiet := min(now.Sub(k.leg.sound.LastAlive()), now.Sub(k.rests))
	switch {
	case k.leg.rests():
		return false
	case k.leg.browser != nil: // it never pauses
		return quiet > goneAfter && !k.n.endpoint.reachable(k.leg.currentHop()) || quiet > quietGoneAfter
	case !k.n.endpoint.reachable(k.leg.currentHop()):
		return quiet > quietGoneAfter
	}
	return quiet > k.n.opts.MediaTimeout
}

// phoneBack is called when a phone of the extension has registered: the same one by a new connection keeps its leg.
func (k *nailed) phoneBack(b Binding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.taker != nil || k.isOver() || k.leg == nil: // the call is told, too
	case b.key() == k.leg.binding.key():
		k.leg.moved(b.hop())
	case !k.n.endpoint.reachable(k.leg.currentHop()):
		k.end(errPhoneMoved)
	}
}

// alive reports whether the leg was answered and has not ended.
func (l *leg) alive() bool {
	select {
	case <-l.sound.Closed():
		return false
	default:
	}
	l.mu.Lock()
	accepted := l.accepted
	l.mu.Unlock()
	l.dialog.mu.Lock()
	defer l.dialog.mu.Unlock()
	return accepted && l.dialog.state == confirmed
}

// latest is the newest sound of a phone: with it the customer hears the agent at once, and not with the next packet.
type latest struct {
	mu     sync.Mutex
	packet media.Packet
}

func (s *latest) keep(p *media.Packet) {
	if p.Noise || p.Event {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	payload := append(s.packet.Payload[:0], p.Payload...)
	s.packet = *p
	s.packet.Payload = payload
}

// staleSound is how old sound may be that begins a talk: the next packet would come sooner.
const staleSound = 40 * time.Millisecond

// begin hands the sound on, unless it is old.
func (s *latest) begin(b *media.Bridge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.packet; time.Since(p.Arrived) < staleSound {
		b.Say(media.Agent, &p)
	}
}

var _ dialer.Nailer = (*Network)(nil)
