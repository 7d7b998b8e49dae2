package main

import (
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

const long = "0123456789abcdef0123456789abcdef" // as long as a secret must be

var update = flag.Bool("update", false, "write the golden files anew")

// nurse runs doctor as a command and returns what it wrote, with what differs from run to run replaced.
func nurse(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := run(t.Context(), append([]string{"doctor", "--language", "en"}, args...),
		console{In: strings.NewReader(""), Out: &out, Err: &errs}); code != want {
		t.Errorf("exit code %d, want %d; stderr: %s", code, want, errs.String())
	}
	text := out.String()
	for pattern, by := range map[string]string{
		`127\.0\.0\.1:\d+`:                           "127.0.0.1:PORT",
		`/\S*/(data|ringmaster\.yaml)`:               "DIR/$1",
		`; \d+ GB free`:                              "; N GB free",
		`, version \d+(\.\d+)*`:                      ", version N",
		`differs by \S+`:                             "differs by TIME",
		`has failed since \S+`:                       "has failed since TIME",
		`rm-[0-9a-f]{12}`:                            "rm-NAME",
		`"version": "[0-9.]+"`:                       `"version": "N"`,
		`tables of version \d+`:                      "tables of version N",
		`is of version \d+, this program needs \d+;`: "is of version N, this program needs N;",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, by)
	}
	return text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "doctor", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s\nwant:\n%s", name, got, want)
	}
}

// everythingElse is what does not depend on the machine: all but its disk and its clock.
const everythingElse = "configuration,secrets,listen,database,redis,telephony,zones,webhooks"

// ward writes a production-like configuration with real neighbours.
func ward(t *testing.T, dsn, redisURL, more string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "ringmaster.yaml")
	text := "node: node-1\nlisten: 127.0.0.1:0\ndata: " + dir + "/data\ndatabase: {url: '" + dsn + "'}\nredis: {url: '" + redisURL +
		"'}\n" +
		"vouch: {secret: " + long + "}\napi: {jwt_secret: " + long + "}\ntelephony: {simulated: {profile: everyday}}\n" + more
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDoctorFindsAllWell(t *testing.T) {
	dsn := testdeps.PostgresServer(t, false).Database(t)
	redis := testdeps.RedisServer(t, "--appendonly", "yes")
	file := ward(t, dsn, "redis://"+redis.Addr, "webhook: {allow: [127.0.0.1]}\n")
	fill(t, dsn, campaigns.Campaign{TimeZone: "Europe/Kyiv", Profile: "none"}, webhook.Endpoint{URL: "http://127.0.0.1:9/hook"})
	golden(t, "well.txt", nurse(t, exitWell, "--config", file, "--only", everythingElse))
	golden(t, "well.json", nurse(t, exitWell, "--config", file, "--only", "database,redis", "--json"))
}

func TestDoctorNamesWhatToMend(t *testing.T) {
	postgres := testdeps.PostgresServer(t, false)
	server := testdeps.RedisServer(t, "--maxmemory-policy", "allkeys-lru")
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()

	// Tables are missing, keys may be evicted, the port is taken by somebody else, the address is public without TLS.
	stranger := httptest.NewServer(nil)
	defer stranger.Close()
	taken := strings.TrimPrefix(stranger.URL, "http://")
	file := ward(t, postgres.Database(t), "redis://"+server.Addr, "admin_listen: "+taken+"\npublic_url: http://dialer.example.com\n")
	golden(t, "broken.txt", nurse(t, exitFailed, "--config", file, "--only", everythingElse))

	// Campaigns and endpoints that cannot work.
	dsn := postgres.Database(t)
	file = ward(t, dsn, "redis://"+server.Addr, "webhook: {allow: [crm.invalid]}\n")
	fill(t, dsn, campaigns.Campaign{TimeZone: "Europe/Nowhere", Profile: "gone"},
		webhook.Endpoint{URL: "http://127.0.0.1:9/hook"}, webhook.Endpoint{URL: "https://crm.invalid/hook"})
	said := nurse(t, exitFailed, "--config", file, "--only", "zones,webhooks")
	golden(t, "record.txt", regexp.MustCompile(`lookup crm.invalid.*`).ReplaceAllString(said, "lookup crm.invalid: REASON"))

	// Nobody is there.
	server.Stop()
	postgres.Stop()
	golden(t, "away.txt", nurse(t, exitFailed, "--config", file, "--only", "database,redis,zones,webhooks"))
}

func TestDoctorSaysWhatIsKept(t *testing.T) {
	file := ward(t, "postgres://127.0.0.1:1/db", "redis://127.0.0.1:1", "recording: {keep: 2160h}\n")
	said := nurse(t, exitWell, "--config", file, "--only", "retention")
	for _, want := range []string{"for 90 days", "under ua-1349-IX keep attempts and recordings for 1,096 days"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
}

func TestDoctorHidesSecrets(t *testing.T) {
	file := ward(t, "postgres://ringmaster:hunter2@127.0.0.1:1/db", "redis://:hunter2@127.0.0.1:1", "")
	if said := nurse(t, exitFailed, "--config", file, "--only", everythingElse); strings.Contains(said, "hunter2") {
		t.Errorf("a password is in the report:\n%s", said)
	}
}

// fill makes the tables, a running campaign and endpoints.
func fill(t *testing.T, dsn string, c campaigns.Campaign, endpoints ...webhook.Endpoint) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	s, err := store.Open(ctx, dsn, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Disconnect()
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	c.Name, c.Mode, c.MaxAttempts = "Spring", campaigns.Progressive, 1
	made, err := s.Campaigns.CreateCampaign(ctx, c, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Campaigns.SetStatus(ctx, made.ID, campaigns.Running, []campaigns.Status{campaigns.Draft}, now); err != nil {
		t.Fatal(err)
	}
	for _, e := range endpoints {
		e.CreatedAt, e.Secret = now, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
		if _, err := s.Webhooks.CreateEndpoint(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
}
