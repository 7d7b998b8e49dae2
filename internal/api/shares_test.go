package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/api"
)

// TestListsShareCalls: weight and quota of a list are changed, audited and shown with the calls of the day; whoever waits for the
// next day is told so.
func TestListsShareCalls(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.importList(c.ID, "?list=autumn", "text/csv", strings.NewReader("id,phone\n7,07700900123\n8,07700900124\n")).
		want(http.StatusOK, nil)
	lists, err := h.store.Imports.Lists(ctx, c.ID, 0, 2)
	h.must(err)
	path := fmt.Sprintf("/api/v1/lists/%d", lists[0].ID)
	var l api.List
	h.do("GET", path, "").want(http.StatusOK, &l)
	if l.Weight != 1 || l.Quota != 0 || l.Today == nil || *l.Today != 0 {
		t.Errorf("at first %+v", l)
	}
	h.send(h.request(supervisor, "PATCH", path, `{"weight": 3}`)).want(http.StatusOK, &l)
	h.do("PATCH", path, `{"quota": 1}`).want(http.StatusOK, &l)
	if l.Weight != 3 || l.Quota != 1 {
		t.Errorf("changed %+v", l)
	}
	h.do("PATCH", path, `{"weight": 101}`).refused(http.StatusUnprocessableEntity, "weight")
	h.do("PATCH", path, `{"quota": -1}`).refused(http.StatusUnprocessableEntity, "quota")
	h.do("PATCH", "/api/v1/lists/999", `{"quota": 1}`).refused(http.StatusNotFound)
	if audit := string(h.do("GET", "/api/v1/audit", "").body); !strings.Contains(audit, "list.change") ||
		!strings.Contains(audit, "weight 1 → 3, quota 0 → 0") || !strings.Contains(audit, "weight 3 → 3, quota 0 → 1") {
		t.Errorf("the audit: %s", audit)
	}

	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/start", c.ID), "").want(http.StatusOK, nil)
	planned, err := h.store.Dialing.Plan(ctx, c.ID, 2, now)
	h.must(err)
	if len(planned) != 1 {
		t.Fatalf("planned %+v, want one", planned)
	}
	h.do("GET", path, "").want(http.StatusOK, &l)
	if *l.Today != 1 {
		t.Errorf("%d calls today", *l.Today)
	}
	var why api.WhyNobody
	h.do("GET", fmt.Sprintf("/api/v1/campaigns/%d/why", c.ID), "").want(http.StatusOK, &why)
	if len(why.Refused) != 1 || why.Refused[0].Rule != "list_quota" || why.Refused[0].Next == nil ||
		why.Refused[0].Next.Hour() != 0 || len(why.Why) == 0 || !strings.Contains(why.Why[0].Text, "“autumn”") {
		t.Errorf("why nobody: %+v", why)
	}
	waiting, err := h.store.Contacts.Contacts(ctx, c.ID, "waiting", "", 0, 2)
	h.must(err)
	r := h.request(supervisor, "GET", fmt.Sprintf("/api/v1/contacts/%d/explain", waiting[0].ID), "")
	r.Header.Set("Accept-Language", "uk")
	var e api.Explanation
	h.send(r).want(http.StatusOK, &e)
	i := slices.IndexFunc(e.Gates, func(g api.Gate) bool { return g.Rule == "list_quota" })
	if i < 0 || e.Gates[i].Verdict != "refuse" || e.Permit || e.NextEligible == nil || !e.NextEligible.Equal(*why.Refused[0].Next) ||
		e.Gates[i].Text != "сьогодні (UTC) зроблено 1 із щонайбільше 1 перших дзвінків людям зі списку «autumn»" {
		t.Errorf("the contact: %+v", e)
	}
	h.do("PATCH", path, `{"quota": 0}`).want(http.StatusOK, &l)
	h.send(r.Clone(ctx)).want(http.StatusOK, &e)
	if !e.Permit || slices.ContainsFunc(e.Gates, func(g api.Gate) bool { return g.Rule == "list_quota" }) {
		t.Errorf("without a quota: %+v", e)
	}
}
