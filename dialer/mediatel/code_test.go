package mediatel_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// book keeps what is logged.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *book) says(what string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), what)
}

func (b *book) keep(_ *simulator.Options, near *mediatel.Options) {
	near.Log = slog.New(slog.NewTextHandler(b, nil))
}

// talk has agent 1 talk and hang up: both agents are in Clerical then.
func (h *house) talk() *live {
	h.tb.Helper()
	h.ready(1)
	call := &agents.Call{AttemptID: "1", Number: ann}
	h.apply(agents.Input{Kind: agents.Ordering, Call: call, Until: time.Now().Add(time.Minute)})
	l, err := h.order(1, ann, true)
	must(h.tb, err)
	l.until(dialer.CustomerAnswered)
	h.apply(agents.Input{Kind: agents.Ringing, Call: call})
	h.apply(agents.Input{Kind: agents.Connected})
	l.Hangup("agent")
	l.until(dialer.Ended)
	h.apply(agents.Input{Kind: agents.HungUp, CodeDueAt: time.Now().Add(time.Minute)})
	h.at(1, wire.StateClerical)
	return l
}

// apply tells agent 1's state, as the dialer would.
func (h *house) apply(in agents.Input) {
	h.tb.Helper()
	in.At, in.AttemptID = time.Now(), "1"
	_, err := h.roster.Apply(h.tb.Context(), 1, in)
	must(h.tb, err)
}

// TestCodeOutlivesTheConnection: a code that is set while the connection is lost, or dead and not yet known to be, is the one
// that Mediatel gets, not that for nobody.
func TestCodeOutlivesTheConnection(t *testing.T) {
	t.Parallel()
	for _, noticed := range []bool{true, false} {
		h := newHouse(t, 1, known)
		l := h.talk()
		h.server.SetAway(true)
		if noticed {
			h.server.Cut("mt_agent1")
			testdeps.Eventually(t, "the loss to be noticed", func() bool { return h.Reachable(shortly(t), ext(1)) != nil })
		} else {
			h.server.SetDeaf(true)
		}
		if err := h.SetCode(t.Context(), ext(1), l.trace, "4"); err == nil {
			t.Error("a code that Mediatel did not get is said to be set")
		}
		h.apply(agents.Input{Kind: agents.CodeSet})
		h.server.SetDeaf(false)
		h.server.SetAway(false)
		h.at(1, wire.StateIdle)
		if got := h.server.CodesSet()[l.trace]; got != "4" {
			t.Errorf("loss noticed %t: the agent set 4, Mediatel has %q", noticed, got)
		}
		h.ready(1)
	}
}

// TestCodeBeforeLogOff: neither is lost with the connection.
func TestCodeBeforeLogOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1, known)
	l := h.talk()
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	testdeps.Eventually(t, "the loss to be noticed", func() bool { return h.Reachable(shortly(t), ext(1)) != nil })
	_ = h.SetCode(t.Context(), ext(1), l.trace, "4") // not yet
	h.apply(agents.Input{Kind: agents.CodeSet})
	h.apply(agents.Input{Kind: agents.Logout})
	testdeps.Eventually(t, "no session", func() bool { held, _ := h.Sessions(); return held == 0 })
	h.server.SetAway(false)
	h.at(1, wire.StateLogout)
	if got := h.server.CodesSet()[l.trace]; got != "4" {
		t.Errorf("the agent set 4, Mediatel has %q", got)
	}
}

// TestCodeTooLate: Mediatel's own limit ends Clerical while the connection is lost; the log says what is missing there.
func TestCodeTooLate(t *testing.T) {
	t.Parallel()
	var log book
	h := newHouse(t, 1, known, log.keep, func(far *simulator.Options, _ *mediatel.Options) { far.WrapUp = 300 * time.Millisecond })
	l := h.talk()
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	testdeps.Eventually(t, "the loss to be noticed", func() bool { return h.Reachable(shortly(t), ext(1)) != nil })
	if err := h.SetCode(t.Context(), ext(1), l.trace, "4"); err == nil {
		t.Error("a code that Mediatel did not get is said to be set")
	}
	h.apply(agents.Input{Kind: agents.CodeSet})
	h.at(1, wire.StateIdle)
	h.server.SetAway(false)
	h.ready(1)
	if !log.says("call code not known to be set at Mediatel") || !log.says("calltraceid="+l.trace+" code=4") {
		t.Errorf("the log does not tell of the code: %s", log.text.String())
	}
}
