package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

const long = "0123456789abcdef0123456789abcdef" // as long as a secret must be

// write makes a file in a temporary folder and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	cfg, err := Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "127.0.0.1:8080" || cfg.Data != "./data" || len(cfg.Roles) != 4 || !cfg.EmbeddedRedis() {
		t.Errorf("got %+v", cfg)
	}
	if got := cfg.Database.URL.Reveal(); got != "sqlite:data/ringmaster.db" {
		t.Errorf("database %s", got)
	}
	if cfg.PublicURL != "http://127.0.0.1:8080" || cfg.Recording.LinkBase != cfg.PublicURL {
		t.Errorf("public URL %s, recordings at %s", cfg.PublicURL, cfg.Recording.LinkBase)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "ringmaster.yaml", "listen: :1\nnode: file\nlimits:\n  max_calls: 1\n  lease: 20s\nroles: [gateway, "+
		"dialer, scheduler, api]\n")
	env := []string{"RINGMASTER_LISTEN=:2", "RINGMASTER_LIMITS_MAX_CALLS=2", "PATH=/bin", "RINGMASTER_PORT_80_TCP=tcp://10.0.0.1:80"}
	flags := []Assignment{{"listen", ":3", "--listen"}}
	cfg, err := Load(file, env, flags)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(cfg.Listen, cfg.Limits.MaxCalls, cfg.Node, cfg.Limits.Lease, cfg.Limits.TabGrace)
	if want := ":3 2 file 20s 10s\n"; got != want {
		t.Errorf("flag, environment, file, file, default: got %s, want %s", got, want)
	}
}

func TestLists(t *testing.T) {
	file := write(t, "c.yaml", "webhook:\n  allow: [10.0.0.0/8, crm.lan]\nvouch:\n  allowed_origins:\n    - https://a.example\n "+
		"   - https://b.example\n")
	cfg, err := Load(file, []string{"RINGMASTER_WEBHOOK_ALLOW= 192.168.0.0/16 ,"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg.Webhook.Allow, []string{"192.168.0.0/16"}) || len(cfg.Vouch.AllowedOrigins) != 2 {
		t.Errorf("allow %q, origins %q", cfg.Webhook.Allow, cfg.Vouch.AllowedOrigins)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	secret := write(t, "secret", long+"\n")
	other := write(t, "other", "other-"+long)
	for name, source := range map[string]struct {
		yaml string
		env  []string
		want string
	}{
		"file":        {"vouch:\n  secret_file: " + secret, nil, long},
		"environment": {"", []string{"RINGMASTER_VOUCH_SECRET_FILE=" + secret}, long},
		"environment wins over file": {"vouch:\n  secret_file: " + secret, []string{"RINGMASTER_VOUCH_SECRET_FILE=" + other},
			"other-" + long},
		"value wins over file's file": {"vouch:\n  secret_file: " + secret, []string{"RINGMASTER_VOUCH_SECRET=x" + long}, "x" + long},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Load(write(t, "c.yaml", source.yaml), source.env, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.Vouch.Secret.Reveal(); got != source.want {
				t.Errorf("got %q, want %q", got, source.want)
			}
		})
	}
}

// TestRefusals has a row for every sentence that refuses a wrong configuration.
func TestRefusals(t *testing.T) {
	empty := write(t, "empty", "\n")
	huge := write(t, "huge", strings.Repeat("x", MaxFile+1))
	secret := write(t, "secret", long)
	split := "roles: [gateway]\nvouch: {secret: " + long + "}\napi: {jwt_secret: " + long + "}\n"
	for _, test := range []struct {
		name string
		yaml string
		env  string
		flag Assignment
		want string
	}{
		// What cannot be read.
		{name: "not YAML", yaml: "listen: [", want: "c.yaml: not YAML: line 1"},
		{name: "two documents", yaml: "listen: :1\n---\nlisten: :2\n", want: "more than one document"},
		{name: "a list at the top", yaml: "- listen\n", want: "c.yaml:1"},
		{name: "duplicate", yaml: "listen: :1\nlisten: :2\n", want: "c.yaml:2: conflicts with"},
		{name: "unknown", yaml: "\nlisten: :1\nlimits:\n  max_cals: 5\n",
			want: "c.yaml:4: limits.max_cals: no such setting; did you mean limits.max_calls?"},
		{name: "unknown at the top", yaml: "listne: :1\n", want: "c.yaml:1: listne: no such setting; did you mean listen?"},
		{name: "unknown section", yaml: "limit:\n  max_calls: 5\n", want: "c.yaml:1: limit: no such section; did you mean limits?"},
		{name: "unlike anything", yaml: "xylophone_orchestra: 1\n", want: "no such setting; deploy/ringmaster.yaml shows all"},
		{name: "value for a section", yaml: "redis: redis://r1\n", want: "c.yaml:1: redis: want a section"},
		{name: "section for a value", yaml: "listen:\n  host: x\n", want: "listen: no such section"},
		{name: "nested list", yaml: "roles: [[a]]\n", want: "roles: want plain values"},
		{name: "unknown variable", env: "RINGMASTER_REDIS_ULR=x",
			want: "RINGMASTER_REDIS_ULR: redis_ulr: no such setting; did you mean RINGMASTER_REDIS_URL?"},
		{name: "unknown flag key", flag: Assignment{"redis.ulr", "x", "--set redis.ulr"}, want: "did you mean redis.url?"},
		{name: "secret on the command line", flag: Assignment{"vouch.secret", long, "--set vouch.secret"},
			want: "use RINGMASTER_VOUCH_SECRET, RINGMASTER_VOUCH_SECRET_FILE"},
		{name: "duration", yaml: "limits: {lease: 30}\n", want: `limits.lease: "30": want a duration such as 90s`},
		{name: "number", yaml: "limits: {max_calls: many}\n", want: `limits.max_calls: "many": want a whole number`},
		{name: "real number", yaml: "telephony: {simulated: {speed: fast}}\n", want: `"fast": want a number`},
		{name: "yes", yaml: "metrics: {enabled: yes}\n", want: `metrics.enabled: "yes": want true or false`},
		{name: "secret twice in the file", yaml: "vouch:\n  secret: " + long + "\n  secret_file: " + secret,
			want: "c.yaml:3: conflicts with"},
		{name: "no secret's file", env: "RINGMASTER_VOUCH_SECRET_FILE=/nowhere", want: "RINGMASTER_VOUCH_SECRET_FILE: open /nowhere"},
		{name: "empty secret's file", env: "RINGMASTER_VOUCH_SECRET_FILE=" + empty, want: "is empty"},
		{name: "huge secret's file", env: "RINGMASTER_VOUCH_SECRET_FILE=" + huge, want: "longer than 1 MiB"},

		// What is out of range.
		{name: "listen", yaml: "listen: 8080", want: `c.yaml:1: listen: "8080": want host:port`},
		{name: "port", yaml: "listen: localhost:http", want: `port "http": want 0 to 65535`},
		{name: "admin_listen", yaml: "admin_listen: x", want: `admin_listen: "x": want host:port`},
		{name: "public_url", yaml: "public_url: dialer.example.com", want: "public_url: "},
		{name: "data", yaml: `data: ""`, want: "data: empty"},
		{name: "role", yaml: "roles: [worker]", want: `roles: "worker" is none; there are gateway, dialer, scheduler, api`},
		{name: "role twice", yaml: "roles: [api, api]", want: `"api" is named twice`},
		{name: "no role", yaml: "roles: []", want: "roles: none is left"},
		{name: "node", yaml: "node: A_B", want: `node: "A_B": want 1 to 63 of a-z`},
		{name: "database", yaml: "database: {url: 'mysql://u:hunter2@h/d'}", want: "database.url: want postgres://"},
		{name: "no SQLite file", yaml: "database: {url: 'sqlite:'}", want: "sqlite: without a file"},
		{name: "vouch secret", yaml: "vouch: {secret: hunter2}", want: "vouch.secret: 7 bytes long; want 32 or more"},
		{name: "JWT secret", yaml: "api: {jwt_secret: hunter2}", want: "api.jwt_secret: 7 bytes long"},
		{name: "max_calls", yaml: "limits: {max_calls: 0}", want: "limits.max_calls: 0: want 1 to 20000"},
		{name: "drain_timeout", yaml: "limits: {drain_timeout: -1s}", want: "limits.drain_timeout: -1s: want 0s to 24h0m0s"},
		{name: "lease", yaml: "limits: {lease: 1s}", want: "limits.lease: 1s: want 10s to 5m0s"},
		{name: "tab_grace", yaml: "limits: {tab_grace: 1h}", want: "limits.tab_grace: 1h0m0s: want 1s to 10m0s"},
		{name: "a variable's value", env: "RINGMASTER_LIMITS_MAX_CALLS=-5",
			want: "RINGMASTER_LIMITS_MAX_CALLS: limits.max_calls: -5: want 1 to 20000"},
		{name: "log level", yaml: "log: {level: loud}", want: `log.level: "loud": want debug, info, warn, error`},
		{name: "log format", yaml: "log: {format: xml}", want: `log.format: "xml": want text, json`},
		{name: "profile", yaml: "telephony: {simulated: {profile: x}}", want: `"x": want everyday, prompt`},
		{name: "speed", yaml: "telephony: {simulated: {speed: .nan}}", want: "telephony.simulated.speed"},
		{name: "link_base", yaml: "recording: {link_base: x}", want: "recording.link_base: "},

		// What contradicts itself.
		{name: "same listeners", yaml: "listen: :8080\nadmin_listen: :8080", want: "admin_listen: the same as listen"},
		{name: "certificate without key", yaml: "tls: {cert: a.pem}", want: "tls.cert: a certificate without its key"},
		{name: "key without certificate", yaml: "tls: {key: a.pem}", want: "tls.key: a key without its certificate"},
		{name: "split on the embedded Redis", yaml: split + "database: {url: 'postgres://h/d'}",
			want: "roles: only gateway, but the embedded Redis"},
		{name: "split on SQLite", yaml: split + "redis: {url: 'redis://h'}", want: "roles: only gateway, but SQLite"},
		{name: "split without secrets", yaml: "roles: [api]\nredis: {url: 'redis://h'}\ndatabase: {url: 'postgres://h/d'}",
			want: "vouch.secret: empty, and with split roles"},
		{name: "split without JWT secret", yaml: "roles: [api]\nredis: {url: 'redis://h'}\ndatabase: {url: 'postgres://h/d'}",
			want: "api.jwt_secret: empty"},
		{name: "master of the embedded Redis", yaml: "redis: {master: m}", want: "redis.master: set, but redis.url is empty"},
		{name: "Sentinel's password without one", yaml: "redis: {url: 'redis://a', sentinel_password: x}", want: "redis.master is not"},
		{name: "previous alone", yaml: "vouch: {previous_secret: " + long + "}",
			want: "vouch.previous_secret: set, but vouch.secret is not"},
		{name: "previous the same", yaml: "vouch: {secret: " + long + ", previous_secret: " + long + "}",
			want: "the same as vouch.secret"},
		{name: "ledger alone", yaml: "telephony: {simulated: {ledger: x}}", want: "profile is not; set both"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var flags []Assignment
			if test.flag.Key != "" {
				flags = append(flags, test.flag)
			}
			_, err := Load(write(t, "c.yaml", test.yaml), []string{test.env}, flags)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), long) {
				t.Errorf("a secret is in the error: %v", err)
			}
			if coded, ok := errors.AsType[*Error](err); !ok || coded.ExitCode() != 2 {
				t.Errorf("%T is not told from other failures by its exit code", err)
			}
		})
	}
}

func TestSecretTwiceInTheEnvironment(t *testing.T) {
	_, err := Load("", []string{"RINGMASTER_VOUCH_SECRET=" + long, "RINGMASTER_VOUCH_SECRET_FILE=" + write(t, "s", long)}, nil)
	if err == nil || !strings.Contains(err.Error(), "conflicts with RINGMASTER_VOUCH_SECRET: both give vouch.secret; keep one") {
		t.Errorf("got %v", err)
	}
}

func TestEveryRefusalIsTold(t *testing.T) {
	_, err := Load(write(t, "c.yaml", "listen: x\nlimits: {lease: 1s, max_calls: 0}\n"), nil, nil)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three refusals, got %v", err)
	}
}

func TestSplitRolesThatShareEverything(t *testing.T) {
	text := "roles: [gateway, dialer]\nredis: {url: 'redis://h'}\ndatabase: {url: 'postgres://h/d'}\nvouch: {secret: " + long +
		"}\napi: {jwt_secret: " + long + "}\n"
	if _, err := Load(write(t, "c.yaml", text), nil, nil); err != nil {
		t.Error(err)
	}
}

func TestEmptySectionsAreDefaults(t *testing.T) {
	cfg, err := Load(write(t, "c.yaml", "limits:\nvouch:\n  # secret: x\nlog:\n"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Limits.Lease != 30*time.Second {
		t.Errorf("lease %s", cfg.Limits.Lease)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	s := Secret("hunter2")
	holder := struct{ Password Secret }{s}
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("connected", "password", s, "all", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("connected", "password", s, "all", holder)
	shown := fmt.Sprint(s, holder, &holder) + fmt.Sprintf("%s %v %+v %#v %q %x", s, holder, holder, holder, s, s) + string(asJSON) +
		string(asYAML) + log.String()
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("the secret is shown: %s", shown)
	}
	if !strings.Contains(log.String(), stars) {
		t.Errorf("no stars in %s", log.String())
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ulr", "url", 2}} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// FuzzConfigFile: whatever the file holds, it is read or refused.
func FuzzConfigFile(f *testing.F) {
	f.Add("listen: :1\nlimits: {max_calls: 5}\n")
	f.Add("a: &a [*a]\n")
	f.Add("roles: &r [api]\nredis: *r\n")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if cfg, err := Load(file, nil, nil); (cfg == nil) == (err == nil) {
			t.Errorf("config %v, error %v", cfg, err)
		}
	})
}
