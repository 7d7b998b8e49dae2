package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/api"
)

// keepDay records half an hour of some agents: a call in two is answered, and the pacing was told of each call's odds.
func (h *house) keepDay(campaign int64, begin time.Time, agents int) {
	h.t.Helper()
	recorder := pacing.NewRecorder(pacing.Settings{Mode: pacing.Predictive}, begin)
	keep := func(at time.Time, packed []byte) {
		if packed == nil {
			return
		}
		if err := h.store.Dialing.KeepRecord(h.t.Context(), campaign, "node-1", at, packed); err != nil {
			h.t.Fatal(err)
		}
	}
	for second := range 30 * 60 {
		s := pacing.Snapshot{Cap: 0.03, RingTimeout: 25 * time.Second, Patience: 2 * time.Second, MaxLines: 3}
		for n := range agents { // half a minute free, a minute in a talk
			status := pacing.Talk
			if (second+n*11)%90 < 30 {
				status = pacing.Idle
			}
			s.Agents = append(s.Agents, pacing.Agent{ID: n, Status: status})
		}
		if s.Totals.Dialed = second / 5; second%5 == 0 && second > 0 {
			if second%10 == 0 {
				s.Done.RingAnswered, s.Done.OddsAnswered = []time.Duration{8 * time.Second}, []pacing.Odds{2}
				s.Done.Talk = []time.Duration{time.Minute}
			} else {
				s.Done.RingOther, s.Done.OddsOther = []time.Duration{20 * time.Second}, []pacing.Odds{0.5}
			}
		}
		keep(recorder.Note(begin.Add(time.Duration(second)*time.Second), &s, &pacing.Decision{Key: pacing.ByRisk}))
	}
	keep(recorder.Take())
}

// TestShadow: a recorded day is shown, and played as it was set and otherwise, with and without what the pacing knew of the odds.
func TestShadow(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	path := fmt.Sprintf("/api/v1/campaigns/%d/shadow", c.ID)
	ask := func(body string) (v api.Shadow) {
		t.Helper()
		h.send(h.request(access.RoleSupervisor, "POST", path, body)).want(http.StatusOK, &v)
		return v
	}
	h.send(h.request(access.RoleSupervisor, "POST", path, "")).refused(http.StatusUnprocessableEntity, "body.day")
	h.keepDay(c.ID, now, 6)
	v := ask("")
	q := v.Assumed
	if v.Day != *q.Day || *q.Agents != 6 || *q.Cap != 0.03 || !*q.Odds || !slices.Equal(q.Modes, []pacing.Mode{pacing.Predictive}) {
		t.Errorf("assumed %s", text(q))
	}
	if v.Odds < 300 || v.Dialed != 359 || v.Happened.Occupancy < 0.6 || v.Happened.Occupancy > 0.72 || v.AsSet.Calls == 0 {
		t.Errorf("%d calls, %d with odds; happened %s\nas set %s", v.Dialed, v.Odds, text(v.Happened), text(v.AsSet))
	}
	if len(v.Results) != 1 || text(v.Results[0]) != text(v.AsSet) {
		t.Errorf("with nothing asked for: %s, as set %s", text(v.Results), text(v.AsSet))
	}
	if again := ask(text(q)); text(again.Results) != text(v.Results) || text(again.Assumed) != text(q) {
		t.Errorf("sent again: %s", text(again))
	}
	other := ask(`{"agents": 12, "modes": ["progressive", "predictive"]}`)
	if slow, fast := other.Results[0], other.Results[1]; slow.Abandoned != 0 || fast.Calls <= slow.Calls ||
		fast.Calls <= other.AsSet.Calls || text(other.AsSet) != text(v.AsSet) {
		t.Errorf("progressive %s\npredictive %s", text(slow), text(fast))
	}
	if blind := ask(`{"odds": false}`); text(blind.Results[0]) == text(blind.AsSet) || *blind.Assumed.Odds {
		t.Errorf("the pacing that knows no odds plays the same day: %s", text(blind.Results))
	}
	for body, says := range map[string]string{
		`{"day": "2020-01-01"}`: "body.day", `{"day": "yesterday"}`: "body.day", `{"agents": 1001}`: "body.agents",
		`{"colour": "red"}`: "body.colour", `{"modes": ["psychic"]}`: "body.modes",
	} {
		h.send(h.request(access.RoleSupervisor, "POST", path, body)).refused(http.StatusUnprocessableEntity, says)
	}
}
