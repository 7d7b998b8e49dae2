package testdeps

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// NPM installs the packages of dir/package-lock.json into dir/node_modules, unless they are there, and answers that
// folder. Test processes that want the same folder wait for each other.
func NPM(tb testing.TB, dir string) (modules string) {
	tb.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Fatalf("%s is missing (Node.js 20); run: make test-deps", program)
		}
	}
	modules, err := filepath.Abs(filepath.Join(dir, "node_modules"))
	if err != nil {
		tb.Fatal(err)
	}
	lock, err := os.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		tb.Fatalf("lock %s: %v", dir, err)
	}
	if installed, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err == nil {
		if wanted, err := os.Stat(filepath.Join(dir, "package-lock.json")); err == nil && !wanted.ModTime().After(installed.ModTime()) {
			return modules
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	install.Dir = dir
	if said, err := install.CombinedOutput(); err != nil {
		tb.Fatalf("npm ci in %s: %v\n%s", dir, err, said)
	}
	return modules
}
