package sipua

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/recording"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// bundle installs the browser's side once, and returns the folder with the page.
var bundle = sync.OnceValues(func() (string, error) {
	folder, err := filepath.Abs("testdata/browser")
	if err != nil {
		return "", err
	}
	run := func(name string, args ...string) error {
		cmd := exec.Command(name, args...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.Join(err, errors.New(string(out)))
		}
		return nil
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err != nil {
		if err := run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
			return "", err
		}
	}
	out, err := os.MkdirTemp("", "sipua-page")
	if err != nil {
		return "", err
	}
	if err := run("node_modules/.bin/esbuild", "page.mjs", "--bundle", "--outfile="+filepath.Join(out, "bundle.js")); err != nil {
		return "", err
	}
	page, err := os.ReadFile(filepath.Join(folder, "phone.html"))
	if err != nil {
		return "", err
	}
	return out, os.WriteFile(filepath.Join(out, "phone.html"), page, 0o600)
})

// tab is a headless Chromium with a JsSIP phone.
type tab struct {
	t     *testing.T
	stdin io.Writer
	lines chan string
}

func openTab(t *testing.T, n *Network, extension, cookie string) *tab {
	t.Helper()
	for _, tool := range []string{"chromium", "node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	folder, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws", n.ServeWS())
	mux.Handle("/", http.FileServer(http.Dir(folder)))
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // Chromium tries certificates of its own first
	server.StartTLS()
	t.Cleanup(func() { server.CloseClientConnections(); _ = server.Listener.Close() }) // Close would wait for the WebSockets
	login := n.BrowserLogin(agents.Extension{Name: extension, OwnerID: theOwner}, time.Hour)
	config, _ := json.Marshal(map[string]string{"ws": "wss" + strings.TrimPrefix(server.URL, "https") + "/ws",
		"login": extension, "user": login.Username, "password": login.Password, "realm": login.Realm})
	cmd := exec.Command("node", "phone.mjs", server.URL+"/phone.html#"+url.PathEscape(string(config)), toneFile(t, 600), cookie)
	cmd.Dir = "testdata/browser"
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, stdin: stdin, lines: make(chan string, 100)}
	go func() {
		defer close(b.lines)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			b.lines <- in.Text()
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		timer := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		_ = cmd.Wait()
	})
	return b
}

func (b *tab) do(command string) { _, _ = io.WriteString(b.stdin, command+"\n") }

// await reads what the tab tells up to a line that begins so, and answers it.
func (b *tab) await(prefix string) string {
	b.t.Helper()
	timeout := time.After(40 * time.Second)
	var seen []string
	for {
		select {
		case line, ok := <-b.lines:
			if !ok {
				b.t.Fatalf("the tab is gone; it told: %q", seen)
			}
			if strings.HasPrefix(line, prefix) {
				return line
			}
			seen = append(seen, line)
		case <-timeout:
			b.t.Fatalf("the tab does not tell %q, but %q", prefix, seen)
		}
	}
}

// toneFile is a WAV file of 16-bit samples at 48 kHz, as Chromium's fake microphone wants it.
func toneFile(t *testing.T, hz float64) string {
	t.Helper()
	const rate = 48000
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"), 0x80, 0xBB, 0, 0, 0, 0x77, 1, 0, 2, 0, 16, 0)
	b = append(b, "data\x00\x77\x01\x00"...) // one second
	for i := range rate {
		s := int16(12000 * math.Sin(2*math.Pi*hz*float64(i)/rate))
		b = append(b, byte(s), byte(s>>8))
	}
	size := len(b) - 8
	b[4], b[5], b[6], b[7] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
	path := filepath.Join(t.TempDir(), "tone.wav")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loudness is how much of a side of a recording is the tone: its power at hz over all of its power (Goertzel), in the best
// second.
func loudness(t *testing.T, path string, side int, hz float64) float64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header, second = 58, 8000
	best := 0.0
	for at := header; at+2*second <= len(b); at += second {
		var re, im, all float64
		for i := range second {
			s := float64(media.Decode(b[at+2*i+side], media.ULaw))
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

// kept collects the recordings that a network reports.
type kept struct {
	library *recording.Library
	done    chan Recording
}

func keepRecordings(t *testing.T) *kept {
	t.Helper()
	l, err := recording.NewLibrary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &kept{library: l, done: make(chan Recording, 4)}
}

func (k *kept) options(o *Options) {
	o.Recordings = k.library
	o.RecordingDone = func(_ context.Context, _ string, rec Recording) { k.done <- rec }
}

func (k *kept) await(t *testing.T) Recording {
	t.Helper()
	select {
	case rec := <-k.done:
		if rec.Err != nil {
			t.Errorf("recording: %v", rec.Err)
		}
		return rec
	case <-time.After(20 * time.Second):
		t.Fatal("no recording was reported")
		return Recording{}
	}
}

const goodCookie = "a-signed-cookie"

func browserOptions(o *Options) {
	o.Listen.Media = "127.0.0.1:0"
	o.CheckRequest = func(r *http.Request) error {
		if c, err := r.Cookie("VouchCookie"); err != nil || c.Value != goodCookie {
			return fs.ErrPermission
		}
		return nil
	}
}

// TestBrowser is the whole of a browser agent's life: a tab registers over WSS with its cookie, answers by itself, talks
// with the customer (both voices are in the recording, and the customer's in the browser), holds, loses its socket, is
// reloaded in the middle of the call, hangs up.
func TestBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs a browser")
	}
	recordings := keepRecordings(t)
	customer := talkingPhone(t)
	changes := make(chan bool, 10)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer}}
		o.PhoneChanged = func(_ string, reachable bool) { changes <- reachable }
		browserOptions(o)
		recordings.options(o)
	})
	phone := openTab(t, n, "3444", goodCookie)
	ext := agents.Extension{Name: "3444", OwnerID: theOwner, Network: Name, Codecs: []string{"g711a", "g711u"}}
	if err := n.Reachable(t.Context(), ext); err == nil {
		t.Error("reachable before it registered")
	}
	phone.await("registered")
	if !<-changes {
		t.Error("the phone's appearance was told as its loss")
	}
	if err := n.Reachable(t.Context(), ext); err != nil {
		t.Error(err)
	}
	order := orderTo(nil)
	order.Agent, order.Automatic = &ext, true
	c := place(t, n, order)
	until(t, c, dialer.AgentAnswered)
	until(t, c, dialer.CustomerAnswered)
	phone.await("confirmed")
	testdeps.Lasts(2500 * time.Millisecond) // they talk

	var heard struct{ Packets, Energy float64 }
	phone.do("heard")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(phone.await("heard "), "heard ")), &heard); err != nil ||
		heard.Packets < 50 || heard.Energy < 0.001 {
		t.Errorf("the browser heard %+v, %v", heard, err)
	}
	phone.do("hold")
	until(t, c, dialer.HeldProgress)
	phone.await("hold done")
	phone.do("unhold")
	until(t, c, dialer.ResumedProgress)
	phone.await("unhold done")

	phone.do("drop") // the socket alone: the dialog and the sound go on
	phone.await("disconnected")
	if <-changes {
		t.Error("a lost flow was told as a phone")
	}
	phone.await("registered")
	phone.do("reload") // the tab: both are lost, and come back
	phone.await("registered")
	phone.await("confirmed")
	testdeps.Lasts(1500 * time.Millisecond)
	phone.do("heard")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(phone.await("heard "), "heard ")), &heard); err != nil || heard.Packets < 30 {
		t.Errorf("after the reload the browser heard %+v, %v", heard, err)
	}
	phone.do("bye")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || got.HangupBy != "agent" {
		t.Errorf("got %+v", got)
	}
	rec := recordings.await(t)
	if l, r := loudness(t, rec.Path, 0, 600), loudness(t, rec.Path, 1, 800); l < 0.5 || r < 0.5 {
		t.Errorf("in the recording, the agent's tone is %.2f of the left, the customer's %.2f of the right", l, r)
	}
	if rec.Agent.Packets < 100 || rec.Customer.Packets < 100 {
		t.Errorf("counted %+v", rec)
	}
}

func TestBrowserWithoutCookieIsRefused(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, browserOptions)
	server := httptest.NewServer(n.ServeWS())
	defer server.Close()
	ask := func(cookie string, protocol string) int {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": protocol} {
			req.Header.Set(k, v)
		}
		if cookie != "" {
			req.AddCookie(&http.Cookie{Name: "VouchCookie", Value: cookie})
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for _, w := range []struct {
		cookie, protocol string
		want             int
	}{{"", "sip", 403}, {"another", "sip", 403}, {goodCookie, "chat", 400}, {goodCookie, "sip", 101}} {
		if got := ask(w.cookie, w.protocol); got != w.want {
			t.Errorf("cookie %q, protocol %q: %d, want %d", w.cookie, w.protocol, got, w.want)
		}
	}
}
