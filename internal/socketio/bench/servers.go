//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// starter starts one kind of server.
type starter struct {
	name    string
	command func(port int) []string
}

// server is a running server under test.
type server struct {
	addr string
	cmd  *exec.Cmd
}

const (
	serverCore    = "0"
	generatorCore = "1"
	clockTick     = 100 // USER_HZ, a second; the same on all Linux builds that Go runs on
)

// prepare builds the servers in Go, installs the reference one and pins this process to its core.
func prepare(ctx context.Context) (starters [3]starter, cleanup func(), err error) {
	root, err := output(ctx, "", "go", "list", "-f", "{{.Dir}}", "github.com/creditorro/ringmaster/internal/socketio")
	if err != nil {
		return starters, nil, err
	}
	interop := filepath.Join(root, "interop")
	if _, err := os.Stat(filepath.Join(interop, "node_modules")); err != nil {
		if _, err := output(ctx, interop, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
			return starters, nil, err
		}
	}
	dir, err := os.MkdirTemp("", "socketio-bench")
	if err != nil {
		return starters, nil, err
	}
	cleanup = func() { _ = os.RemoveAll(dir) }
	binary := filepath.Join(dir, "testserver")
	if _, err := output(ctx, root, "go", "build", "-o", binary, "./testserver"); err != nil {
		cleanup()
		return starters, nil, err
	}
	prescribed := filepath.Join(dir, "loadserver")
	if _, err := output(ctx, root, "go", "build", "-o", prescribed, "../interop/loadserver"); err != nil {
		cleanup()
		return starters, nil, err
	}
	if _, err := output(ctx, "", "taskset", "-a", "-cp", generatorCore, strconv.Itoa(os.Getpid())); err != nil {
		fmt.Fprintln(os.Stderr, "bench: not pinned to cores:", err)
	}
	starters[0] = starter{"ringmaster", func(port int) []string {
		return []string{binary, "-relaxed", "-addr", "127.0.0.1:" + strconv.Itoa(port)}
	}}
	starters[1] = starter{"socket.io", func(port int) []string {
		return []string{"node", filepath.Join(root, "bench", "server.cjs"),
			filepath.Join(interop, "node_modules", "socket.io"), strconv.Itoa(port)}
	}}
	starters[2] = starter{"zishang520", func(port int) []string {
		return []string{prescribed, "-addr", "127.0.0.1:" + strconv.Itoa(port)}
	}}
	return starters, cleanup, nil
}

func output(ctx context.Context, dir string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// start starts the server on a free port and waits until it listens.
func (st starter) start(ctx context.Context) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	args := st.command(port)
	if _, err := exec.LookPath("taskset"); err == nil {
		args = append([]string{"taskset", "-c", serverCore}, args...) // replaces itself by the server
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{addr: "127.0.0.1:" + strconv.Itoa(port), cmd: cmd}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s did not start: %q %w", st.name, line, err)
	}
	return s, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait()
}

// emit posts an event for a room, or for everybody.
func (s *server) emit(room string, body []byte) error {
	resp, err := httpClient.Post("http://"+s.addr+"/emit?room="+room, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("emit: %s", resp.Status)
	}
	return nil
}

// clients returns how many clients the server has.
func (s *server) clients() (n int, err error) {
	resp, err := httpClient.Get("http://" + s.addr + "/clients")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = fmt.Fscan(resp.Body, &n)
	return n, err
}

// rss returns the server's resident memory, in bytes.
func (s *server) rss() (int64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// cpu returns the processor time the server has used.
func (s *server) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTick, err
}
