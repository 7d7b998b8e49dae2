package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/mediatelwire"
)

// TestSignals: the first signal lets the running call finish, and makes no other; a second one hangs up.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		p := startTalking(t)
		p.signal()
		p.logged("no new calls")
		select {
		case err := <-p.ended:
			t.Fatalf("the process ended (%v) while a call was up", err)
		case <-time.After(time.Second): // it must not end; there is no signal for that
		}
		p.tab.send(`{"type":"closeCall"}`)
		p.tab.until("clerical", func(s state) bool { return s["state"] == mediatelwire.StateClerical })
		p.mustEnd()
	})
	t.Run("two", func(t *testing.T) {
		t.Parallel()
		p := startTalking(t)
		p.signal()
		p.logged("no new calls")
		p.signal()
		p.tab.until("clerical", func(s state) bool { return s["state"] == mediatelwire.StateClerical })
		p.mustEnd()
	})
}

// process is `ringmaster serve` in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	ended chan error
	tab   *tab // of an agent who talks
}

// startProcess runs a node whose house was prepared.
func startProcess(t *testing.T, h *house) *process {
	h.listener.Close() // the process binds it anew
	program := filepath.Join(t.TempDir(), "ringmaster")
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, program) // by this name the test binary is the program: see TestMain
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(program, "serve", "--config", h.file, "--log-level", "info"),
		lines: make(chan string, 1000), ended: make(chan error, 1)}
	log, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.follow(log)
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	p.logged("node started")
	return p
}

func startTalking(t *testing.T) *process {
	h := prepareHouse(t, "telephony: {simulated: {profile: prompt, speed: 1}}", "limits: {drain_timeout: 1m}")
	p := startProcess(t, h)
	h.post("/campaigns", `{"name":"Winter","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","mode":"manual"}`)
	h.post("/campaigns/1/start", "")
	p.tab = newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	p.tab.until("logged off", func(s state) bool { return s["state"] == mediatelwire.StateLogout })
	p.tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3444"}`)
	p.tab.until("available", func(s state) bool { return s["state"] == mediatelwire.StateIdle })
	p.tab.send(`{"type":"makeCall","phoneNumber":"07700 900123","queueName":"Winter"}`)
	p.tab.until("talk", func(s state) bool { return s["state"] == mediatelwire.StateActive })
	return p
}

func (p *process) follow(log io.Reader) {
	for lines := bufio.NewScanner(log); lines.Scan(); {
		select {
		case p.lines <- lines.Text():
		default:
		}
	}
	p.ended <- p.cmd.Wait()
}

func (p *process) signal() {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// logged waits for a line of the process's log.
func (p *process) logged(part string) {
	p.t.Helper()
	deadline := time.After(patience)
	var seen []string
	for {
		select {
		case line := <-p.lines:
			if seen = append(seen, line); strings.Contains(line, part) {
				return
			}
		case <-deadline:
			p.t.Fatalf("no %q in the log:\n%s", part, strings.Join(seen, "\n"))
		}
	}
}

func (p *process) mustEnd() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("the process ended with %v, want exit code 0", err)
		}
	case <-time.After(patience):
		p.t.Fatal("the process did not end")
	}
}

// TestListenInUse: the reason is told, with the way out, and the exit code is 1.
func TestListenInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var complaints strings.Builder
	code := run(t.Context(), []string{"demo", "--listen", l.Addr().String()},
		console{In: strings.NewReader(""), Out: io.Discard, Err: &complaints})
	if code != exitFailed || !strings.Contains(complaints.String(), "--listen") {
		t.Errorf("exit code %d: %s", code, fmt.Sprint(&complaints))
	}
}
