package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/api"
)

// TestExceptions: they are made with a campaign, stay when something else is changed, and a wrong one is refused by the path of
// its field; the one that closes is named by every explanation.
func TestExceptions(t *testing.T) {
	h := newHouse(t)
	var c api.Campaign
	h.do("POST", "/api/v1/campaigns", `{"name": "Winter", "profile": "none", "reason": "a test", "region": "GB", "time_zone": "UTC",
		"recording_link": "/records/{calltraceid}", "windows": [{"cron": "0 9 * * *", "duration": "11h"}],
		"exceptions": [{"date": "2026-03-07", "from": "21:00", "to": "22:00", "note": "Saturday once"},
			{"date": "2026-03-03", "from": "11:00", "to": "14:00", "closed": true, "note": "the town's day"}]}`).want(http.StatusCreated, &c)
	path := fmt.Sprintf("/api/v1/campaigns/%d", c.ID)
	want := []api.CampaignException{{Date: "2026-03-07", From: "21:00", To: "22:00", Note: "Saturday once"},
		{Date: "2026-03-03", From: "11:00", To: "14:00", Closed: true, Note: "the town's day"}}
	kept := func(after string) {
		t.Helper()
		var got api.Campaign
		h.do("GET", path, "").want(http.StatusOK, &got)
		if !slices.Equal(got.Exceptions, want) {
			t.Errorf("%s: %+v", after, got.Exceptions)
		}
	}
	kept("made")
	h.do("PATCH", path, `{"wrap_up": "45s"}`).want(http.StatusOK, nil)
	kept("another field is changed")
	for body, where := range map[string]string{
		`{"exceptions": [{"date": "2026-03-08", "closed": true}, {"date": "8.3.2026", "closed": true}]}`: "exceptions[1].date",
		`{"exceptions": [{"date": "2026-03-08", "from": "14:00", "to": "10:00"}]}`:                       "exceptions[0]",
		`{"exceptions": [{"date": "2026-03-08", "closed": true, "note": "a\nb"}]}`:                       "exceptions[0].note",
	} {
		p := h.do("PATCH", path, body).refused(http.StatusUnprocessableEntity)
		if len(p.Errors) != 1 || !strings.HasSuffix(p.Errors[0].Location, where) {
			t.Errorf("%s: %+v, want %s", body, p.Errors, where)
		}
	}
	kept("wrong ones are refused")

	id := h.contact(c.ID, "7", "+447700900123")
	h.do("POST", path+"/start", "").want(http.StatusOK, nil)
	const says = "the campaign is closed on 3 March 2026 (the town's day); it opens at "
	var why api.WhyNobody
	h.do("GET", path+"/why", "").want(http.StatusOK, &why)
	if len(why.Why) == 0 || why.Why[0].Key != "policy.closed_on_for" || !strings.HasPrefix(why.Why[0].Text, says) ||
		why.Why[0].Until == nil || why.Why[0].Until.Hour() != 14 {
		t.Errorf("why nobody: %+v", why.Why)
	}
	var e api.Explanation
	h.do("GET", fmt.Sprintf("/api/v1/contacts/%d/explain", id), "").want(http.StatusOK, &e)
	i := slices.IndexFunc(e.Gates, func(g api.Gate) bool { return g.Rule == "window" })
	if i < 0 || e.Gates[i].Verdict != "refuse" || !strings.HasPrefix(e.Gates[i].Text, says) {
		t.Errorf("the contact: %+v", e.Gates)
	}
	var all api.Overview
	h.do("GET", fmt.Sprintf("/api/v1/overview?campaign=%d", c.ID), "").want(http.StatusOK, &all)
	if all.Campaign == nil || !slices.ContainsFunc(all.Campaign.Why, func(k api.Trouble) bool {
		return k.Kind == "window_closed" && strings.Contains(k.Text, says[1:])
	}) {
		t.Errorf("the overview: %+v", all.Campaign)
	}
}
