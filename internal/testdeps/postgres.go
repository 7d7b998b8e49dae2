package testdeps

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server of its own, for tests that break it and for benches.
type Cluster struct {
	Addr string // 127.0.0.1:port, the same over restarts

	tb      testing.TB // nil for the shared one
	dir     string
	durable bool
	proc    *process
	lock    *os.File     // of its port
	next    atomic.Int64 // number of the next database
}

var sharedPostgres struct {
	sync.Mutex
	cluster *Cluster
}

// Postgres returns the DSN of a fresh, empty database in the test process's PostgreSQL; it is dropped with the test.
func Postgres(tb testing.TB) (dsn string) {
	tb.Helper()
	s := &sharedPostgres
	s.Lock()
	if s.cluster == nil {
		c, err := newPostgres(false)
		if err != nil {
			s.Unlock()
			tb.Fatal(err)
		}
		onExit(c.remove)
		s.cluster = c
	}
	s.Unlock()
	return s.cluster.Database(tb)
}

// PostgresServer starts a PostgreSQL that the test may stop and kill; it ends with the test. Durable: commits are on the
// disk before they are answered (fsync), as in production; else they only survive the server's own death.
func PostgresServer(tb testing.TB, durable bool) *Cluster {
	tb.Helper()
	c, err := newPostgres(durable)
	if err != nil {
		tb.Fatal(err)
	}
	c.tb = tb
	tb.Cleanup(c.remove)
	return c
}

// Database makes an empty database and returns its DSN; it is dropped with the test.
func (c *Cluster) Database(tb testing.TB) (dsn string) {
	tb.Helper()
	name := fmt.Sprintf("test_%d", c.next.Add(1))
	if err := c.exec("CREATE DATABASE " + name); err != nil {
		tb.Fatalf("testdeps: postgres: %v", err)
	}
	tb.Cleanup(func() {
		// A test may have left the server down; the database goes with the cluster then.
		_ = c.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
	})
	return c.dsn(name)
}

func (c *Cluster) dsn(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", c.Addr, database)
}

func (c *Cluster) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// binary finds a PostgreSQL program: on the PATH, or where Debian puts the newest version.
func binary(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", missing("PostgreSQL (" + name + ")")
	}
	sort.Strings(found)
	return found[len(found)-1], nil
}

// asPostgres is the user to run as: PostgreSQL refuses to be root. Nil: the present one.
func asPostgres() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, missing("the user postgres")
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func newPostgres(durable bool) (_ *Cluster, err error) {
	initdb, err := binary("initdb")
	if err != nil {
		return nil, err
	}
	cred, err := asPostgres()
	if err != nil {
		return nil, err
	}
	dir, err := folder("postgres")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, durable: durable}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(initdb, "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C",
		"--no-sync")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("testdeps: initdb: %w: %s", err, out)
	}
	for range 5 {
		var port int
		if port, c.lock, err = freePort(); err != nil {
			return nil, err
		}
		c.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if err = c.start(); err == nil {
			return c, nil
		}
		c.lock.Close()
	}
	return nil, err
}

func (c *Cluster) start() error {
	postgres, err := binary("postgres")
	if err != nil {
		return err
	}
	cred, err := asPostgres()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(c.Addr)
	args := []string{"-D", filepath.Join(c.dir, "data"), "-c", "listen_addresses=127.0.0.1", "-c", "port=" + port,
		"-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=128MB", "-c", "max_wal_size=1GB"}
	if !c.durable {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own

	cmd := exec.Command(postgres, args...)
	cmd.Dir = c.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	p, err := spawn(cmd, syscall.SIGQUIT) // PostgreSQL's immediate shutdown
	if err != nil {
		return fmt.Errorf("testdeps: postgres: %w", err)
	}
	if err := await(p, func() error { return c.exec("SELECT 1") }); err != nil {
		p.end(syscall.SIGQUIT)
		said, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("testdeps: postgres: %w\n%s", err, said[max(0, len(said)-2000):])
	}
	c.proc = p
	return nil
}

// Start starts it again on the same port. After [Cluster.Kill] the first starts may fail until the orphaned sessions are
// gone, so it tries again.
func (c *Cluster) Start() {
	c.tb.Helper()
	if c.proc.running() {
		return
	}
	var err error
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = c.start(); err == nil {
			return
		}
	}
	c.tb.Fatal(err)
}

// Stop ends it in order and cuts its sessions off (fast shutdown).
func (c *Cluster) Stop() { c.proc.end(syscall.SIGINT) }

// Kill ends it at once (SIGKILL); sessions in the middle of a commit learn nothing of its outcome.
func (c *Cluster) Kill() { c.proc.end(syscall.SIGKILL) }

func (c *Cluster) remove() {
	c.proc.end(syscall.SIGQUIT)
	_ = os.RemoveAll(c.dir)
	c.lock.Close()
}
