package gateway

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

var updateGolden = flag.Bool("update", false, "write testdata/states.json anew")

// moments that the table is made of.
var (
	began = time.Date(2026, 3, 25, 11, 58, 15, 0, time.UTC)
	shown = began.Add(20 * time.Second)
)

// standing is an agent who is logged on at extension 3444 since some time.
func standing(change ...func(*agents.Live)) agents.Live {
	l := agents.Off(2001)
	l.Login, l.State, l.Since, l.Reachable = "mt_agent1", agents.Available, began, true
	l.Extension = agents.Extension{Name: "3444", Number: "3444", Server: "192.0.2.1:5060"}
	l.Queues, l.AutoCall = []string{"AUTO_1", "MANUAL_1"}, true
	for _, c := range change {
		c(&l)
	}
	return l
}

// inCall puts the agent into a call of which everything is known.
func inCall(s agents.State) func(*agents.Live) {
	return func(l *agents.Live) {
		l.State = s
		l.Call = &agents.Call{
			AttemptID: "1000000001", CallTraceID: "1000000001", ContactID: 7, CRMID: "10000001", Name: "Ann Archer",
			Number: "+447700900123",
			Queue:  "AUTO_1", CampaignID: 9, Automatic: true, CardLink: "https://crm.example.com/card/10000001",
			Codes:   []agents.Code{{ID: "4", Name: "10. Promise to pay", ActionFlag: "0"}, {ID: "7", Name: "20. No answer"}},
			History: []agents.PastCall{{AttemptID: "3", Automatic: true}, {AttemptID: "2"}}, MaxDuration: 3 * time.Minute,
			StartedAt: began,
		}
	}
}

// byHandOrdered is a call by hand of which only our own number of its contact is known yet.
func byHandOrdered(l *agents.Live) {
	l.State = agents.Ordered
	l.Call = &agents.Call{AttemptID: "1000000001", ContactID: 7, Number: "+447700900123", Queue: "MANUAL_1", CampaignID: 9,
		StartedAt: began}
}

// rows are the states that a tab can be shown, by the names that testdata/states.json has for them.
var rows = []struct {
	name string
	live agents.Live
	tab  func(*tab)
	show func(*Gateway, *tab, agents.Live) *wire.State
}{
	{"logged off", agents.Off(0), func(t *tab) { t.offSince = began }, whileOff},
	{"login refused", agents.Off(0), func(t *tab) { t.offSince, t.tries, t.loginError = began, 2, errCredentials }, whileOff},
	{"logged off again", func() agents.Live { l := agents.Off(2001); l.Login, l.Since = "mt_agent1", began; return l }(), nil, nil},
	{"available", standing(), func(t *tab) { t.tries = 2 }, nil},
	{"available, auto-call flag off", standing(func(l *agents.Live) { l.AutoCall = false }), nil, nil},
	{"available, no phone registered", standing(func(l *agents.Live) {
		l.Reachable, l.NoPhone, l.WhyNot = false, true, reason.Said("No phone is registered for extension 3444")
	}), nil, nil},
	{"available, command refused", standing(), func(t *tab) { t.refused = told{agents.UnknownQueueError, `Unknown queue "X"`} },
		nil},
	{"call refused by a rule", standing(func(l *agents.Live) {
		l.ErrorID, l.ErrorText, l.FailedAt = agents.RuleError, reason.Said("per_day: 2 calls today"), began.Add(time.Second)
	}), nil, func(g *Gateway, _ *tab, l agents.Live) *wire.State { return g.failed(l) }},
	{"number in a call", standing(func(l *agents.Live) {
		l.ErrorID, l.ErrorText, l.FailedAt = agents.NumberBusyError, reason.Said("The number is in a call"), began.Add(time.Second)
	}), nil, func(g *Gateway, _ *tab, l agents.Live) *wire.State { return g.failed(l) }},
	{"available, the call's process was lost", standing(func(l *agents.Live) {
		l.ErrorID, l.ErrorText, l.FailedAt = agents.CallLostError, reason.Said("the call's process is lost"), began
	}), nil, nil},
	{"available, automatic call to a busy customer", standing(func(l *agents.Live) {
		l.ErrorID, l.ErrorText, l.FailedAt = agents.NotPlacedError, reason.Said("486 Busy Here"), began
	}), nil, nil},
	{"logged off, command refused", agents.Off(0), func(t *tab) {
		t.offSince, t.refused = began, told{agents.NotAllowedError, "Log in first"}
	}, whileOff},
	{"call ordered, automatic", standing(func(l *agents.Live) {
		l.State = agents.Ordered
		l.Call = &agents.Call{AttemptID: "1000000001", Queue: "AUTO_1", CampaignID: 9, Automatic: true, StartedAt: began}
	}), nil, nil},
	{"call ordered by hand", standing(byHandOrdered), nil, nil},
	{"call set up", standing(inCall(agents.Delivered)), nil, nil},
	{"call set up at a Mediatel, calltraceid not known yet",
		standing(inCall(agents.Delivered), func(l *agents.Live) { l.Call.CallTraceID, l.Call.CardLink = "", "" }), nil, nil},
	{"call set up by hand to a number without a contact", standing(inCall(agents.Delivered), func(l *agents.Live) {
		c := l.Call
		c.Automatic, c.CRMID, c.ContactID, c.Name, c.CardLink, c.History, c.MaxDuration = false, "", 0, "", "", nil, 0
	}), nil, nil},
	{"talking", standing(inCall(agents.Talking)), nil, nil},
	{"talking, command refused", standing(inCall(agents.Talking)), func(t *tab) {
		t.refused = told{agents.NotAllowedError, "makeCall is not allowed while talking"}
	}, nil},
	{"talking, a call of Mediatel's own that is not on record yet", standing(inCall(agents.Talking), func(l *agents.Live) {
		c := l.Call
		c.ContactID, c.Name, c.History, c.MaxDuration, c.CampaignID, c.CardLink = 0, "", nil, 0, 0,
			"https://mt.example.com/card/10000001"
	}), nil, nil},
	{"talking, a call of Mediatel's own with nobody's number", standing(inCall(agents.Talking), func(l *agents.Live) {
		l.Call = &agents.Call{AttemptID: "5", CallTraceID: "1000000001", Automatic: true, StartedAt: began}
	}), nil, nil},
	{"talking, muted, a pause asked for", standing(inCall(agents.Talking),
		func(l *agents.Live) { l.Muted, l.NextPause = true, "4" }), nil, nil},
	{"on hold", standing(inCall(agents.Holding)), nil, nil},
	{"on hold, muted, a pause asked for", standing(inCall(agents.Holding),
		func(l *agents.Live) { l.Muted, l.NextPause = true, "1" }), nil, nil},
	{"clerical", standing(inCall(agents.Clerical)), nil, nil},
	{"clerical, customer not reached", standing(inCall(agents.Clerical),
		func(l *agents.Live) { l.ErrorID, l.ErrorText = agents.NotPlacedError, reason.Said("486 Busy Here") }), nil, nil},
	{"clerical, a pause asked for", standing(inCall(agents.Clerical), func(l *agents.Live) { l.NextPause = "4" }), nil, nil},
	{"paused, code too late", standing(func(l *agents.Live) { l.State, l.PauseID = agents.Paused, "4" }), func(t *tab) {
		t.refused = told{agents.CodeTooLateError, "There is no call that awaits a code: it has one, or its time is over"}
	}, nil},
	{"paused", standing(func(l *agents.Live) { l.State, l.PauseID = agents.Paused, "4" }), nil, nil},
	{"force pause", standing(func(l *agents.Live) {
		l.State, l.PauseID, l.PauseCause = agents.ForcePause, agents.ForcePauseID, reason.Said("No Answer from agent")
		l.ErrorID, l.ErrorText = agents.AgentNoAnswerError, reason.Said("No Answer from agent")
	}), nil, nil},
}

func whileOff(g *Gateway, t *tab, _ agents.Live) *wire.State {
	return g.loggedOff(t.offSince, t.loginError, phrasebook.For("en"))
}

// shownRows are the table's states as they travel.
func shownRows(t *testing.T) map[string]map[string]any {
	g := &Gateway{Deps: Deps{
		Host: "farm-01", Location: time.UTC, Now: func() time.Time { return shown },
		MayCall: func(queue string) bool { return queue == "MANUAL_1" },
	}}
	g.pauses.Store(&[]wire.Pause{{ID: "1", Name: "Technical Break"}, {ID: "4", Name: "Meeting"}})
	all := map[string]map[string]any{}
	for _, row := range rows {
		page := &tab{g: g}
		if row.tab != nil {
			row.tab(page)
		}
		state := g.snapshot(row.live)
		if row.show != nil {
			state = row.show(g, page, row.live)
		}
		var object map[string]any
		if err := json.Unmarshal(page.own(*state).AppendJSON(nil), &object); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		all[row.name] = object
	}
	return all
}

// TestEachFieldInEachState compares all that a tab is shown with testdata/states.json. Run with -update to write that anew, and
// read what has changed.
func TestEachFieldInEachState(t *testing.T) {
	const file = "testdata/states.json"
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(shownRows(t)); err != nil {
		t.Fatal(err)
	}
	if *updateGolden {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, have := strings.Split(string(golden), "\n"), strings.Split(got.String(), "\n")
	for i := range max(len(want), len(have)) {
		if i >= len(want) || i >= len(have) || want[i] != have[i] {
			t.Fatalf("%s:%d: have %q\nwant %q", file, i+1, slices.Concat(have, []string{""})[min(i, len(have))],
				slices.Concat(want, []string{""})[min(i, len(want))])
		}
	}
}

// none is what a field is shown as that has nothing to say.
var none = map[string]any{
	"agentId": "-1", "agentName": "", "agentExt": "", "ani": "", "dnis": "", "callTraceID": "-1", "callCustomerID": "-1",
	"callType":      "-1",
	"callStartTime": "1999-01-01 01:01:01", "callWaitDuration": "0", "maxCallDuration": "0", "queueId": "-1", "queueName": "",
	"callErrorID": "0", "callErrorText": "", "loginErrorID": "0", "loginErrorText": "", "pauseId": "0", "pausePending": "0",
	"pauseAcknowledge": "0",
	"crmConnectTarget": "", "webServer": "", "mute": float64(0), "lastCallTime": float64(0), "predictiveStatus": "0",
	"multipleCallCodeAllow": "0",
	"availableCallCodes":    []any{}, "awaliableCallCodes": []any{}, "callHistory": []any{}, "queues": []any{},
}

// TestNone: outside of what a state is about, each field has its own "none", and every state has all fields.
func TestNone(t *testing.T) {
	all := shownRows(t)
	always := []string{"state", "status", "availableCommand", "avaliableCommand", "isAvailable", "isAvaliable", "pauseList", "host",
		"loginAttempt",
		"crmConnectType", "serverTime", "time"}
	ofAgent := []string{"agentId", "agentName", "agentExt", "queues", "predictiveStatus"}
	ofCall := []string{"ani", "dnis", "callTraceID", "callCustomerID", "callType", "callStartTime", "maxCallDuration", "queueId",
		"queueName",
		"availableCallCodes", "awaliableCallCodes", "callHistory", "crmConnectTarget"}
	ordered := append(slices.Clone(ofAgent), "dnis", "callType", "callStartTime", "queueId", "queueName")
	call, noHistory := slices.Concat(ofAgent, ofCall), without(slices.Concat(ofAgent, ofCall), "callHistory", "maxCallDuration")
	and := func(fields []string, more ...string) []string { return slices.Concat(fields, more) }
	speaks := map[string][]string{
		"logged off": nil, "logged off again": nil, "login refused": {"loginErrorID", "loginErrorText"},
		"logged off, command refused": {"callErrorID", "callErrorText"},
		"available":                   ofAgent, "available, auto-call flag off": ofAgent[:4],
		"available, no phone registered":                       and(ofAgent, "callErrorText"),
		"available, command refused":                           and(ofAgent, "callErrorID", "callErrorText"),
		"available, the call's process was lost":               and(ofAgent, "callErrorID", "callErrorText"),
		"available, automatic call to a busy customer":         and(ofAgent, "callErrorID", "callErrorText"),
		"call refused by a rule":                               and(ofAgent, "callErrorID", "callErrorText"),
		"number in a call":                                     and(ofAgent, "callErrorID", "callErrorText"),
		"call ordered, automatic":                              ordered,
		"call ordered by hand":                                 and(ordered, "ani"),
		"call set up":                                          call,
		"call set up at a Mediatel, calltraceid not known yet": without(call, "callTraceID", "crmConnectTarget"),
		"call set up by hand to a number without a contact":    without(noHistory, "callCustomerID", "crmConnectTarget"),
		"talking":                           call,
		"talking, command refused":          and(call, "callErrorID", "callErrorText"),
		"talking, muted, a pause asked for": and(call, "mute", "pausePending"),
		"talking, a call of Mediatel's own that is not on record yet": without(noHistory, "queueId"),
		"talking, a call of Mediatel's own with nobody's number":      and(ofAgent, "dnis", "callTraceID", "callType", "callStartTime"),
		"on hold":                           call,
		"on hold, muted, a pause asked for": and(call, "mute", "pausePending"),
		"clerical":                          call,
		"clerical, a pause asked for":       and(call, "pausePending"),
		"clerical, customer not reached":    and(call, "callErrorID", "callErrorText"),
		"paused":                            and(ofAgent, "pauseId"),
		"paused, code too late":             and(ofAgent, "pauseId", "callErrorID", "callErrorText"),
		"force pause":                       and(ofAgent, "pauseId", "callErrorID", "callErrorText"),
	}
	for name := range all {
		if _, listed := speaks[name]; !listed {
			t.Errorf("%s: nothing says which fields speak in it", name)
		}
	}
	for name, fields := range speaks {
		state := all[name]
		if len(state) != len(none)+len(always) {
			t.Errorf("%s: %d fields, want %d", name, len(state), len(none)+len(always))
		}
		for field, nothing := range none {
			is := jsonOf(state[field]) == jsonOf(nothing)
			if says := slices.Contains(fields, field); says == is {
				t.Errorf("%s: %s is %s", name, field, jsonOf(state[field]))
			}
		}
		begin := float64(began.UnixMilli())
		if name == "call refused by a rule" || name == "number in a call" {
			begin += 1000
		}
		if state["time"] != begin || state["serverTime"] != float64(shown.UnixMilli()) {
			t.Errorf("%s: time %v, serverTime %v", name, state["time"], state["serverTime"])
		}
	}
}

// without returns the fields but some.
func without(fields []string, some ...string) []string {
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return slices.Contains(some, f) })
}

func jsonOf(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
