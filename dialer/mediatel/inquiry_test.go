package mediatel_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer/mediatel"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// record answers for the codes of calls, one answer after the other; the last one holds.
type record struct {
	mu      sync.Mutex
	answers []answer
	asked   []string // agents' calltraceids
}

type answer struct {
	code    string
	awaited bool
	err     error
}

func (r *record) codeOf(ctx context.Context, agentID int64, trace string) (string, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, limited := ctx.Deadline(); !limited || agentID != 1 {
		return "", false, errors.New("asked without a limit, or for another agent")
	}
	r.asked = append(r.asked, trace)
	now := r.answers[0]
	if len(r.answers) > 1 {
		r.answers = r.answers[1:]
	}
	return now.code, now.awaited, now.err
}

func (r *record) keep(_ *simulator.Options, near *mediatel.Options) { near.CodeOf = r.codeOf }

// TestCodeOutlivesTheProcess: the process ends in Clerical. Its next life, in which the agent is free, gives Mediatel the code
// that is on record, waits for one that is awaited, and ends a Clerical of which the record knows nothing with the code for
// nobody.
func TestCodeOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answers []answer
		want    string
		asked   int
	}{
		"on record":       {[]answer{{code: "4"}}, "4", 1},
		"awaited":         {[]answer{{awaited: true}, {awaited: true}, {code: "4"}}, "4", 3},
		"SQL away":        {[]answer{{err: errors.New("no connection")}, {code: "4"}}, "4", 2},
		"nothing known":   {[]answer{{}}, "7", 1},
		"not Mediatel's":  {[]answer{{code: "99"}}, "7", 1},
		"awaited in vain": {[]answer{{awaited: true}, {}}, "7", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &record{answers: row.answers}
			h := newHouse(t, 1, known, r.keep)
			l := h.talk()
			h.restart()
			h.at(1, wire.StateIdle)
			if got := h.server.CodesSet()[l.trace]; got != row.want {
				t.Errorf("Mediatel has code %q, want %q", got, row.want)
			}
			h.ready(1)
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.asked) != row.asked || r.asked[0] != l.trace {
				t.Errorf("the record was asked for %v, want %d times for %s", r.asked, row.asked, l.trace)
			}
		})
	}
}

// TestCodeSetWhileUntold: the code was set, and Mediatel never told of it: our agent is free, Mediatel's is not.
func TestCodeSetWhileUntold(t *testing.T) {
	t.Parallel()
	r := &record{answers: []answer{{code: "4"}}}
	h := newHouse(t, 1, known, r.keep)
	l := h.talk()
	h.apply(agents.Input{Kind: agents.CodeSet})
	h.at(1, wire.StateIdle)
	if got := h.server.CodesSet()[l.trace]; got != "4" {
		t.Errorf("Mediatel has code %q, want 4", got)
	}
}

// TestCodeFoundWhileDisconnected: the record answers when the connection is lost; the next one carries the code.
func TestCodeFoundWhileDisconnected(t *testing.T) {
	t.Parallel()
	asked, answered := make(chan struct{}), make(chan struct{})
	h := newHouse(t, 1, known, func(_ *simulator.Options, near *mediatel.Options) {
		near.CodeOf = func(context.Context, int64, string) (string, bool, error) {
			close(asked)
			<-answered
			return "4", false, nil
		}
	})
	l := h.talk()
	h.apply(agents.Input{Kind: agents.CodeSet})
	<-asked
	h.server.SetAway(true)
	h.server.Cut("mt_agent1")
	testdeps.Eventually(t, "the loss to be noticed", func() bool { return h.Reachable(shortly(t), ext(1)) != nil })
	close(answered)
	testdeps.Quiet(50 * time.Millisecond) // for the answer to be read
	h.server.SetAway(false)
	h.at(1, wire.StateIdle)
	if got := h.server.CodesSet()[l.trace]; got != "4" {
		t.Errorf("Mediatel has code %q, want 4", got)
	}
}
