package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

// phones is a contact of a person ("" is nobody) with numbers.
func phones(crmID string, numbers ...string) campaigns.Contact {
	c := campaigns.Contact{CRMID: crmID}
	for _, n := range numbers {
		c.Phones = append(c.Phones, campaigns.Phone{Number: n})
	}
	return c
}

const n1, n2, n3, n4 = "+447700900001", "+447700900002", "+447700900003", "+447700900004"

var whyNot = reason.Said("a test")

// talkByHand takes a call by an agent's hand through a talk with a code.
func (h *house) talkByHand(c *campaigns.Campaign, number, code string) dialer.Attempt {
	h.tb.Helper()
	a, err := h.Dialing.PlanManual(ctx, byHand(c, number), h.now)
	h.must(err)
	return h.talkOf(a, code)
}

func (h *house) talkOf(a dialer.Attempt, code string) dialer.Attempt {
	h.tb.Helper()
	claimed, err := h.Dialing.Claim(ctx, a.ID, "n", 7, time.Minute, h.now)
	h.must(err)
	a = claimed.Attempt
	h.must(h.Dialing.Dialed(ctx, a.ID, "n", a.Fence, ringing, h.now))
	h.must(h.Dialing.Answered(ctx, a.ID, "n", a.Fence, a.ID.String(), h.after(5*time.Second)))
	_, err = h.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: "n", Fence: a.Fence, Outcome: campaigns.Answered,
		CallTraceID: a.ID.String(), Confirmed: true,
		EndedAt: h.after(time.Minute), CodeDueAt: h.now.Add(time.Minute)})
	h.must(err)
	h.must(h.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, AgentID: 7, Code: code, Now: h.after(time.Second)}))
	return a
}

func strict(c *campaigns.Campaign) { c.Limits.MeaningfulPerDay = 2 }

// refusedBy is the rules that refuse the only contact of a campaign, and nil when it is planned.
func (h *house) refusedBy(c *campaigns.Campaign) []string {
	h.tb.Helper()
	list, err := h.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
	h.must(err)
	if len(list) != 1 {
		h.tb.Fatalf("%d contacts", len(list))
	}
	q, err := h.Contacts.Question(ctx, list[0].ID, h.now)
	h.must(err)
	var rules []string
	for _, r := range campaigns.Decide(q).Refusals {
		rules = append(rules, r.Rule)
	}
	planned, err := h.Dialing.Plan(ctx, c.ID, 5, h.now)
	h.must(err)
	if (len(planned) == 1) != (len(rules) == 0) {
		h.tb.Errorf("planned %d, refused by %v", len(planned), rules)
	}
	for _, a := range planned {
		_, err := h.Dialing.Cancel(ctx, a.ID, whyNot, h.now)
		h.must(err)
	}
	return rules
}

// TestRestrictionsTravel: what happened with a person counts in every campaign, under every number and name by which it may be
// the person.
func TestRestrictionsTravel(t *testing.T) {
	for _, c := range []struct {
		name   string
		first  []campaigns.Contact // in the campaign where two talks happen, at n1
		third  campaigns.Contact   // in another campaign
		known  []campaigns.Contact // in a third one, where nothing happens
		counts bool
	}{
		{"the same CRM id", []campaigns.Contact{phones("7", n1)}, phones("7", n2), nil, true},
		{"the same number", []campaigns.Contact{phones("7", n1)}, phones("8", n2, n1), nil, true},
		{"somebody else", []campaigns.Contact{phones("7", n1)}, phones("8", n2), nil, false},
		{"a number in no list that is known as the person's", nil, phones("7", n2), []campaigns.Contact{phones("7", n3, n1)}, true},
		{"a number in no list that is known as another's", nil, phones("7", n2), []campaigns.Contact{phones("8", n1)}, false},
		{"a list without CRM ids", []campaigns.Contact{phones("", n1, n2)}, phones("", n2, n3), nil, true},
		{"a list without CRM ids, by a third one", []campaigns.Contact{phones("", n1)}, phones("", n3),
			[]campaigns.Contact{phones("", n1, n2, n3)}, true},
		{"a list without CRM ids, then with", []campaigns.Contact{phones("", n1, n2)}, phones("7", n2, n3), nil, true},
		{"a list with CRM ids, then without", []campaigns.Contact{phones("7", n1, n2)}, phones("", n2, n3), nil, true},
		{"two people who share another number", []campaigns.Contact{phones("7", n1, n2)}, phones("8", n2, n3), nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				a, b, other := s.campaign(strict), s.campaign(strict), s.campaign()
				s.add(a, c.first...)
				s.add(b, c.third)
				s.add(other, c.known...)
				for range 2 {
					if rules := s.refusedBy(b); len(rules) != 0 {
						t.Fatalf("refused by %v before", rules)
					}
					s.talkByHand(a, n1, "1")
				}
				if got := fmt.Sprint(s.refusedBy(b)) == "[meaningful_per_day]"; got != c.counts {
					t.Errorf("a third call is refused: %v, want %v", got, c.counts)
				}
			})
		})
	}
}

// TestANamelessContactOnASharedNumber: a contact without a CRM id leads to its other numbers, also when somebody else of its
// campaign had the number first.
func TestANamelessContactOnASharedNumber(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, b, other := s.campaign(strict), s.campaign(strict), s.campaign()
		s.add(other, phones("7", n2), phones("", n1))
		s.add(b, phones("9", n2))
		_, err := s.Contacts.EditContact(ctx, s.listOf(other)[1].ID, func(k *campaigns.Contact) error {
			k.Phones = phones("", n1, n2).Phones
			return nil
		}, "boss", s.now)
		s.must(err)
		for range 2 {
			s.talkByHand(a, n1, "1")
		}
		if got := fmt.Sprint(s.refusedBy(b)); got != "[meaningful_per_day]" {
			t.Errorf("a third call is refused by %s, want meaningful_per_day", got)
		}
	})
}

// TestByHandToAKnownNumber: who calls a number by hand that is no contact's of the campaign may reach a person that we know.
func TestByHandToAKnownNumber(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, b := s.campaign(strict), s.campaign(strict)
		s.add(b, phones("7", n1, n2))
		s.add(s.campaign(), phones("8", n3), phones("9", n3, n4))
		s.talkByHand(b, n1, "1")
		s.talkByHand(b, n1, "1")
		_, err := s.Dialing.PlanManual(ctx, byHand(a, n2), s.now)
		s.refusedAs(err, "meaningful_per_day")
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "9", At: s.now}))
		_, err = s.Dialing.PlanManual(ctx, byHand(a, n3), s.now) // it may be 9's turn to pick up
		s.refusedAs(err, "do_not_call")
	})
}

// refusedAs wants a refusal by a rule.
func (h *house) refusedAs(err error, rule string) {
	h.tb.Helper()
	var refused *dialer.RefusedError
	if !errors.As(err, &refused) || refused.Verdict.Refusals[0].Rule != rule {
		h.tb.Errorf("answered %v, want a refusal by %s", err, rule)
	}
}

// TestDoNotCallByPersonOrNumber: a code bars the person on all numbers, in all campaigns and later lists; or the number alone,
// for everybody.
func TestDoNotCallByPersonOrNumber(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, b, later, others := s.campaign(), s.campaign(), s.campaign(), s.campaign()
		s.add(a, phones("7", n1))
		s.add(b, phones("7", n2))
		s.add(others, phones("8", n2))
		s.talkByHand(a, n1, "4")
		s.add(later, phones("7", n3))
		for _, c := range []*campaigns.Campaign{b, later} {
			if rules := s.refusedBy(c); fmt.Sprint(rules) != "[do_not_call]" {
				t.Errorf("refused by %v", rules)
			}
		}
		if rules := s.refusedBy(others); rules != nil {
			t.Errorf("another person on the number: refused by %v", rules)
		}
		_, err := s.Dialing.PlanManual(ctx, byHand(others, n3), s.now)
		s.refusedAs(err, "do_not_call")

		wrong, next := s.campaign(func(c *campaigns.Campaign) { c.CallCodes[3].Bars = campaigns.BarNumber }), s.campaign()
		s.add(wrong, phones("20", n4))
		s.add(next, phones("20", "+447700900020"))
		s.talkByHand(wrong, n4, "4")
		if rules := s.refusedBy(next); rules != nil {
			t.Errorf("the person of a wrong number: refused by %v", rules)
		}
		_, err = s.Dialing.PlanManual(ctx, byHand(next, n4), s.now)
		s.refusedAs(err, "do_not_call")

		nameless, same := s.campaign(), s.campaign()
		s.add(nameless, phones("", "+447700900021", "+447700900022"))
		s.add(same, phones("", "+447700900022"))
		s.talkByHand(nameless, "+447700900021", "4")
		if rules := s.refusedBy(same); fmt.Sprint(rules) != "[do_not_call]" {
			t.Errorf("the other number of a contact without a CRM id: refused by %v", rules)
		}
	})
}

// TestMergeAndSplit: merged people are one, in what binds them and in what is open; split ones are two again.
func TestMergeAndSplit(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, b := s.campaign(strict), s.campaign(strict)
		s.add(a, phones("7", n1))
		s.add(b, phones("8", n2))
		s.talkByHand(a, n1, "1")
		s.talkByHand(a, n1, "1")
		if rules := s.refusedBy(b); rules != nil {
			t.Fatalf("refused by %v", rules)
		}
		planned := s.plan(b)
		s.must(s.People.Merge(ctx, "7", []string{"8"}, "boss", "the same passport", s.after(time.Millisecond)))
		_, err := s.Dialing.Claim(ctx, planned.ID, "n", 7, time.Minute, s.now)
		s.wantIs(err, dialer.ErrNotClaimed)
		if rules := s.refusedBy(b); fmt.Sprint(rules) != "[meaningful_per_day]" {
			t.Errorf("merged, refused by %v", rules)
		}
		p, err := s.People.Person(ctx, "8", s.now)
		s.must(err)
		if fmt.Sprint(p.CRMIDs, p.Numbers) != fmt.Sprint([]string{"7", "8"}, []string{n1, n2}) {
			t.Errorf("person %+v", p)
		}
		s.must(s.People.Merge(ctx, "8", []string{"9"}, "boss", "and again", s.now))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: "9", At: s.now}))
		if rules := s.refusedBy(b); fmt.Sprint(rules) != "[do_not_call meaningful_per_day]" {
			t.Errorf("merged with one who is barred, refused by %v", rules)
		}
		s.after(24 * time.Hour) // out of the caps
		s.must(s.People.Split(ctx, "9", "boss", "a mistake", s.now))
		later := s.campaign(strict)
		s.add(later, phones("8", n3))
		if rules := s.refusedBy(later); rules != nil {
			t.Errorf("split from the barred one, refused by %v", rules)
		}
		s.must(s.People.Split(ctx, "7", "boss", "a mistake", s.now))
		s.wantIs(s.People.Split(ctx, "8", "boss", "again", s.now), store.ErrNotFound)
		log, err := s.Audits.AuditLog(ctx, 0, 10)
		s.must(err)
		var done []string
		for _, e := range log {
			done = append(done, e.What+" "+e.Who)
		}
		if fmt.Sprint(done) != "[person.split boss person.split boss person.merge boss person.merge boss]" {
			t.Errorf("audited %v", done)
		}
	})
}

// TestMergedPeopleAreInOneCall: also those who were merged while one of them was in a call.
func TestMergedPeopleAreInOneCall(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, b := s.campaign(), s.campaign()
		s.add(a, phones("7", n1))
		s.add(b, phones("8", n2))
		first := s.claim(s.plan(a)).Attempt
		s.must(s.People.Merge(ctx, "8", []string{"7"}, "boss", "the same", s.now))
		if planned, err := s.Dialing.Plan(ctx, b.ID, 5, s.now); err != nil || len(planned) != 0 {
			t.Errorf("planned %+v beside an open attempt, %v", planned, err)
		}
		_, err := s.Dialing.PlanManual(ctx, byHand(b, n2), s.now)
		s.wantIs(err, dialer.ErrNumberBusy)
		got, err := s.Attempts.Attempt(ctx, first.ID)
		s.must(err)
		if got.Person != "8" {
			t.Errorf("the open attempt is of %q", got.Person)
		}
	})
}

// TestInteractionsCount: what the CRM tells of counts as our own calls do, by person and by number, once.
func TestInteractionsCount(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name    string
		limits  campaigns.Limits
		profile string
		i       campaigns.Interaction
		rule    string // that refuses after two of them; "": none
	}{
		{"meaningful letters", campaigns.Limits{MeaningfulPerDay: 2}, "none",
			campaigns.Interaction{Kind: campaigns.Letter, CRMID: "7", Meaningful: &yes}, "meaningful_per_day"},
		{"nobody says whether they were meaningful", campaigns.Limits{MeaningfulPerDay: 2}, "none",
			campaigns.Interaction{Kind: campaigns.ShortMessage, CRMID: "7"}, "meaningful_per_day"},
		{"they were not", campaigns.Limits{MeaningfulPerDay: 2}, "none",
			campaigns.Interaction{Kind: campaigns.OutgoingCall, CRMID: "7", Meaningful: &no}, ""},
		{"by number", campaigns.Limits{MeaningfulPerDay: 2}, "none",
			campaigns.Interaction{Kind: campaigns.Visit, Number: n2, Meaningful: &yes}, "meaningful_per_day"},
		{"somebody else's", campaigns.Limits{MeaningfulPerDay: 2}, "none",
			campaigns.Interaction{Kind: campaigns.Visit, CRMID: "8", Meaningful: &yes}, ""},
		{"calls a day", campaigns.Limits{PerDay: 2}, "none",
			campaigns.Interaction{Kind: campaigns.OutgoingCall, CRMID: "7", Meaningful: &no}, "per_day"},
		{"the person's own calls a day", campaigns.Limits{PerDay: 2}, "none",
			campaigns.Interaction{Kind: campaigns.InboundCall, CRMID: "7", Meaningful: &no}, ""},
		{"a gap", campaigns.Limits{MinimumGap: 2 * time.Hour}, "none",
			campaigns.Interaction{Kind: campaigns.InboundCall, CRMID: "7", Meaningful: &no}, "minimum_gap"},
		{"a conversation that the person began", campaigns.Limits{}, "us-reg-f",
			campaigns.Interaction{Kind: campaigns.InboundCall, CRMID: "7"}, "conversation_rest"},
		{"letters are no conversation", campaigns.Limits{}, "us-reg-f", campaigns.Interaction{Kind: campaigns.Letter, CRMID: "7"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				a := s.campaign(func(p *campaigns.Campaign) { p.Limits, p.Profile = c.limits, c.profile })
				s.add(a, phones("7", n1, n2))
				planned := s.plan(a)
				s.after(time.Second)
				for n := range 2 {
					i := c.i
					i.ExternalID, i.At = fmt.Sprintf("crm-%d", n), s.now.Add(-time.Hour)
					for _, first := range []bool{true, false} {
						noted, created, err := s.People.Meet(ctx, i, s.now)
						s.must(err)
						if created != first || noted.ID == 0 || !noted.Same(&i) {
							t.Errorf("noted %+v, created %v", noted, created)
						}
					}
					i.Kind, i.At = campaigns.Visit, s.now
					_, _, err := s.People.Meet(ctx, i, s.now)
					s.wantIs(err, store.ErrConflict)
				}
				_, err := s.Dialing.Claim(ctx, planned.ID, "n", 7, time.Minute, s.now)
				if concerned := c.i.CRMID != "8"; concerned != errors.Is(err, dialer.ErrNotClaimed) {
					t.Errorf("what was planned before is claimed: %v", err)
				}
				if err == nil {
					return
				}
				want := "[]"
				if c.rule != "" {
					want = "[" + c.rule + "]"
				}
				if rules := s.refusedBy(a); fmt.Sprint(rules) != want {
					t.Errorf("refused by %v, want %s", rules, want)
				}
				list, err := s.People.Interactions(ctx, c.i.CRMID, c.i.Number, 0, 1)
				s.must(err)
				rest, err := s.People.Interactions(ctx, "", "", list[0].ID, 5)
				s.must(err)
				if len(list) != 1 || list[0].ExternalID != "crm-1" || len(rest) != 1 || rest[0].ExternalID != "crm-0" {
					t.Errorf("listed %+v and %+v", list, rest)
				}
			})
		})
	}
}

// TestWhatIsToldAfterTheClaim: a call is not dialed when something was recorded of the person after it was claimed.
func TestWhatIsToldAfterTheClaim(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a := s.campaign(strict)
		s.add(a, phones("7", n1))
		claimed := s.claim(s.plan(a)).Attempt
		_, _, err := s.People.Meet(ctx, campaigns.Interaction{ExternalID: "1", Kind: campaigns.Visit, CRMID: "7", At: s.now},
			s.after(time.Second))
		s.must(err)
		s.wantIs(s.Dialing.Dialed(ctx, claimed.ID, claimed.Owner, claimed.Fence, ringing, s.after(time.Second)), dialer.ErrFenced)
	})
}
