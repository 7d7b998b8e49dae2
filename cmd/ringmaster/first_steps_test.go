package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestFirstSteps: the commands of docs/operations.md, one after the other in an empty folder, lead to a first call. Only the
// phone network is said besides: one that dials nobody.
func TestFirstSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	docs, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	steps := regexp.MustCompile("(?s)From a first login to a first call:\n\n```\n(.*?)```").FindSubmatch(docs)
	if steps == nil {
		t.Fatal("docs/operations.md has no first steps")
	}
	l, err := net.Listen("tcp", testdeps.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	folder, programs := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(programs, "ringmaster")) // by this name the test binary is the program: see TestMain
	}
	h := &house{t: t, listener: l, url: "http://" + l.Addr().String(), file: filepath.Join(folder, "ringmaster.yaml")}
	config := "{listen: '" + l.Addr().String() + "', data: '" + folder + "', node: first, telephony: {simulated: {profile: prompt}}}"
	for file, text := range map[string]string{h.file: config,
		filepath.Join(folder, "list.csv"): "crm_id,name,phone\n10000001,Ann Archer,07700 900123\n"} {
		if err == nil {
			err = os.WriteFile(file, []byte(text), 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for line := range strings.Lines(string(steps[1])) {
		step := exec.CommandContext(t.Context(), "sh", "-c", line)
		step.Dir, step.Stdin = folder, strings.NewReader("a long password\n")
		step.Env = []string{"PATH=" + programs + ":" + os.Getenv("PATH"), "RINGMASTER_CONFIG=" + h.file}
		said, err := step.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", line, err, said)
		}
		last = strings.TrimSpace(string(said))
	}
	startProcess(t, h)
	var complaints strings.Builder
	code := run(t.Context(), []string{"serve", "--config", h.file, "--set", "listen=127.0.0.1:0"},
		console{In: strings.NewReader(""), Out: io.Discard, Err: &complaints})
	if code != exitFailed || !strings.Contains(complaints.String(), "another node runs in the data folder "+folder) {
		t.Errorf("a second node in the same folder: exit code %d: %s", code, &complaints)
	}
	tab := newTab(t, h.url, last)
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	command, _ := json.Marshal(map[string]string{"type": "login", "user": "alice", "password": "a long password"})
	tab.send(string(command))
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" && s["agentExt"] == "3400" })
	tab.send(`{"type":"predictive"}`)
	tab.until("the first call", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" && s["callCustomerID"] == "10000001" })
}
