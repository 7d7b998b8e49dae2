package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// TestMediatelCallOutlivesTheProcess: a node is killed in the midst of a talk. Mediatel goes on with the call, and the node's
// next life finds it, on the same attempt: nobody is called again, and the CRM learns how it really ended.
func TestMediatelCallOutlivesTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Parallel()
	far, url := newMediatel(t)
	h := prepareBesideMediatel(t, url)
	crm := newReceiver(t)
	p, _, trace := talkInAProcess(t, h, crm)
	p.kill()
	startProcess(t, h)
	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	asked := false
	s := tab.until("the same talk", func(s state) bool {
		// the cookie says whose tab it is, unless the agent's last state was not on disk yet
		if s["state"] == "STATE_LOGOUT" && !asked {
			asked = true
			tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3445"}`)
		}
		return inTalk(s)
	})
	if s["callTraceID"] != trace || s["callCustomerID"] != "10000001" {
		t.Errorf("the tab is shown call %v with %v, want %v", s["callTraceID"], s["callCustomerID"], trace)
	}
	tab.send(`{"type":"closeCall"}`)
	tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
	tab.send(`{"type":"resolutionSet","id":"4"}`)
	coded := crm.event("call.code_set", func(webhook.Event) bool { return true })
	if call := coded.Data.Call; call.Outcome != "answered" || call.Origin != "automatic" || call.CallTraceID == nil ||
		*call.CallTraceID != trace ||
		coded.Data.Code.ID != "4" {
		t.Errorf("the CRM was told of %+v with code %+v", call, coded.Data.Code)
	}
	if attempts := h.get("/attempts")["items"].([]any); len(attempts) != 1 {
		t.Errorf("%d attempts, want one: %v", len(attempts), attempts)
	}
	if placed := far.Placed(); len(placed) != 1 {
		t.Errorf("customers called: %v", placed)
	}
}

// TestCodeOutlivesTheProcess: a node is killed when its agent has set the code and Mediatel does not have it yet. The node's next
// life learns it from the record.
func TestCodeOutlivesTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Parallel()
	far, url := newMediatel(t)
	h := prepareBesideMediatel(t, url)
	crm := newReceiver(t)
	p, tab, trace := talkInAProcess(t, h, crm)
	tab.send(`{"type":"closeCall"}`)
	tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
	far.SetAway(true)
	far.Cut("mt_agent1")
	tab.send(`{"type":"resolutionSet","id":"4"}`)
	crm.event("call.code_set", func(webhook.Event) bool { return true })
	testdeps.Eventually(t, "the end of the call in the agents' live states", func() bool { // which are on disk a moment later
		text, err := os.ReadFile(filepath.Join(filepath.Dir(h.file), "live.json"))
		return err == nil && !strings.Contains(string(text), trace)
	})
	p.kill()
	if code, set := far.CodesSet()[trace]; set {
		t.Fatalf("Mediatel has the code %q already", code)
	}
	far.SetAway(false)
	startProcess(t, h) // its agent's tab comes back by itself
	testdeps.Eventually(t, "a code at Mediatel", func() bool { return far.CodesSet()[trace] != "" })
	if got := far.CodesSet()[trace]; got != "4" {
		t.Errorf("code %q at Mediatel, want 4, as on record", got)
	}
}

// kill ends the process as a loss of power would.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
}

func inTalk(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" }

// talkInAProcess starts the program and has Ann talk to her only contact.
func talkInAProcess(t *testing.T, h *house, crm *receiver) (p *process, tab *tab, trace string) {
	t.Helper()
	p = startProcess(t, h)
	crm.trust(h.post("/webhooks", fmt.Sprintf(`{"url":"%s/hook"}`, crm.URL))["secret"].(string))
	h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"1m",
		"call_codes":[{"id":"4","name":"Our promise","action":"finish"}]}`)
	h.request("POST", "/campaigns/1/contacts", "text/csv", "crm_id;name;phone\n10000001;Ann Archer;07700 900123\n")
	h.post("/campaigns/1/start", "")
	tab = loginBesideMediatel(t, h)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
	tab.send(`{"type":"predictive"}`)
	trace = tab.until("talk", inTalk)["callTraceID"].(string)
	crm.event("call.answered", func(webhook.Event) bool { return true })
	// A delivery that a killed process has under way is leased for a minute, and the contact's later events wait for it.
	testdeps.Eventually(t, "the delivery on record",
		func() bool { return len(h.get("/deliveries?state=delivered")["items"].([]any)) > 0 })
	return p, tab, trace
}

func loginBesideMediatel(t *testing.T, h *house) *tab {
	t.Helper()
	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3445"}`)
	return tab
}
