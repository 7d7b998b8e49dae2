package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPages opens the pages in a real Chromium, at the stage: see web/test. With SHOTS=FOLDER it leaves screenshots there.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	for _, program := range []string{"node", "npm", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: run `make test-deps`", program)
		}
	}
	folder, err := filepath.Abs("../../web/test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
		install.Dir = folder
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	s := newStage(t, 12)
	run := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "pages.test.mjs")
	run.Dir = folder
	run.Env = append(os.Environ(), "BASE="+s.URL, "PASSWORD="+password)
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
