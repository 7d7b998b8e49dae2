package api_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/api"
)

// TestDryRun: what would become of a list is told, nothing is stored until its commit, and a second commit does nothing more.
func TestDryRun(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.contact(c.ID, "7", "+447700900123")
	list := "id;ПІБ;Телефон;Примітка\n7;Олена;07700 900124;x\n8;Іван;07700 900125;\n9;Петро;3.80501E+11;\n8;Іван;07700 900126;\n"
	var im api.Import
	h.importList(c.ID, "?dry_run=true&list=autumn&choice=update", "text/csv", strings.NewReader(list)).want(http.StatusOK, &im)
	counts := func(r api.ImportReport) string {
		s := fmt.Sprint(r.Accepted, r.Updated, r.Unchanged, r.Duplicates, r.Refused)
		for _, k := range r.Reasons {
			s += fmt.Sprintf(" %s:%s:%d:%d", k.Status, k.Code, k.Count, len(k.Examples))
		}
		return s
	}
	const want = "1 1 0 1 1 updated:line.changed:1:1 refused:phone_scientific:1:1 duplicate:line.crm_id_in_list:1:1"
	if got := counts(im.Report); got != want || im.State != "checked" || !im.Committable || im.List != "autumn" ||
		im.Bytes != int64(len(list)) {
		t.Fatalf("%s, want %s: %+v", got, want, im)
	}
	var fields []string
	for _, column := range im.About.Columns {
		fields = append(fields, column.Name+"="+column.Field+" "+column.By)
	}
	if got, want := strings.Join(fields, ", "), "id=crm_id name, ПІБ=name name, Телефон=phone name, Примітка=payload "; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	path := fmt.Sprintf("/api/v1/imports/%d", im.ID)
	if stats, _ := h.store.Campaigns.Stats(ctx, c.ID); stats.Contacts["waiting"] != 1 {
		t.Errorf("a dry run stored %v", stats.Contacts)
	}
	refused := h.do("GET", path+"/refused", "")
	if got, want := string(refused.body), "id;ПІБ;Телефон;Примітка;reason\n9;Петро;3.80501E+11;;"; refused.status != http.StatusOK ||
		!strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	for range 2 {
		h.do("POST", path+"/commit", "").want(http.StatusOK, &im)
		if got := counts(im.Report); got != want || im.State != "done" || im.ListID == nil {
			t.Fatalf("%s, want %s: %+v", got, want, im)
		}
	}
	reply, err := http.DefaultClient.Do(h.request(admin, "GET", path+"/progress", ""))
	h.must(err)
	defer reply.Body.Close()
	events, err := io.ReadAll(reply.Body) // an import that is done ends it
	h.must(err)
	if !strings.HasPrefix(string(events), "event: done\ndata: {") {
		t.Errorf("%s", events)
	}
	contacts, err := h.store.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
	h.must(err)
	if len(contacts) != 2 || contacts[0].Name != "Олена" || contacts[1].Name != "Іван" {
		t.Errorf("%+v", contacts)
	}

	// The list has who came by it; closed, it calls nobody.
	listPath := fmt.Sprintf("/api/v1/lists/%d", *im.ListID)
	rows, err := csv.NewReader(strings.NewReader(string(h.do("GET", listPath+"/export", "").body))).ReadAll()
	h.must(err)
	if len(rows) != 2 || rows[1][1] != "8" || rows[1][3] != "+447700900125" {
		t.Errorf("%q", rows)
	}
	var change api.ListChange
	h.do("POST", listPath+"/close", `{"reason": "sold"}`).want(http.StatusOK, &change)
	var l api.List
	h.do("GET", listPath, "").want(http.StatusOK, &l)
	if change.Contacts != 1 || l.ClosedAt == nil || l.Reasons["list_closed"] != 1 {
		t.Errorf("%+v %+v", change, l)
	}
	h.importList(c.ID, "?list=autumn", "text/csv", strings.NewReader("id,phone\n77,07700900199\n")).refused(http.StatusConflict,
		"autumn")
	h.do("POST", listPath+"/recycle", `{}`).refused(http.StatusConflict, "autumn")
	h.do("POST", listPath+"/reopen", `{"reason": "mistake"}`).want(http.StatusOK, &change)
	h.do("POST", listPath+"/recycle", `{"reasons": ["max_attempts"]}`).want(http.StatusOK, &change)

	// What cannot be read is not kept; what is not wanted is discarded.
	h.importList(c.ID, "?dry_run=true", "text/csv", strings.NewReader("name\nx\n")).refused(http.StatusUnprocessableEntity,
		"recognised")
	h.importList(c.ID, "?dry_run=true", "application/json",
		strings.NewReader(`[{"id": "1", "phone": "07700900126"}, {"id"`)).refused(http.StatusUnprocessableEntity, "middle")
	h.importList(c.ID, "?dry_run=1", "application/json",
		strings.NewReader(`[{"id": "1", "phone": "07700900126"}]`)).want(http.StatusOK, &im)
	var all struct{ Items []api.Import }
	h.do("GET", fmt.Sprintf("/api/v1/campaigns/%d/imports", c.ID), "").want(http.StatusOK, &all)
	if len(all.Items) != 3 {
		t.Errorf("%+v", all.Items)
	}
	path = fmt.Sprintf("/api/v1/imports/%d", im.ID)
	h.do("DELETE", path, "").want(http.StatusNoContent, nil)
	h.do("POST", path+"/commit", "").refused(http.StatusNotFound)
	for query, says := range map[string]string{"?choice=all": "add_phones", "?dry_run=perhaps": "true or false",
		"?list=" + strings.Repeat("x", 101): "100"} {
		h.importList(c.ID, query, "text/csv", strings.NewReader("id,phone\n")).refused(http.StatusUnprocessableEntity, says)
	}
}

// TestProgressEnds: who follows an import is let go when the node stops, before the import ends.
func TestProgressEnds(t *testing.T) {
	h := newHouse(t)
	im, err := h.store.Imports.BeginImport(ctx, campaigns.Import{CampaignID: h.campaign("Winter").ID, Choice: campaigns.NewOnly,
		State: campaigns.ImportReceiving}, now)
	h.must(err)
	bounded, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	reply, err := http.DefaultClient.Do(h.request(supervisor, "GET", fmt.Sprintf("/api/v1/imports/%d/progress", im.ID),
		"").WithContext(bounded))
	h.must(err)
	defer reply.Body.Close()
	h.api.EndStreams()
	if events, err := io.ReadAll(reply.Body); err != nil || !strings.HasPrefix(string(events), "event: progress\ndata: {") {
		t.Errorf("%v, %s", err, events)
	}
}

// watchNotes notes what ends with its user's right to it.
type watchNotes struct {
	api.Authenticator
	paths chan string
}

func (n watchNotes) Watch(next http.Handler) http.Handler {
	watched := n.Authenticator.Watch(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.paths <- r.URL.Path
		watched.ServeHTTP(w, r)
	})
}

// TestLongRepliesAreWatched: what may take longer than other requests ends with its user's right to it.
func TestLongRepliesAreWatched(t *testing.T) {
	notes := watchNotes{paths: make(chan string, 1)}
	h := newHouse(t, func(d *api.Deps) { notes.Authenticator, d.Auth = d.Auth, &notes })
	for _, path := range []string{"/do-not-call/export", "/attempts/export", "/reports/export", "/lists/1/export",
		"/imports/1/refused", "/imports/1/progress"} {
		h.do("GET", "/api/v1"+path, "")
		select {
		case got := <-notes.paths:
			if got != "/api/v1"+path {
				t.Errorf("%s, want %s", got, path)
			}
		default:
			t.Errorf("%s goes on for who may not enter any more", path)
		}
	}
}
