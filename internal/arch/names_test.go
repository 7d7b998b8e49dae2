package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNoNameInRedisIsConstant: a key or channel whose name does not say whose it is belongs to every installation on that Redis.
// internal/installation makes the names.
func TestNoNameInRedisIsConstant(t *testing.T) {
	tagged := regexp.MustCompile("[\"`]\\{[a-z]+\\}:[a-z]")
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if seen++; tagged.Match(text) {
			t.Errorf("%s: %s is a constant name", path, tagged.Find(text))
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files seen, %v", seen, err)
	}
}

// TestOneWayToTryAgain: pauses, their growth and their spread are internal/retry's. What is written by hand forgets the limit or
// the spread.
func TestOneWayToTryAgain(t *testing.T) {
	own := regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?(?:sleep|every|tries|jitter(?:ed)?|backoff)\(|time\.After\(rand\.`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path,
			"internal/retry/") {
			return err
		}
		text, err := os.ReadFile(path)
		if found := own.Find(text); found != nil {
			t.Errorf("%s: %q: internal/retry has it", path, found)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOneWayToWait: a test that sleeps is late on a slow machine, and slow on a fast one. internal/testdeps waits for what has no
// signal, and names what sleeps for its own sake. In a bubble of testing/synctest a sleep takes no time.
func TestOneWayToWait(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "internal/testdeps/") ||
			strings.Contains(path, "internal/arch/") {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "time.Sleep") && !strings.Contains(string(text), `"testing/synctest"`) {
			t.Errorf("%s: time.Sleep: wait for a signal, or by testdeps.Eventually, Seen, Quiet or Lasts", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
