package dialer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/retry"
)

// noteKind says what a note tells the record.
type noteKind string

const (
	noteAdopt  noteKind = "adopt"  // keep a call of another system's; only by the answer is it known as which attempt
	noteTrace  noteKind = "trace"  // the calltraceid of the network's own: by it the call is found again should this process die
	notePickUp noteKind = "pickup" // a customer who was called first has answered
	noteAnswer noteKind = "answer" // both sides are up
	noteKeep   noteKind = "keep"   // by what it could be ended should this process die
	noteClose  noteKind = "close"  // it has ended
	noteDue    noteKind = "due"    // the time for its call code ends later
	noteCode   noteKind = "code"   // its call code
	noteLate   noteKind = "late"   // it was answered after it had been given up
)

// note is one thing that the record has to hear of a call.
type note struct {
	kind    noteKind
	seen    ExternalCall // of noteAdopt
	at      time.Time    // of notePickUp, noteAnswer, noteDue and noteLate
	trace   string       // of noteTrace and noteAnswer
	agent   int64        // of noteAnswer: who talks
	kept    KeptTalk     // of noteKeep
	closing Closing      // of noteClose and noteLate
	coding  Coding       // of noteCode
}

// lateLimit is how long a late answer is tried to be put on record.
const lateLimit = time.Minute

// outbox holds what the record still has to hear of one call, in order. Each note is told again and again until it is heard, or
// fenced: the attempt is another owner's by then. It works only while there is something to tell.
type outbox struct {
	store Store
	owner string
	lease time.Duration
	now   func() time.Time
	log   *slog.Logger
	life  context.Context // of the process's calls
	ctx   context.Context // of this one's notes: ends when nothing more is told
	end   context.CancelFunc
	spawn func(run func(), late bool) bool  // has it run beside the call; false: not any more
	heard func(n *note, c Claimed, e error) // what the record says to a note, each time

	mu      sync.Mutex
	id      AttemptID
	fence   int64
	notes   []*note
	working bool
	shut    bool
}

// put has a note told after those before it. A code takes the place of one that is not heard yet.
func (o *outbox) put(n *note) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut && n.kind != noteLate {
		return
	}
	if o.working || o.spawn(o.work, n.kind == noteLate) {
		o.notes, o.working = append(o.notes, n), true
	}
}

// drop tells nothing more.
func (o *outbox) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes, o.shut = nil, true
	o.end()
}

// during is how long a note may be told.
func (o *outbox) during(n *note) context.Context {
	if n.kind == noteLate {
		return o.life
	}
	return o.ctx
}

func (o *outbox) work() {
	for failures := 0; ; {
		n, more := o.first()
		if !more {
			return
		}
		claimed, err := o.tell(n)
		done := o.done(n, err)
		if done {
			o.shift(n, claimed, err)
			failures = 0
		} else if o.during(n).Err() == nil {
			o.log.Warn("not on record yet", slog.String("attempt", o.id.String()), slog.String("what", string(n.kind)),
				slog.Any("error", err))
		}
		o.heard(n, claimed, err)
		if !done {
			failures++
			if !retry.Sleep(o.during(n), again.After(failures)) {
				o.drop() // the process has done with calls, if it is not dropped already
			}
		}
	}
}

// first is the note to tell now; one that is overtaken is left out.
func (o *outbox) first() (n *note, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.notes) > 0 && o.overtaken(o.notes[0]) {
		o.notes = o.notes[1:]
	}
	if len(o.notes) == 0 {
		o.working = false
		return n, false
	}
	return o.notes[0], true
}

// overtaken says that what comes behind a note tells the same, or better.
func (o *outbox) overtaken(n *note) bool {
	switch n.kind {
	case noteTrace:
		return len(o.notes) > 1
	case notePickUp: // the end and the talk say it, too
		return slices.ContainsFunc(o.notes[1:], func(n *note) bool { return n.kind == noteClose || n.kind == noteAnswer })
	case noteKeep:
		return slices.ContainsFunc(o.notes[1:], func(n *note) bool { return n.kind == noteClose })
	case noteCode:
		return slices.ContainsFunc(o.notes[1:], func(n *note) bool { return n.kind == noteCode })
	case noteDue:
		return slices.ContainsFunc(o.notes[1:], func(n *note) bool { return n.kind == noteDue || n.kind == noteCode })
	case noteLate:
		return o.now().Sub(n.at) > lateLimit
	}
	return false
}

// done says that a note need not be told again.
func (o *outbox) done(n *note, err error) bool {
	switch n.kind {
	case noteAdopt:
		return err == nil || errors.Is(err, ErrNotClaimed) || errors.Is(err, ErrKept)
	case noteCode:
		return err == nil || errors.Is(err, ErrCodeSet)
	}
	return err == nil || errors.Is(err, ErrFenced)
}

// shift takes away a note that was heard. Of a call that is not kept nothing more is told, and of codes one.
func (o *outbox) shift(n *note, c Claimed, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.notes) > 0 && o.notes[0].kind == n.kind { // else it was dropped meanwhile
		o.notes = o.notes[1:]
	}
	switch {
	case n.kind == noteAdopt && err != nil:
		o.notes, o.shut = nil, true
	case n.kind == noteAdopt:
		o.id, o.fence = c.Attempt.ID, c.Attempt.Fence
	case n.kind == noteCode:
		o.notes = slices.DeleteFunc(o.notes, func(n *note) bool { return n.kind == noteCode })
	}
}

// tell is one try at a note.
func (o *outbox) tell(told *note) (claimed Claimed, err error) {
	ctx, cancel := context.WithTimeout(o.during(told), sqlLimit)
	defer cancel()
	n := *told
	switch n.kind {
	case noteAdopt:
		claimed, err = o.store.Adopt(ctx, n.seen, o.owner, o.lease, o.now())
	case noteTrace:
		err = o.store.Traced(ctx, o.id, o.owner, o.fence, n.trace)
	case notePickUp:
		err = o.store.PickedUp(ctx, o.id, o.owner, o.fence, n.at)
	case noteAnswer:
		err = o.store.Joined(ctx, o.id, o.owner, o.fence, n.agent, n.trace, n.at)
	case noteKeep:
		n.kept.ID, n.kept.Owner, n.kept.Fence = o.id, o.owner, o.fence
		err = o.store.Keep(ctx, n.kept)
	case noteClose, noteLate:
		n.closing.ID, n.closing.Owner, n.closing.Fence = o.id, o.owner, o.fence
		_, err = o.store.Close(ctx, n.closing)
	case noteDue:
		err = o.store.Prolong(ctx, o.id, n.at)
	case noteCode:
		n.coding.ID = o.id
		if now := o.now(); n.coding.Now.Before(now) { // the timer and the clock may differ by a hair
			n.coding.Now = now
		}
		err = o.store.SetCode(ctx, n.coding)
	}
	return claimed, err
}
