package testdeps

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a redis-server of its own, for tests that break it.
type Server struct {
	Addr string // 127.0.0.1:port, the same over restarts

	tb   testing.TB // nil for the shared one
	dir  string
	args []string
	proc *process
	lock *os.File // of its port
}

var sharedRedis struct {
	sync.Mutex
	server *Server
	users  int
}

// Redis answers the address of the test process's redis-server, empty unless another running test uses it too.
func Redis(tb testing.TB) (addr string) {
	tb.Helper()
	s := &sharedRedis
	s.Lock()
	defer s.Unlock()
	if s.server == nil {
		server, err := newRedis(nil)
		if err != nil {
			tb.Fatal(err)
		}
		onExit(server.remove)
		s.server = server
	}
	if s.users == 0 {
		if err := s.server.command("FLUSHALL", "+OK"); err != nil {
			tb.Fatal(err)
		}
	}
	s.users++
	tb.Cleanup(func() {
		s.Lock()
		defer s.Unlock()
		s.users--
	})
	return s.server.Addr
}

// RedisServer starts a redis-server that the test may stop, kill and pause; it ends with the test. Nothing is persisted
// unless args, given to redis-server as they are, say so.
func RedisServer(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s, err := newRedis(args)
	if err != nil {
		tb.Fatal(err)
	}
	s.tb = tb
	tb.Cleanup(s.remove)
	return s
}

func newRedis(args []string) (*Server, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, missing("redis-server")
	}
	dir, err := folder("redis")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, args: args}
	for range 5 {
		var port int
		if port, s.lock, err = freePort(); err != nil {
			break
		}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if err = s.start(); err == nil {
			return s, nil
		}
		s.lock.Close()
	}
	_ = os.RemoveAll(dir)
	return nil, err
}

func (s *Server) start() error {
	_, port, _ := net.SplitHostPort(s.Addr)
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no"}, s.args...)
	p, err := spawn(exec.Command("redis-server", args...), syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("testdeps: redis-server: %w", err)
	}
	if err := await(p, func() error { return s.command("PING", "+PONG") }); err != nil {
		p.end(syscall.SIGKILL)
		return fmt.Errorf("testdeps: redis-server: %w", err)
	}
	s.proc = p
	return nil
}

// command sends one inline command and compares the first line of the reply.
func (s *Server) command(cmd, want string) error {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", cmd); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(line); got != want {
		return fmt.Errorf("testdeps: %s: got %q, want %q", cmd, got, want)
	}
	return nil
}

// Start starts it again on the same port.
func (s *Server) Start() {
	s.tb.Helper()
	if s.proc.running() {
		return
	}
	if err := s.start(); err != nil {
		s.tb.Fatal(err)
	}
}

// Stop ends it in order (SIGTERM).
func (s *Server) Stop() { s.proc.end(syscall.SIGTERM) }

// Kill ends it at once (SIGKILL).
func (s *Server) Kill() { s.proc.end(syscall.SIGKILL) }

// Pause stops its clock (SIGSTOP): connections stay up and nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	if err := s.proc.cmd.Process.Signal(sig); err != nil {
		s.tb.Errorf("testdeps: redis-server: %v", err)
	}
}

func (s *Server) remove() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
	s.lock.Close()
}
