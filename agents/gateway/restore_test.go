package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// ledger is a record of how calls stand, by their attempts' ids.
type ledger map[string]Standing

func (r ledger) Stands(_ context.Context, _ int64, attemptID string) (Standing, error) {
	return r[attemptID], nil
}

// TestRestoreAsksTheRecord: what the file says of a call may be older than its end or its code, and then the record is right.
func TestRestoreAsksTheRecord(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	due, ended, earlier := now.Add(time.Hour), now.Add(-time.Minute), now.Add(-time.Hour)
	open, awaited, over := Standing{Open: true}, Standing{EndedAt: ended, CodeDueAt: due}, Standing{EndedAt: ended}
	for i, c := range []struct {
		name      string
		state     agents.State
		nextPause string
		onRecord  Standing
		recorded  string // the pause on record; empty: none
		want      agents.State
		wantPause string // in force, or chosen for later
	}{
		{"a call that goes on", agents.Talking, "", open, "", agents.Talking, ""},
		{"a call that goes on, with a pause for later", agents.Talking, "4", open, "", agents.Talking, "4"},
		{"a call whose end the file missed", agents.Talking, "4", awaited, "", agents.Clerical, "4"},
		{"a call whose end and code the file missed", agents.Talking, "", over, "", agents.Available, ""},
		{"a call that is over, with a pause for then", agents.Ordered, "4", over, "", agents.Paused, "4"},
		{"a call whose end led to Force Pause", agents.Delivered, "", over, agents.ForcePauseID, agents.ForcePause,
			agents.ForcePauseID},
		{"an open call that led to Force Pause", agents.Delivered, "", open, agents.ForcePauseID, agents.ForcePause,
			agents.ForcePauseID},
		{"a call that was never on record", agents.Ordered, "", Standing{}, "", agents.Available, ""},
		{"a code that is awaited", agents.Clerical, "", awaited, "", agents.Clerical, ""},
		{"a code that is awaited before a pause goes on", agents.Clerical, "", awaited, "4", agents.Clerical, "4"},
		{"a code that is set", agents.Clerical, "", over, "", agents.Available, ""},
		{"a code that is set, with a pause for then", agents.Clerical, "4", over, "", agents.Paused, "4"},
		{"a code for a call that the record has not seen end", agents.Clerical, "", open, "", agents.Talking, ""},
		{"no call", agents.Available, "", Standing{}, "", agents.Available, ""},
		{"no call, and a pause that the file missed", agents.Available, "", Standing{}, "4", agents.Paused, "4"},
		{"a pause that ended, which the file missed", agents.Paused, "", Standing{}, "", agents.Available, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := i + 1
			id, attempt := int64(2000+n), fmt.Sprint(1000+n)
			last := agents.Live{Version: 7, AgentID: id, Login: fmt.Sprint("mt_agent", n), State: c.state, Since: earlier, Node: "n1",
				User: fmt.Sprintf("user%d%%40example.com/%d", n, n), Extension: agents.Extension{Name: fmt.Sprint(3000 + n)},
				PauseID: agents.NoPause, NextPause: c.nextPause}
			if c.state.InCall() || c.state == agents.Clerical {
				last.Call = &agents.Call{AttemptID: attempt, Number: "+447700900123", Queue: "AUTO_1"}
				last.CodeDueAt = earlier
			}
			h := newHouse(t, "", remembering(t, last), func(d *Deps) { d.Record = ledger{attempt: c.onRecord} })
			if c.recorded != "" {
				must(t, h.store.SetPause(t.Context(), id, c.recorded, reason.Reason{}))
			}
			h.gateway.Restore(t.Context())
			l := h.live(id)
			pause := l.NextPause
			if l.PauseID != agents.NoPause {
				pause = l.PauseID
			}
			if l.State != c.want || pause != c.wantPause {
				t.Fatalf("%s with pause %q, want %s with %q: %+v", l.State, pause, c.want, c.wantPause, l)
			}
			if hasCall := l.Call != nil; hasCall != (c.want.InCall() || c.want == agents.Clerical) {
				t.Errorf("%s with the call %+v", l.State, l.Call)
			}
			if l.State == agents.Clerical && !l.CodeDueAt.Equal(due) {
				t.Errorf("the code is due at %v, want %v as on record", l.CodeDueAt, due)
			}
			if l.State.InCall() && l.ClaimUntil.IsZero() {
				t.Error("nobody has to speak of the call")
			}
			want := map[agents.State]string{agents.Available: wire.StateIdle, agents.Clerical: wire.StateClerical,
				agents.Talking: wire.StateActive}[c.want]
			if want == "" {
				want = wire.StatePause
			}
			h.open(fmt.Sprint(n)).state(want) // without a login
		})
	}
}

// remembering gives a gateway the file that a former life has left.
func remembering(t *testing.T, last ...agents.Live) func(*Deps) {
	t.Helper()
	text, err := json.Marshal(last)
	must(t, err)
	file := filepath.Join(t.TempDir(), "live.json")
	must(t, os.WriteFile(file, text, 0o600))
	return func(d *Deps) { d.Memory = file }
}

// TestRestoreObeysTheRecord: whoever may not work any more, or is somebody else's by now, is not entered again.
func TestRestoreObeysTheRecord(t *testing.T) {
	for name, change := range map[string]func(*agents.Agent){
		"disabled":       func(a *agents.Agent) { a.Disabled = true },
		"another user's": func(a *agents.Agent) { a.UserID = "77" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, "", remembering(t, agents.Live{Version: 7, AgentID: 2001, State: agents.Available, Node: "n1",
				User:      "user1%40example.com/1",
				Extension: agents.Extension{Name: "3001"}, PauseID: agents.NoPause}))
			must(t, h.store.change(2001, change))
			h.gateway.Restore(t.Context())
			if l := h.live(2001); l.State != agents.LoggedOff {
				t.Errorf("entered again: %+v", l)
			}
		})
	}
}

// TestShownIsKept: a login is in the file before a tab is shown it; a logout follows at once.
func TestShownIsKept(t *testing.T) {
	h := newHouse(t, "", remembering(t))
	onFile := func() map[int64]agents.Live {
		list, err := h.gateway.memory.read()
		must(t, err)
		found := map[int64]agents.Live{}
		for _, l := range list {
			found[l.AgentID] = l
		}
		return found
	}
	p := h.open("1")
	p.send(wire.Command{Type: wire.Login, User: "mt_agent1", Password: "right", Extension: "3001"})
	p.state(wire.StateIdle)
	if l := onFile()[2001]; l.State != agents.Available || l.Extension.Name != "3001" {
		t.Errorf("a login that was shown is on file as %+v", l)
	}
	p.send(wire.Command{Type: wire.Logout})
	p.state(wire.StateLogout)
	testdeps.Eventually(h.tb, "the logout on file", func() bool { return len(onFile()) == 0 })
}

// TestMemoryTakesTheNewest: news of one agent come by two ways, and an older one never replaces a newer.
func TestMemoryTakesTheNewest(t *testing.T) {
	m := newMemory(filepath.Join(t.TempDir(), "live.json"))
	m.note(agents.Live{AgentID: 2001, Version: 5, State: agents.Paused})
	m.note(agents.Live{AgentID: 2001, Version: 4, State: agents.Available})
	m.note(agents.Live{AgentID: 2002, Version: 9, State: agents.LoggedOff})
	m.note(agents.Live{AgentID: 2002, Version: 8, State: agents.Available})
	must(t, m.write())
	list, err := m.read()
	if err != nil || len(list) != 1 || list[0].State != agents.Paused {
		t.Errorf("on file: %+v, %v", list, err)
	}
}
