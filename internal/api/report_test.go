package api_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/api"
)

// TestReports counts one call by everything, and shows it as CSV in which nothing is a formula.
func TestReports(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("=Winter")
	h.contact(c.ID, "7", "+447700900123")
	done := h.talk(c.ID)
	const span = "&from=2026-03-03T00:00:00Z&to=2026-03-04T00:00:00Z"
	for by, want := range map[string][2]string{"campaign": {"", "=Winter"}, "list": {"", "Import 1"}, "agent": {"", "olena"},
		"hour": {"", ""}, "outcome": {"answered", ""}, "code": {"1", "Promise"}, "origin": {"automatic", ""}} {
		var list struct{ Items []api.ReportRow }
		h.send(h.request(supervisor, "GET", "/api/v1/reports?by="+by+span, "")).want(http.StatusOK, &list)
		if len(list.Items) != 1 {
			t.Errorf("by %s: %+v", by, list)
			continue
		}
		r := list.Items[0]
		if r.Key != want[0] || r.Name != want[1] || r.Attempts != 1 || r.Dialed != 1 || r.Answered != 1 || r.Coded != 1 ||
			r.TalkSeconds != 60 || r.WrapUpSeconds != 5 {
			t.Errorf("by %s: %+v", by, r)
		}
		if (r.Hour != nil) != (by == "hour") || r.Hour != nil && !r.Hour.Equal(now) {
			t.Errorf("by %s: hour %v", by, r.Hour)
		}
	}
	var none struct{ Items []api.ReportRow }
	h.do("GET", "/api/v1/reports?by=agent&from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z", "").want(http.StatusOK, &none)
	if len(none.Items) != 0 {
		t.Errorf("of the days before: %+v", none)
	}

	rows := func(path string) [][]string {
		raw := h.do("GET", path, "").want(http.StatusOK, nil)
		if kind := raw.header.Get("Content-Type"); kind != "text/csv; charset=utf-8" {
			t.Errorf("%s: %s", path, kind)
		}
		list, err := csv.NewReader(strings.NewReader(string(raw.body))).ReadAll()
		h.must(err)
		return list
	}
	if list := rows("/api/v1/reports/export?by=campaign" + span); len(list) != 2 || list[1][3] != "'=Winter" {
		t.Errorf("%q", list)
	}
	if marked := h.do("GET", "/api/v1/reports/export?by=campaign&bom=true"+span, "").want(http.StatusOK,
		nil).body; !strings.HasPrefix(string(marked), "\uFEFFid,hour,") {
		t.Errorf("with a mark: %.20q", marked)
	}
	list := rows(fmt.Sprintf("/api/v1/attempts/export?campaign_id=%d", c.ID))
	if len(list) != 2 || list[1][0] != done.ID.String() || list[1][3] != "+447700900123" || list[1][11] != "60" {
		t.Errorf("%q", list)
	}
	if list := rows("/api/v1/attempts/export?campaign_id=99"); len(list) != 1 {
		t.Errorf("%q", list)
	}
}

// TestPromiseReports: what became of promises, as JSON and as CSV in which a name is no formula.
func TestPromiseReports(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("=Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	const span = "&from=2026-03-03T00:00:00Z&to=2026-03-05T00:00:00Z"
	h.do("POST", "/api/v1/callbacks", fmt.Sprintf(`{"contact_id": %d, "at": "2026-03-03T15:20:00Z", "agent_id": %d}`, id,
		h.agent.ID)).want(http.StatusCreated, nil)
	h.do("PATCH", fmt.Sprintf("/api/v1/callbacks/%d", id), `{"at": "2026-03-04T10:00:00Z"}`).want(http.StatusOK, nil)
	for by, want := range map[string]string{"campaign": "=Winter", "list": "Import 1", "agent": "olena"} {
		var list struct{ Items []api.PromiseRow }
		h.send(h.request(supervisor, "GET", "/api/v1/reports/promises?by="+by+span, "")).want(http.StatusOK, &list)
		if len(list.Items) != 1 {
			t.Fatalf("by %s: %+v", by, list)
		}
		if r := list.Items[0]; r.Name != want || r.ID == nil || r.Made != 2 || r.Moved != 1 || r.Open != 1 || r.Overdue != 0 ||
			r.Share != 1 {
			t.Errorf("by %s: %+v", by, r)
		}
	}
	var hours struct{ Items []api.PromiseRow }
	h.do("GET", "/api/v1/reports/promises?by=hour"+span, "").want(http.StatusOK, &hours)
	if len(hours.Items) != 2 || hours.Items[0].Hour == nil || hours.Items[0].Hour.Hour() != 15 || hours.Items[0].Moved != 1 {
		t.Errorf("by hour: %+v", hours)
	}
	raw := h.do("GET", "/api/v1/reports/promises/export?by=campaign"+span, "").want(http.StatusOK, nil)
	rows, err := csv.NewReader(strings.NewReader(string(raw.body))).ReadAll()
	if h.must(err); len(rows) != 2 || rows[1][2] != "'=Winter" || rows[1][3] != "2" || rows[1][7] != "1" {
		t.Errorf("%q", rows)
	}
}
