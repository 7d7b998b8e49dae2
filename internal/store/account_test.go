package store_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// ahead plans, claims and dials a call that has no agent.
func (h *house) ahead(c *campaigns.Campaign) dialer.Attempt {
	h.tb.Helper()
	planned, err := h.Dialing.PlanAhead(ctx, c.ID, 1, h.now)
	h.must(err)
	if len(planned) != 1 || planned[0].AgentID != 0 {
		h.tb.Fatalf("planned ahead: %+v", planned)
	}
	a := h.claim(planned[0]).Attempt
	h.must(h.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, h.now))
	return a
}

func (h *house) wantAccount(c *campaigns.Campaign, want dialer.AccountSpan) {
	h.tb.Helper()
	spans, err := h.Dialing.Account(ctx, c.ID, h.now.Add(-24*time.Hour))
	h.must(err)
	var got dialer.AccountSpan
	for _, s := range spans {
		got.Connected, got.Abandoned, got.HungUp = got.Connected+s.Connected, got.Abandoned+s.Abandoned, got.HungUp+s.HungUp
		got.Machines, got.Mistaken = got.Machines+s.Machines, got.Mistaken+s.Mistaken
	}
	if got != want {
		h.tb.Errorf("the account: %+v, want %+v", got, want)
	}
}

// TestTheAccountIsKeptWithTheClose: each answered call counts once, by how it ended; one whose process was lost before an agent
// came as abandoned, until the truth comes.
func TestTheAccountIsKeptWithTheClose(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Mode = campaigns.Predictive })
		for range 5 {
			s.add(c, s.person())
		}
		agent := s.agent()

		talked := s.ahead(c)
		s.must(s.Dialing.PickedUp(ctx, talked.ID, talked.Owner, talked.Fence, s.after(9*time.Second)))
		s.must(s.Dialing.Joined(ctx, talked.ID, talked.Owner, talked.Fence, agent.ID, talked.ID.String(), s.after(time.Second)))
		s.wantAccount(c, dialer.AccountSpan{})
		s.after(2 * time.Minute)
		if closed := s.close(talked, campaigns.Answered); closed.AgentID != agent.ID {
			t.Errorf("closed with agent %d, want %d", closed.AgentID, agent.ID)
		}
		s.wantAccount(c, dialer.AccountSpan{Connected: 1})

		alone := s.ahead(c)
		s.must(s.Dialing.PickedUp(ctx, alone.ID, alone.Owner, alone.Fence, s.after(9*time.Second)))
		s.after(2 * time.Second)
		s.close(alone, campaigns.Abandoned)
		s.wantAccount(c, dialer.AccountSpan{Connected: 1, Abandoned: 1})

		busy := s.ahead(c)
		s.close(busy, campaigns.Busy)
		s.wantAccount(c, dialer.AccountSpan{Connected: 1, Abandoned: 1})

		lost := s.ahead(c)
		s.must(s.Dialing.PickedUp(ctx, lost.ID, lost.Owner, lost.Fence, s.after(9*time.Second)))
		if ok, err := s.Dialing.CloseUnknown(ctx, lost.ID, lost.Fence, s.after(time.Minute)); err != nil || !ok {
			t.Fatalf("not closed: %v", err)
		}
		s.wantAccount(c, dialer.AccountSpan{Connected: 1, Abandoned: 2})
		_, err := s.Dialing.Close(ctx, dialer.Closing{ID: lost.ID, Owner: lost.Owner, Fence: lost.Fence, Outcome: campaigns.Answered,
			HangupBy:   "customer",
			PickedUpAt: s.now.Add(-time.Minute), EndedAt: s.now.Add(-59 * time.Second), Confirmed: true})
		s.must(err)
		s.wantAccount(c, dialer.AccountSpan{Connected: 1, Abandoned: 1, HungUp: 1})

		tried, err := s.Campaigns.Tried(ctx, c.ID, s.now.Add(-time.Hour), 3)
		s.must(err)
		var of []string
		for i, call := range tried {
			if i > 0 && call.DialedAt.Before(tried[i-1].DialedAt) || call.Ordinal < 1 || call.ContactID == 0 {
				t.Errorf("call %d: %+v", i, call)
			}
			of = append(of, fmt.Sprint(call.Number, " ", call.Answered, " ", call.Outcome))
		}
		wanted := []string{alone.Number + " true abandoned", busy.Number + " false busy", lost.Number + " true answered"}
		if !slices.Equal(of, wanted) {
			t.Errorf("the latest three calls: %v, want %v", of, wanted)
		}
		if tried, err = s.Campaigns.Tried(ctx, c.ID, s.now, 3); err != nil || len(tried) > 0 {
			t.Errorf("of no time %d calls, %v", len(tried), err)
		}
		shown, err := s.Dialing.Shown(ctx, c.ID, s.now.Add(-time.Hour), s.now.Add(time.Minute))
		s.must(err)
		if shown.Worth != 4 || shown.AnswerRate != 0.75 || shown.RingTime != 9 || shown.Talk != 120 {
			t.Errorf("the calls have shown %+v", shown)
		}
		if shown, err = s.Dialing.Shown(ctx, c.ID, s.now.Add(-25*time.Hour), s.now.Add(-24*time.Hour)); err != nil ||
			shown != (dialer.Shown{}) {
			t.Errorf("yesterday has shown %+v, %v", shown, err)
		}
		sample, err := s.Campaigns.Sample(ctx, c.ID, s.now)
		s.must(err)
		want := dialer.Sample{Calls: 4, Answered: 3, Ring: 9 * time.Second, Talks: 1, Talk: dialer.Spell{Mean: 2 * time.Minute}}
		if sample != want {
			t.Errorf("the sample is %+v, want %+v", sample, want)
		}
		if sample, err = s.Campaigns.Sample(ctx, c.ID, s.now.Add(8*24*time.Hour)); err != nil || sample != (dialer.Sample{}) {
			t.Errorf("the sample a week later is %+v, %v", sample, err)
		}

		s.must(s.Dialing.KeepRecord(ctx, c.ID, "n1", s.now, []byte("later")))
		s.must(s.Dialing.KeepRecord(ctx, c.ID, "n1", s.now.Add(-time.Minute), []byte("early")))
		s.must(s.Dialing.KeepRecord(ctx, c.ID, "n1", s.now, []byte("again"))) // stays as it was
		records := func() string {
			parts, err := s.Campaigns.Records(ctx, c.ID, s.now.Add(-time.Hour), s.now.Add(time.Hour))
			s.must(err)
			return string(bytes.Join(parts, []byte(" ")))
		}
		if got := records(); got != "early later" {
			t.Errorf("kept records: %q", got)
		}
		s.must(s.Dialing.ForgetAccounts(ctx, s.now.Add(8*24*time.Hour)))
		if got := records(); got != "later" {
			t.Errorf("a week later: %q", got)
		}

		s.must(s.Dialing.ForgetAccounts(ctx, s.now.Add(31*24*time.Hour)))
		s.wantAccount(c, dialer.AccountSpan{Connected: 1, Abandoned: 1, HungUp: 1})
		s.must(s.Dialing.ForgetAccounts(ctx, s.now.Add(33*24*time.Hour)))
		s.wantAccount(c, dialer.AccountSpan{})
	})
}

// TestMachinesInTheAccount: they are no live answers, whoever says so: who listened, or the call code, which knows better.
func TestMachinesInTheAccount(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.Mode = campaigns.Predictive
			c.CallCodes = append(c.CallCodes, campaigns.CallCode{ID: "71", Name: "person", Action: campaigns.Finish,
				AnsweredBy: campaigns.ByPerson}, campaigns.CallCode{ID: "72", Name: "machine", Action: campaigns.Finish,
				AnsweredBy: campaigns.ByMachine})
		})
		for range 3 {
			s.add(c, s.person())
		}
		agent := s.agent()
		close := func(a dialer.Attempt, o campaigns.Outcome, machine bool) dialer.Attempt {
			got, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: o, HangupBy: "system",
				Machine: machine, EndedAt: s.now, Confirmed: true, AgentID: agent.ID})
			s.must(err)
			return got
		}
		code := func(a dialer.Attempt, id string) {
			s.must(s.Attempts.CorrectCode(ctx, dialer.Coding{ID: a.ID, Code: id, Now: s.after(time.Second)}, "boss"))
		}
		talking := func() dialer.Attempt {
			a := s.ahead(c)
			s.must(s.Dialing.PickedUp(ctx, a.ID, a.Owner, a.Fence, s.after(9*time.Second)))
			s.must(s.Dialing.Joined(ctx, a.ID, a.Owner, a.Fence, agent.ID, a.ID.String(), s.after(time.Second)))
			return a
		}

		taken := close(talking(), campaigns.AnsweringMachine, true)
		if !taken.AnsweredAt.IsZero() || !taken.CodeDueAt.IsZero() || !taken.Machine {
			t.Errorf("taken away: %+v", taken)
		}
		s.wantAccount(c, dialer.AccountSpan{Machines: 1})
		code(taken, "71")
		s.wantAccount(c, dialer.AccountSpan{Mistaken: 1})
		code(taken, "72")
		s.wantAccount(c, dialer.AccountSpan{Machines: 1})

		connected := close(talking(), campaigns.Answered, true)
		s.wantAccount(c, dialer.AccountSpan{Machines: 2})
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: connected.ID, Code: "71", AgentID: agent.ID, Now: s.after(time.Second)}))
		s.wantAccount(c, dialer.AccountSpan{Machines: 1, Connected: 1})

		missed := close(talking(), campaigns.Answered, false)
		s.wantAccount(c, dialer.AccountSpan{Machines: 1, Connected: 2})
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: missed.ID, Code: "72", AgentID: agent.ID, Now: s.after(time.Second)}))
		s.wantAccount(c, dialer.AccountSpan{Machines: 2, Connected: 1})
	})
}

// TestWhoNeedsAnAgent: who was promised a call is called only with an agent, also by a campaign whose calls run ahead; where none
// is free, those behind are called.
func TestWhoNeedsAnAgent(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Mode = campaigns.Predictive })
		s.add(c, s.named("promised", ""))
		p := s.plan(c)
		s.giveAllBack()
		_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: p.ContactID, At: s.now, MadeBy: "boss"}, s.now)
		s.must(err)
		s.add(c, s.named("other", ""))
		s.after(time.Second)
		if got := s.names(s.Dialing.PlanAhead(ctx, c.ID, 2, s.now)); got != "other" {
			t.Errorf("without a free agent: %q", got)
		}
		agent := s.agent()
		planned, err := s.Dialing.PlanAhead(ctx, c.ID, 2, s.after(time.Minute), agent.ID)
		if got := s.names(planned, err); got != "promised" || planned[0].AgentID != agent.ID {
			t.Errorf("with a free agent: %q, %+v", got, planned)
		}
	})
}
