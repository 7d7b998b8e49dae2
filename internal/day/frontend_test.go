package day

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestFrontEndDay: a page made of the examples in docs/frontend.md works through an agent's day, and each state that it is shown
// is as that page says. One script, whoever places the calls; older Mediatels, which differ in the transport alone, get a brief
// day unless -long.
func TestFrontEndDay(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Chromium, Node.js and SIPp")
	}
	needs(t, "chromium", "sipp", "node")
	program := buildProgram(t)
	t.Run("own telephony", func(t *testing.T) { ownDay(t, program) })
	t.Run("Mediatel simulator", func(t *testing.T) {
		url := firstLine(t, exec.Command(program, "mediatel-simulator", "--listen", "127.0.0.1:0"))
		_, url, _ = strings.Cut(url, ": ")
		mediatelDay(t, program, strings.TrimSuffix(url, "/mediatel/socket.io"), false)
	})
	for _, pack := range []string{"socket.io", "socket.io-v3", "socket.io-v2"} {
		t.Run("npm "+pack, func(t *testing.T) {
			server := exec.Command("node", "../../cmd/ringmaster/testdata/e2e/mediatel.js", pack)
			server.Env = append(os.Environ(), "NODE_PATH="+testdeps.NPM(t, "../socketio/interop"))
			mediatelDay(t, program, "http://127.0.0.1:"+firstLine(t, server), pack != "socket.io" && !*long)
		})
	}
}

func buildProgram(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "ringmaster")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/ringmaster")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	return program
}

// firstLine runs a server for the test, and returns the line in which it says where it is.
func firstLine(t *testing.T, server *exec.Cmd) string {
	t.Helper()
	in, err := server.StdinPipe() // it may end with that
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = server.Process.Kill(); _ = server.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return strings.TrimSpace(line)
}

// ownDay: the agent's phone is JsSIP in the page, and SIPp is the carrier.
func ownDay(t *testing.T, program string) {
	_, media, _ := net.SplitHostPort(testdeps.FreeAddress(t))
	port, _ := strconv.Atoi(media)
	carrier := startCarrier(t, "carrier", port, time.Hour, time.Hour)
	d := newFrontEnd(t, program, "TELEPHONY_SIP_LISTEN="+testdeps.FreeAddress(t),
		"TELEPHONY_SIP_MEDIA_LISTEN="+testdeps.FreeAddress(t),
		"TELEPHONY_SIP_ADVERTISE=127.0.0.1", "TELEPHONY_SIP_TRUNKS_CARRIER_HOST="+carrier.address)
	d.command("", "extension", "add", "3444", "--network", "sip")
	d.play("own", false)
}

// mediatelDay: an existing Mediatel places the calls; docs/mediatel.md says what is set.
func mediatelDay(t *testing.T, program, url string, brief bool) {
	d := newFrontEnd(t, program, "TELEPHONY_MEDIATEL_URL="+url, "TELEPHONY_MEDIATEL_END_CODE=7")
	d.command("", "extension", "add", "3445", "--network", "mediatel")
	d.command("", "extension", "add", "silent", "--network", "mediatel")
	d.command("mediatel\n", "agent", "mediatel", "ann", "--user", "mt_agent1")
	d.play("mediatel", brief)
}

// frontEnd is `ringmaster serve` on its defaults in a folder of its own, and the CRM's page elsewhere.
type frontEnd struct {
	t                          *testing.T
	program, folder, url, page string
	env                        []string
}

// newFrontEnd furnishes it by the first steps of docs/operations.md. Settings are what those of the telephony say.
func newFrontEnd(t *testing.T, program string, settings ...string) *frontEnd {
	t.Helper()
	listen := testdeps.FreeAddress(t)
	d := &frontEnd{t: t, program: program, folder: t.TempDir(), url: "http://" + listen}
	d.page = documentedPage(t, d.url)
	d.env = []string{"PATH=" + os.Getenv("PATH"), "RINGMASTER_LISTEN=" + listen, "RINGMASTER_VOUCH_ALLOWED_ORIGINS=" + d.page}
	for _, s := range settings {
		d.env = append(d.env, "RINGMASTER_"+s)
	}
	d.command("a long password\n", "user", "add", "boss", "--role", "admin")
	d.command("", "pause", "add", "1", "Technical break")
	d.command("", "pause", "add", "4", "Meeting")
	d.command(deskPassword+"\n", "agent", "add", "ann", "--queues", "AUTO_1", "--user-id", "12341", "--username", "ann@example.com")
	return d
}

func (d *frontEnd) command(input string, args ...string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), d.program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = d.folder, d.env, strings.NewReader(input)
	said, err := cmd.Output()
	if err != nil {
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			d.t.Fatalf("ringmaster %s: %v\n%s", strings.Join(args, " "), err, ended.Stderr)
		}
		d.t.Fatal(err)
	}
	return strings.TrimSpace(string(said))
}

// play runs the node and then the day.
func (d *frontEnd) play(counterpart string, brief bool) {
	t := d.t
	t.Helper()
	log, err := os.Create(filepath.Join(d.folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command(d.program, "serve")
	node.Dir, node.Env, node.Stderr = d.folder, d.env, log
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Kill()
		_ = node.Wait()
		log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("the node: …%s", text[max(0, len(text)-6000):])
		}
	})
	eventually(t, "the node is ready", func() bool {
		reply, err := http.Get(d.url + "/readyz")
		if err != nil {
			return false
		}
		reply.Body.Close()
		return reply.StatusCode == http.StatusOK
	})
	token := d.command("", "token", "boss")
	campaign := d.campaign(token)
	plan, _ := json.Marshal(map[string]any{
		"dial": d.url, "page": d.page + "/", "cookie": d.command("", "token", "vouch", "ann@example.com", "--user-id", "12341"),
		"token": token,
		"tone":  toneFile(t), "login": "ann", "password": deskPassword, "queue": "AUTO_1", "counterpart": counterpart,
		"campaign": campaign, "brief": brief,
	})
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	day := exec.CommandContext(ctx, "node", "frontend.mjs", string(plan))
	day.Dir = deskFolder
	said, err := day.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Fatalf("the day: %v", err)
	}
}

func (d *frontEnd) campaign(token string) (id int) {
	t := d.t
	t.Helper()
	ask := func(path, body string) map[string]any {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", d.url+"/api/v1"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		text, _ := io.ReadAll(reply.Body)
		var decoded map[string]any
		if err := json.Unmarshal(text, &decoded); err != nil || reply.StatusCode/100 != 2 {
			t.Fatalf("POST %s: %s %s", path, reply.Status, text)
		}
		return decoded
	}
	made := ask("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test",
		"call_codes":[{"id":"4","name":"10. Promise to pay","action":"finish"}],
		"card_link":"https://crm.example.com/card/{crm_id}?call={calltraceid}","card_link_unknown":"https://crm.example.com/find?n={number}&call={calltraceid}"}`)
	id = int(made["id"].(float64))
	ask(fmt.Sprintf("/campaigns/%d/start", id), "{}")
	return id
}

// documentedPage serves a page that is made of the JavaScript of docs/frontend.md, with Ringmaster's address filled in.
func documentedPage(t *testing.T, dial string) (url string) {
	t.Helper()
	docs, err := os.ReadFile("../../docs/frontend.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```js\n(.*?)```").FindAllSubmatch(docs, -1)
	if len(examples) != 3 {
		t.Fatalf("docs/frontend.md has %d examples of JavaScript, want 3: to sign on, to connect, the phone", len(examples))
	}
	text := []byte(nil)
	for _, e := range examples {
		text = append(text, e[1]...)
	}
	watch, err := os.ReadFile(filepath.Join(deskFolder, "watch.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, watch...)
	folder := t.TempDir()
	page := strings.ReplaceAll(string(text), "https://dial.example.com", dial)
	for name, content := range map[string]string{"page.mjs": page,
		"index.html": "<!doctype html>\n<audio autoplay></audio>\n<script type=\"module\" src=\"bundle.js\"></script>\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	modules := testdeps.NPM(t, deskFolder)
	bundle := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin", "esbuild"), "page.mjs", "--bundle", "--format=esm",
		"--outfile=bundle.js")
	bundle.Dir, bundle.Env = folder, append(os.Environ(), "NODE_PATH="+modules)
	if said, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v\n%s", err, said)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(server.Close)
	return server.URL
}
