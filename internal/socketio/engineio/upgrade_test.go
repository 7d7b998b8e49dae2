package engineio

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// upgrade takes a session to WebSocket, up to and including the upgrade packet.
func (p *poll) upgrade() *socket {
	p.t.Helper()
	s := p.openSocket(strings.Replace(p.query, "polling", "websocket", 1))
	s.send("2probe")
	if got := s.receive(); got != "3probe" {
		p.t.Fatalf("probe answered by %q", got)
	}
	s.send("5")
	p.until(func(s *Session) bool { return s.ws != nil })
	return s
}

// TestUpgradeDuringPost has a client upgrade while its own POST is still handled: its messages stay in order, one at a
// time.
func TestUpgradeDuringPost(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	began, release := make(chan struct{}), make(chan struct{})
	var running atomic.Int32
	p.h.handle = func(data string) {
		if running.Add(1) > 1 {
			t.Errorf("%q is handled beside another message", data)
		}
		if data == "first" {
			close(began)
			<-release
		}
		running.Add(-1)
	}
	posted := make(chan answer, 1)
	go func() { posted <- p.post("4first\x1e4second") }()
	receive(t, began)
	s := p.upgrade()
	s.send("4third")
	testdeps.Quiet(20 * time.Millisecond) // for a reader that does not wait
	close(release)
	for _, want := range []string{"4first", "4second", "4third"} {
		if got := s.receive(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	receive(t, posted).is(t, 200, "ok")
}

// TestProbeAndUpgradeAtOnce has a client send its upgrade packet along with the probe, as one that polls no more may: a
// poll of it that waits is too late, though it came first.
func TestProbeAndUpgradeAtOnce(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	waiting := p.waiting()
	s := p.dialRaw(strings.Replace(p.query, "polling", "websocket", 1), masked(0x81, "2probe")+masked(0x81, "5"))
	if op, payload := s.frame(); op != 0x81 || payload != "3probe" {
		t.Fatalf("probe answered by %x %q", op, payload)
	}
	receive(t, waiting).hasStatus(t, 400)
	_, _ = io.WriteString(s.conn, masked(0x81, "4hello"))
	if op, payload := s.frame(); op != 0x81 || payload != "4hello" {
		t.Errorf("frame %x %q", op, payload)
	}
}

// TestPostEndsAfterUpgrade has a POST's body come to its end when polling is over.
func TestPostEndsAfterUpgrade(t *testing.T) {
	t.Parallel()
	p := serve(t, Options{}).openPolling()
	p.h.handle = func(data string) {
		if data == "late" {
			t.Error("a POST was taken after the upgrade")
		}
	}
	posted, finish := p.beginPost("4late")
	s := p.upgrade()
	finish()
	receive(t, posted).hasStatus(t, 400)
	s.send("4alive")
	if got := s.receive(); got != "4alive" {
		t.Errorf("got %q", got)
	}
}

// TestPanicEndsOneSession has a handler panic, by either transport: that session ends, and no other.
func TestPanicEndsOneSession(t *testing.T) {
	t.Parallel()
	peer := serve(t, Options{})
	other, _ := peer.openWebSocket()
	boom := func(string) { panic("boom") }

	s, h := peer.openWebSocket()
	h.handle = boom
	s.send("4x")
	s.closed()
	if reason := receive(t, h.closed); reason != ReasonParseError {
		t.Errorf("reason %q", reason)
	}
	p := peer.openPolling()
	p.h.handle = boom
	p.post("4x").is(t, 200, "ok")
	if reason := receive(t, p.h.closed); reason != ReasonParseError {
		t.Errorf("reason %q", reason)
	}
	p = peer.openPolling()
	s = p.upgrade()
	p.h.handle = boom
	s.send("4x")
	s.closed()
	if reason := receive(t, p.h.closed); reason != ReasonParseError {
		t.Errorf("reason %q", reason)
	}

	other.send("4alive")
	if got := other.receive(); got != "4alive" {
		t.Errorf("got %q", got)
	}
}
