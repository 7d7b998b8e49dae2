package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

var endedBy = regexp.MustCompile(`\nBYE sip:line@[^\n]*\n(?:[^\n]+\n)*?Via:[^\n]*branch=([^;\s]+)`)

// TestTalkOfAKilledProcess: with the defaults, but for the grace of tabs, the next life of a process that was killed in mid-talk
// asks the carrier inside the dialog, hangs the customer and the agent's phone up, and puts the talk on record.
func TestTalkOfAKilledProcess(t *testing.T) {
	t.Parallel()
	carrier := newLine(t)
	carrier.start()
	h, p, tab, phone := carriers(t, fmt.Sprintf("a: {host: '%s'}", carrier.addr), 1)
	tab.send(`{"type":"predictive"}`)
	talk := tab.until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" })
	attempt := "/attempts/" + talk["callTraceID"].(string)
	testdeps.Eventually(t, "the talk on record", func() bool { return h.get(attempt)["state"] == "answered" })
	p.kill()
	p = startProcess(t, h)
	p.logged("a talk that a former life of this process has left is ended")
	a := h.get(attempt)
	if a["outcome"] != "answered" || a["state"] != "closed" || !strings.Contains(fmt.Sprint(a["cause"]), "its process was lost") {
		t.Errorf("attempt %v", a)
	}
	tab.until("available", isIdle)
	for who, l := range map[string]*line{"carrier": carrier, "phone": phone} {
		text, err := os.ReadFile(filepath.Join(l.dir, "messages"))
		byes := map[string]bool{} // by branch: what is sent again for want of an answer keeps it
		for _, bye := range endedBy.FindAllStringSubmatch(string(text), -1) {
			byes[bye[1]] = true
		}
		if err != nil || len(byes) != 1 {
			t.Errorf("the %s has heard no BYE, or several: %v %v", who, byes, err)
		}
		if who == "carrier" && !strings.Contains(string(text), "\nOPTIONS sip:line@") {
			t.Error("the carrier was not asked inside the dialog")
		}
	}
}
