package dialer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// ender is a phone network that ends kept talks as a test says.
type ender struct {
	dialer.PhoneNetwork
	wentOn bool
	err    error
}

func (e ender) End(_ context.Context, kept string) (bool, error) {
	if kept != "all that is known" {
		return false, errors.New("another talk")
	}
	return e.wentOn, e.err
}

// TestTalkOfAFormerLife: a talk that a killed process has left is ended by its next life, which puts on record how it ended, and
// has its agent set a code.
func TestTalkOfAFormerLife(t *testing.T) {
	for _, test := range []struct {
		what    string
		network ender
		outcome campaigns.Outcome
		ago     time.Duration // the end of the talk, before the next life
	}{
		{"it went on", ender{wentOn: true}, campaigns.Answered, 0},
		{"it had ended", ender{}, campaigns.Answered, time.Minute},
		{"nobody knows", ender{err: errors.New("no reply")}, campaigns.Unknown, 0},
	} {
		t.Run(test.what, func(t *testing.T) {
			h := newHouse(t, sqliteURL(t), steady)
			c, ctx := h.campaign(), t.Context()
			agent := h.newAgent(c.Queue)
			then := time.Now().Add(-2 * time.Minute) // of the answer; the process spoke for it for another minute
			_, err := h.store.Contacts.ImportContacts(ctx, c.ID, lines([]string{number(1, 0)}), then)
			h.must(err)
			planned, err := h.store.Dialing.Plan(ctx, c.ID, 1, then)
			h.must(err)
			claimed, err := h.store.Dialing.Claim(ctx, planned[0].ID, "n1/former", agent.ID, time.Minute+quick.Lease, then)
			h.must(err)
			a := claimed.Attempt
			h.must(h.store.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, time.Minute, then))
			h.must(h.store.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, a.ID.String(), then))
			h.must(h.store.Dialing.Keep(ctx, dialer.KeptTalk{ID: a.ID, Node: "n1", Owner: a.Owner, Fence: a.Fence, Network: "simulated",
				Kept: "all that is known"}))

			began := time.Now()
			test.network.PhoneNetwork = h.network
			h.node("n1", func(d *dialer.Deps) { d.Networks["simulated"] = test.network })
			h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'closed'")
			got, err := h.store.Attempts.Attempt(ctx, a.ID)
			h.must(err)
			if got.Outcome != test.outcome || !got.AnsweredAt.Equal(a.PreparedAt) {
				t.Errorf("%+v", got)
			}
			if test.outcome == campaigns.Unknown {
				return
			}
			if since := began.Add(-test.ago); got.EndedAt.Before(since.Add(-10*time.Second)) || test.ago > 0 &&
				got.EndedAt.After(since.Add(10*time.Second)) {
				t.Errorf("ended at %v, want about %v", got.EndedAt, since)
			}
			if !got.CodeDueAt.After(began) {
				t.Errorf("a code is due at %v", got.CodeDueAt)
			}
		})
	}
}
