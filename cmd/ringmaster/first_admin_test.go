package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// bareHouse is a node with nothing configured and nobody on record, whose data is in the folder.
func bareHouse(t *testing.T, folder string, settings ...string) *house {
	t.Helper()
	l, err := net.Listen("tcp", testdeps.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, listener: l, url: "http://" + l.Addr().String(), file: filepath.Join(folder, "ringmaster.yaml")}
	lines := append([]string{"listen: " + l.Addr().String(), "data: " + folder, "node: first", ""}, settings...)
	if err := os.WriteFile(h.file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestFirstAdminByLink: a node without a terminal leaves the link in a file that is only its own; it works once.
func TestFirstAdminByLink(t *testing.T) {
	folder := t.TempDir()
	h := bareHouse(t, folder)
	p := startProcess(t, h)
	file := filepath.Join(folder, "first-admin-link")
	about, err := os.Stat(file)
	if err != nil || about.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v; want a file of mode 0600", about, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page, token, _ := strings.Cut(strings.TrimSpace(string(text)), "#")
	if reply, err := http.Get(page); err != nil || reply.StatusCode != http.StatusOK || page != h.url+"/first-admin" {
		t.Errorf("%s: %v %v", page, reply, err)
	}
	if status, body := firstAdmin(t, h, strings.Repeat("x", 43)); status != http.StatusForbidden {
		t.Errorf("a wrong token: %d %s", status, body)
	}
	status, body := firstAdmin(t, h, token)
	if status != http.StatusCreated || !strings.Contains(body, `"role":"admin"`) {
		t.Fatalf("the token: %d %s", status, body)
	}
	if status, body := firstAdmin(t, h, token); status != http.StatusForbidden || !strings.Contains(body, "ringmaster user add") {
		t.Errorf("the token once more: %d %s", status, body)
	}
	p.signal()
	p.mustEnd()
	close(p.lines)
	for line := range p.lines {
		if strings.Contains(line, token) {
			t.Errorf("the log holds the link: %s", line)
		}
	}
}

func firstAdmin(t *testing.T, h *house, token string) (status int, body string) {
	t.Helper()
	reply, err := http.Post(h.url+"/api/v1/first-admin", "application/json",
		strings.NewReader(`{"token":"`+token+`","login":"boss","password":"correct horse"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}
