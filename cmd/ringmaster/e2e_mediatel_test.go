package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

const edgeSecret = "the secret of Mediatel's edge, 32 bytes at least"

// newMediatel plays the Mediatel server that Ann's phone belongs to. Its edge takes our cookies.
func newMediatel(t *testing.T, change ...func(*simulator.Options)) (*simulator.Server, string) {
	t.Helper()
	edge, err := access.NewVouch(access.VouchOptions{Secrets: []string{edgeSecret}})
	if err != nil {
		t.Fatal(err)
	}
	logins := map[string]string{"ann@example.com": "mt_agent1"}
	options := simulator.Options{
		Agents: []simulator.Agent{{ID: "2001", Login: "mt_agent1", Password: "there", Queues: []string{"AUTO_1", "MANUAL_1"}}}, Seed: 1,
		Fate: func(string) simulator.Fate { return simulator.Fate{After: 100 * time.Millisecond} },
	}
	options.Identify = func(r *http.Request) (string, error) {
		username, _, err := edge.Check(r)
		return logins[username], err
	}
	for _, c := range change {
		c(&options)
	}
	server, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(simulator.Path, server) // as npm's: with the slash alone
	web := httptest.NewServer(mux)
	t.Cleanup(func() { _ = server.Close(t.Context()); web.Close() })
	return server, web.URL
}

// besideMediatel is a node whose phone network is that server.
func besideMediatel(t *testing.T, url string, settings ...string) *house {
	t.Helper()
	h := prepareBesideMediatel(t, url, settings...)
	h.start(nil)
	return h
}

func prepareBesideMediatel(t *testing.T, url string, settings ...string) *house {
	t.Helper()
	h := prepareHouse(t, append(settings, "telephony: {mediatel: {url: '"+url+"', cookie_secret: \""+edgeSecret+
		"\", end_code: '7'}}",
		"limits: {drain_timeout: 0s, tab_grace: 1m}")...)
	h.command("", "extension", "add", "3445", "--network", "mediatel")
	h.command("", "pause", "add", "1", "Technical Break")
	h.command("there\n", "agent", "mediatel", "ann", "--user", "mt_agent1")
	return h
}

// TestCampaignOverMediatel: the main job with an existing Mediatel as the phone network, through Force Pause and the loss of the
// connection.
func TestCampaignOverMediatel(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	for name, settings := range records {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far, url := newMediatel(t)
			h := besideMediatel(t, url, settings(t)...)
			ringMediatel(t, h, far)
		})
	}
}

// records are the settings of each kind of record.
var records = map[string]func(*testing.T) []string{
	"PostgreSQL and Redis": func(t *testing.T) []string {
		return []string{"database: {url: '" + testdeps.Postgres(t) + "'}", "redis: {url: 'redis://" + testdeps.Redis(t) + "'}"}
	},
	"embedded": func(*testing.T) []string { return nil },
}

func ringMediatel(t *testing.T, h *house, far *simulator.Server) {
	crm := newReceiver(t)
	crm.trust(h.post("/webhooks", fmt.Sprintf(`{"url":"%s/hook"}`, crm.URL))["secret"].(string))
	campaign := h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test",
		"wrap_up":"1m","max_attempts":3,"agent_ring":"5s","retry":{"agent_no_answer":{"after":"1s"}},
		"call_codes":[{"id":"4","name":"Our promise","action":"finish"}],
		"card_link":"https://crm.example.com/card/{crm_id}?call={calltraceid}","recording_link":"https://mt.example.com/records/mediatel-record?calltraceid={calltraceid}"}`)
	id := int(campaign["id"].(float64))
	h.request("POST", fmt.Sprintf("/campaigns/%d/contacts", id), "text/csv",
		"crm_id;name;phone;priority\n10000001;Ann Archer;07700 900123;9\n10000002;Bob Baker;07700 900124;1\n")

	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3445"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" && s["agentExt"] == "3445" })

	far.SetSilent("3445", true)
	h.post(fmt.Sprintf("/campaigns/%d/start", id), "")
	tab.send(`{"type":"predictive"}`)
	s := tab.until("Force Pause", func(s state) bool { return s["pauseId"] == "1000" })
	if s["callErrorID"] != "-223" || s["callErrorText"] != "No Answer from agent" || len(far.Placed()) != 0 {
		t.Errorf("Force Pause with callErrorID %v %v, customers called: %v", s["callErrorID"], s["callErrorText"], far.Placed())
	}
	far.SetSilent("3445", false)
	tab.send(`{"type":"pause","id":0}`)

	first := talkOverMediatel(t, tab, far, "4", func() {
		far.Cut("mt_agent1")
		far.Storm("mt_agent1", 50)
	})
	second := talkOverMediatel(t, tab, far, "7", func() {}) // Mediatel's own code: the campaign does not have it
	for i, want := range []struct{ trace, crmID, code, name string }{{first, "10000001", "4", "Our promise"},
		{second, "10000002", "7", "20. No answer"}} {
		coded := func() string { return far.CodesSet()[want.trace] }
		testdeps.Seen(t, "code "+want.code+" at Mediatel", coded, func(got string) bool { return got == want.code })
		told := crm.event("call.code_set", func(e webhook.Event) bool {
			return e.Data.Contact != nil &&
				e.Data.Contact.CRMID == want.crmID
		})
		call := told.Data.Call
		if told.Data.Code == nil || told.Data.Code.ID != want.code || told.Data.Code.Name != want.name || call.CallTraceID == nil ||
			*call.CallTraceID != want.trace {
			t.Errorf("call %d: call.code_set with %+v of %+v", i, told.Data.Code, call)
		}
		if link := "https://mt.example.com/records/mediatel-record?calltraceid=" + want.trace; call.RecordingLink != link {
			t.Errorf("call %d: recording link %q, want %q", i, call.RecordingLink, link)
		}
	}
	crm.event("campaign.finished", func(webhook.Event) bool { return true })
	contacts := h.get(fmt.Sprintf("/campaigns/%d/contacts", id))["items"].([]any)
	for i, trace := range []string{first, second} {
		if c := contacts[i].(map[string]any); c["state"] != "finished" || c["calltraceid"] != trace {
			t.Errorf("contact %d: %v", i, c)
		}
	}
	perNumber := map[string]int{}
	for _, p := range far.Placed() {
		if perNumber[p.Number]++; perNumber[p.Number] > 1 {
			t.Errorf("%s was called %d times", p.Number, perNumber[p.Number])
		}
	}
}

// TestCallOfMediatelsOwn: a call that Mediatel gives to the agent by itself is shown, kept, coded and told to the CRM like ours,
// and counts for its contact, who is found by the CRM's id.
func TestCallOfMediatelsOwn(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	far, url := newMediatel(t)
	h := besideMediatel(t, url)
	crm := newReceiver(t)
	crm.trust(h.post("/webhooks", fmt.Sprintf(`{"url":"%s/hook"}`, crm.URL))["secret"].(string))
	campaign := h.post("/campaigns", `{"name":"Winter","queue":"WINTER","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"1m",
		"call_codes":[{"id":"4","name":"Our promise","action":"finish"}],"recording_link":"https://mt.example.com/r?c={calltraceid}"}`)
	id := int(campaign["id"].(float64))
	h.request("POST", fmt.Sprintf("/campaigns/%d/contacts", id), "text/csv", "crm_id;name;phone\n10000001;Ann Archer;07700 900123\n")
	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3445"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" && s["agentExt"] == "3445" })
	testdeps.Eventually(t, "a login at Mediatel", func() bool { return far.State("mt_agent1").State == wire.StateIdle })

	far.Give("mt_agent1", "+447700900123", "10000001", "AUTO_9", "https://mt.example.com/card/10000001")
	// shown again when on record
	s := tab.until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" && s["queueName"] == "WINTER" })
	trace := s["callTraceID"].(string)
	if s["callCustomerID"] != "10000001" || s["crmConnectTarget"] != "https://mt.example.com/card/10000001" || trace == "-1" {
		t.Errorf("the tab is shown customer %v, card %v, call %v", s["callCustomerID"], s["crmConnectTarget"], trace)
	}
	tab.send(`{"type":"closeCall"}`)
	tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
	tab.send(`{"type":"resolutionSet","id":"4"}`)
	tab.until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })
	testdeps.Eventually(t, "code 4 at Mediatel", func() bool { return far.CodesSet()[trace] == "4" })
	coded := crm.event("call.code_set", func(webhook.Event) bool { return true })
	if call := coded.Data.Call; call.Origin != "external" || *call.CallTraceID != trace || coded.Data.Contact == nil ||
		coded.Data.Contact.CRMID != "10000001" {
		t.Errorf("the CRM was told of %+v with %+v", call, coded.Data.Contact)
	}
	contact := h.get(fmt.Sprintf("/campaigns/%d/contacts", id))["items"].([]any)[0].(map[string]any)
	if contact["state"] != "finished" || contact["calltraceid"] != trace {
		t.Errorf("contact %v", contact)
	}
	if attempts := h.get("/attempts")["items"].([]any); len(attempts) != 1 || attempts[0].(map[string]any)["origin"] != "external" {
		t.Errorf("attempts %v", attempts)
	}
	if n := far.Commands()[wire.MakeCall]; n != 0 {
		t.Errorf("%d calls ordered by us", n)
	}
}

// talkOverMediatel follows one automatic call to its code.
func talkOverMediatel(t *testing.T, tab *tab, far *simulator.Server, code string, during func()) (trace string) {
	t.Helper()
	s := tab.until("a card", func(s state) bool { // of several states a tab that is behind is shown the last one
		return (s["state"] == "STATE_CALL_DELIVERED" || inTalk(s)) && s["callTraceID"] != "-1"
	})
	trace = s["callTraceID"].(string)
	if s["crmConnectTarget"] != "https://crm.example.com/card/"+s["callCustomerID"].(string)+"?call="+trace {
		t.Errorf("card %v of %v", s["crmConnectTarget"], s["callCustomerID"])
	}
	if got := fmt.Sprint(s["availableCallCodes"]); !strings.Contains(got, "Our promise") || !strings.Contains(got,
		"20. No answer") || strings.Contains(got, "10. Promise") {
		t.Errorf("codes on offer %s, want ours, and Mediatel's where we have none", got)
	}
	if !inTalk(s) {
		tab.until("talk", inTalk)
	}
	during()
	tab.send(`{"type":"closeCall"}`)
	tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
	tab.send(`{"type":"resolutionSet","id":"` + code + `"}`)
	tab.until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })
	return trace
}

// TestIntegrationSample: the page of the integration samples is served alike by a Mediatel server, by our gateway, and by our
// gateway with the Mediatel server behind it.
func TestIntegrationSample(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	modules := testdeps.NPM(t, "../../agents/gateway/testdata/client")
	sample := func(t *testing.T, args ...string) string {
		cmd := exec.CommandContext(t.Context(), "node", append([]string{"testdata/e2e/sample.js"}, args...)...)
		cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
		var out, complaints bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &complaints
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, complaints.Bytes())
		}
		return strings.TrimSpace(out.String())
	}
	const byHand = `{"name":"Hand","queue":"AUTO_1","mode":"manual","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"1m",
		"call_codes":[{"id":"4","name":"Promise","action":"finish"}],"recording_link":"/r?c={calltraceid}","card_link":"https://crm.example.com/{crm_id}"}`
	open := func(h *house) {
		c := h.post("/campaigns", byHand)
		h.post(fmt.Sprintf("/campaigns/%d/start", int(c["id"].(float64))), "")
	}
	t.Run("Mediatel", func(t *testing.T) {
		t.Parallel()
		far, url := newMediatel(t)
		edge, _ := access.NewVouch(access.VouchOptions{Secrets: []string{edgeSecret}})
		cookie, err := edge.Mint(access.Identity{Username: "ann@example.com", UserID: "12341"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		far.SetUnable(1)
		trace := sample(t, url, cookie.Name+"="+cookie.Value, "mt_agent1", "there", "3445", "+447700900123", "4", "1")
		if far.CodesSet()[trace] != "4" || far.Commands()[wire.Exit] != 1 {
			t.Errorf("codes %v, commands %v", far.CodesSet(), far.Commands())
		}
	})
	t.Run("our gateway", func(t *testing.T) {
		t.Parallel()
		h := prepareHouse(t, "telephony: {simulated: {profile: prompt, speed: 20}}", "limits: {drain_timeout: 0s}")
		h.command("", "pause", "add", "1", "Technical Break")
		h.start(nil)
		open(h)
		sample(t, h.url, h.vouch("ann@example.com", "12341"), "ann", "correct horse", "3444", "+447700900123", "4", "0")
	})
	t.Run("our gateway before Mediatel", func(t *testing.T) {
		t.Parallel()
		far, url := newMediatel(t)
		h := besideMediatel(t, url)
		open(h)
		trace := sample(t, h.url, h.vouch("ann@example.com", "12341"), "ann", "correct horse", "3445", "+447700900123", "4", "0")
		testdeps.Eventually(t, "a log-off at Mediatel", func() bool { return far.State("mt_agent1").State == wire.StateLogout })
		if p := far.Placed(); len(p) != 1 || p[0].CallTraceID != trace || far.CodesSet()[trace] != "4" ||
			far.Commands()[wire.Exit] != 1 {
			t.Errorf("placed %v, codes %v, commands %v; the page saw %s", p, far.CodesSet(), far.Commands(), trace)
		}
	})
}
