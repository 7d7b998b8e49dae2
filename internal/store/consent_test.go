package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
)

// TestConsents: a consent holds for the person by CRM id, until it is withdrawn; a promised callback carries the wish.
func TestConsents(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		ua := func(c *campaigns.Campaign) {
			c.Profile, c.CallCodes[1].Withdraws, c.CallCodes[1].Meaningful = "ua-1349-IX", true, true
		}
		a, b := s.campaign(ua), s.campaign(ua)
		s.now = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC) // a Wednesday
		s.add(a, phones("7", n1))
		s.add(b, phones("7", n2))
		first := s.talkByHand(a, n1, "1")
		second, err := s.Dialing.PlanManual(ctx, byHand(a, n1), s.now)
		s.must(err)
		second = s.talkOf(second, "1")
		if rules := s.asked(b); fmt.Sprint(rules) != "[meaningful_per_day]" {
			t.Fatalf("refused by %v", rules)
		}
		wished := s.now.Add(time.Hour)
		s.must(s.Attempts.CorrectCode(ctx, dialer.Coding{ID: second.ID, Code: "3", CallbackAt: wished, AgentID: 7, Now: s.now}, "boss"))
		s.must(s.Attempts.CorrectCode(ctx, dialer.Coding{ID: first.ID, Code: "1", AgentID: 7, Now: s.now}, "boss"))
		promised, err := s.Contacts.Callbacks(ctx, 0, 0, time.Time{}, 0, 5)
		s.must(err)
		list, err := s.People.Consents(ctx, "7", 0, 5)
		s.must(err)
		if len(list) != 1 || list[0].Kind != campaigns.CallMeAt || !list[0].At.Equal(wished) || list[0].Source != "attempt/"+
			second.ID.String() {
			t.Fatalf("wishes %+v", list)
		}
		if len(promised) != 1 || promised[0].ConsentID != list[0].ID {
			t.Errorf("promised %+v", promised)
		}
		visit := campaigns.Interaction{ExternalID: "v", Kind: campaigns.Visit, CRMID: "7", At: s.now}
		_, _, err = s.People.Meet(ctx, visit, s.now) // the second meaningful one again: code 3 is none
		s.must(err)
		if rules := s.asked(b); fmt.Sprint(rules) != "[meaningful_per_day]" {
			t.Errorf("before the wished time, refused by %v", rules)
		}
		s.now = wished
		if rules := s.asked(b); rules != nil {
			t.Errorf("at the wished time, refused by %v", rules)
		}
		planned := s.plan(b)
		s.must(s.People.Withdraw(ctx, list[0].ID, "crm", "changed the mind", s.after(time.Second)))
		_, err = s.Dialing.Claim(ctx, planned.ID, "n", 7, time.Minute, s.now)
		s.wantIs(err, dialer.ErrNotClaimed)
		if rules := s.asked(b); fmt.Sprint(rules) != "[meaningful_per_day]" {
			t.Errorf("withdrawn, refused by %v", rules)
		}
		s.wantIs(s.People.Withdraw(ctx, 99, "crm", "", s.now), store.ErrNotFound)

		again, err := s.People.Consent(ctx, campaigns.Consent{CRMID: "7", Kind: campaigns.CallMeAt, At: s.now.Add(time.Minute),
			GivenAt: s.now, Source: "letter",
			Days: []time.Weekday{0, 6}, From: time.Hour, To: 2 * time.Hour, ExpiresAt: s.now.Add(time.Hour), Number: n2, CampaignID: b.ID,
			MadeBy: "crm"}, s.now)
		s.must(err)
		if len(again.Days) != 2 || again.Days[1] != time.Saturday || again.From != time.Hour || again.To != 2*time.Hour ||
			again.Number != n2 || again.CampaignID != b.ID ||
			again.MadeBy != "crm" || !again.ExpiresAt.Equal(s.now.Add(time.Hour)) {
			t.Errorf("noted %+v", again)
		}
		s.talkOf(s.planAt(b, s.after(2*time.Minute)), "2") // the code takes all back
		list, err = s.People.Consents(ctx, "7", 0, 5)
		s.must(err)
		if len(list) != 2 || list[0].WithdrawnAt.IsZero() || list[0].WithdrawnBy != "agent:7" {
			t.Errorf("after the code %+v", list)
		}
	})
}

// planAt plans the only attempt of a campaign.
func (h *house) planAt(c *campaigns.Campaign, now time.Time) dialer.Attempt {
	h.tb.Helper()
	planned, err := h.Dialing.Plan(ctx, c.ID, 1, now)
	h.must(err)
	if len(planned) != 1 {
		h.tb.Fatalf("planned %+v", planned)
	}
	return planned[0]
}

// asked is the rules that refuse the only contact of a campaign; the contact is not planned, nor put off.
func (h *house) asked(c *campaigns.Campaign) (rules []string) {
	h.tb.Helper()
	list, err := h.Contacts.Contacts(ctx, c.ID, "", "", 0, 1)
	h.must(err)
	q, err := h.Contacts.Question(ctx, list[0].ID, h.now)
	h.must(err)
	for _, r := range campaigns.Decide(q).Refusals {
		rules = append(rules, r.Rule)
	}
	return rules
}
