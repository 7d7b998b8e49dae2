package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/api"
)

// TestDossier: everything on one person and nothing of another one on the same number; by the number, of both.
func TestDossier(t *testing.T) {
	h := newHouse(t)
	c, other := h.campaign("Winter"), h.campaign("Summer")
	h.contact(c.ID, "7", "+447700900123")
	done := h.talk(c.ID)
	for id, number := range map[string]string{"7": "+447700900124", "8": "+447700900123"} {
		h.importList(other.ID, "", "text/csv", strings.NewReader("id,phone\n"+id+","+number+"\n")).want(http.StatusOK, nil)
	}
	post := func(path, body string) { h.do("POST", "/api/v1"+path, body).want(http.StatusCreated, nil) }
	post("/interactions", `{"id": "visit-1", "kind": "visit", "crm_id": "7", "at": "2026-03-01T10:00:00Z"}`)
	post("/interactions", `{"id": "visit-2", "kind": "visit", "crm_id": "8", "number": "+447700900123",
		"at": "2026-03-01T11:00:00Z"}`)
	post("/consents", `{"crm_id": "7", "kind": "calls", "source": "letter"}`)
	post("/do-not-call", `{"number": "+447700900124", "reason": "not at work"}`)
	h.do("PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID), `{"max_attempts": 2}`).want(http.StatusOK, nil)

	var d api.Dossier
	reply := h.do("GET", "/api/v1/people/dossier?crm_id=7", "").want(http.StatusOK, &d)
	if name := reply.header.Get("Content-Disposition"); !strings.HasPrefix(name, "attachment; ") ||
		reply.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", reply.header)
	}
	slices.Sort(d.Numbers)
	if got := fmt.Sprint(d.CRMIDs, d.Numbers, len(d.Contacts), len(d.Attempts), len(d.Interactions), len(d.Consents),
		len(d.DoNotCall), len(d.Rules), len(d.RulesChanged), d.LeftOut); got !=
		"[7] [+447700900123 +447700900124] 2 1 1 1 1 2 1 []" {
		t.Fatalf("%s: %+v", got, d)
	}
	if d.Attempts[0].ID != done.ID || d.Interactions[0].ID != "visit-1" || d.Contacts[0].Why == nil ||
		len(d.Contacts[0].Why.Gates) == 0 {
		t.Errorf("%+v", d)
	}
	if !slices.ContainsFunc(d.Audit, func(e api.AuditEntry) bool { return e.What == "do_not_call.add" }) {
		t.Errorf("audit %+v", d.Audit)
	}

	d = api.Dossier{}
	h.do("GET", "/api/v1/people/dossier?region=GB&number=07700%20900123", "").want(http.StatusOK, &d)
	slices.Sort(d.CRMIDs)
	if got := fmt.Sprint(d.CRMIDs, d.Numbers, len(d.Contacts), len(d.Attempts),
		len(d.Interactions)); got != "[7 8] [+447700900123] 2 1 2" {
		t.Errorf("%s: %+v", got, d)
	}
	h.do("GET", "/api/v1/people/dossier?crm_id=nobody", "").refused(http.StatusNotFound, "Nothing is on record")
	h.do("GET", "/api/v1/people/dossier?crm_id=7&number=%2B447700900123", "").refused(http.StatusUnprocessableEntity, "number")
	var log struct{ Items []api.AuditEntry }
	h.do("GET", "/api/v1/audit?what=person.dossier", "").want(http.StatusOK, &log)
	if len(log.Items) != 2 || log.Items[1].Object != "person/7" {
		t.Errorf("audit %+v", log.Items)
	}
}
