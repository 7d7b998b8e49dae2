package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestKilledProcessLogsNobodyOff: where Redis is inside the process, as by default, a tab that comes back after the process
// was killed finds its agent logged on, in the same pause and with the same flag.
func TestKilledProcessLogsNobodyOff(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	h := prepareHouse(t, "telephony: {simulated: {profile: prompt, speed: 1}}", "limits: {tab_grace: 1m}")
	h.command("", "pause", "add", "4", "Meeting")
	p := startProcess(t, h)
	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3444"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
	tab.send(`{"type":"predictive"}`)
	tab.until("the flag", func(s state) bool { return s["predictiveStatus"] == "1" })
	tab.send(`{"type":"pause","id":"4"}`)
	paused := tab.until("a pause", func(s state) bool { return s["pauseId"] == "4" })
	testdeps.Eventually(t, "the file", func() bool { return remembers(h, `"State":"paused"`) })
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	startProcess(t, h)
	s := tab.until("the next life", func(s state) bool { return s["serverTime"].(float64) > paused["serverTime"].(float64) })
	if s["state"] != "STATE_PAUSE" || s["pauseId"] != "4" || s["predictiveStatus"] != "1" || s["agentExt"] != "3444" ||
		s["agentName"] != "ann" {
		t.Errorf("back with %v", s)
	}
	tab.send(`{"type":"pause","id":"0"}`)
	tab.until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })
}

// remembers says whether the file of live states has a text in it.
func remembers(h *house, text string) bool {
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(h.file), "live.json"))
	return err == nil && strings.Contains(string(kept), text)
}
