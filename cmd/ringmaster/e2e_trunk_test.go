package main

import (
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// line is SIPp as a carrier, or as an agent's phone: it answers OPTIONS and calls, and writes down what it hears.
type line struct {
	t    *testing.T
	addr string
	dir  string
	tcp  bool
	cmd  *exec.Cmd
}

func newLine(t *testing.T) *line { return &line{t: t, addr: testdeps.FreeAddress(t), dir: t.TempDir()} }

func (l *line) start() {
	l.t.Helper()
	tone := make([]byte, 8000)
	for i := range tone {
		tone[i] = media.Encode(int16(8000*math.Sin(2*math.Pi*customerTone*float64(i)/8000)), media.ALaw)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "tone.alaw"), tone, 0o600); err != nil {
		l.t.Fatal(err)
	}
	scenario, err := filepath.Abs("testdata/e2e/line.xml")
	if err != nil {
		l.t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(l.addr)
	l.cmd = exec.Command("sipp", "-sf", scenario, "-i", host, "-p", port, "-nostdin", "-trace_msg", "-message_file", "messages",
		"-trace_err", "-error_file", "errors", "-default_behaviors", "all,-bye,-abortunexp", "-deadcall_wait", "0")
	l.cmd.Dir = l.dir
	if l.tcp {
		l.cmd.Args = append(l.cmd.Args, "-t", "t1")
	}
	if err := l.cmd.Start(); err != nil {
		l.t.Fatalf("sipp: %v; run: make test-deps", err)
	}
	l.t.Cleanup(l.stop)
}

func (l *line) stop() {
	_ = l.cmd.Process.Kill()
	_ = l.cmd.Wait()
}

var invited = regexp.MustCompile(`\nINVITE sip:[^\n]*\n(?:[^\n]+\n)*?Call-ID: *([^\r\n]+)`)

// heard counts the calls that came; what was sent again is none.
func (l *line) heard() int {
	text, _ := os.ReadFile(filepath.Join(l.dir, "messages"))
	calls := map[string]bool{}
	for _, m := range invited.FindAllStringSubmatch(string(text), -1) {
		calls[m[1]] = true
	}
	return len(calls)
}

// Drain is what the process has logged since it was last asked.
func (p *process) drain() (lines []string) {
	for {
		select {
		case l := <-p.lines:
			lines = append(lines, l)
		default:
			return lines
		}
	}
}

// metric is a line of /metrics.
func (h *house) metric(name string) string {
	h.t.Helper()
	reply, err := http.Get(h.url + "/metrics")
	if err != nil {
		h.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	for l := range strings.Lines(string(text)) {
		if strings.HasPrefix(l, name+" ") || strings.HasPrefix(l, name+"{") {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

// carriers starts the program with trunks, a campaign of some people, and an agent on a desk phone who takes automatic calls.
func carriers(t *testing.T, trunks string, people int) (*house, *process, *tab, *line) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs SIPp and Node.js")
	}
	phone := newLine(t)
	phone.start()
	h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', advertise: 127.0.0.1, trunks: {%s}}}", testdeps.FreeAddress(t),
		trunks), "limits: {tab_grace: 1m}")
	h.command("", "extension", "add", "3446", "--network", "sip", "--server", phone.addr, "--no-options")
	p := startProcess(t, h)
	h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"1s",
		"call_codes":[{"id":"4","name":"Promise","action":"finish"}]}`)
	list := "crm_id,phone\n"
	for i := range people {
		list += fmt.Sprintf("%d,07700 9001%02d\n", 1000+i, i)
	}
	h.request("POST", "/campaigns/1/contacts", "text/csv", list)
	h.post("/campaigns/1/start", "")
	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3446"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
	return h, p, tab, phone
}

// TestEveryTrunkDown: nothing is planned and no phone rings while no trunk lives; log, metric and API say why; with the first
// sign of life dialing goes on by itself.
func TestEveryTrunkDown(t *testing.T) {
	t.Parallel()
	carrier := newLine(t) // not there yet
	h, p, tab, phone := carriers(t, fmt.Sprintf("a: {host: '%s'}, b: {host: '%s', transport: tcp, priority: 1}", carrier.addr,
		testdeps.FreeAddress(t)), 3)
	tab.send(`{"type":"predictive"}`)
	const saidOnce = "no trunk can take a call"
	p.logged(saidOnce)
	if got := h.metric("ringmaster_sip_no_trunk"); got != "ringmaster_sip_no_trunk 1" {
		t.Errorf("metric %q", got)
	}
	for _, item := range h.get("/trunks")["items"].([]any) {
		trunk := item.(map[string]any)
		want := map[any]string{"a": "does not answer OPTIONS", "b": "connection refused"}[trunk["name"]]
		if cause, _ := trunk["cause"].(string); trunk["state"] != "down" || trunk["up"] != false || !strings.Contains(cause, want) {
			t.Errorf("trunk %v", trunk)
		}
	}
	testdeps.Quiet(3 * time.Second) // nothing may happen meanwhile: the pacer looks each second
	if n := len(h.get("/attempts")["items"].([]any)); n != 0 || phone.heard() != 0 {
		t.Errorf("%d attempts were made, the agent's phone rang %d times", n, phone.heard())
	}
	for _, l := range p.drain() {
		if strings.Contains(l, saidOnce) {
			t.Error("it was said again: " + l)
		}
	}
	carrier.start()
	p.logged("dialing goes on")
	began := time.Now()
	tab.until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" })
	t.Logf("from the first good OPTIONS to the talk %v", time.Since(began))
	if got := h.metric("ringmaster_sip_no_trunk"); got != "ringmaster_sip_no_trunk 0" {
		t.Errorf("metric %q", got)
	}
	if carrier.heard() != 1 {
		t.Errorf("the carrier heard %d calls", carrier.heard())
	}
	tab.send(`{"type":"closeCall"}`)
}

// TestTrunkThatIsNeverAsked: without OPTIONS a trunk that took none of two calls gets no more, but for one that tries it after a
// while.
func TestTrunkThatIsNeverAsked(t *testing.T) {
	t.Parallel()
	carrier := newLine(t) // not there yet
	carrier.tcp = true
	h, p, tab, phone := carriers(t, fmt.Sprintf("a: {host: '%s', transport: tcp, no_options: true}", carrier.addr), 6)
	tab.send(`{"type":"predictive"}`)
	const saidOnce = "no trunk can take a call"
	p.logged(saidOnce)
	if trunk := h.get("/trunks")["items"].([]any)[0].(map[string]any); trunk["state"] != "resting" || trunk["until"] == nil ||
		!strings.Contains(fmt.Sprint(trunk["cause"]), "did not answer one call after the other") {
		t.Errorf("trunk %v", trunk)
	}
	if n := phone.heard(); n != 2 {
		t.Errorf("the agent's phone rang %d times, want 2", n)
	}
	carrier.start()
	tab.until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" })
	if n := phone.heard(); n != 3 {
		t.Errorf("the agent's phone rang %d times, want 3", n)
	}
	p.logged("dialing goes on")
	if trunk := h.get("/trunks")["items"].([]any)[0].(map[string]any); trunk["state"] != "up" {
		t.Errorf("trunk %v", trunk)
	}
	tab.send(`{"type":"closeCall"}`)
}

// TestHidingIsRefusedAtTheStart: a campaign whose profile wants the caller's number shown does not start while every trunk hides
// it, by API or by command, and all that is wrong is said at once.
func TestHidingIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for trunks, refused := range map[string]bool{
		"a: {host: 192.0.2.1, privacy: true, no_options: true}":                                         true,
		"a: {host: 192.0.2.1, privacy: true, no_options: true}, b: {host: 192.0.2.2, no_options: true}": false,
	} {
		h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', advertise: 127.0.0.1, trunks: {%s}}}",
			testdeps.FreeAddress(t), trunks), "limits: {drain_timeout: 0s}")
		h.start(nil)
		h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","region":"UA"}`)
		h.post("/campaigns", `{"name":"Nowhere","profile":"ua-1349-IX"}`)
		h.post("/campaigns", `{"name":"Free","region":"UA","profile":"none","reason":"a test"}`)
		h.post("/campaigns/3/start", "")
		if !refused {
			h.post("/campaigns/1/start", "")
			continue
		}
		var problem map[string]any
		h.ask("POST", "/api/v1/campaigns/2/start", h.token, "", "", http.StatusUnprocessableEntity, &problem)
		for _, want := range []string{"region", "time_zone", "every trunk hides it"} {
			if !strings.Contains(fmt.Sprint(problem), want) {
				t.Errorf("no %q in %v", want, problem)
			}
		}
		h.ask("POST", "/api/v1/campaigns/1/start", h.token, "", "", http.StatusUnprocessableEntity, &problem)
		h.ask("PATCH", "/api/v1/campaigns/3", h.token, "", `{"profile":"ua-1349-IX"}`, http.StatusUnprocessableEntity, &problem)
		var said strings.Builder
		if code := run(t.Context(), []string{"campaign", "start", "Winter", "--config", h.file},
			console{Out: &said, Err: &said}); code == exitWell || !strings.Contains(said.String(), "every trunk hides it") {
			t.Errorf("exit code %d: %s", code, said.String())
		}
	}
}

// TestCustomersSeeTheNearestOwnNumber: the carrier hears From with the own number that is nearest to the customer, and asserted
// where it wants that; the attempt says which it was.
func TestCustomersSeeTheNearestOwnNumber(t *testing.T) {
	t.Parallel()
	carrier := newLine(t)
	carrier.start()
	h, _, tab, _ := carriers(t, fmt.Sprintf("a: {host: '%s', no_options: true, asserted_identity: true, caller_id: '+442079460999'}",
		carrier.addr), 1)
	h.request("PATCH", "/campaigns/1", "application/json", `{"caller_ids": ["+380441234567", "+442079460001", "+12125550123"]}`)
	tab.send(`{"type":"predictive"}`)
	tab.until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" })
	tab.send(`{"type":"closeCall"}`)
	text, err := os.ReadFile(filepath.Join(carrier.dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"From: ", "P-Asserted-Identity: "} {
		_, rest, found := strings.Cut(string(text), "\n"+header)
		line, _, _ := strings.Cut(rest, "\n")
		if !found || !strings.Contains(line, "442079460001@") {
			t.Errorf("the carrier heard %s%s", header, line)
		}
	}
	attempt := h.get("/attempts")["items"].([]any)[0].(map[string]any)
	if attempt["caller_id"] != "+442079460001" {
		t.Errorf("the attempt says %v", attempt["caller_id"])
	}
}
