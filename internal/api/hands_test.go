package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/api"
)

// TestContactByHand goes the supervisor's way: found by a number as it is typed, corrected, ended, reopened.
func TestContactByHand(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	var found struct{ Items []api.Contact }
	h.send(h.request(supervisor, "GET", "/api/v1/contacts?number=07700%20900123", "")).want(http.StatusOK, &found)
	if len(found.Items) != 1 || found.Items[0].ID != id {
		t.Errorf("%+v", found)
	}
	h.do("GET", "/api/v1/contacts?crm_id=7", "").want(http.StatusOK, &found)
	if len(found.Items) != 1 {
		t.Errorf("by the CRM's id: %+v", found)
	}
	h.do("GET", "/api/v1/contacts", "").refused(http.StatusUnprocessableEntity, "crm_id")

	path := fmt.Sprintf("/api/v1/contacts/%d", id)
	var k api.Contact
	_, err := h.store.Contacts.EditContact(ctx, id, func(k *campaigns.Contact) error { k.Phones[0].Tries = 2; return nil }, "boss",
		time.Now())
	h.must(err)
	h.do("PATCH", path, `{"phones": [{"number": "07700 900123", "label": "home"}]}`).want(http.StatusOK, &k)
	if len(k.Phones) != 1 || k.Phones[0].Label != "home" || k.Phones[0].Tries != 2 {
		t.Errorf("what is known of a number that stays: %+v", k.Phones)
	}
	h.send(h.request(supervisor, "PATCH", path, `{"name": "Ada", "phones": [{"number": "07700 900124", "label": "home"}]}`)).want(
		http.StatusOK, &k)
	if k.Name != "Ada" || len(k.Phones) != 1 || k.Phones[0].Number != "+447700900124" || string(k.Payload) == "" {
		t.Errorf("%+v", k)
	}
	for body, says := range map[string]string{`{"phones": []}`: "phones", `{"time_zone": "Mars"}`: "time_zone",
		`{"payload": [1]}`: "payload", `{"colour": "red"}`: "colour",
		`{"phones": [{"number": "07700 900124"}, {"number": "+447700900124"}]}`: "phones[1]"} {
		h.do("PATCH", path, body).refused(http.StatusUnprocessableEntity, says)
	}
	h.send(h.request(crm, "POST", path+"/finish", `{"reason": "paid"}`)).want(http.StatusOK, &k)
	if k.State != "finished" || k.Reason != "by_hand" {
		t.Errorf("%+v", k)
	}
	r := h.request(supervisor, "GET", path+"/explain", "")
	r.Header.Set("Accept-Language", "uk")
	if raw := h.send(r).want(http.StatusOK, nil); !strings.Contains(string(raw.body), "завершено вручну") ||
		!strings.Contains(string(raw.body), `"ahead":null`) {
		t.Errorf("%s", raw.body)
	}
	h.do("POST", path+"/reopen", `{"reason": "a mistake"}`).want(http.StatusOK, &k)
	if k.State != "waiting" {
		t.Errorf("%+v", k)
	}
	var e api.Explanation
	h.do("GET", path+"/explain", "").want(http.StatusOK, &e)
	if e.Ahead == nil || *e.Ahead != 0 {
		t.Errorf("%+v", e)
	}
}

// TestWhyNobody names what keeps a campaign from calling, one thing after the other.
func TestWhyNobody(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	why := func(language string) (keys string, v api.WhyNobody) {
		t.Helper()
		r := h.request(supervisor, "GET", fmt.Sprintf("/api/v1/campaigns/%d/why", c.ID), "")
		r.Header.Set("Accept-Language", language)
		h.send(r).want(http.StatusOK, &v)
		for _, w := range v.Why {
			keys += " " + w.Key
			if w.Text == "" {
				t.Errorf("%s has no text", w.Key)
			}
		}
		return strings.TrimSpace(keys), v
	}
	if keys, _ := why("en"); keys != "why.not_running why.no_contacts why.nobody_on" {
		t.Errorf("of a draft: %s", keys)
	}
	id := h.contact(c.ID, "7", "+447700900123")
	path := fmt.Sprintf("/api/v1/campaigns/%d", c.ID)
	h.do("POST", path+"/start", "").want(http.StatusOK, nil)
	if keys, v := why("en"); keys != "why.nobody_on" || v.Looked != 1 || v.Permit != 1 {
		t.Errorf("running: %s, %+v", keys, v)
	}
	h.do("PATCH", path, `{"windows": [{"cron": "0 15 * * 7", "duration": "1h"}]}`).want(http.StatusOK, nil)
	if keys, v := why("ru"); keys != "why.window_closed why.all_refused why.nobody_on" || v.Why[0].Until == nil ||
		v.Why[0].Text != "по расписанию кампания сейчас не звонит" || len(v.Refused) != 1 || v.Refused[0].Rule != "window" ||
		v.Refused[0].Example != id || v.Refused[0].Hard {
		t.Errorf("closed: %s, %+v", keys, v)
	}
	h.do("PATCH", path, `{"windows": []}`).want(http.StatusOK, nil)
	h.do("POST", "/api/v1/do-not-call", `{"crm_id": "7", "reason": "asked"}`).want(http.StatusCreated, nil)
	if keys, v := why("uk"); keys != "why.all_finished why.nobody_on" || len(v.Refused) != 0 || v.Over["do_not_call"] != 1 {
		t.Errorf("barred: %s, %+v", keys, v)
	}
	h.contact(c.ID, "8", "+447700900124")
	h.do("POST", "/api/v1/do-not-call", `{"crm_id": "8", "reason": "ill", "expires_at": "2099-01-01T00:00:00Z"}`).want(http.StatusCreated, nil)
	if keys, v := why("uk"); keys != "why.all_refused why.nobody_on" || len(v.Refused) != 1 || v.Refused[0].Rule != "do_not_call" {
		t.Errorf("barred for a while: %s, %+v", keys, v)
	}
}

// TestCopyOfCampaign: all but the contacts; and the law is asked as for a new one.
func TestCopyOfCampaign(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	path := fmt.Sprintf("/api/v1/campaigns/%d/copy", c.ID)
	h.send(h.request(supervisor, "POST", path, `{"name": "Spring"}`)).refused(http.StatusForbidden)
	h.do("POST", path, `{"name": "Winter", "reason": "counsel"}`).refused(http.StatusConflict)
	var made api.Campaign
	h.do("POST", path, `{"name": "Spring", "reason": "counsel"}`).want(http.StatusCreated, &made)
	if made.ID == c.ID || made.Name != "Spring" || made.Queue != "Spring" || made.Status != "draft" ||
		len(made.CallCodes) != len(c.CallCodes) || made.RecordingLink != c.RecordingLink {
		t.Errorf("%+v", made)
	}
}

// TestTemplates: a campaign made from a template is like the one that was saved, whatever became of that one; what loosens the
// law is an admin's, with a reason, by this way too, and is audited.
func TestTemplates(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	save := fmt.Sprintf(`{"name": "Reminders", "campaign_id": %d}`, c.ID)
	var kept, got api.Template
	h.send(h.request(supervisor, "POST", "/api/v1/templates", save)).want(http.StatusCreated, &kept)
	if kept.Name != "Reminders" || kept.MadeBy != "supervisor" || kept.Settings.Name != "" || kept.Settings.Queue != "" ||
		kept.Settings.Profile != "none" || len(kept.Settings.CallCodes) != len(c.CallCodes) {
		t.Errorf("%+v", kept)
	}
	h.do("PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID), `{"ring": "47s", "call_codes": []}`).want(http.StatusOK, nil)
	path := fmt.Sprintf("/api/v1/templates/%d", kept.ID)
	h.do("GET", path, "").want(http.StatusOK, &got)
	if fmt.Sprint(got) != fmt.Sprint(kept) {
		t.Errorf("got %+v\nkept %+v", got, kept)
	}
	h.do("POST", "/api/v1/templates", save).refused(http.StatusConflict, "Reminders")
	h.do("POST", "/api/v1/templates", `{"name": "x", "campaign_id": 999}`).refused(http.StatusNotFound)

	h.send(h.request(supervisor, "POST", path+"/campaign", `{"name": "Spring", "reason": "x"}`)).refused(http.StatusForbidden, "profile")
	h.do("POST", path+"/campaign", `{"name": "Spring"}`).refused(http.StatusUnprocessableEntity, "reason")
	h.do("POST", path+"/campaign", `{"name": "Winter", "reason": "counsel"}`).refused(http.StatusConflict)
	var made api.Campaign
	h.do("POST", path+"/campaign", `{"name": "Spring", "reason": "counsel"}`).want(http.StatusCreated, &made)
	want := c
	want.ID, want.Name, want.Queue, want.CreatedAt, want.UpdatedAt = made.ID, "Spring", "Spring", made.CreatedAt, made.UpdatedAt
	if fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("made %+v\nwant %+v", made, want)
	}
	// A law that the region has is nobody's to allow.
	var lawful api.Campaign
	h.do("POST", "/api/v1/campaigns", `{"name": "Lawful", "region": "UA"}`).want(http.StatusCreated, &lawful)
	h.send(h.request(supervisor, "POST", "/api/v1/templates",
		fmt.Sprintf(`{"name": "Reminders", "campaign_id": %d, "replace": true}`, lawful.ID))).want(http.StatusCreated, &got)
	if got.ID != kept.ID || got.Settings.Profile != "ua-1349-IX" {
		t.Errorf("replaced %+v", got)
	}
	h.send(h.request(supervisor, "POST", path+"/campaign", `{"name": "Summer", "queue": "S"}`)).want(http.StatusCreated, &made)
	if made.Profile != "ua-1349-IX" || made.Queue != "S" || made.Status != "draft" {
		t.Errorf("made %+v", made)
	}
	var list struct{ Items []api.Template }
	h.send(h.request(crm, "GET", "/api/v1/templates", "")).want(http.StatusOK, &list)
	if len(list.Items) != 1 || list.Items[0].ID != kept.ID {
		t.Errorf("%+v", list)
	}
	h.do("DELETE", path, "").want(http.StatusNoContent, nil)
	h.do("DELETE", path, "").refused(http.StatusNotFound)

	log, err := h.store.Audits.AuditLog(ctx, 0, 100)
	h.must(err)
	var deeds []string
	for _, e := range log {
		deeds = append(deeds, e.Who+" "+e.What+" "+e.Object+" "+e.Detail)
	}
	all := strings.Join(deeds, "\n")
	for _, deed := range []string{"supervisor template.save template/1 Reminders, of campaign/1",
		"admin campaign.from_template campaign/2 Spring, of template/1, Reminders; profile: uk-ofcom -> none; reason: counsel",
		"admin template.delete template/1 Reminders"} {
		if !strings.Contains(all, deed) {
			t.Errorf("the audit lacks %q:\n%s", deed, all)
		}
	}
}

// TestMove: contacts go to another campaign by ids or by list; one alone that stays says why.
func TestMove(t *testing.T) {
	h := newHouse(t)
	from, to := h.campaign("Winter"), h.campaign("Spring")
	id := h.contact(from.ID, "7", "+447700900123")
	h.contact(from.ID, "8", "+447700900124")
	h.contact(to.ID, "8", "+447700900124")
	var r api.MoveReport
	h.send(h.request(crm, "POST", "/api/v1/contacts/move", fmt.Sprintf(`{"to": %d, "contact_ids": [%d], "reason": "a new team"}`, to.ID,
		id))).want(http.StatusOK, &r)
	if r.Moved != 1 || r.Stayed == nil {
		t.Errorf("%+v", r)
	}
	h.do("POST", "/api/v1/contacts/move", fmt.Sprintf(`{"to": %d, "contact_ids": [%d], "reason": "x"}`, to.ID, id)).refused(
		http.StatusConflict, "Spring")
	h.do("POST", "/api/v1/contacts/move", fmt.Sprintf(`{"to": %d, "contact_ids": [999], "reason": "x"}`, to.ID)).refused(
		http.StatusNotFound)
	h.do("POST", "/api/v1/contacts/move", `{"to": 999, "contact_ids": [1], "reason": "x"}`).refused(http.StatusNotFound, "campaign")
	h.do("POST", "/api/v1/contacts/move", fmt.Sprintf(`{"to": %d, "list_id": 2, "reason": "x"}`, to.ID)).want(http.StatusOK, &r)
	if r.Moved != 0 || r.There != 1 || len(r.Stayed) != 1 {
		t.Errorf("%+v", r)
	}
}
