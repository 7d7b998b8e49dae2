// Package testdeps gives tests real neighbours: redis-server and PostgreSQL, started on free loopback ports in temporary
// folders, one of each a test process, gone when the process is gone.
//
// Tests that break their neighbour take one of their own ([RedisServer], [PostgresServer]) and stop, kill or pause it.
package testdeps

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit bounds the start of a server; the test machine may be busy.
const startLimit = 30 * time.Second

// Main runs the tests, stops the shared servers and exits: call it from TestMain. Without it they end with the process
// all the same, but their folders stay until the next test process sweeps them.
func Main(m *testing.M) {
	code := m.Run()
	stopShared()
	os.Exit(code)
}

var shared struct {
	sync.Mutex
	stops []func()
}

func onExit(stop func()) {
	shared.Lock()
	defer shared.Unlock()
	shared.stops = append(shared.stops, stop)
}

func stopShared() {
	shared.Lock()
	defer shared.Unlock()
	for _, stop := range shared.stops {
		stop()
	}
	shared.stops = nil
}

// missing names what a bare machine lacks and how to get it.
func missing(what string) error {
	return fmt.Errorf("testdeps: %s is not installed: run `make test-deps`, as root", what)
}

// process is a server's child process.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it is reaped
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// end sends sig and waits for the end; after ten seconds it kills.
func (p *process) end(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// spawner starts every child on one locked thread that lives as long as the process: Linux sends the parent-death
// signal when the *thread* that forked ends (prctl(2), PR_SET_PDEATHSIG).
var spawner = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// spawn starts cmd so that it gets death when this process dies.
func spawn(cmd *exec.Cmd, death syscall.Signal) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = death
	cmd.SysProcAttr.Setpgid = true // a Ctrl-C at the terminal is the test's, not the server's
	started := make(chan error)
	spawner() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

const folderPrefix = "ringmaster-test-"

// folder makes a temporary folder that names this process, after sweeping those of processes that died.
func folder(kind string) (string, error) {
	stale, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, dir := range stale {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), folderPrefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
	return os.MkdirTemp("", fmt.Sprintf("%s%d-%s-", folderPrefix, os.Getpid(), kind))
}

// await asks ready until it agrees, the process ends, or the start limit is over.
func await(p *process, ready func() error) error {
	var err error
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = ready(); err == nil {
			return nil
		}
		if !p.running() {
			return fmt.Errorf("ended while starting: %w", err)
		}
	}
	return fmt.Errorf("not ready after %s: %w", startLimit, err)
}
