package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/config"
)

// TestListed: where each value came from, and nothing that is secret.
func TestListed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ringmaster.yaml")
	if err := os.WriteFile(file, []byte("language: uk\nwebhook:\n  allow: [10.0.0.0/8, 192.168.0.0/16]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const url = "postgres://boss:hunter2@127.0.0.1/ringmaster"
	c, err := config.Load(file, []string{"RINGMASTER_DATABASE_URL=" + url},
		[]config.Assignment{{Key: "listen", Value: "127.0.0.1:9999", Origin: "--listen"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]config.Setting{}
	for _, s := range c.Listed() {
		got[s.Key] = s
		if strings.Contains(s.Value, "hunter2") {
			t.Errorf("%s tells a password", s.Key)
		}
	}
	for _, want := range []config.Setting{
		{Key: "language", Value: "uk", Source: "file", Origin: file + ":1"},
		{Key: "webhook.allow", Value: "10.0.0.0/8,192.168.0.0/16", Source: "file", Origin: file + ":3"},
		{Key: "database.url", Value: "***", Secret: true, Source: "environment", Origin: "RINGMASTER_DATABASE_URL"},
		{Key: "listen", Value: "127.0.0.1:9999", Source: "command line", Origin: "--listen"},
		{Key: "redis.url", Secret: true, Source: "default"},
	} {
		if got[want.Key] != want {
			t.Errorf("%+v, want %+v", got[want.Key], want)
		}
	}
}
