package main

import (
	"fmt"
	"testing"

	"github.com/creditorro/ringmaster/webhook"
)

// TestMediatelCallOutlivesTheProcess: a node is killed in the midst of a talk. Mediatel goes on with the call, and the node's next
// life finds it, on the same attempt: nobody is called again, and the CRM learns how it really ended.
func TestMediatelCallOutlivesTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Parallel()
	far, url := newMediatel(t)
	h := prepareBesideMediatel(t, url)
	crm := newReceiver(t)
	p := startProcess(t, h)
	crm.trust(h.post("/webhooks", fmt.Sprintf(`{"url":"%s/hook"}`, crm.URL))["secret"].(string))
	h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","wrap_up":"1m",
		"call_codes":[{"id":"4","name":"Our promise","action":"finish"}]}`)
	h.request("POST", "/campaigns/1/contacts", "text/csv", "crm_id;name;phone\n10000001;Ann Archer;07700 900123\n")
	h.post("/campaigns/1/start", "")
	login := func() *tab {
		tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
		tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
		tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3445"}`)
		return tab
	}
	tab := login()
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
	tab.send(`{"type":"predictive"}`)
	talk := func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" }
	trace := tab.until("talk", talk)["callTraceID"]
	crm.event("call.answered", func(webhook.Event) bool { return true })

	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	startProcess(t, h)
	tab = login()
	s := tab.until("the same talk", talk)
	if s["callTraceID"] != trace || s["callCustomerID"] != "10000001" {
		t.Errorf("the tab is shown call %v with %v, want %v", s["callTraceID"], s["callCustomerID"], trace)
	}
	tab.send(`{"type":"closeCall"}`)
	tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
	tab.send(`{"type":"resolutionSet","id":"4"}`)
	coded := crm.event("call.code_set", func(webhook.Event) bool { return true })
	if call := coded.Data.Call; call.Outcome != "answered" || call.Origin != "automatic" || call.CallTraceID == nil || *call.CallTraceID != trace ||
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
