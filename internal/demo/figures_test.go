package demo

import (
	"strings"
	"testing"
	"time"
)

func TestLines(t *testing.T) {
	var l Lines
	start := time.Now()
	for _, c := range []struct {
		after  time.Duration
		dialed int
		want   string
	}{
		{0, 100, "  0 calls/min"},
		{30 * time.Second, 105, " 10 calls/min"},
		{60 * time.Second, 110, " 10 calls/min"},
		{90 * time.Second, 140, " 35 calls/min"}, // 35 since 60 s ago
	} {
		line := l.Line(Figures{At: start.Add(c.after), Dialed: c.dialed, Waiting: 7, Webhooks: 12})
		if !strings.Contains(line, c.want) || !strings.Contains(line, "7 waiting") || !strings.Contains(line, "12 webhooks") {
			t.Errorf("after %v: %s, want %q", c.after, line, c.want)
		}
	}
}

func TestWelcomeSaysWhereToLook(t *testing.T) {
	text := Welcome("http://127.0.0.1:8080", password, "agent20")
	for _, want := range []string{"http://127.0.0.1:8080/\n", "/crm/", "/agent\n", password, "/docs"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
