package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestDoctorAsksTrunks: one that answers OPTIONS is well, one that is silent must be mended, and the node's own port may be
// taken.
func TestDoctorAsksTrunks(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "ringmaster.yaml")
	text := fmt.Sprintf("data: %s\ntelephony: {sip: {listen: '%s', advertise: 127.0.0.1, trunks: {good: {host: '%s'}, silent: "+
		"{host: '%s', priority: 1}}}}\n",
		t.TempDir(), taken.LocalAddr(), answering(t), taken.LocalAddr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := run(context.Background(), []string{"doctor", "--config", file, "--only", "telephony"}, console{Out: &out, Err: &out})
	if code != exitFailed || !regexp.MustCompile(`ok +telephony +trunk good .* answers OPTIONS`).Match(out.Bytes()) ||
		!regexp.MustCompile(`failed +telephony +trunk silent`).Match(out.Bytes()) {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
}

// TestDoctorTellsOfNodesTrunks: how a trunk stands at a node that runs is in the shared Redis.
func TestDoctorTellsOfNodesTrunks(t *testing.T) {
	refused := testdeps.FreeAddress(t)
	h := prepareHouse(t, fmt.Sprintf("telephony: {sip: {listen: '%s', advertise: 127.0.0.1, trunks: {good: {host: '%s'}, bad: "+
		"{host: '%s', transport: tcp, priority: 1}}}}",
		testdeps.FreeAddress(t), answering(t), refused), "redis: {url: 'redis://"+testdeps.RedisServer(t).Addr+"'}",
		"limits: {drain_timeout: 0s}")
	h.start(nil)
	up := regexp.MustCompile(`ok +telephony +trunk good is up at node test-`)
	down := regexp.MustCompile(`failed +telephony +trunk bad is down at node test-\w+: it is down: connection refused`)
	var out bytes.Buffer
	for deadline := time.Now().Add(patience); !up.Match(out.Bytes()) || !down.Match(out.Bytes()); { // nodes report each 5 s
		if time.Now().After(deadline) {
			t.Fatalf("doctor: %s", &out)
		}
		out.Reset()
		run(t.Context(), []string{"doctor", "--config", h.file, "--only", "telephony"}, console{Out: &out, Err: &out})
	}
}

// answering is the address of a carrier that answers everything with 200.
func answering(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for buffer := make([]byte, 4096); ; {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, headers, _ := strings.Cut(string(buffer[:n]), "\r\n")
			headers = regexp.MustCompile(`(?m)^To: (.*)$`).ReplaceAllStringFunc(headers,
				func(to string) string { return strings.TrimSpace(to) + ";tag=1\r" })
			_, _ = c.WriteTo([]byte("SIP/2.0 200 OK\r\n"+headers), from)
		}
	}()
	return c.LocalAddr().String()
}
