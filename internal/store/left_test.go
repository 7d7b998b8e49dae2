package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// TestTalksLeft: what is kept of a talk is found by the next life of its process, until the end is on record.
func TestTalksLeft(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, s.person())
		planned := s.plan(c)
		claimed, err := s.Dialing.Claim(ctx, planned.ID, "n1/a", 7, 30*time.Second, s.now)
		s.must(err)
		a := claimed.Attempt
		k := dialer.KeptTalk{ID: a.ID, Node: "n1", Owner: "n1/a", Fence: a.Fence, Network: "sip", Kept: `{"x":1}`}
		s.wantIs(s.Dialing.Keep(ctx, k), dialer.ErrFenced) // it is no talk yet
		s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "7", s.now))
		other := k
		other.Fence++
		s.wantIs(s.Dialing.Keep(ctx, other), dialer.ErrFenced)
		s.must(s.Dialing.Keep(ctx, k))
		s.must(s.Dialing.Keep(ctx, k)) // told again

		left := func(node, owner string, want int) []dialer.LeftTalk {
			t.Helper()
			list, err := s.Dialing.Left(ctx, node, owner, s.now, 10)
			s.must(err)
			if len(list) != want {
				t.Fatalf("%d talks left, want %d: %+v", len(list), want, list)
			}
			return list
		}
		left("n1", "n1/a", 0)
		left("n2", "n2/a", 0)
		l := left("n1", "n1/b", 1)[0]
		if l.Attempt.ID != a.ID || l.Attempt.AnsweredAt.IsZero() || l.WrapUp != c.WrapUp || l.Network != "sip" || l.Kept != k.Kept {
			t.Errorf("%+v", l)
		}
		_, err = s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.after(time.Minute))
		s.must(err)
		left("n1", "n1/b", 1) // the truth may come late
		_, err = s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Answered,
			EndedAt: s.now, CodeDueAt: s.now.Add(c.WrapUp)})
		s.must(err)
		left("n1", "n1/b", 0)
	})
}
