package deploy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

// startLimit is for a process to be ready, or to end, on a busy machine.
const startLimit = 60 * time.Second

// TestSamplesStart runs the program as the unit and the compose file do, from an empty folder, with the neighbours' addresses
// and free ports filled in and nothing else: it must become ready, take SIP, and end well.
func TestSamplesStart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	program := filepath.Join(t.TempDir(), "ringmaster")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program,
		"../cmd/ringmaster").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	for name, settings := range map[string]func(t *testing.T, secrets string) (args []string, env map[string]string){
		"ringmaster.yaml": func(t *testing.T, secrets string) ([]string, map[string]string) {
			file, err := filepath.Abs("ringmaster.yaml")
			if err != nil {
				t.Fatal(err)
			}
			return []string{"--config", file}, unitEnvironment(t, secrets)
		},
		"compose.yaml": func(t *testing.T, secrets string) ([]string, map[string]string) {
			var file struct{ Services map[string]service }
			read(t, "compose.yaml", &file)
			env := map[string]string{"RINGMASTER_DATA": "data"} // of the image: /data
			for variable, value := range file.Services["ringmaster"].Environment {
				env[variable] = strings.Replace(value, "/run/secrets/", secrets+"/", 1)
			}
			return nil, env
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secrets := t.TempDir()
			if said, err := exec.CommandContext(t.Context(), "./make-secrets", secrets).CombinedOutput(); err != nil {
				t.Fatalf("make-secrets: %v\n%s", err, said)
			}
			password, err := os.ReadFile(filepath.Join(secrets, "redis_password"))
			if err != nil {
				t.Fatal(err)
			}
			redis := testdeps.RedisServer(t)
			client := goredis.NewClient(&goredis.Options{Addr: redis.Addr})
			defer client.Close()
			if err := client.ConfigSet(t.Context(), "requirepass", strings.TrimSpace(string(password))).Err(); err != nil {
				t.Fatal(err)
			}
			database := filepath.Join(secrets, "database_url")
			if err := os.Remove(database); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(database, []byte(testdeps.Postgres(t)+"\n"), 0o400); err != nil {
				t.Fatal(err)
			}
			args, env := settings(t, secrets)
			listen, admin, sip := testdeps.FreeAddress(t), testdeps.FreeAddress(t), testdeps.FreeAddress(t)
			for variable, value := range map[string]string{
				"RINGMASTER_REDIS_URL": "redis://" + redis.Addr, "RINGMASTER_LISTEN": listen, "RINGMASTER_ADMIN_LISTEN": admin,
				"RINGMASTER_TELEPHONY_SIP_LISTEN": sip, "RINGMASTER_TELEPHONY_SIP_MEDIA_LISTEN": testdeps.FreeAddress(t),
				"RINGMASTER_TELEPHONY_SIP_ADVERTISE": "127.0.0.1", "RINGMASTER_TELEPHONY_SIP_TRUNKS_CARRIER_HOST": testdeps.FreeAddress(t),
			} {
				env[variable] = value
			}
			p := &node{t: t, path: program, dir: t.TempDir()}
			for variable, value := range env {
				p.env = append(p.env, variable+"="+value)
			}
			if said, err := p.command(append([]string{"migrate"}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("migrate: %v\n%s", err, said)
			}
			p.serve(admin, args)
			if reply := options(t, sip); !strings.HasPrefix(reply, "SIP/2.0 200") {
				t.Errorf("OPTIONS to %s: %q, want 200", sip, reply)
			}
			p.end()
		})
	}
}

// unitEnvironment is what ringmaster.service sets, the credentials in the folder of the secrets.
func unitEnvironment(t *testing.T, secrets string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("ringmaster.service")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if setting, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment="); ok {
			variable, value, _ := strings.Cut(setting, "=")
			env[variable] = strings.NewReplacer("%S/ringmaster", "data", "%d/secrets_", secrets+"/").Replace(value)
		}
	}
	return env
}

// node is the program in a folder and an environment of its own.
type node struct {
	t         *testing.T
	path, dir string
	env       []string
	running   *exec.Cmd
	said      strings.Builder // by the running one; to be read when it has ended
	ended     chan error
}

func (p *node) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.path, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// serve runs a node until it is ready.
func (p *node) serve(admin string, args []string) {
	p.t.Helper()
	p.running, p.ended = p.command(append([]string{"serve"}, args...)...), make(chan error, 1)
	p.running.Stderr = &p.said
	if err := p.running.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { p.ended <- p.running.Wait() }()
	p.t.Cleanup(func() { _ = p.running.Process.Kill() })
	ctx, cancel := context.WithTimeout(p.t.Context(), startLimit)
	defer cancel()
	for {
		select {
		case err := <-p.ended:
			p.t.Fatalf("it ended: %v\n%s", err, p.said.String())
		case <-ctx.Done():
			p.t.Fatal("it is not ready")
		case <-time.After(50 * time.Millisecond):
		}
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/readyz", nil)
		if reply, err := http.DefaultClient.Do(r); err == nil {
			reply.Body.Close()
			if reply.StatusCode == http.StatusOK {
				return
			}
		}
	}
}

// end stops the node as systemd and Docker do.
func (p *node) end() {
	p.t.Helper()
	if err := p.running.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("it ended with %v\n%s", err, p.said.String())
		}
	case <-time.After(startLimit):
		p.t.Error("it does not end")
	}
}

// options asks a SIP port for a sign of life, and returns the reply.
func options(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 10 {
		fmt.Fprintf(conn, "OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKsample;rport\r\nMax-Forwards: 70\r\n"+
			"From: <sip:test@%[2]s>;tag=1\r\nTo: <sip:%[1]s>\r\nCall-ID: sample@%[2]s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			address, conn.LocalAddr())
		_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		reply := make([]byte, 2000)
		if n, err := conn.Read(reply); err == nil {
			return string(reply[:n])
		}
	}
	return "no reply"
}
