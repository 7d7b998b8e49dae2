package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// TestCampaignRings is the product's main job on real input, through the doors that its people use: the command line, the
// HTTP API, an agent's tab by the official Socket.IO client, and a CRM that verifies signatures.
func TestCampaignRings(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Run("PostgreSQL and Redis", func(t *testing.T) {
		t.Parallel()
		ring(t, "database: {url: '"+testdeps.Postgres(t)+"'}", "redis: {url: 'redis://"+testdeps.Redis(t)+"'}")
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		ring(t)
	})
}

func ring(t *testing.T, settings ...string) {
	h := startHouse(t, settings...)
	crm := newReceiver(t)
	secret := h.post("/webhooks", fmt.Sprintf(`{"url":"%s/hook"}`, crm.URL))["secret"].(string)
	crm.trust(secret)

	campaign := h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test",
		"wrap_up":"1m","max_attempts":3,"agent_ring":"5s","retry":{"agent_no_answer":{"after":"1s"}},
		"call_codes":[{"id":"4","name":"10. Promise to pay","action":"finish","action_flag":"0"}],
		"card_link":"https://crm.example.com/card/{crm_id}","recording_link":"/records/mediatel-record?calltraceID={calltraceid}"}`)
	id := int(campaign["id"].(float64))
	list := "crm_id;name;phone;debt\n10000001;Ann Archer;07700 900123;120.50\n10000002;Bob Broke;12;1\n"
	report := h.request("POST", fmt.Sprintf("/campaigns/%d/contacts", id), "text/csv", list)
	if got := fmt.Sprint(report); !strings.Contains(got, "accepted:1") || !strings.Contains(got, "refused:1") {
		t.Fatalf("import report: %v", got)
	}

	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3444"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" && s["agentExt"] == "3444" })

	forcePauseAndBack(t, h, tab, id)
	trace := automaticCall(t, h, tab)
	contactIsClosed(t, h, id, trace)

	completed := crm.event("call.completed", func(e webhook.Event) bool { return e.Data.Call.Outcome == "answered" })
	call := completed.Data.Call
	if call.CallTraceID == nil || *call.CallTraceID != trace || completed.Data.Contact.CRMID != "10000001" ||
		completed.Data.Agent.UserID != "12341" {
		t.Errorf("call.completed: %+v of %+v by %+v, want calltraceid %s", call, completed.Data.Contact, completed.Data.Agent, trace)
	}
	if want := h.url + "/records/mediatel-record?calltraceID=" + trace; call.RecordingLink != want {
		t.Errorf("recording link %q, want %q", call.RecordingLink, want)
	}
	coded := crm.event("call.code_set", func(webhook.Event) bool { return true })
	if coded.Data.Code == nil || coded.Data.Code.ID != "4" || coded.Data.Code.Action != "finish" || coded.Data.Reason != "agent" {
		t.Errorf("call.code_set: code %+v, reason %q", coded.Data.Code, coded.Data.Reason)
	}
	if coded.Sequence <= completed.Sequence {
		t.Errorf("call.code_set has sequence %d, call.completed %d", coded.Sequence, completed.Sequence)
	}
	crm.event("campaign.finished", func(webhook.Event) bool { return true })

	tab.send(`{"type":"logout"}`)
	tab.until("logged off again", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
}

// forcePauseAndBack starts the campaign while the agent's phone is not answered.
func forcePauseAndBack(t *testing.T, h *house, tab *tab, campaign int) {
	phones := h.node.Networks.Simulated
	phones.SetExtension("3444", simulated.Silent)
	h.post(fmt.Sprintf("/campaigns/%d/start", campaign), "")
	tab.send(`{"type":"predictive"}`)
	s := tab.until("Force Pause", func(s state) bool { return s["state"] == "STATE_PAUSE" && s["pauseId"] == "1000" })
	if s["callErrorID"] != "-223" {
		t.Errorf("callErrorID %q in Force Pause, want -223", s["callErrorID"])
	}
	if rung := phones.Rung(); len(rung) != 0 {
		t.Errorf("the customer's phone rang although the agent did not answer: %v", rung)
	}
	phones.SetExtension("3444", simulated.Unreachable)
	tab.send(`{"type":"pause","id":0}`)
	tab.until("still Force Pause, and why", func(s state) bool {
		return s["pauseId"] == "1000" && s["callErrorText"] != "No Answer from agent"
	})
	phones.SetExtension("3444", simulated.Well)
	tab.send(`{"type":"pause","id":0}`)
}

// automaticCall follows the call to its code.
func automaticCall(t *testing.T, h *house, tab *tab) (trace string) {
	// A tab that is behind is shown the last of several states alone, and the card is in both.
	s := tab.until("a call", func(s state) bool { return s["state"] == "STATE_CALL_DELIVERED" || inTalk(s) })
	trace = s["callTraceID"].(string)
	promise := []any{map[string]any{"ID": "4", "Name": "10. Promise to pay", "ActionFlag": "0"}}
	if s["crmConnectTarget"] != "https://crm.example.com/card/10000001" || s["callCustomerID"] != "10000001" ||
		s["queueName"] != "AUTO_1" ||
		s["ani"] != "+447700900123" || trace == "" || !reflect.DeepEqual(s["availableCallCodes"], promise) ||
		!reflect.DeepEqual(s["awaliableCallCodes"], promise) {
		t.Errorf("card of the call: %+v", s)
	}
	if !inTalk(s) {
		tab.until("talk", inTalk)
	}
	tab.send(`{"type":"closeCall"}`)
	tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
	tab.send(`{"type":"resolutionSet","id":4}`)
	tab.until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })
	for id, n := range h.node.Networks.Simulated.Rung() {
		if n != 1 || id.String() != trace {
			t.Errorf("attempt %v rang %d times; the only call is %s", id, n, trace)
		}
	}
	return trace
}

func contactIsClosed(t *testing.T, h *house, campaign int, trace string) {
	t.Helper()
	contacts := testdeps.Seen(t, "the one contact's end", func() []any { // the tab may know before the record does
		return h.get(fmt.Sprintf("/campaigns/%d/contacts", campaign))["items"].([]any)
	}, func(all []any) bool { return len(all) == 1 && all[0].(map[string]any)["state"] == "finished" })
	c := contacts[0].(map[string]any)
	if c["reason"] != "code:4" || c["calltraceid"] != trace ||
		!strings.HasSuffix(fmt.Sprint(c["recording_link"]), trace) {
		t.Errorf("contact: %v", c)
	}
}

// house is a whole node, as `serve` makes it, and its administrator.
type house struct {
	t        *testing.T
	file     string // its configuration
	listener net.Listener
	node     *node.Node
	url      string
	token    string
}

// prepareHouse writes a configuration and makes, by the command line, an agent, an extension and an administrator.
func prepareHouse(t *testing.T, settings ...string) *house {
	t.Helper()
	h := &house{t: t}
	folder := t.TempDir()
	var err error
	if h.listener, err = net.Listen("tcp", testdeps.FreeAddress(t)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.listener.Close() })
	h.url = "http://" + h.listener.Addr().String()
	lines := append([]string{
		"listen: " + h.listener.Addr().String(), "data: " + folder, "node: test-" + strings.ToLower(rand.Text()[:8]),
		"webhook: {allow: [127.0.0.1]}", "log: {level: warn}",
	}, settings...)
	h.file = filepath.Join(folder, "ringmaster.yaml")
	if err := os.WriteFile(h.file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command("", "migrate")
	network := "simulated"
	if strings.Contains(strings.Join(settings, "\n"), "sip:") {
		network = "sip"
	}
	h.command("", "extension", "add", "3444", "--network", network)
	h.command("correct horse\n", "agent", "add", "ann", "--queues", "AUTO_1,Winter", "--user-id", "12341", "--username",
		"ann@example.com")
	h.command("", "user", "add", "boss", "--role", "admin", "--no-password")
	h.token = strings.TrimSpace(h.command("", "token", "create", "boss"))
	return h
}

// startHouse runs the node in this process, on a phone network where everybody answers at once.
func startHouse(t *testing.T, settings ...string) *house {
	t.Helper()
	h := prepareHouse(t, append(settings, "telephony: {simulated: {profile: prompt, speed: 20}}", "limits: {drain_timeout: 0s}")...)
	h.start(nil)
	return h
}

// start runs the node, with some pages of the test's own on it.
func (h *house) start(pages map[string]http.Handler) {
	t := h.t
	t.Helper()
	cfg, err := node.LoadConfig(h.file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	h.node, err = node.New(ctx, cfg, t.Output(), version)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(h.node.Pages, pages)
	ended := make(chan error, 1)
	go func() { ended <- h.node.Run(ctx, h.listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("node: %v", err)
		}
		h.node.Close()
	})
}

// command runs the command line and returns what it prints.
func (h *house) command(input string, args ...string) string {
	h.t.Helper()
	var out, complaints bytes.Buffer
	args = append(args, "--config", h.file)
	if code := run(h.t.Context(), args, console{In: strings.NewReader(input), Out: &out, Err: &complaints}); code != exitWell {
		h.t.Fatalf("ringmaster %v: exit code %d: %s", args, code, complaints.String())
	}
	return out.String()
}

// vouch is a Cookie header for a user of the CRM.
func (h *house) vouch(username, userID string) string {
	return strings.TrimSpace(h.command("", "token", "vouch", username, "--user-id", userID))
}

func (h *house) get(path string) map[string]any { return h.request("GET", path, "", "") }
func (h *house) post(path, body string) map[string]any {
	return h.request("POST", path, "application/json", body)
}

func (h *house) request(method, path, kind, body string) map[string]any {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer reply.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil || reply.StatusCode/100 != 2 {
		h.t.Fatalf("%s %s: %s: %v %v", method, path, reply.Status, answer, err)
	}
	return answer
}
