package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/api"
)

// TestLawfulTimes: a campaign that opens at ten, asked about at noon.
func TestLawfulTimes(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	h.do("PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID),
		`{"windows": [{"cron": "0 10 * * *", "duration": "4h"}]}`).want(http.StatusOK, nil)
	path := fmt.Sprintf("/api/v1/contacts/%d/windows", id)
	var v api.LawfulTimes
	h.send(h.request(supervisor, "GET", path+"?from=2026-03-01T00:00:00Z&to=2026-03-05T00:00:00Z", "")).want(http.StatusOK, &v)
	day := func(d, hour int) time.Time { return time.Date(2026, 3, d, hour, 0, 0, 0, time.UTC) }
	want := []api.TimeSpan{{From: now, To: day(3, 14)}, {From: day(4, 10), To: day(4, 14)}}
	if fmt.Sprint(v.Windows) != fmt.Sprint(want) || v.Number != "+447700900123" || v.CampaignID != c.ID || len(v.TimeZones) == 0 {
		t.Errorf("%+v", v)
	}
	h.send(h.request(agent, "GET", path, "")).refused(http.StatusNotFound) // not the agent's contact

	h.do("POST", "/api/v1/do-not-call", `{"crm_id": "7", "reason": "asked"}`).want(http.StatusCreated, nil)
	raw := h.do("GET", path, "").want(http.StatusOK, nil)
	if !strings.Contains(string(raw.body), `"windows":[]`) {
		t.Errorf("of a barred one: %s", raw.body)
	}
}

// logOn has the house's agent at work, with a phone and a tab.
func (h *house) logOn() agents.Live {
	h.t.Helper()
	x, err := h.store.Agents.TakeExtension(ctx, h.agent.ID, "101")
	h.must(err)
	_, err = h.roster.Apply(ctx, h.agent.ID, agents.Input{Kind: agents.Login, Agent: &h.agent, Extension: &x, Node: "n1",
		User: "olena", Reachable: true})
	h.must(err)
	l, err := h.roster.Apply(ctx, h.agent.ID, agents.Input{Kind: agents.TabsCounted, Node: "n1", Count: 1})
	h.must(err)
	return l
}

func TestAgentIsLoggedOff(t *testing.T) {
	h := newHouse(t)
	_, err := h.store.Agents.CreateExtension(ctx, agents.Extension{Name: "101", Network: "sip", Number: "101"})
	h.must(err)
	h.logOn()
	path := fmt.Sprintf("/api/v1/agents/%d/logout", h.agent.ID)
	for range 2 { // a repeat is harmless
		h.send(h.request(supervisor, "POST", path, "")).want(http.StatusNoContent, nil)
	}
	off, err := h.roster.Get(ctx, h.agent.ID)
	h.must(err)
	if off.State != agents.LoggedOff {
		t.Errorf("state %s", off.State)
	}
	x, err := h.store.Agents.Extensions(ctx)
	h.must(err)
	if len(x) != 1 || x[0].OwnerID != 0 {
		t.Errorf("the extension is not given back: %+v", x)
	}
	h.logOn()
	_, err = h.roster.Apply(ctx, h.agent.ID, agents.Input{Kind: agents.Ordering, AttemptID: "1", Until: now.Add(time.Minute),
		Call: &agents.Call{AttemptID: "1", Number: "+447700900123", Queue: "Winter"}})
	h.must(err)
	h.send(h.request(supervisor, "POST", path, "")).refused(http.StatusConflict, "in a call")
}

// TestAgentsOwnFigures: what an agent did, and what is promised.
func TestAgentsOwnFigures(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	done := h.talk(c.ID)
	h.do("POST", "/api/v1/callbacks", fmt.Sprintf(`{"contact_id": %d, "at": "2026-03-04T09:00:00Z", "agent_id": %d}`, id,
		h.agent.ID)).want(http.StatusCreated, nil)

	var f api.Figures
	h.send(h.request(agent, "GET", "/api/v1/me/figures?from=2026-03-03T00:00:00Z&to=2026-03-03T12:00:00Z", "")).want(http.StatusOK,
		&f)
	if f.Calls != 0 || f.Callbacks != 1 || f.LateCallbacks != 0 {
		t.Errorf("before the call: %+v", f)
	}
	got, err := h.store.Attempts.AgentFigures(ctx, h.agent.ID, now.Add(-time.Hour), now.Add(time.Hour), now.Add(48*time.Hour))
	h.must(err)
	if got.Calls != 1 || got.Talks != 1 || got.Talk != time.Minute || got.WrapUp != 5*time.Second || got.Outcomes["answered"] != 1 ||
		got.Codes["Promise"] != 1 ||
		got.Callbacks != 1 || got.LateCallbacks != 1 {
		t.Errorf("%+v", got)
	}

	var calls struct{ Items []api.MyCall }
	h.send(h.request(agent, "GET", "/api/v1/me/history", "")).want(http.StatusOK, &calls)
	if len(calls.Items) != 1 || calls.Items[0].ID != done.ID || calls.Items[0].Name != "Person" ||
		calls.Items[0].CampaignName != "Winter" {
		t.Errorf("%+v", calls)
	}
	var callbacks struct{ Items []api.MyCallback }
	h.send(h.request(agent, "GET", "/api/v1/me/callbacks", "")).want(http.StatusOK, &callbacks)
	if len(callbacks.Items) != 1 || callbacks.Items[0].ContactID != id || callbacks.Items[0].CRMID != "7" ||
		callbacks.Items[0].Late {
		t.Errorf("%+v", callbacks)
	}
}

// TestOpenCalls: a call is there from its claim to its end.
func TestOpenCalls(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/start", c.ID), "").want(http.StatusOK, nil)
	calls := func(query string) []api.OpenCall {
		var page struct{ Items []api.OpenCall }
		h.send(h.request(supervisor, "GET", "/api/v1/calls/live"+query, "")).want(http.StatusOK, &page)
		return page.Items
	}
	planned, err := h.store.Dialing.Plan(ctx, c.ID, 1, now)
	h.must(err)
	if list := calls(""); len(list) != 0 {
		t.Errorf("planned is not up: %+v", list)
	}
	_, err = h.store.Dialing.Claim(ctx, planned[0].ID, "n1/life", h.agent.ID, time.Minute, now)
	h.must(err)
	list := calls(fmt.Sprintf("?campaign_id=%d", c.ID))
	if len(list) != 1 || *list[0].ContactID != id || list[0].Campaign != "Winter" || list[0].CRMID != "7" || list[0].Node != "n1" ||
		list[0].State != "dialing" || *list[0].AgentID != h.agent.ID {
		t.Errorf("%+v", list)
	}
	if list := calls("?campaign_id=99"); len(list) != 0 {
		t.Errorf("another campaign's: %+v", list)
	}
}

// TestAudit: from what to what, and what is only an admin's.
func TestAudit(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.send(h.request(supervisor, "PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID), `{"wrap_up": "2m"}`)).want(http.StatusOK, nil)
	h.do("POST", "/api/v1/users", `{"login": "vera", "role": "crm"}`).want(http.StatusCreated, nil)
	entries := func(role access.Role, query string) []api.AuditEntry {
		var page struct{ Items []api.AuditEntry }
		h.send(h.request(role, "GET", "/api/v1/audit"+query, "")).want(http.StatusOK, &page)
		return page.Items
	}
	list := entries(supervisor, fmt.Sprintf("?object=campaign/%d&what=campaign.change", c.ID))
	if len(list) != 1 || list[0].Who != "supervisor" || string(list[0].Before) != `{"wrap_up":"1m"}` ||
		string(list[0].After) != `{"wrap_up":"2m"}` {
		t.Errorf("%+v", list)
	}
	for role, want := range map[access.Role]bool{supervisor: false, admin: true} {
		seen := false
		for _, e := range entries(role, "") {
			seen = seen || strings.HasPrefix(e.What, "user.")
		}
		if seen != want {
			t.Errorf("%s sees what was done to users: %v", role, seen)
		}
	}
	if list := entries(admin, "?to=2026-03-03T00:00:00Z"); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// TestWhomIAmTalkingWith: the contact of the present call, with what to say and what was before.
func TestWhomIAmTalkingWith(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.do("PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID), `{"script": "Good day, {name}. – {agent}"}`).want(http.StatusOK, nil)
	id := h.contact(c.ID, "7", "+447700900123")
	h.talk(c.ID)
	_, err := h.store.Agents.CreateExtension(ctx, agents.Extension{Name: "101", Network: "sip", Number: "101"})
	h.must(err)
	h.logOn()
	h.send(h.request(agent, "GET", "/api/v1/me/contact", "")).refused(http.StatusNotFound, "no call")
	h.send(h.request(supervisor, "GET", "/api/v1/me/contact", "")).refused(http.StatusForbidden)
	order := func(attempt string, contact int64) {
		_, err := h.roster.Apply(ctx, h.agent.ID, agents.Input{Kind: agents.Ordering, AttemptID: attempt, Until: now.Add(time.Minute),
			Call: &agents.Call{AttemptID: attempt, ContactID: contact, CampaignID: c.ID, CRMID: "7", Name: "Person",
				Number: "+447700900123", Queue: "Winter"}})
		h.must(err)
	}
	order("1", id)
	var v api.MyContact
	h.send(h.request(agent, "GET", "/api/v1/me/contact", "")).want(http.StatusOK, &v)
	if v.Script != "Good day, Person. – olena" || v.Name != "Person" || v.CampaignName != "Winter" || v.ContactID == nil ||
		*v.ContactID != id {
		t.Errorf("%+v", v)
	}
	if len(v.History) != 1 || v.History[0].Code != "Promise" || v.History[0].TalkSeconds != 60 || v.History[0].Agent != "olena" ||
		v.History[0].Outcome != "answered" {
		t.Errorf("history: %+v", v.History)
	}
}
