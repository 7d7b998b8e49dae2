package day

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// patience is for one thing to happen on a busy machine.
const patience = 2 * time.Minute

// wrapUp is the agents' time for a code.
const wrapUp = 20 * time.Second

// house is the program, its neighbours, and two nodes of it.
type house struct {
	t        *testing.T
	program  string
	database *testdeps.Cluster
	redis    *testdeps.Server
	dsn      string
	shared   []string // environment of both nodes
	nodes    []*node
	token    string
}

// node is `ringmaster serve` with the sample configuration.
type node struct {
	h          *house
	name, url  string
	admin, sip string
	env        []string
	dir        string
	cmd        *exec.Cmd
	log        *os.File
	ended      chan error
	kills      []window
	samples    []figures
}

// buildHouse fills the neighbours' addresses into the sample; everything else is as shipped.
func buildHouse(t *testing.T, page, carrier, spare string) *house {
	t.Helper()
	h := &house{t: t, program: buildProgram(t)}
	h.database, h.redis = testdeps.PostgresServer(t, true),
		testdeps.RedisServer(t, "--appendonly", "yes", "--appendfsync", "everysec")
	secrets := t.TempDir()
	if said, err := exec.CommandContext(t.Context(), "../../deploy/make-secrets", secrets).CombinedOutput(); err != nil {
		t.Fatalf("make-secrets: %v\n%s", err, said)
	}
	h.dsn = h.database.Database(t)
	h.shared = []string{
		"RINGMASTER_DATABASE_URL=" + h.dsn, "RINGMASTER_REDIS_URL=redis://" + h.redis.Addr,
		"RINGMASTER_VOUCH_SECRET_FILE=" + secrets + "/vouch_secret", "RINGMASTER_API_JWT_SECRET_FILE=" + secrets + "/jwt_secret",
		"RINGMASTER_TELEPHONY_SIP_SECRET_FILE=" + secrets + "/sip_secret", "RINGMASTER_TELEPHONY_SIP_ADVERTISE=127.0.0.1",
		"RINGMASTER_TELEPHONY_SIP_TRUNKS_CARRIER_HOST=" + carrier,
		"RINGMASTER_TELEPHONY_SIP_TRUNKS_SPARE_HOST=" + spare, "RINGMASTER_TELEPHONY_SIP_TRUNKS_SPARE_PRIORITY=1",
		"RINGMASTER_VOUCH_ALLOWED_ORIGINS=" + page, "RINGMASTER_WEBHOOK_ALLOW=127.0.0.1",
	}
	for i := range 2 {
		n := &node{h: h, name: fmt.Sprintf("node-%d", i+1), admin: testdeps.FreeAddress(t), sip: testdeps.FreeAddress(t),
			dir: t.TempDir()}
		listen := testdeps.FreeAddress(t)
		n.url = "http://" + listen
		n.env = append([]string{"PATH=" + os.Getenv("PATH"),
			"RINGMASTER_NODE=" + n.name, "RINGMASTER_DATA=" + n.dir, "RINGMASTER_LISTEN=" + listen, "RINGMASTER_PUBLIC_URL=" + n.url,
			"RINGMASTER_ADMIN_LISTEN=" + n.admin, "RINGMASTER_TELEPHONY_SIP_LISTEN=" + n.sip,
			"RINGMASTER_TELEPHONY_SIP_MEDIA_LISTEN=" + testdeps.FreeAddress(t),
			fmt.Sprintf("RINGMASTER_TELEPHONY_SIP_RTP_LOW=%d", 20000+i*2000),
			fmt.Sprintf("RINGMASTER_TELEPHONY_SIP_RTP_HIGH=%d", 21999+i*2000),
		}, h.shared...)
		h.nodes = append(h.nodes, n)
	}
	h.command("", "migrate")
	return h
}

// command runs the command line on the first node's settings and returns what it prints.
func (h *house) command(input string, args ...string) string {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), h.program, append(args, "--config", "../../deploy/ringmaster.yaml")...)
	var out, complaints bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = h.nodes[0].env, strings.NewReader(input), &out, &complaints
	if err := cmd.Run(); err != nil {
		h.t.Fatalf("ringmaster %s: %v\n%s", strings.Join(args, " "), err, complaints.String())
	}
	return strings.TrimSpace(out.String())
}

// start runs the node until it is ready; it may be started again after a kill.
func (n *node) start() {
	t := n.h.t
	t.Helper()
	file, err := filepath.Abs("../../deploy/ringmaster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if n.log, err = os.OpenFile(filepath.Join(n.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	n.cmd, n.ended = exec.Command(n.h.program, "serve", "--config", file), make(chan error, 1)
	n.cmd.Dir, n.cmd.Env, n.cmd.Stderr = n.dir, n.env, n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(n.cmd, n.ended)
	t.Cleanup(func() { _ = n.cmd.Process.Kill() })
	eventually(t, n.name+" is ready", func() bool {
		reply, err := http.Get("http://" + n.admin + "/readyz")
		if err != nil {
			return false
		}
		reply.Body.Close()
		return reply.StatusCode == http.StatusOK
	})
	if k := len(n.kills); k > 0 {
		n.kills[k-1].to = time.Now()
	}
}

// kill is the node's power cut.
func (n *node) kill() {
	n.kills = append(n.kills, window{from: time.Now(), to: time.Now().Add(time.Hour)})
	_ = n.cmd.Process.Kill()
	<-n.ended
	n.log.Close()
}

// stop ends the node as systemd does.
func (n *node) stop() {
	n.h.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.h.t.Errorf("%s: %v", n.name, err)
		return
	}
	select {
	case err := <-n.ended:
		if err != nil {
			n.h.t.Errorf("%s ended with %v", n.name, err)
		}
	case <-time.After(patience):
		n.h.t.Errorf("%s does not end", n.name)
	}
	n.log.Close()
}

// figures are what must stay flat.
type figures struct{ memory, goroutines, descriptors float64 }

func (n *node) figures() (f figures) {
	reply, err := http.Get("http://" + n.admin + "/metrics")
	if err != nil {
		n.h.t.Errorf("metrics of %s: %v", n.name, err)
		return f
	}
	defer reply.Body.Close()
	for scan := bufio.NewScanner(reply.Body); scan.Scan(); {
		name, value, _ := strings.Cut(scan.Text(), " ")
		if into := map[string]*float64{"go_memstats_heap_inuse_bytes": &f.memory, "go_goroutines": &f.goroutines,
			"process_open_fds": &f.descriptors}[name]; into != nil {
			_, _ = fmt.Sscan(value, into)
		}
	}
	return f
}

// ask sends a request to the API, through the first node that lives.
func (h *house) ask(method, path, kind, body string) map[string]any {
	h.t.Helper()
	var reply *http.Response
	var err error
	for _, n := range h.nodes {
		r, _ := http.NewRequestWithContext(h.t.Context(), method, n.url+"/api/v1"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+h.token)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		if reply, err = http.DefaultClient.Do(r); err == nil {
			break
		}
	}
	if err != nil {
		h.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, _ := io.ReadAll(reply.Body)
	var decoded map[string]any
	if err := json.Unmarshal(text, &decoded); err != nil || reply.StatusCode/100 != 2 {
		h.t.Fatalf("%s %s: %s %s", method, path, reply.Status, text)
	}
	return decoded
}

// attempt is one row of the record, as the API shows it.
type attempt struct {
	ID          string
	Number      string
	State       string
	Outcome     *string
	Cause       string
	HangupBy    string `json:"hangup_by"`
	Machine     bool
	DialedAt    *time.Time `json:"dialed_at"`
	AnsweredAt  *time.Time `json:"answered_at"`
	EndedAt     *time.Time `json:"ended_at"`
	CallTraceID *string
	TalkSeconds float64 `json:"talk_seconds"`
	ContactID   *int64  `json:"contact_id"`
	AgentID     *int64  `json:"agent_id"`
	Code        *string
	Recording   *struct {
		StartedAt       time.Time `json:"started_at"`
		EndedAt         time.Time `json:"ended_at"`
		Bytes           int64
		Problem         string
		Agent, Customer struct{ Packets, Lost uint64 }
	}
}

func (a attempt) outcome() string {
	if a.Outcome == nil {
		return ""
	}
	return *a.Outcome
}

// attempts reads the whole record, each with its recording.
func (h *house) attempts() (list []attempt) {
	h.t.Helper()
	for after := ""; ; {
		page := h.ask("GET", "/attempts?limit=200"+after, "", "")
		for _, item := range page["items"].([]any) {
			one := h.ask("GET", "/attempts/"+item.(map[string]any)["id"].(string), "", "")
			text, _ := json.Marshal(one)
			var a attempt
			if err := json.Unmarshal(text, &a); err != nil {
				h.t.Fatal(err)
			}
			list = append(list, a)
		}
		next, _ := page["next_cursor"].(string)
		if next == "" {
			return list
		}
		after = "&cursor=" + next
	}
}

// eventually polls for what has no signal of its own: another process's readiness, the record of another node.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, patience, what, ok)
}

func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	if !waitFor(limit, ok) {
		t.Fatalf("not within %v: %s", limit, what)
	}
}

func waitFor(limit time.Duration, ok func() bool) bool {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(limit); !ok(); {
		select {
		case <-ticker.C:
		case <-late:
			return false
		}
	}
	return true
}
