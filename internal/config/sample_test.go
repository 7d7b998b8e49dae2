package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const sample = "../../deploy/ringmaster.yaml"

// TestSampleLoads: what we hand out is accepted, with secrets in files as the unit gives them.
func TestSampleLoads(t *testing.T) {
	dir := t.TempDir()
	var env []string
	for variable, value := range map[string]string{
		"RINGMASTER_DATABASE_URL_FILE":   "postgres://ringmaster:x@127.0.0.1/ringmaster",
		"RINGMASTER_REDIS_PASSWORD_FILE": "x", "RINGMASTER_VOUCH_SECRET_FILE": long, "RINGMASTER_API_JWT_SECRET_FILE": long + "y",
	} {
		path := filepath.Join(dir, variable)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		env = append(env, variable+"="+path)
	}
	cfg, err := Load(sample, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.PublicURL != "https://dialer.example.com" || cfg.Redis.Password.Reveal() != "x" {
		t.Errorf("got %+v", cfg)
	}
	if _, err := Load(sample, nil, nil); err != nil {
		t.Errorf("without secrets: %v", err)
	}
}

// TestSampleShowsEverySetting: also those that are commented out, and each of them with its right name.
func TestSampleShowsEverySetting(t *testing.T) {
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	var sections []string
	line := regexp.MustCompile(`^( *)(?:# )?( *)([a-z0-9_]+):(?: |$)`)
	for l := range strings.Lines(string(text)) {
		found := line.FindStringSubmatch(strings.TrimRight(l, "\n"))
		if found == nil {
			continue
		}
		depth := len(found[1]+found[2]) / 2
		if depth > len(sections) {
			t.Fatalf("%q stands too deep", l)
		}
		sections = append(sections[:depth], found[3])
		shown[strings.Join(sections, ".")] = true
	}
	s := newSettings(Default())
	for _, key := range s.keys {
		if !shown[key] && !shown[key+"_file"] {
			t.Errorf("%s does not show %s", sample, key)
		}
	}
	for key := range shown {
		_, _, known := s.resolve(key)
		if !known && !s.isSection(key) {
			t.Errorf("%s shows %s, which is no setting", sample, key)
		}
	}
}
