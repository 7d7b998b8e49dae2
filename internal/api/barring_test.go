package api_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/api"
)

func (h *house) importBarred(query, list string) result {
	h.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", h.url+"/api/v1/do-not-call/import"+query, strings.NewReader(list))
	h.must(err)
	r.Header.Set("Authorization", "Bearer "+h.tokens[access.RoleCRM])
	r.Header.Set("Content-Type", "text/csv")
	return h.send(r)
}

func TestImportBarred(t *testing.T) {
	h := newHouse(t)
	var report api.BarredReport
	list := "Телефон;Причина;expires_at\n0501234567;попросив;\n0671234567;хворіє;2030-01-31\n0671234567, " +
		"0501234568;;\n12;;\n0501234569;;soon\n0501234560;;2001-01-01\n"
	h.importBarred("?region=UA&reason=register&source=CRM&by=number", list).want(http.StatusOK, &report)
	var told []string
	for _, l := range report.Lines {
		told = append(told, fmt.Sprintf("%d %s %s", l.Line, l.Status, l.Code))
	}
	if got, want := fmt.Sprint(told), "[5 refused phone_invalid 6 accepted expires 7 refused over]"; got != want ||
		report.Added != 4 || report.Refused != 2 {
		t.Errorf("%s, %+v, want %s", got, report, want)
	}
	h.importBarred("?region=UA&reason=register&source=CRM", list).want(http.StatusOK, &report)
	if report.Added != 0 || report.Unchanged != 5 {
		t.Errorf("sent again: %+v", report)
	}
	var check api.BarredCheck
	h.do("GET", "/api/v1/do-not-call/check?number=050+123-45-67&region=UA", "").want(http.StatusOK, &check)
	if !check.Barred || len(check.Entries) != 1 || check.Entries[0].Reason != "попросив" || check.Entries[0].Source != "CRM" ||
		check.Entries[0].ExpiresAt != nil {
		t.Errorf("%+v", check)
	}
	h.do("GET", "/api/v1/do-not-call/check?number=%2B380509999999", "").want(http.StatusOK, &check)
	if check.Barred || len(check.Entries) != 0 {
		t.Errorf("%+v", check)
	}

	// People, by CRM ids alone.
	h.importBarred("?by=person&protected=true&reason=%3Dcmd()", "crm_id,name\n7,Olena\n,Ivan\n8,Petro\n").want(http.StatusOK,
		&report)
	if report.Added != 2 || report.Refused != 1 {
		t.Errorf("%+v", report)
	}
	h.do("GET", "/api/v1/do-not-call/check?crm_id=7", "").want(http.StatusOK, &check)
	if !check.Barred || !check.Entries[0].Protected {
		t.Errorf("%+v", check)
	}

	for query, says := range map[string]string{"?protected=perhaps": "true or false",
		"?expires_at=2001-01-01T00:00:00Z": "yet to come", "?colour=red": "colour",
		"?reason=" + strings.Repeat("x", 201): "200"} {
		h.importBarred(query, "phone\n").refused(http.StatusUnprocessableEntity, says)
	}
	h.importBarred("?by=person", "name\nx\n").refused(http.StatusUnprocessableEntity, "recognised")

	r := h.do("GET", "/api/v1/do-not-call/export", "")
	rows, err := csv.NewReader(strings.NewReader(string(r.body))).ReadAll()
	h.must(err)
	if r.status != http.StatusOK || len(rows) != 7 || rows[1][1] != "8" || rows[1][2] != "'=cmd()" ||
		rows[6][0] != "+380501234567" || rows[5][5] != "" {
		t.Errorf("%d %q", r.status, rows)
	}
}

// TestBarredForEver: registers write 31.12.9999 for never, which is in the year 10000 by some clocks. Nothing that can be stored
// may keep the list from being read.
func TestBarredForEver(t *testing.T) {
	h := newHouse(t)
	var report api.BarredReport
	h.importBarred("?region=UA", "number,expires_at\n0501234567,31.12.9999\n").want(http.StatusOK, &report)
	h.do("POST", "/api/v1/do-not-call", `{"number": "+380501234568", "expires_at": "9999-12-31T23:00:00-12:00"}`).want(
		http.StatusCreated, nil)
	var list struct{ Items []api.Barred }
	h.do("GET", "/api/v1/do-not-call", "").want(http.StatusOK, &list)
	if report.Added != 1 || len(list.Items) != 2 || list.Items[0].ExpiresAt == nil || list.Items[0].ExpiresAt.Year() != 9999 {
		t.Errorf("%+v, %+v", report, list.Items)
	}
	if r := h.do("GET", "/api/v1/do-not-call/export", ""); r.status != http.StatusOK || strings.Count(string(r.body),
		",9999-12-31T") != 2 {
		t.Errorf("%d %s", r.status, r.body)
	}
	id := h.contact(h.campaign("Winter").ID, "7", "+380501234569")
	h.do("GET", fmt.Sprintf("/api/v1/contacts/%d/windows?from=9999-12-30T00:00:00Z", id), "").want(http.StatusOK, nil)
	h.send(h.request(agent, "GET", "/api/v1/me/figures?from=0000-01-01T00:00:00%2B14:00&to=0000-01-01T12:00:00Z",
		"")).want(http.StatusOK, nil)
}
