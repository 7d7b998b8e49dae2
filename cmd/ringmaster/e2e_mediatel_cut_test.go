package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/dialer/mediatel/simulator"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// cuts are the states of a call in which the connection to Mediatel is lost, each in the call to a contact of its own.
var cuts = []string{wire.StateOrdered, wire.StateDelivered, wire.StateActive, wire.StateHold, wire.StateClerical}

// TestCutsOverMediatel: a campaign loses the connection in every state of a call, and each contact is called once, talked to and
// coded, here and at Mediatel.
func TestCutsOverMediatel(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	for name, settings := range records {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far, url := newMediatel(t, func(o *simulator.Options) { o.Rings, o.Answers = 400*time.Millisecond, 200*time.Millisecond })
			h := besideMediatel(t, url, settings(t)...)
			h.node.Networks.Mediatel.Limits.Retry = 50 * time.Millisecond // before there is a session
			cutMediatel(t, h, far)
		})
	}
}

func cutMediatel(t *testing.T, h *house, far *simulator.Server) {
	crm := newReceiver(t)
	crm.trust(h.post("/webhooks", fmt.Sprintf(`{"url":"%s/hook"}`, crm.URL))["secret"].(string))
	campaign := h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test",
		"wrap_up":"1m","max_attempts":3,"agent_ring":"5s","call_codes":[{"id":"4","name":"Our promise","action":"finish"}]}`)
	id := int(campaign["id"].(float64))
	people := "crm_id;name;phone;priority\n"
	for i := range cuts {
		people += fmt.Sprintf("1000000%d;Person %d;07700 90012%d;%d\n", i, i, i, 9-i)
	}
	h.request("POST", fmt.Sprintf("/campaigns/%d/contacts", id), "text/csv", people)
	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3445"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" && s["agentExt"] == "3445" })
	h.post(fmt.Sprintf("/campaigns/%d/start", id), "")
	tab.send(`{"type":"predictive"}`)

	var traces []string
	for _, at := range cuts { // one after the other, so that none is past the state in which it is cut
		traces = append(traces, talkWithCut(t, tab, far, at))
	}
	for i, at := range cuts {
		trace := traces[i]
		testdeps.Eventually(t, "the code at Mediatel", func() bool { return far.CodesSet()[trace] == "4" })
		crmID := fmt.Sprintf("1000000%d", i)
		coded := crm.event("call.code_set", func(e webhook.Event) bool {
			return e.Data.Contact != nil &&
				e.Data.Contact.CRMID == crmID
		})
		if call := coded.Data.Call; coded.Data.Code == nil || coded.Data.Code.ID != "4" || call.CallTraceID == nil ||
			*call.CallTraceID != trace {
			t.Errorf("cut in %s: call.code_set with %+v of %+v", at, coded.Data.Code, call)
		}
	}
	crm.event("campaign.finished", func(webhook.Event) bool { return true })
	attempts := slices.DeleteFunc(h.get("/attempts")["items"].([]any), func(a any) bool {
		return a.(map[string]any)["state"] == "cancelled" // planned for an agent who was busy by then; nobody's phone rang
	})
	if len(attempts) != len(cuts) {
		t.Errorf("%d attempts at %d contacts: %v", len(attempts), len(cuts), attempts)
	}
	if n := far.Commands()[wire.MakeCall]; n != len(cuts) || len(far.Placed()) != n {
		t.Errorf("%d makeCall, calls to %v", n, far.Placed())
	}
}

// talkWithCut follows one automatic call to its code, and cuts the connection in the state given.
func talkWithCut(t *testing.T, tab *tab, far *simulator.Server, cut string) (trace string) {
	t.Helper()
	cutIn := func(state string) {
		if state == cut {
			testdeps.Eventually(t, state, func() bool { return far.State("mt_agent1").State == state })
			far.Cut("mt_agent1")
		}
	}
	cutIn(wire.StateOrdered)
	cutIn(wire.StateDelivered)
	s := tab.until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" })
	trace = s["callTraceID"].(string)
	cutIn(wire.StateActive)
	if cut == wire.StateHold {
		tab.send(`{"type":"holdCall"}`)
		tab.until("hold", func(s state) bool { return s["state"] == "STATE_HOLD" })
	}
	cutIn(wire.StateHold)
	tab.send(`{"type":"closeCall"}`)
	s = tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
	if s["callTraceID"] != trace {
		t.Errorf("cut in %s: call %s ended as %v", cut, trace, s["callTraceID"])
	}
	far.SetAway(cut == wire.StateClerical) // the code is set before the connection is back
	cutIn(wire.StateClerical)
	tab.send(`{"type":"resolutionSet","id":"4"}`)
	tab.until("the next call", func(s state) bool { return s["state"] == "STATE_IDLE" })
	far.SetAway(false)
	return trace
}
