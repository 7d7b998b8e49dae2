package day

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

const (
	agentTone    = 600 // Hz, what agents' phones say
	customerTone = 440
	deskFolder   = "testdata/desk"
	deskPassword = "correct-horse-battery"
)

// agent is somebody who works: a tab, and a phone on the desk or in the browser.
type agent struct {
	Login     string   `json:"login"`
	Password  string   `json:"password,omitempty"` // of the tab; in the browser, single sign-on gives a token
	Extension string   `json:"extension"`
	URL       string   `json:"url"`
	Cookie    string   `json:"cookie"`
	Talk      [2]int64 `json:"talk"` // ms after which this agent hangs up
	Holds     bool     `json:"holds"`
	Away      int64    `json:"away,omitempty"` // ms that a pause of this agent's takes; 0: two seconds
}

// shown is a line of what the robots tell.
type shown struct {
	At           int64
	Agent        string
	State, Pause string
	Trace, Ani   string
	Card         string
	Error, Text  string
	Complaint    string
	Disconnected string
	Phone        string
}

// desk gathers what all tabs show.
type desk struct {
	t     *testing.T
	mu    sync.Mutex
	lines []shown
}

func (d *desk) all() []shown {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]shown(nil), d.lines...)
}

// seen reports whether each of the agents was in the state since then.
func (d *desk) seen(state string, since time.Time, agents ...agent) bool {
	have := map[string]bool{}
	for _, line := range d.all() {
		if line.State == state && line.At >= since.UnixMilli() {
			have[line.Agent] = true
		}
	}
	for _, a := range agents {
		if !have[a.Login] {
			return false
		}
	}
	return true
}

// run starts a Node.js program whose lines of JSON the desk reads; it ends with its standard input, which is returned.
func (d *desk) run(args ...string) io.Writer {
	d.t.Helper()
	cmd := exec.Command("node", args...)
	cmd.Dir, cmd.Stderr = deskFolder, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		scan := bufio.NewScanner(out)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			var line shown
			if json.Unmarshal(scan.Bytes(), &line) == nil {
				d.mu.Lock()
				d.lines = append(d.lines, line)
				d.mu.Unlock()
			}
		}
	}()
	d.t.Cleanup(func() {
		stdin.Close()
		late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		<-read
		_ = cmd.Wait() // killed, or ended as asked
	})
	return stdin
}

// servePage bundles the agents' page and serves it, as the CRM's own server would.
func servePage(t *testing.T) (url string) {
	t.Helper()
	modules := testdeps.NPM(t, deskFolder)
	folder := t.TempDir()
	bundle := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin", "esbuild"), "page.mjs", "--bundle",
		"--outfile="+filepath.Join(folder, "bundle.js"))
	bundle.Dir = deskFolder
	if said, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v\n%s", err, said)
	}
	page, err := os.ReadFile(filepath.Join(deskFolder, "page.html"))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "page.html"), page, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(server.Close)
	return server.URL
}

// openBrowser has the agents work in one Chromium.
func (d *desk) openBrowser(page string, agents []agent) {
	d.t.Helper()
	text, _ := json.Marshal(agents)
	d.run("browser.mjs", page+"/page.html", toneFile(d.t), string(text))
}

// openTabs has the agents' tabs run in one Node.js; their phones are baresip. What is written to all, a command a line, every one
// of them sends.
func (d *desk) openTabs(agents []agent) (all io.Writer) {
	d.t.Helper()
	text, _ := json.Marshal(agents)
	return d.run("tabs.mjs", string(text))
}

// deskPhone runs baresip: it registers, answers by itself and says a tone.
func deskPhone(t *testing.T, server string, port int, extension string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"config": fmt.Sprintf(`sip_listen 127.0.0.1:%d
module_path /usr/lib/baresip/modules
module g711.so
module ausine.so
module aubridge.so
module_app account.so
module_app menu.so
audio_source ausine,%d
audio_player aubridge,nowhere
ausrc_srate 48000
auplay_srate 8000
ausrc_channels 2
auplay_channels 1
net_interface 127.0.0.1
rtp_ports %d-%d
`, port, agentTone, port+2, port+40),
		"accounts": fmt.Sprintf("<sip:%s@%s>;auth_pass=%s;regint=60;answermode=auto;audio_codecs=PCMU/8000/1\n", extension, server,
			deskPassword),
		"contacts": "",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("baresip", "-f", folder)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("baresip: %v; run: make test-deps", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
		log.Close()
		if t.Failed() {
			if text, err := os.ReadFile(log.Name()); err == nil {
				t.Logf("baresip %s: …%s", extension, text[max(0, len(text)-2000):])
			}
		}
	})
}

// toneFile is what Chromium's fake microphone hears: a second of 16-bit samples at 48 kHz.
func toneFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tone.wav")
	if err := os.WriteFile(path, wave(48000, agentTone, time.Second), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wave is a WAV file of a tone: one channel of 16-bit samples.
func wave(rate int, hertz float64, lasts time.Duration) []byte {
	samples := int(lasts * time.Duration(rate) / time.Second)
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(36+2*samples))
	b = binary.LittleEndian.AppendUint32(append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...), uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*rate))
	b = binary.LittleEndian.AppendUint32(append(b, "\x02\x00\x10\x00data"...), uint32(2*samples))
	for i := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(12000*math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))))
	}
	return b
}

// dump writes what the tabs showed.
func (d *desk) dump(w io.Writer) {
	for _, line := range d.all() {
		text, _ := json.Marshal(line)
		fmt.Fprintln(w, strings.ReplaceAll(string(text), `"",`, ``))
	}
}
