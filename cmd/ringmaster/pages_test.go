package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// inBrowser runs one of the files of web/test in a real Chromium. With SHOTS=FOLDER it leaves screenshots there; with PAGES=WORD
// only files of that name are run.
func inBrowser(t *testing.T, file string, env ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	for _, program := range []string{"node", "npm", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: run `make test-deps`", program)
		}
	}
	if !strings.Contains(file, os.Getenv("PAGES")) {
		return
	}
	modules := testdeps.NPM(t, "../../web/test")
	run := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", file)
	run.Dir = filepath.Dir(modules)
	run.Env = append(os.Environ(), env...)
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
}

// TestPagesOfServe: the pages of `serve`, in a browser, from the one-time link to a coded call; nobody is dialed.
func TestPagesOfServe(t *testing.T) {
	t.Parallel()
	h := houseWithPages(t)
	inBrowser(t, "serve.test.mjs", "BASE="+h.url, "TOKEN="+h.token)
	inBrowser(t, "states.test.mjs", "BASE="+h.url)
	inBrowser(t, "console.test.mjs", "BASE="+h.url)
	inBrowser(t, "campaign.test.mjs", "BASE="+h.url, "TOKEN="+h.token)
}

// TestDeskNeverLies: what the desk shows and sends when its pages are frozen, doubled, hidden, cut off and closed in mid-call.
func TestDeskNeverLies(t *testing.T) {
	t.Parallel()
	h := houseWithPages(t)
	inBrowser(t, "hostile.test.mjs", "BASE="+h.url, "TOKEN="+h.token)
	inBrowser(t, "away.test.mjs", "BASE="+h.url, "TOKEN="+h.token)
}

// houseWithPages is a node whose phone network is simulated, with two campaigns and their people.
func houseWithPages(t *testing.T) *house {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	h := prepareHouse(t, "telephony: {simulated: {profile: prompt, speed: 1}}", "limits: {drain_timeout: 0s, tab_grace: 1m}")
	h.command("", "pause", "add", "4", "Meeting")
	h.command("correct horse\n", "user", "add", "sue", "--role", "supervisor")
	h.command("correct horse\n", "user", "add", "boss2", "--role", "admin")
	startProcess(t, h)
	h.post("/campaigns", `{"name":"Winter","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","mode":"manual","wrap_up":"5m",
		"call_codes":[{"id":"4","name":"Promise to pay","action":"finish"},{"id":"5","name":"Do not call again","action":"do_not_call"},
		{"id":"7","name":"Wrong person","action":"finish"}],"card_link":"`+h.url+`/assets/logo.svg?person={crm_id}"}`)
	h.post("/campaigns", `{"name":"Hasty","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","mode":"manual","wrap_up":"15s",
		"call_codes":[{"id":"4","name":"Promise to pay","action":"finish"},{"id":"5","name":"Do not call again","action":"do_not_call"}]}`)
	h.post("/webhooks", `{"url":"http://127.0.0.1:9/hook"}`)
	h.request("POST", "/campaigns/1/contacts", "text/csv", "crm_id;name;phone\n10000001;Ann Archer;07700 900121\n")
	h.post("/campaigns/1/start", "")
	h.post("/campaigns/2/start", "")
	return h
}

// TestPreviewOnTheDesk: a campaign that shows whom to call, before an agent with two tabs and a supervisor who stops it.
func TestPreviewOnTheDesk(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	h := prepareHouse(t, "telephony: {simulated: {profile: prompt, speed: 1}}", "limits: {drain_timeout: 0s, tab_grace: 1m}")
	startProcess(t, h)
	h.post("/campaigns", `{"name":"Winter","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","mode":"preview","preview":"5m",
		"wrap_up":"5m","script":"Good day, {name}!","call_codes":[{"id":"4","name":"Promise to pay","action":"finish"}],
		"card_link":"`+h.url+`/assets/logo.svg?person={crm_id}"}`)
	people := "crm_id,name,phone\n"
	for i := range 6 {
		people += fmt.Sprintf("2000000%d,Customer %d,07700 90020%d\n", i, i, i)
	}
	h.request("POST", "/campaigns/1/contacts", "text/csv", people)
	h.post("/campaigns/1/start", "")
	inBrowser(t, "preview.test.mjs", "BASE="+h.url, "TOKEN="+h.token)
}

// TestPhoneOfTheDesk: the desk's own phone, over our telephony, with SIPp as the customer.
func TestPhoneOfTheDesk(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	customer := startCustomer(t)
	h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', media_listen: '%s', advertise: 127.0.0.1, trunks: "+
		"{carrier: {host: '%s', no_options: true}}}}",
		testdeps.FreeAddress(t), testdeps.FreeAddress(t), customer), "limits: {drain_timeout: 0s, tab_grace: 1m}")
	startProcess(t, h)
	h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"5m",
		"call_codes":[{"id":"4","name":"Promise to pay","action":"finish"}],"card_link":"`+h.url+`/assets/logo.svg?person={crm_id}"}`)
	h.request("POST", "/campaigns/1/contacts", "text/csv", "crm_id,phone\n10000001,07700 900123\n")
	h.post("/campaigns/1/start", "")
	inBrowser(t, "phone.test.mjs", "BASE="+h.url)
}

// TestPhoneInAForeignPage: ringmaster.js in a CRM's page of another origin, with SIPp as the customer.
func TestPhoneInAForeignPage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	customer := startCustomer(t)
	crm := testdeps.FreeAddress(t)
	h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', media_listen: '%s', advertise: 127.0.0.1, trunks: "+
		"{carrier: {host: '%s', no_options: true}}}}",
		testdeps.FreeAddress(t), testdeps.FreeAddress(t), customer), "limits: {drain_timeout: 0s, tab_grace: 1m}",
		"vouch: {allowed_origins: ['http://"+crm+"']}")
	startProcess(t, h)
	h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"5m",
		"call_codes":[{"id":"4","name":"Promise to pay","action":"finish"}],"card_link":"http://`+crm+`/card?person={crm_id}"}`)
	h.request("POST", "/campaigns/1/contacts", "text/csv", "crm_id,phone\n10000001,07700 900123\n")
	h.post("/campaigns/1/start", "")
	_, port, _ := strings.Cut(crm, ":")
	inBrowser(t, "embed.test.mjs", "BASE="+h.url, "TOKEN="+h.token, "CRM_PORT="+port, "COOKIE="+h.vouch("ann@example.com", "12341"))
}

// TestPagesOfTheDemo: what the demo adds to the pages of serve.
func TestPagesOfTheDemo(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"demo", "--listen", "127.0.0.1:0", "--data", t.TempDir()},
			console{In: strings.NewReader(""), Out: in, Err: t.Output()})
		in.Close()
	}()
	var url, password string
	for lines := bufio.NewScanner(out); password == "" && lines.Scan(); {
		if found := regexp.MustCompile(`The console +(http://\S+)/$`).FindStringSubmatch(lines.Text()); found != nil {
			url = found[1]
		}
		if found := regexp.MustCompile(`^ +Password of .*: (\S{14})$`).FindStringSubmatch(lines.Text()); found != nil {
			password = found[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	inBrowser(t, "demo.test.mjs", "BASE="+url, "PASSWORD="+password)
	stop()
	<-ended
}

// TestPagesOfANewNode: what whoever installs a node sees: the one-time link, and that no phone network is configured.
func TestPagesOfANewNode(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	h := bareHouse(t, folder)
	startProcess(t, h)
	link, err := os.ReadFile(filepath.Join(folder, "first-admin-link"))
	if err != nil {
		t.Fatal(err)
	}
	inBrowser(t, "new.test.mjs", "BASE="+h.url, "LINK="+strings.TrimSpace(string(link)), fmt.Sprintf("FOLDER=%s", folder))
}

// TestStepsOfANewcomer: the one-time link, the four steps, the first call, a promise and the report, with nothing made
// beforehand.
func TestStepsOfANewcomer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	h := bareHouse(t, folder, "telephony: {simulated: {profile: prompt, speed: 1}}", "limits: {drain_timeout: 0s, tab_grace: 1m}")
	startProcess(t, h)
	link, err := os.ReadFile(filepath.Join(folder, "first-admin-link"))
	if err != nil {
		t.Fatal(err)
	}
	inBrowser(t, "steps.test.mjs", "BASE="+h.url, "LINK="+strings.TrimSpace(string(link)))
}
