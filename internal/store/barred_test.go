package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// TestBarredUntil: an entry that expires bars until then, and no longer; neither plan nor claim knows it otherwise.
func TestBarredUntil(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("1", "+447700900001"), somebody("2", "+447700900002"))
		until := s.now.Add(48 * time.Hour)
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900001", Reason: "ill", At: s.now, Expires: until}))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "2", Reason: "serves", Protected: true, At: s.now, Expires: until}))
		planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now)
		s.must(err)
		if len(planned) != 0 {
			t.Fatalf("planned %+v", planned)
		}
		waiting, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, "", 0, 5)
		s.must(err)
		if len(waiting) != 2 || waiting[0].NextAt.Before(until) {
			t.Fatalf("waiting %+v", waiting)
		}
		var told []string
		for _, w := range waiting {
			q, err := s.Contacts.Question(ctx, w.ID, s.now)
			s.must(err)
			told = append(told, campaigns.Decide(q).Refusals[0].Reason.Key())
		}
		if got, want := fmt.Sprint(told), "[policy.do_not_call_until policy.protected_until]"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		later := s.now.Add(72 * time.Hour)
		planned, err = s.Dialing.Plan(ctx, c.ID, 5, later)
		s.must(err)
		if len(planned) != 2 {
			t.Fatalf("planned %+v after the entries expired", planned)
		}
		for _, a := range planned {
			if _, err := s.Dialing.Claim(ctx, a.ID, "n", 7, time.Minute, later); err != nil {
				t.Errorf("claim of %s: %v", a.Number, err)
			}
		}
	})
}

// TestTheNumberThatIsFreeFirstDecides: who is barred on all numbers is due again when the first of them may be called.
func TestTheNumberThatIsFreeFirstDecides(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("1", n1, n2))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: n2, At: s.now, Expires: s.now.Add(time.Hour)}))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: n1, At: s.now}))
		k := s.listOf(c)[0]
		if k.State != campaigns.Waiting || !k.NextAt.Equal(s.now.Add(time.Hour)) {
			t.Fatalf("%s, due at %s; it may be called in an hour", k.State, k.NextAt)
		}
		s.after(time.Hour)
		if a := s.plan(c); a.Number != n2 {
			t.Errorf("planned %s", a.Number)
		}
	})
}

// TestTheStricterEntryStays: whoever is on the list already is there for as long as the longer of two entries says, whichever
// came first.
func TestTheStricterEntryStays(t *testing.T) {
	const number = "+447700900001"
	day := func(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
	for _, tt := range []struct {
		name          string
		first, second time.Duration // until when; zero: for ever
		protects      bool
		want          string
	}{
		{"for ever, then shorter", 0, day(1), false, "first for ever"},
		{"shorter, then for ever", day(1), 0, false, "second for ever"},
		{"longer, then shorter", day(2), day(1), false, "first 48h0m0s"},
		{"shorter, then longer", day(1), day(2), false, "second 48h0m0s"},
		{"for ever, then protected for a day", 0, day(1), true, "second for ever protected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				entry := func(reason string, until time.Duration, protects bool) campaigns.Barred {
					b := campaigns.Barred{Number: number, Reason: reason, At: s.now, Protected: protects}
					if until > 0 {
						b.Expires = s.now.Add(until)
					}
					return b
				}
				// In one list, and one after the other.
				both := []campaigns.Barred{entry("first", tt.first, false), entry("second", tt.second, tt.protects)}
				for _, one := range both {
					_, err := s.Contacts.BarAll(ctx, []campaigns.Barred{one})
					s.must(err)
				}
				if n, err := s.Contacts.BarAll(ctx, both); n != 0 || err != nil {
					t.Errorf("the same again changes %d, %v", n, err)
				}
				list, err := s.Contacts.BarredBy(ctx, number, "", s.now)
				s.must(err)
				if len(list) != 1 {
					t.Fatalf("listed %+v", list)
				}
				got := list[0].Reason + " for ever"
				if !list[0].Expires.IsZero() {
					got = list[0].Reason + " " + list[0].Expires.Sub(s.now).String()
				}
				if list[0].Protected {
					got += " protected"
				}
				if got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestBarredBy looks up as the gate judges.
func TestBarredBy(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("1", "+447700900001"), somebody("2", "+447700900001", "+447700900002"))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "2", Reason: "asked", At: s.now}))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: "+447700900009", Reason: "over", At: s.now, Expires: s.now.Add(time.Hour)}))
		for _, tt := range []struct {
			number, crmID string
			later         time.Duration
			want          int
		}{
			{"", "2", 0, 1}, {"", "1", 0, 0}, {"+447700900001", "1", 0, 0}, {"+447700900002", "", 0, 1},
			{"+447700900009", "1", 0, 1}, {"+447700900009", "", 2 * time.Hour, 0},
		} {
			list, err := s.Contacts.BarredBy(ctx, tt.number, tt.crmID, s.now.Add(tt.later))
			if err != nil || len(list) != tt.want {
				t.Errorf("%+v: %+v, %v", tt, list, err)
			}
		}
	})
}
