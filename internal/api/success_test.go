package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/webhook"
)

func TestCampaigns(t *testing.T) {
	h := newHouse(t)
	var made, got api.Campaign
	h.send(h.request(supervisor, "POST", "/api/v1/campaigns",
		`{"name": "Winter", "region": "UA", "windows": [{"cron": "0 9 * * 1-5", "duration": "11h"}],
		"limits": {"per_day": 2}, "retry": {"busy": {"after": "5m", "max": 2}}, "card_link": "https://crm.example.com/{crm_id}",
		"max_duration": "30m",
		"call_codes": [{"id": "4", "name": "Promise", "action": "callback_at", "after": "24h", "meaningful": true,
		"action_flag": "0"}], "default_code": "4",
		"holidays": ["2026-12-25"], "caller_id": "+380441234567", "priority": 5, "mode": "predictive", "queue": "AUTO_1", "wrap_up": "1m30s"}`)).
		want(http.StatusCreated, &made)
	if made.Status != "draft" || made.Profile != "ua-1349-IX" || made.TimeZone != "Europe/Kyiv" || made.Retry["busy"].Max != 2 ||
		made.Retry["no_answer"].After == 0 ||
		time.Duration(made.WrapUp) != 90*time.Second {
		t.Errorf("made %+v", made)
	}
	path := fmt.Sprintf("/api/v1/campaigns/%d", made.ID)
	raw := h.send(h.request(crm, "GET", path, "")).want(http.StatusOK, &got)
	if fmt.Sprint(got) != fmt.Sprint(made) {
		t.Errorf("got  %+v\nmade %+v", got, made)
	}
	if !strings.Contains(string(raw.body), `"wrap_up":"1m30s"`) || !strings.Contains(string(raw.body), `"duration":"11h"`) {
		t.Errorf("durations: %s", raw.body)
	}

	// What a change does not name stays; lists are replaced as a whole.
	h.do("PATCH", path,
		`{"name": "Spring", "reason": "counsel", "limits": {"per_day": 3}, "windows": [], "retry": {"busy": {"after": "7m"}}}`).want(
		http.StatusOK, &got)
	if got.Name != "Spring" || got.Limits.PerDay != 3 || len(got.Windows) != 0 || got.Queue != "AUTO_1" ||
		got.CallCodes[0] != made.CallCodes[0] ||
		time.Duration(got.Retry["busy"].After) != 7*time.Minute || got.Retry["no_answer"] != made.Retry["no_answer"] ||
		got.Status != "draft" {
		t.Errorf("changed %+v", got)
	}
	var chances api.Chances
	h.send(h.request(crm, "GET", path+"/chances", "")).want(http.StatusOK, &chances)
	if chances.Used || chances.Days != 0 || chances.Effects == nil {
		t.Errorf("before the first call: %+v", chances)
	}
	p := h.do("PATCH", path, `{"ring": "1s", "time_zone": "Mars"}`).refused(http.StatusUnprocessableEntity, "15 s", "Europe/Kyiv")
	if len(p.Errors) != 2 || p.Errors[0].Location != "body.ring" {
		t.Errorf("%+v", p)
	}
	p = h.do("POST", "/api/v1/campaigns", `{"name": "Spring"}`).refused(http.StatusConflict)
	if want := `The name or the queue of the campaign “Spring” is in use.`; p.Detail != want {
		t.Errorf("%s, want %s", p.Detail, want)
	}
	p = h.do("GET", "/api/v1/contacts/999", "").refused(http.StatusNotFound)
	if want := "There is no such contact."; p.Detail != want {
		t.Errorf("%s, want %s", p.Detail, want)
	}
	h.do("POST", "/api/v1/campaigns", `{"name": "X", "colour": "red"}`).refused(http.StatusUnprocessableEntity, "colour")
	h.do("POST", "/api/v1/campaigns", `{"name": `).refused(http.StatusBadRequest)
	startNeedsTheLaw(t, h)
	startNeedsAMessage(t, h)

	for _, step := range []struct {
		verb   string
		status int
		after  string
	}{
		{"pause", http.StatusConflict, ""}, {"start", http.StatusOK, "running"}, {"start", http.StatusOK, "running"},
		{"pause", http.StatusOK, "paused"},
		{"start", http.StatusOK, "running"}, {"stop", http.StatusOK, "stopped"}, {"pause", http.StatusConflict, ""},
	} {
		reply := h.send(h.request(supervisor, "POST", path+"/"+step.verb, ""))
		if step.status != http.StatusOK {
			reply.refused(step.status, "Campaign “Spring” is")
			continue
		}
		if reply.want(http.StatusOK, &got); string(got.Status) != step.after {
			t.Errorf("%s: %s, want %s", step.verb, got.Status, step.after)
		}
	}
	select {
	case <-h.woken:
	default:
		t.Error("nobody woke the dialer")
	}

	log, err := h.store.Audits.AuditLog(ctx, 0, 100)
	h.must(err)
	var deeds []string
	for _, entry := range log {
		deeds = append(deeds, entry.Who+" "+entry.What)
	}
	if all := strings.Join(deeds, ", "); !strings.Contains(all, "supervisor campaign.create") ||
		!strings.Contains(all, "supervisor campaign.stop") {
		t.Errorf("audit: %s", all)
	}
}

func TestListsPage(t *testing.T) {
	h := newHouse(t)
	for i := range 5 {
		h.campaign(fmt.Sprintf("Campaign %d", i))
		h.do("POST", "/api/v1/do-not-call", fmt.Sprintf(`{"number": "+4477009001%02d"}`, i)).want(http.StatusCreated, nil)
	}
	for i := range 4 {
		id := h.contact(1, fmt.Sprint(i), fmt.Sprintf("+4477009000%02d", i))
		h.do("POST", "/api/v1/callbacks", fmt.Sprintf(`{"contact_id": %d, "at": "2026-03-04T10:00:00Z"}`,
			id)).want(http.StatusCreated, nil)
	}
	for path, want := range map[string]int{"/campaigns": 5, "/do-not-call": 5, "/campaigns/1/contacts": 4, "/callbacks": 4} {
		seen := map[string]bool{}
		cursor, pages := "", 0
		for {
			var page struct {
				Items []struct {
					ID        int64
					ContactID int64 `json:"contact_id"`
					Number    string
				}
				NextCursor string `json:"next_cursor"`
			}
			h.do("GET", "/api/v1"+path+"?limit=2&cursor="+cursor, "").want(http.StatusOK, &page)
			for _, item := range page.Items {
				seen[fmt.Sprint(item.ID, item.ContactID, item.Number)] = true
			}
			pages++
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if len(seen) != want || pages != want/2+1 {
			t.Errorf("%s: %d items on %d pages", path, len(seen), pages)
		}
		h.do("GET", "/api/v1"+path+"?cursor=bm90aGluZw", "").refused(http.StatusUnprocessableEntity, "next_cursor")
	}
}

func TestContactsAndExplain(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	var contact api.Contact
	h.send(h.request(crm, "GET", fmt.Sprintf("/api/v1/contacts/%d", id), "")).want(http.StatusOK, &contact)
	if contact.CRMID != "7" || contact.Phones[0].Number != "+447700900123" || contact.State != "waiting" ||
		string(contact.Payload) != `{"balance":12.5}` {
		t.Errorf("%+v", contact)
	}

	var e api.Explanation
	explain := func() string {
		h.do("GET", fmt.Sprintf("/api/v1/contacts/%d/explain", id), "").want(http.StatusOK, &e)
		var refused []string
		for _, g := range e.Gates {
			if g.Reason == "" || g.Source == "" {
				t.Errorf("gate %+v", g)
			}
			if g.Verdict == "refuse" {
				refused = append(refused, g.Rule)
			}
		}
		return strings.Join(refused, " ")
	}
	if got := explain(); got != "campaign_status" || e.Permit || e.NextEligible != nil {
		t.Errorf("a draft: refused by %q, %+v", got, e)
	}
	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/start", c.ID), "").want(http.StatusOK, nil)
	if got := explain(); got != "" || !e.Permit || e.ValidUntil == nil || !e.NextEligible.Equal(now) {
		t.Errorf("running: refused by %q, %+v", got, e)
	}
	h.do("PATCH", fmt.Sprintf("/api/v1/campaigns/%d", c.ID),
		`{"windows": [{"cron": "0 14 * * *", "duration": "1h"}]}`).want(http.StatusOK, nil)
	if got := explain(); got != "window" || !e.NextEligible.Equal(now.Add(2*time.Hour)) {
		t.Errorf("before the window: refused by %q until %v", got, e.NextEligible)
	}
	h.do("POST", "/api/v1/do-not-call", `{"crm_id": "7", "reason": "asked"}`).want(http.StatusCreated, nil)
	if got := explain(); got != "contact_state do_not_call window" || e.NextEligible != nil { // it is finished by that
		t.Errorf("barred: refused by %q until %v", got, e.NextEligible)
	}
}

func TestAttemptsStatsAndCodes(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	done := h.talk(c.ID)

	var a api.Attempt
	path := "/api/v1/attempts/" + done.ID.String()
	raw := h.send(h.request(agent, "GET", path, "")).want(http.StatusOK, &a)
	if a.ID != done.ID || *a.ContactID != id || *a.Outcome != "answered" || a.TalkSeconds != 60 || *a.Code != "1" ||
		a.HangupBy != "customer" ||
		a.RecordingLink != "https://dial.example.com/records/"+done.ID.String() || *a.AgentID != h.agent.ID {
		t.Errorf("%s", raw.body)
	}
	if !strings.Contains(string(raw.body), fmt.Sprintf(`"id":"%s"`, done.ID)) {
		t.Errorf("the id is not a string: %s", raw.body)
	}

	var stats api.CampaignStats
	h.do("GET", fmt.Sprintf("/api/v1/campaigns/%d/stats", c.ID), "").want(http.StatusOK, &stats)
	if stats.Contacts["finished"] != 1 || stats.Outcomes["answered"] != 1 || stats.Codes["1"] != 1 || stats.Dialed != 1 ||
		stats.TalkSeconds != 60 || !stats.WindowOpen {
		t.Errorf("%+v", stats)
	}

	list := func(query string) int {
		var page struct{ Items []api.Attempt }
		h.do("GET", "/api/v1/attempts"+query, "").want(http.StatusOK, &page)
		return len(page.Items)
	}
	for query, want := range map[string]int{
		"": 1, "?campaign_id=1": 1, "?campaign_id=2": 0, "?outcome=answered&state=closed": 1, "?outcome=busy": 0,
		"?number=%2B447700900123":          1,
		"?calltraceid=" + done.ID.String(): 1, "?from=2026-03-03T00:00:00Z&to=2026-03-04T00:00:00Z": 1, "?to=2026-03-03T00:00:00Z": 0,
	} {
		if got := list(query); got != want {
			t.Errorf("%s: %d attempts, want %d", query, got, want)
		}
	}

	h.do("POST", path+"/code", `{"code": "9"}`).refused(http.StatusUnprocessableEntity, "call codes")
	h.send(h.request(supervisor, "POST", path+"/code", `{"code": "2"}`)).want(http.StatusOK, &a)
	if *a.Code != "2" {
		t.Errorf("corrected code %s", *a.Code)
	}
	contact, err := h.store.Contacts.Contact(ctx, id)
	h.must(err)
	if contact.State != "waiting" {
		t.Errorf("the corrected code's action is not applied: contact %s", contact.State)
	}
}

// TestAgentsSeeTheirOwn: another agent's attempts are as if they were not there.
func TestAgentsSeeTheirOwn(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.contact(c.ID, "7", "+447700900123")
	own := h.agent
	other, err := h.store.Agents.CreateAgent(ctx, agents.Agent{Login: "ivan", Name: "Ivan", UserID: "2"}, now)
	h.must(err)
	h.agent = other
	done := h.talk(c.ID)
	h.send(h.request(agent, "GET", "/api/v1/attempts/"+done.ID.String(), "")).refused(http.StatusNotFound)
	h.send(h.request(agent, "GET", fmt.Sprintf("/api/v1/attempts?agent_id=%d", other.ID), "")).refused(http.StatusForbidden, "own")
	var page struct{ Items []api.Attempt }
	h.send(h.request(agent, "GET", fmt.Sprintf("/api/v1/attempts?agent_id=%d", own.ID), "")).want(http.StatusOK, &page)
	if len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
}

func TestDoNotCall(t *testing.T) {
	h := newHouse(t)
	var b api.Barred
	h.send(h.request(crm, "POST", "/api/v1/do-not-call",
		`{"number": "8 (050) 123-45-67", "region": "UA", "reason": "asked"}`)).want(http.StatusCreated, &b)
	if b.Number != "+380501234567" || b.MadeBy != "crm" || !b.At.Equal(now) {
		t.Errorf("%+v", b)
	}
	h.do("POST", "/api/v1/do-not-call", `{}`).refused(http.StatusUnprocessableEntity, "crm_id")
	var page struct{ Items []api.Barred }
	h.do("GET", "/api/v1/do-not-call?number=%2B380501234567", "").want(http.StatusOK, &page)
	if len(page.Items) != 1 || page.Items[0].Reason != "asked" {
		t.Errorf("%+v", page)
	}
	h.do("DELETE", "/api/v1/do-not-call?number=%2B380501234567&reason=mistake", "").want(http.StatusNoContent, nil)
	h.do("DELETE", "/api/v1/do-not-call?number=%2B380501234567&reason=mistake", "").refused(http.StatusNotFound)
	h.do("GET", "/api/v1/do-not-call", "").want(http.StatusOK, &page)
	if len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
}

func TestCallbacks(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	var made api.Callback
	h.do("POST", "/api/v1/callbacks", fmt.Sprintf(`{"contact_id": %d, "at": "2026-03-04T10:00:00Z", "agent_id": %d}`, id,
		h.agent.ID)).want(http.StatusCreated, &made)
	if made.CampaignID != c.ID || *made.AgentID != h.agent.ID || made.MadeBy != "admin" {
		t.Errorf("%+v", made)
	}
	contact, err := h.store.Contacts.Contact(ctx, id)
	h.must(err)
	if !contact.NextAt.Equal(made.At) || contact.CallbackAgent != h.agent.ID {
		t.Errorf("%+v", contact)
	}
	h.do("POST", "/api/v1/callbacks", fmt.Sprintf(`{"contact_id": %d, "at": "2026-03-04T10:00:00Z", "agent_id": 99}`,
		id)).refused(http.StatusNotFound, "agent")
	h.do("POST", "/api/v1/callbacks", fmt.Sprintf(`{"contact_id": %d, "at": "2030-01-01T00:00:00Z"}`,
		id)).refused(http.StatusUnprocessableEntity, "within a year")
	var page struct{ Items []api.Callback }
	h.do("GET", fmt.Sprintf("/api/v1/callbacks?campaign_id=%d&agent_id=%d", c.ID, h.agent.ID), "").want(http.StatusOK, &page)
	if len(page.Items) != 1 || page.Items[0].ContactID != id {
		t.Errorf("%+v", page)
	}
}

func TestWebhooks(t *testing.T) {
	h := newHouse(t)
	got := make(chan http.Header, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()

	var made api.WebhookWithSecret
	h.send(h.request(crm, "POST", "/api/v1/webhooks", fmt.Sprintf(`{"url": %q, "types": ["call.completed", "call.code_set"]}`,
		receiver.URL))).want(http.StatusCreated, &made)
	if webhook.CheckSecret(made.Secret) != nil || made.Disabled {
		t.Errorf("%+v", made)
	}
	path := fmt.Sprintf("/api/v1/webhooks/%d", made.ID)
	for _, p := range []string{path, "/api/v1/webhooks"} {
		if body := string(h.do("GET", p, "").want(http.StatusOK, nil).body); strings.Contains(body, "whsec_") ||
			!strings.Contains(body, receiver.URL) {
			t.Errorf("%s: %s", p, body)
		}
	}
	h.do("POST", "/api/v1/webhooks", `{"url": "http://crm.example.com/"}`).refused(http.StatusUnprocessableEntity, "https")
	h.do("POST", "/api/v1/webhooks",
		`{"url": "https://crm.example.com/", "types": ["call.lost"]}`).refused(http.StatusUnprocessableEntity, "call.answered")

	var try api.Try
	h.do("POST", path+"/test", "").want(http.StatusOK, &try)
	if *try.Status != http.StatusAccepted || (<-got).Get("webhook-signature") == "" {
		t.Errorf("%+v", try)
	}

	c := h.campaign("Winter")
	h.contact(c.ID, "7", "+447700900123")
	h.talk(c.ID)
	var page struct{ Items []api.Delivery }
	h.do("GET", path+"/deliveries", "").want(http.StatusOK, &page)
	if len(page.Items) != 2 || page.Items[0].Type != "call.code_set" || page.Items[0].State != "pending" ||
		page.Items[0].EventID == "" {
		t.Fatalf("%+v", page)
	}
	batch, err := h.store.Webhooks.Take(ctx, made.ID, time.Now(), time.Now().Add(time.Minute))
	h.must(err)
	due := batch.Deliveries
	_, _, err = h.store.Webhooks.Record(ctx, made.ID, []webhook.Result{{Fault: webhook.Refused,
		Try: webhook.Try{DeliveryID: due[0].ID, At: now, Duration: 30 * time.Millisecond, Status: 500, Error: "HTTP 500",
			Reply: "oops"}}})
	h.must(err)
	var tries struct{ Items []api.Try }
	h.do("GET", fmt.Sprintf("/api/v1/deliveries/%d/tries", due[0].ID), "").want(http.StatusOK, &tries)
	if len(tries.Items) != 1 || *tries.Items[0].Status != 500 || tries.Items[0].Reply != "oops" {
		t.Errorf("%+v", tries)
	}
	h.do("GET", path+"/deliveries?state=failed", "").want(http.StatusOK, &page)
	if len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
	var replayed api.Replayed
	h.do("POST", path+"/replay", `{"only_failed": true}`).want(http.StatusOK, &replayed)
	if replayed.Replayed != 2 { // they wait
		t.Errorf("%+v", replayed)
	}
	h.do("POST", path+"/replay", fmt.Sprintf(`{"delivery_id": %d}`, due[0].ID)).want(http.StatusOK, &replayed)
	h.do("POST", path+"/replay", `{"delivery_id": 999}`).refused(http.StatusNotFound, "delivery")

	var changed api.Webhook
	h.do("PATCH", path, `{"disabled": true}`).want(http.StatusOK, &changed)
	if !changed.Disabled || changed.Reason == "" || len(changed.Types) != 2 {
		t.Errorf("%+v", changed)
	}
	changed = api.Webhook{}
	h.do("PATCH", path, `{"disabled": false, "ordered": true}`).want(http.StatusOK, &changed)
	if changed.Disabled || changed.Reason != "" || !changed.Ordered {
		t.Errorf("%+v", changed)
	}
	var rotated api.WebhookWithSecret
	h.do("POST", path+"/rotate", "").want(http.StatusOK, &rotated)
	if rotated.Secret == made.Secret || webhook.CheckSecret(rotated.Secret) != nil {
		t.Error("the secret is the old one")
	}
	e, err := h.store.Webhooks.Endpoint(ctx, made.ID)
	h.must(err)
	if e.Secret != rotated.Secret || e.Old[0].Value != made.Secret {
		t.Error("the record has other secrets")
	}
	h.do("POST", path+"/rotate", "").want(http.StatusOK, &rotated)
	var secrets struct{ Items []api.WebhookSecret }
	listed := h.do("GET", path+"/secrets", "").want(http.StatusOK, &secrets)
	if len(secrets.Items) != 3 || secrets.Items[0].EndsAt != nil || secrets.Items[2].EndsAt == nil ||
		strings.Contains(string(listed.body), "whsec") {
		t.Errorf("secrets %s", listed.body)
	}
	ended := func(i int) result { return h.do("DELETE", fmt.Sprintf("%s/secrets/%d", path, secrets.Items[i].ID), "") }
	ended(0).refused(http.StatusConflict, "rotate it first")
	ended(2).want(http.StatusNoContent, nil)
	ended(2).refused(http.StatusNotFound, "No such secret")
	for range 6 {
		h.do("POST", path+"/rotate", "").want(http.StatusOK, &rotated)
	}
	h.do("POST", path+"/rotate", "").refused(http.StatusConflict, "end one of them first")
	h.do("DELETE", path, "").want(http.StatusNoContent, nil)
	h.do("GET", path, "").refused(http.StatusNotFound)
}

func TestLiveAgents(t *testing.T) {
	h := newHouse(t)
	var page struct{ Items []api.LiveAgent }
	h.do("GET", "/api/v1/agents/live", "").want(http.StatusOK, &page)
	if len(page.Items) != 0 {
		t.Fatalf("%+v", page)
	}
	// The flag is set of an agent who is logged off, too.
	path := fmt.Sprintf("/api/v1/agents/%d/auto-call", h.agent.ID)
	h.send(h.request(supervisor, "POST", path, `{"on": true}`)).want(http.StatusNoContent, nil)
	if a, err := h.store.Agents.Agent(ctx, h.agent.ID); err != nil || !a.AutoCall {
		t.Errorf("%+v %v", a, err)
	}

	ext := agents.Extension{ID: 1, Name: "3444", Network: "simulated", Number: "3444"}
	a, err := h.store.Agents.Agent(ctx, h.agent.ID)
	h.must(err)
	_, err = h.roster.Apply(ctx, a.ID, agents.Input{Kind: agents.Login, At: now, Agent: &a, Extension: &ext, Node: "n1",
		Reachable: true})
	h.must(err)
	h.do("GET", "/api/v1/agents/live", "").want(http.StatusOK, &page)
	if len(page.Items) != 1 || page.Items[0].Login != "olena" || page.Items[0].State != "available" || !page.Items[0].AutoCall ||
		page.Items[0].Extension != "3444" {
		t.Errorf("%+v", page)
	}
	h.do("POST", path, `{"on": false}`).want(http.StatusNoContent, nil)
	h.do("GET", "/api/v1/agents/live", "").want(http.StatusOK, &page)
	if page.Items[0].AutoCall {
		t.Error("the flag is still on")
	}
}

func TestProfiles(t *testing.T) {
	h := newHouse(t)
	var page struct{ Items []api.Profile }
	h.send(h.request(crm, "GET", "/api/v1/profiles", "")).want(http.StatusOK, &page)
	if len(page.Items) != 4 || page.Items[0].Name != "ua-1349-IX" || page.Items[0].From != "09:00" ||
		page.Items[0].To != "20:00" || page.Items[0].Retention == 0 || len(page.Items[0].Duties) == 0 {
		t.Errorf("%+v", page)
	}
	for language, begins := range map[string]string{"en": "Ukraine:", "uk": "Україна:", "ru": "Украина:", "de": "Ukraine:"} {
		r := h.request(crm, "GET", "/api/v1/profiles", "")
		r.Header.Set("Accept-Language", language)
		h.send(r).want(http.StatusOK, &page)
		if !strings.HasPrefix(page.Items[0].Title, begins) {
			t.Errorf("%s: %q", language, page.Items[0].Title)
		}
		cyrillic := language == "uk" || language == "ru"
		for _, text := range append(slices.Clone(page.Items[0].Duties), page.Items[0].Sources["hours"]) {
			if text == "" || strings.ContainsAny(text, "аоеи") != cyrillic {
				t.Errorf("%s: %q", language, text)
			}
		}
	}
}

// startNeedsTheLaw: a campaign that does not say where its people are and by which law they are called does not start, and a
// running one cannot forget it.
func startNeedsTheLaw(t *testing.T, h *house) {
	t.Helper()
	var made api.Campaign
	h.do("POST", "/api/v1/campaigns", `{"name":"Bare"}`).want(http.StatusCreated, &made)
	path := fmt.Sprintf("/api/v1/campaigns/%d", made.ID)
	h.send(h.request(supervisor, "POST", path+"/start", "")).refused(http.StatusUnprocessableEntity, "body.region", "body.time_zone",
		"body.profile")
	h.send(h.request(admin, "PATCH", path, `{"region":"PL","time_zone":"Europe/Warsaw","profile":"none","reason":"no debts"}`)).want(
		http.StatusOK, &made)
	h.send(h.request(supervisor, "POST", path+"/start", "")).want(http.StatusOK, &made)
	h.send(h.request(supervisor, "PATCH", path, `{"time_zone":""}`)).refused(http.StatusUnprocessableEntity, "body.time_zone")
}

// startNeedsAMessage: where a law wants abandoned customers to hear who has called, and nothing would be played, no campaign that
// calls them first is started, nor becomes one while it runs.
func startNeedsAMessage(t *testing.T, h *house) {
	t.Helper()
	var made api.Campaign
	h.do("POST", "/api/v1/campaigns", `{"name":"Unannounced","region":"GB","mode":"predictive"}`).want(http.StatusCreated, &made)
	path := fmt.Sprintf("/api/v1/campaigns/%d", made.ID)
	h.send(h.request(supervisor, "POST", path+"/start", "")).refused(http.StatusUnprocessableEntity, "body.mode")
	h.send(h.request(supervisor, "PATCH", path, `{"mode":"progressive"}`)).want(http.StatusOK, &made)
	h.send(h.request(supervisor, "POST", path+"/start", "")).want(http.StatusOK, &made)
	h.send(h.request(supervisor, "PATCH", path, `{"mode":"predictive"}`)).refused(http.StatusUnprocessableEntity, "body.mode")
}
