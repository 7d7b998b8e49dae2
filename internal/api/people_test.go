package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/api"
)

// TestInteractions: what the CRM tells of counts for the person, once; the same id with another content is refused.
func TestInteractions(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.do("PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID), `{"limits": {"meaningful_per_day": 1}}`).want(http.StatusOK, nil)
	id := h.contact(c.ID, "7", "+447700900123")
	const told = `{"id": "visit-17", "kind": "visit", "crm_id": "7", "at": "2026-03-03T11:00:00Z", "talk": "5m", "meaningful": true}`
	var first, again api.Interaction
	h.send(h.request(crm, "POST", "/api/v1/interactions", told)).want(http.StatusCreated, &first)
	h.send(h.request(crm, "POST", "/api/v1/interactions", told)).want(http.StatusCreated, &again)
	if fmt.Sprint(*first.Meaningful, first.ID, first.CreatedAt, first.Talk) != fmt.Sprint(*again.Meaningful, again.ID,
		again.CreatedAt, again.Talk) {
		t.Errorf("told %+v, then %+v", first, again)
	}
	h.send(h.request(crm, "POST", "/api/v1/interactions",
		`{"id": "visit-17", "kind": "visit", "crm_id": "8", "at": "2026-03-03T11:00:00Z"}`)).
		refused(http.StatusConflict, "visit-17")
	for _, bad := range []string{`{"id": "1", "kind": "dream", "crm_id": "7", "at": "2026-03-03T11:00:00Z"}`,
		`{"id": "1", "kind": "sms", "at": "2026-03-03T11:00:00Z"}`,
		`{"id": "", "kind": "sms", "crm_id": "7", "at": "2026-03-03T11:00:00Z"}`,
		`{"id": "1", "kind": "letter", "crm_id": "7", "ring": "5s", "at": "2026-03-03T11:00:00Z"}`} {
		h.send(h.request(crm, "POST", "/api/v1/interactions", bad)).refused(http.StatusUnprocessableEntity)
	}
	var why api.Explanation
	h.do("GET", fmt.Sprintf("/api/v1/contacts/%d/explain", id), "").want(http.StatusOK, &why)
	passes := map[string]bool{}
	for _, g := range why.Gates {
		passes[g.Rule] = g.Verdict == "pass"
	}
	if passes["meaningful_per_day"] || !passes["in_call"] {
		t.Errorf("gates %v", passes)
	}
	h.do("POST", "/api/v1/interactions", `{"id": "2", "kind": "sms", "number": "07700 900124", "region": "GB",
		"at": "2026-03-03T11:00:00Z"}`).want(http.StatusCreated, nil)
	var list struct {
		Items      []api.Interaction
		NextCursor string `json:"next_cursor"`
	}
	h.do("GET", "/api/v1/interactions?limit=1", "").want(http.StatusOK, &list)
	if len(list.Items) != 1 || list.Items[0].Number != "+447700900124" || list.Items[0].Meaningful != nil {
		t.Errorf("listed %+v", list)
	}
	h.do("GET", "/api/v1/interactions?limit=1&cursor="+list.NextCursor, "").want(http.StatusOK, &list)
	if len(list.Items) != 1 || list.Items[0].ID != "visit-17" || list.Items[0].MadeBy == "" {
		t.Errorf("then %+v", list)
	}
}

// TestPeople: who is who can be seen, merged and split.
func TestPeople(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.contact(c.ID, "7", "+447700900123")
	h.contact(c.ID, "8", "+447700900124")
	var p api.Person
	h.send(h.request(supervisor, "POST", "/api/v1/people/merge",
		`{"into": "7", "crm_ids": ["8"], "reason": "the same passport"}`)).want(http.StatusOK, &p)
	if fmt.Sprint(p.CRMIDs, p.Numbers) != "[7 8] [+447700900123 +447700900124]" {
		t.Errorf("merged %+v", p)
	}
	h.send(h.request(crm, "POST", "/api/v1/people/split", `{"crm_id": "8", "reason": "a mistake"}`)).want(http.StatusOK, &p)
	if fmt.Sprint(p.CRMIDs, p.Numbers) != "[8] [+447700900124]" {
		t.Errorf("split %+v", p)
	}
	h.do("POST", "/api/v1/people/split", `{"crm_id": "8", "reason": "again"}`).refused(http.StatusNotFound, "merged with nobody")
	h.do("POST", "/api/v1/do-not-call", `{"crm_id": "8"}`).want(http.StatusCreated, nil)
	h.do("GET", "/api/v1/people?crm_id=8", "").want(http.StatusOK, &p)
	if !p.DoNotCall || len(p.BarredNumbers) != 0 {
		t.Errorf("barred %+v", p)
	}
}

// TestEraseRoute: an admin alone forgets a person, once, by the CRM's id or by the contact; not while the person is in a call.
func TestEraseRoute(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id, other := h.contact(c.ID, "7", "+447700900123"), h.contact(c.ID, "", "+447700900124")
	const erase = "/api/v1/people/erase"
	for _, role := range []access.Role{agent, supervisor, crm} {
		h.send(h.request(role, "POST", erase, `{"crm_id": "7", "reason": "asked"}`)).refused(http.StatusForbidden)
	}
	for body, says := range map[string]string{`{"reason": "asked"}`: "crm_id", `{"crm_id": "7"}`: "reason",
		fmt.Sprintf(`{"crm_id": "7", "contact_id": %d, "reason": "asked"}`, id): "crm_id"} {
		h.do("POST", erase, body).refused(http.StatusUnprocessableEntity, says)
	}
	h.do("POST", erase, `{"crm_id": "nobody", "reason": "asked"}`).refused(http.StatusNotFound)

	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/start", c.ID), "").want(http.StatusOK, nil)
	planned, err := h.store.Dialing.Plan(ctx, c.ID, 2, now)
	h.must(err)
	if len(planned) != 2 {
		t.Fatalf("%d planned", len(planned))
	}
	for _, a := range planned {
		claimed, err := h.store.Dialing.Claim(ctx, a.ID, "n1", h.agent.ID, time.Minute, now)
		h.must(err)
		h.must(h.store.Dialing.Dialed(ctx, a.ID, "n1", claimed.Attempt.Fence, time.Minute, now))
	}
	h.do("POST", erase, `{"crm_id": "7", "reason": "asked"}`).refused(http.StatusConflict)
	for _, a := range planned {
		_, err := h.store.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: "n1", Fence: a.Fence + 1, Outcome: campaigns.Busy,
			EndedAt: now, Confirmed: true})
		h.must(err)
	}
	var e api.Erasure
	h.do("POST", erase, `{"crm_id": "7", "reason": "asked by letter"}`).want(http.StatusOK, &e)
	if e.Contacts != 1 || e.Attempts != 1 || e.Imports == nil || e.KeptUntil != nil {
		t.Errorf("%+v", e)
	}
	h.do("POST", erase, fmt.Sprintf(`{"contact_id": %d, "reason": "asked by letter"}`, other)).want(http.StatusOK, &e)
	if e.Contacts != 1 {
		t.Errorf("without a CRM id: %+v", e)
	}
	var gone api.Contact
	h.do("GET", fmt.Sprintf("/api/v1/contacts/%d", id), "").want(http.StatusOK, &gone)
	if gone.CRMID != "" || gone.Name != "" || len(gone.Phones) != 0 || gone.Reason != "erased" {
		t.Errorf("left over: %+v", gone)
	}
}
