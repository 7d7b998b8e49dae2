package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// whatIf asks about a campaign.
func (h *house) whatIf(c api.Campaign, body string) (v api.WhatIf) {
	h.t.Helper()
	h.send(h.request(access.RoleSupervisor, "POST", fmt.Sprintf("/api/v1/campaigns/%d/what-if", c.ID), body)).want(http.StatusOK, &v)
	return v
}

// TestWhatIf: a campaign that has shown nothing yet is imagined by its settings, agents and contacts; what was assumed may be
// sent again, and brings the same day.
func TestWhatIf(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	for i := range 3 {
		h.contact(c.ID, fmt.Sprint(i), fmt.Sprintf("+44770090012%d", i))
	}
	v := h.whatIf(c, "")
	q := v.Assumed
	if *q.Agents != 1 || v.From["agents"] != "line" || *q.Contacts != 3 ||
		v.From["contacts"] != "campaign" || *q.AnswerRate != 0.25 ||
		v.From["answer_rate"] != "usual" || *q.Cap != 0.03 || v.From["cap"] != "campaign" || *q.Days != 1 {
		t.Errorf("assumed %s, from %v", text(q), v.From)
	}
	if !slices.Equal(q.Modes, []pacing.Mode{pacing.Progressive}) || len(v.Results) != 1 || v.Results[0].Finish == nil ||
		len(v.Results[0].Chart) == 0 {
		t.Errorf("modes %v: %s", q.Modes, text(v.Results))
	}
	if again := h.whatIf(c, text(q)); text(again.Results) != text(v.Results) || text(again.Assumed) != text(q) ||
		again.From["agents"] != "given" {
		t.Errorf("sent again: %s", text(again))
	}

	more := h.whatIf(c,
		`{"agents": 12, "contacts": 0, "hours": "1h", "modes": ["progressive", "predictive"], "cap": 0.05, "days": 2}`)
	slow, fast := more.Results[0], more.Results[1]
	if slow.Abandoned != 0 || fast.Calls <= slow.Calls || fast.Occupancy <= slow.Occupancy || fast.Wait >= slow.Wait ||
		slow.Finish != nil || len(fast.Chart) != 2 || fast.WorstHalf.Day == 0 {
		t.Errorf("progressive %s\npredictive %s", text(slow), text(fast))
	}
}

// TestWhatIfByCalls: a campaign is imagined as its calls have been.
func TestWhatIfByCalls(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	const calls = 30
	for i := range calls {
		h.contact(c.ID, fmt.Sprint(i), fmt.Sprintf("+4477009001%02d", i))
		h.talk(c.ID)
	}
	v := h.whatIf(c, `{"hours": "10m"}`)
	if v.Calls != calls || v.From["answer_rate"] != "calls" || *v.Assumed.AnswerRate != 1 || v.From["talk"] != "calls" ||
		*v.Assumed.Talk != api.Duration(time.Minute) || *v.Assumed.TalkSpread != 0 || *v.Assumed.Wrap != api.Duration(5*time.Second) ||
		*v.Assumed.Ring != api.Duration(5*time.Second) {
		t.Errorf("%d calls: %s, from %v", v.Calls, text(v.Assumed), v.From)
	}
}

// TestWhatIfIsRefused says what cannot be played, in the reader's language.
func TestWhatIfIsRefused(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	path := fmt.Sprintf("/api/v1/campaigns/%d/what-if", c.ID)
	for body, says := range map[string]string{
		`{"hours": "25h"}`:                              "body.hours",
		`{"ring": "20s", "ring_timeout": "10s"}`:        "body.ring_timeout",
		`{"agents": 1000, "hours": "24h"}`:              "body.days",
		`{"modes": ["psychic"]}`:                        "body.modes",
		`{"days": 51}`:                                  "body.days",
		`{"colour": "red"}`:                             "body.colour",
		`{"breaks": "1m", "break": "5h", "talk": "3h"}`: "body.break",
		`{"modes": ["predictive", "predictive"]}`:       "body.modes",
		`{"answer_rate": 0}`:                            "body.answer_rate",
		`{"agents": 100, "hours": "24h", "modes": ["ratio","predictive","progressive","preview"], "days": 2}`: "body.days",
	} {
		h.send(h.request(access.RoleSupervisor, "POST", path, body)).refused(http.StatusUnprocessableEntity, says)
	}
}

// TestOneWhatIfANode: while one is played another one is told so.
func TestOneWhatIfANode(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	ask := func(ctx context.Context, body string) int {
		r := h.request(access.RoleSupervisor, "POST", fmt.Sprintf("/api/v1/campaigns/%d/what-if", c.ID), body)
		reply, err := http.DefaultClient.Do(r.WithContext(ctx))
		if err != nil {
			return 0
		}
		defer reply.Body.Close()
		return reply.StatusCode
	}
	const short, long = `{"hours": "1m"}`,
		`{"agents": 415, "contacts": 0, "hours": "24h", "modes": ["predictive"], "talk": "5s", "wrap_up": "1s"}`
	client, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() { // again and again, for one is called off when it takes too long
		defer close(left)
		for client.Err() == nil {
			ask(client, long)
		}
	}()
	testdeps.Seen(t, "a reply to one who comes second", func() int { return ask(t.Context(), short) },
		func(status int) bool { return status == http.StatusTooManyRequests })
	leave()
	<-left
	testdeps.Seen(t, "a reply after that", func() int { return ask(t.Context(), short) },
		func(status int) bool { return status == http.StatusOK })
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
