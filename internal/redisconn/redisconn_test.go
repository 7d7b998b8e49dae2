package redisconn

import (
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) {
	LogTo(slog.New(slog.DiscardHandler))
	testdeps.Main(m)
}

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		want   string // addrs user password db tls
	}{
		{"host alone", Config{URL: "redis://r1"}, "[r1:6379]   0 false"},
		{"port and database", Config{URL: "redis://r1:7000/3"}, "[r1:7000]   3 false"},
		{"password", Config{URL: "redis://:p%40ss@r1"}, "[r1:6379]  p@ss 0 false"},
		{"user", Config{URL: "redis://u:p@r1"}, "[r1:6379] u p 0 false"},
		{"password beside the URL", Config{URL: "redis://u:p@r1", Password: "q", Username: "v"}, "[r1:6379] v q 0 false"},
		{"TLS", Config{URL: "rediss://r1"}, "[r1:6379]   0 true"},
		{"IPv6", Config{URL: "redis://[::1]:7000"}, "[[::1]:7000]   0 false"},
		{"Sentinel", Config{URL: "redis://s1:26379,s2:26379/1", Master: "m"}, "[s1:26379 s2:26379]   1 false"},
		{"Cluster", Config{URL: "redis://c1, c2", Cluster: true}, "[c1:6379 c2:6379]   0 false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := test.config.Options()
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(o.Addrs, " ", o.Username, " ", o.Password, " ", o.DB, " ", o.TLSConfig != nil)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{}, "want redis://host:port"},
		{Config{URL: "http://r1"}, "want redis://host:port"},
		{Config{URL: "redis://:hunter2@"}, "a host is empty"},
		{Config{URL: "redis://r1,"}, "a host is empty"},
		{Config{URL: "redis://r1:0"}, `port "0": want 1 to 65535`},
		{Config{URL: "redis://r1:99999"}, `port "99999": want 1 to 65535`},
		{Config{URL: "redis://r1/x"}, `database "x": want a number`},
		{Config{URL: "redis://:hunter2%zz@r1"}, "percent-encoded"},
		{Config{URL: "redis://r1,r2"}, "several hosts need either master"},
		{Config{URL: "redis://r1,r2", Master: "m", Cluster: true}, "exclude each other"},
		{Config{URL: "redis://r1/2", Cluster: true}, "only database 0"},
		{Config{URL: "redis://r1", CA: noPEM}, "not rediss://"},
		{Config{URL: "rediss://r1", CA: noPEM}, "no certificate in"},
		{Config{URL: "rediss://r1", CA: noPEM + ".missing"}, "no such file"},
	} {
		_, err := test.config.Options()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.config, err, test.want)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestCATrustsThatAuthorityAlone(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := Config{URL: "rediss://r1", CA: file}.Options()
	if err != nil {
		t.Fatal(err)
	}
	if o.TLSConfig.RootCAs == nil {
		t.Error("the system's authorities are trusted too")
	}
}

func TestSingle(t *testing.T) {
	server := testdeps.RedisServer(t)
	open := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer open.Close()
	if err := open.ConfigSet(t.Context(), "requirepass", "hunter2").Err(); err != nil {
		t.Fatal(err)
	}
	exchange(t, Config{URL: "redis://:hunter2@" + server.Addr + "/2"})
}

func TestLostServerIsReportedSoon(t *testing.T) {
	server := testdeps.RedisServer(t)
	conn, err := New(Config{URL: "redis://" + server.Addr})
	if err != nil {
		t.Fatal(err)
	}
	client := conn.Client()
	defer client.Close()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	defer server.Resume()
	// Without the context's deadline each try would take three seconds; of one alone it may be the machine that is slow.
	var took [3]time.Duration
	for i := range took {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		if err := client.Ping(ctx).Err(); err == nil {
			t.Error("a paused server answered")
		}
		took[i] = time.Since(began)
		cancel()
		if took[i] < 2*time.Second {
			return
		}
	}
	t.Errorf("the context's deadline of 300 ms was kept after %s", took)
}

func TestSentinelFollowsTheMaster(t *testing.T) {
	master := testdeps.RedisServer(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := testdeps.RedisServer(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	sentinel := startSentinel(t, host, port)
	config := Config{URL: "redis://" + sentinel, Master: "house"}
	exchange(t, config)

	conn, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	client := conn.Client()
	defer client.Close()
	awaitNil(t, "the replica's first copy", func(ctx context.Context) error {
		if err := client.Set(ctx, "kept", "yes", 0).Err(); err != nil {
			return err
		}
		n, err := client.(*redis.Client).Wait(ctx, 1, time.Second).Result()
		if err == nil && n != 1 {
			err = fmt.Errorf("%d replicas have it", n)
		}
		return err
	})
	master.Kill()
	awaitNil(t, "the failover to "+replica.Addr, func(ctx context.Context) error {
		got, err := client.GetSet(ctx, "kept", "still").Result()
		if err == nil && got != "yes" && got != "still" {
			err = fmt.Errorf("kept = %q", got)
		}
		return err
	})
}

func TestCluster(t *testing.T) {
	var nodes []string
	for range 3 {
		nodes = append(nodes, testdeps.RedisServer(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t)).Addr)
	}
	create := append([]string{"--cluster", "create"}, append(nodes, "--cluster-yes")...)
	if out, err := exec.CommandContext(t.Context(), "redis-cli", create...).CombinedOutput(); err != nil {
		t.Fatalf("redis-cli: %v\n%s", err, out)
	}
	exchange(t, Config{URL: "redis://" + nodes[0], Cluster: true})
	exchange(t, Config{URL: "redis://" + strings.Join(nodes, ","), Cluster: true})
}

// exchange proves that go-redis and Asynq both work with the settings: keys in many slots, and a task that runs.
func exchange(t *testing.T, config Config) {
	t.Helper()
	conn, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	client := conn.Client()
	defer client.Close()
	awaitNil(t, "a connection", func(ctx context.Context) error { return client.Ping(ctx).Err() })
	for i := range 20 {
		key := "key" + strconv.Itoa(i)
		awaitNil(t, key, func(ctx context.Context) error { return client.Set(ctx, key, i, time.Minute).Err() })
	}

	done := make(chan struct{}, 1)
	server := asynq.NewServer(conn, asynq.Config{Concurrency: 1, TaskCheckInterval: 10 * time.Millisecond,
		LogLevel: asynq.FatalLevel})
	handle := func(context.Context, *asynq.Task) error { done <- struct{}{}; return nil }
	if err := server.Start(asynq.HandlerFunc(handle)); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	tasks := asynq.NewClient(conn)
	defer tasks.Close()
	if _, err := tasks.Enqueue(asynq.NewTask("contact", nil)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("the task did not run")
	}
}

// startSentinel runs one Sentinel that watches the master "house" and decides alone.
func startSentinel(t *testing.T, host, port string) (addr string) {
	t.Helper()
	own := freePort(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "sentinel.conf")
	lines := fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\nsentinel monitor house %s %s 1\n"+
		"sentinel down-after-milliseconds house 500\nsentinel failover-timeout house 3000\n", own, dir, host, port)
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", file, "--sentinel")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	return net.JoinHostPort("127.0.0.1", own)
}

// freePort is one that no other process is given meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(testdeps.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// awaitNil repeats what until it succeeds; servers that elect a master need a moment.
func awaitNil(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	testdeps.Seen(t, what, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return try(ctx)
	}, func(err error) bool { return err == nil })
}
