package gateway

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// broken is a telephony that places no call, and a gate that cannot ask, both for any reason.
type broken struct {
	Calls
	err atomic.Pointer[error]
}

func (b *broken) MakeCall(context.Context, int64, string, string) error { return *b.err.Load() }

func (b *broken) Check(*http.Request) (username, userID string, err error) {
	return "", "", *b.err.Load()
}

// TestNoTabIsToldOfTheProgram: whatever error comes from within, an agent's tab is told nothing of it, in no language.
func TestNoTabIsToldOfTheProgram(t *testing.T) {
	calls := &broken{}
	h := newHouse(t, "", func(d *Deps) { calls.Calls, d.Calls = d.Calls, calls })
	for _, err := range testdeps.ProgramErrors() {
		for _, language := range []string{"en", "uk", "ru"} {
			told := phrasebook.For(language).Line(refusalOf(wire.Command{Type: wire.MakeCall}, err).why)
			if word := testdeps.ProgramWord(told); word != "" || told == "" {
				t.Errorf("%v: a command is refused by %q, with %q in it", err, told, word)
			}
		}
	}
	p := h.login(1)
	for _, err := range testdeps.ProgramErrors()[:3] {
		calls.err.Store(&err)
		s := p.answered(wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123", QueueName: "MANUAL_1"})
		if s.CallErrorID == "" || s.CallErrorID == agents.NoError {
			s = p.wait("the refusal", func(s wire.State) bool { return s.CallErrorID != "" && s.CallErrorID != agents.NoError })
		}
		if word := testdeps.ProgramWord(s.CallError); word != "" || s.CallError == "" {
			t.Errorf("%v: told %q, with %q in it", err, s.CallError, word)
		}
	}
}

// TestNoConnectIsToldOfTheProgram: nor is a connect that cannot be let in.
func TestNoConnectIsToldOfTheProgram(t *testing.T) {
	gate := &broken{}
	h := newHouse(t, "", func(d *Deps) { d.Cookies = gate })
	for _, why := range testdeps.ProgramErrors() {
		gate.err.Store(&why)
		reply, err := http.Get(strings.TrimSuffix(h.url, "/") + "/?EIO=4&transport=polling")
		must(t, err)
		body, err := io.ReadAll(reply.Body)
		must(t, err)
		must(t, reply.Body.Close())
		if word := testdeps.ProgramWord(string(body)); word != "" || reply.StatusCode < 400 {
			t.Errorf("%v: %d %q, with %q in it", why, reply.StatusCode, body, word)
		}
	}
}
