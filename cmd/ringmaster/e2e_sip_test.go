package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

const (
	agentTone    = 600 // Hz, what the browser's microphone hears
	customerTone = 440 // Hz, what the customer plays
	phoneFolder  = "../../dialer/sipua/testdata/browser"
)

// TestCampaignRingsForReal: a line of CSV becomes a SIP call to SIPp, an agent in Chromium talks by JsSIP, and the recording
// behind the webhook's link holds both voices.
func TestCampaignRingsForReal(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Chromium, Node.js and SIPp")
	}
	for _, tool := range []string{"chromium", "sipp"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing; run: make test-deps", tool)
		}
	}
	customer := startCustomer(t)
	h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', media_listen: '%s', advertise: 127.0.0.1, trunks: "+
		"{carrier: {host: '%s', no_options: true}}}}",
		testdeps.FreeAddress(t), testdeps.FreeAddress(t), customer), "limits: {drain_timeout: 0s}")
	h.start(map[string]http.Handler{"/phone/": http.StripPrefix("/phone/", http.FileServer(http.Dir(phonePage(t))))})
	crm := newReceiver(t)
	crm.trust(h.post("/webhooks", fmt.Sprintf(`{"url":"%s/hook"}`, crm.URL))["secret"].(string))
	h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test",
		"call_codes":[{"id":"4","name":"10. Promise to pay","action":"finish"}],
		"recording_link":"/records/mediatel-record?calltraceID={calltraceid}"}`)
	h.request("POST", "/campaigns/1/contacts", "text/csv", "crm_id,phone\n10000001,07700 900123\n")
	h.post("/campaigns/1/start", "")

	cookie := h.vouch("ann@example.com", "12341")
	trace := h.traceSIP()
	phone := openPhone(t, h, cookie)
	phone.await("registered")
	tab := newTab(t, h.url, cookie)
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3444"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
	tab.send(`{"type":"predictive"}`)

	phone.await("confirmed")
	tab.until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" })
	testdeps.Lasts(3 * time.Second) // of talk: there is no signal for sound
	tab.send(`{"type":"closeCall"}`)
	call := tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })["callTraceID"].(string)
	tab.send(`{"type":"resolutionSet","id":4}`)
	tab.until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })

	ready := crm.event("recording.ready", func(webhook.Event) bool { return true })
	if *ready.Data.Call.CallTraceID != call {
		t.Errorf("recording.ready of %s, want %s", *ready.Data.Call.CallTraceID, call)
	}
	kept, _ := h.get("/attempts/" + ready.Data.Call.AttemptID)["recording"].(map[string]any)
	if kept == nil || kept["agent"].(map[string]any)["packets"].(float64) < 50 ||
		kept["customer"].(map[string]any)["packets"].(float64) < 50 {
		t.Errorf("the attempt's recording: %v", kept)
	}
	if seen := trace(); !strings.Contains(seen, "INVITE sip:") || !strings.Contains(seen, "Authorization: (hidden)") ||
		strings.Contains(seen, "response=") {
		t.Errorf("SIP trace of %d bytes lacks a message, or shows a credential", len(seen))
	}
	crm.event("call.code_set", func(e webhook.Event) bool { return e.Data.Code.ID == "4" })
	wav := h.listen(ready.Data.Call.RecordingLink)
	for side, hz := range []float64{agentTone, customerTone} {
		if got := toneShare(wav, side, hz); got < 0.5 {
			t.Errorf("side %d of the recording holds %.0f %% of its tone of %.0f Hz, want most of it", side, 100*got, hz)
		}
	}
}

// traceSIP begins a trace, and answers a function that ends it.
func (h *house) traceSIP() (end func() string) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", h.url+"/sip/trace?seconds=120", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	reply, err := http.DefaultClient.Do(r)
	if err != nil || reply.StatusCode != http.StatusOK {
		h.t.Fatalf("trace: %v %v", reply, err)
	}
	seen := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(reply.Body) // until it is ended
		reply.Body.Close()
		seen <- string(text)
	}()
	return func() string { cancel(); return <-seen }
}

// listen hears a recording, and takes it away as a file: whoever may do neither is refused both.
func (h *house) listen(link string) []byte {
	h.t.Helper()
	h.command("correct horse\n", "agent", "add", "bob", "--user-id", "12342", "--username", "bob@example.com")
	var heard []byte
	for _, who := range []struct {
		name, header, value string
		status              int
	}{
		{"nobody", "", "", http.StatusForbidden},
		{"another agent", "Cookie", h.vouch("bob@example.com", "12342"), http.StatusForbidden},
		{"the agent who talked", "Cookie", h.vouch("ann@example.com", "12341"), http.StatusOK},
		{"an admin", "Authorization", "Bearer " + h.token, http.StatusOK},
	} {
		for _, way := range []struct{ query, disposition string }{{"", ""}, {"&download=1", "attachment"}} {
			r, err := http.NewRequestWithContext(h.t.Context(), "GET", link+way.query, nil)
			if err != nil {
				h.t.Fatal(err)
			}
			if who.header != "" {
				r.Header.Set(who.header, who.value)
			}
			reply, err := http.DefaultClient.Do(r)
			if err != nil {
				h.t.Fatal(err)
			}
			body, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			if err != nil || reply.StatusCode != who.status {
				h.t.Fatalf("%s%s as %s: %s %v, want %d", link, way.query, who.name, reply.Status, err, who.status)
			}
			disposition, _, _ := strings.Cut(reply.Header.Get("Content-Disposition"), ";")
			if who.status == http.StatusOK && disposition != way.disposition {
				h.t.Errorf("%s%s as %s: disposition %q, want %q", link, way.query, who.name, disposition, way.disposition)
			}
			if who.status != http.StatusOK && strings.HasPrefix(string(body), "RIFF") {
				h.t.Errorf("%s%s as %s: refused, with the sound", link, way.query, who.name)
			}
			heard = body
		}
	}
	return heard
}

// toneShare is how much of a side's power lies at hz (Goertzel), in its best second.
func toneShare(wav []byte, side int, hz float64) float64 {
	const header, second = 58, 8000 // a µ-law stereo file
	best := 0.0
	for at := header; at+2*second <= len(wav); at += second {
		var re, im, all float64
		for i := range second {
			s := float64(media.Decode(wav[at+2*i+side], media.ULaw))
			re += s * math.Cos(2*math.Pi*hz*float64(i)/second)
			im += s * math.Sin(2*math.Pi*hz*float64(i)/second)
			all += s * s
		}
		if all > second*100*100 { // not silence
			best = max(best, 2*(re*re+im*im)/second/all)
		}
	}
	return best
}

// startCustomer runs SIPp as the carrier and the customer behind it: it rings, answers, and plays a tone until the BYE.
func startCustomer(t *testing.T) (address string) {
	t.Helper()
	dir := t.TempDir()
	tone := make([]byte, 8000*10)
	for i := range tone {
		tone[i] = media.Encode(int16(8000*math.Sin(2*math.Pi*customerTone*float64(i)/8000)), media.ALaw)
	}
	if err := os.WriteFile(filepath.Join(dir, "tone.alaw"), tone, 0o600); err != nil {
		t.Fatal(err)
	}
	address = testdeps.FreeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	scenario, err := filepath.Abs("testdata/e2e/customer.xml")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", port, "-nostdin", "-trace_err", "-error_file", "errors")
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if said, _ := os.ReadFile(filepath.Join(dir, "errors")); t.Failed() && len(said) > 0 {
			t.Logf("sipp: %s", said)
		}
	})
	return address
}

// phonePage bundles the page with the JsSIP phone.
func phonePage(t *testing.T) (folder string) {
	t.Helper()
	modules := testdeps.NPM(t, phoneFolder)
	folder = t.TempDir()
	bundle := exec.Command(filepath.Join(modules, ".bin", "esbuild"), "page.mjs", "--bundle",
		"--outfile="+filepath.Join(folder, "bundle.js"))
	bundle.Dir = phoneFolder
	if said, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v\n%s", err, said)
	}
	page, err := os.ReadFile(filepath.Join(phoneFolder, "phone.html"))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "phone.html"), page, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// phone is a headless Chromium with the page in it.
type phone struct {
	t     *testing.T
	lines chan string
}

func openPhone(t *testing.T, h *house, cookie string) *phone {
	t.Helper()
	var session struct {
		WebRTC struct {
			Realm, Password string
			User            string `json:"authorization_user"`
		}
	}
	h.ask("GET", "/api/v1/session", "", cookie, "", 200, &session)
	login := session.WebRTC
	config, _ := json.Marshal(map[string]string{"ws": "ws" + strings.TrimPrefix(h.url, "http") + "/ws",
		"login": "3444", "user": login.User, "password": login.Password, "realm": login.Realm})
	_, value, _ := strings.Cut(cookie, "=")
	cmd := exec.Command("node", "phone.mjs", h.url+"/phone/phone.html#"+url.PathEscape(string(config)), toneFile(t), value)
	cmd.Dir = phoneFolder
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &phone{t: t, lines: make(chan string, 100)}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			p.lines <- in.Text()
		}
	}()
	t.Cleanup(func() {
		stdin.Close()
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
	})
	return p
}

// await reads what the page tells up to that line.
func (p *phone) await(line string) {
	p.t.Helper()
	deadline := time.After(patience)
	var seen []string
	for {
		select {
		case got, open := <-p.lines:
			if got == line {
				return
			}
			if seen = append(seen, got); !open {
				p.t.Fatalf("the browser is gone; it told %q", seen)
			}
		case <-deadline:
			p.t.Fatalf("the page does not tell %q, but %q", line, seen)
		}
	}
}

// toneFile is what Chromium's fake microphone hears: a second of 16-bit samples at 48 kHz.
func toneFile(t *testing.T) string {
	t.Helper()
	const rate = 48000
	b := append([]byte("RIFF\x24\x77\x01\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"), 0x80, 0xBB, 0, 0, 0, 0x77, 1, 0, 2, 0, 16, 0)
	b = append(b, "data\x00\x77\x01\x00"...)
	for i := range rate {
		s := int16(12000 * math.Sin(2*math.Pi*agentTone*float64(i)/rate))
		b = append(b, byte(s), byte(s>>8))
	}
	path := filepath.Join(t.TempDir(), "tone.wav")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
