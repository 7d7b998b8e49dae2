package testdeps

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

func TestRedisIsSharedAndEmpty(t *testing.T) {
	var first string
	t.Run("fill", func(t *testing.T) {
		first = Redis(t)
		if err := sharedRedis.server.command("SET k v", "+OK"); err != nil {
			t.Fatal(err)
		}
	})
	if second := Redis(t); second != first {
		t.Errorf("second address %s, first %s", second, first)
	}
	if err := sharedRedis.server.command("EXISTS k", ":0"); err != nil {
		t.Error(err)
	}
}

func TestRedisServerBreaks(t *testing.T) {
	s := RedisServer(t)
	s.Pause()
	if err := (&Server{Addr: s.Addr}).pingWithin(100 * time.Millisecond); err == nil {
		t.Error("a paused server answered")
	}
	s.Resume()
	if err := s.command("PING", "+PONG"); err != nil {
		t.Error(err)
	}
	for _, end := range []func(){s.Stop, s.Kill} {
		end()
		if err := s.command("PING", "+PONG"); err == nil {
			t.Error("a dead server answered")
		}
		s.Start()
		if err := s.command("PING", "+PONG"); err != nil {
			t.Error(err)
		}
	}
}

func (s *Server) pingWithin(d time.Duration) error {
	answered := make(chan error, 1)
	go func() { answered <- s.command("PING", "+PONG") }()
	select {
	case err := <-answered:
		return err
	case <-time.After(d):
		return context.DeadlineExceeded
	}
}

func TestPostgresIsFresh(t *testing.T) {
	a, b := Postgres(t), Postgres(t)
	if a == b {
		t.Fatalf("the same database twice: %s", a)
	}
	query(t, a, "CREATE TABLE x (i int)")
	query(t, b, "CREATE TABLE x (i int)")
}

func TestPostgresServerSurvivesKill(t *testing.T) {
	c := PostgresServer(t, true)
	dsn := c.Database(t)
	query(t, dsn, "CREATE TABLE x (i int)")
	c.Kill()
	c.Start()
	query(t, dsn, "INSERT INTO x VALUES (1)")
	c.Stop()
	c.Start()
	query(t, dsn, "SELECT i FROM x")
}

func query(t *testing.T, dsn, sql string) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

// TestServersDieWithTheProcess runs itself as a child that starts a server and dies without cleaning up.
func TestServersDieWithTheProcess(t *testing.T) {
	if os.Getenv("TESTDEPS_CHILD") != "" {
		os.Stdout.WriteString("addr=" + Redis(t) + "\n")
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersDieWithTheProcess$")
	cmd.Env = append(os.Environ(), "TESTDEPS_CHILD=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(out), "addr=")
	addr, _, _ := strings.Cut(rest, "\n")
	if addr == "" {
		t.Fatalf("the child named no address: %q", out)
	}
	orphan := &Server{Addr: addr}
	Eventually(t, "the server to end with its test process", func() bool { return orphan.command("PING", "+PONG") != nil })
}
