package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestCommandsBesideANode: what the command line changes while a node runs, in the very file that the node has open, the node
// goes by: it calls whom it may call now, and nobody else.
func TestCommandsBesideANode(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Parallel()
	h := prepareHouse(t, "telephony: {simulated: {profile: prompt, speed: 20}}", "limits: {drain_timeout: 0s}")
	startProcess(t, h)
	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3444"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
	tab.send(`{"type":"predictive"}`)

	list := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(list, []byte("crm_id,name,phone\n2,Bob Broke,07700 900122\n3,Cid Cole,07700 900123\n"+
		"1,Ann Archer,07700 900121\n4,Dan Dorn,07700 900124\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command(`{"wrap_up": "1s"}`, "campaign", "add", "Winter", "--region", "GB", "--time-zone", "Europe/London", "--profile", "none",
		"--reason", "a test", "--settings", "-")
	h.command("", "import", "Winter", list, "--list", "first")
	h.command("", "do-not-call", "add", "--crm-id", "2", "--reason", "asked for it")
	erased := h.command("", "person", "erase", "3", "--reason", "asked for it, too")
	if !regexp.MustCompile(`(?m)^1 +0 +0 +0 +- `).MatchString(erased) {
		t.Errorf("an erased person:\n%s", erased)
	}
	h.command("", "lists", "set", "1", "--weight", "3", "--quota", "1")
	if l := h.get("/lists/1"); l["weight"] != 3.0 || l["quota"] != 1.0 {
		t.Errorf("the node shows list %v", l)
	}

	called := func() (crmIDs []string) {
		for _, a := range h.get("/attempts?campaign_id=1")["items"].([]any) {
			if a := a.(map[string]any); a["state"] != "cancelled" {
				crmIDs = append(crmIDs, fmt.Sprint(h.get(fmt.Sprintf("/contacts/%v", a["contact_id"]))["crm_id"]))
			}
		}
		slices.Sort(crmIDs)
		return crmIDs
	}
	h.command("", "campaign", "start", "Winter")
	talk := func(crmID string, meanwhile ...string) {
		t.Helper()
		tab.until("a talk with "+crmID, func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" && s["callCustomerID"] == crmID })
		if len(meanwhile) > 0 {
			h.command("", meanwhile...)
		}
		tab.send(`{"type":"closeCall"}`)
		tab.until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })
	}
	talk("1")
	testdeps.Seen(t, "the list's calls of the day", func() string { return fmt.Sprint(h.get("/campaigns/1/why")["why"]) },
		func(why string) bool { return regexp.MustCompile("list_quota").MatchString(why) })
	if got := called(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("called were %v, want 1: 2 is not to be called, 3 is forgotten, and the list has had its call of the day", got)
	}
	h.command("", "lists", "set", "1", "--quota", "0")
	talk("4", "campaign", "pause", "Winter") // the last one to call: a moment later the campaign is finished, not to be paused
	if c := h.get("/campaigns/1"); c["status"] != "paused" {
		t.Errorf("the node shows the campaign %v", c["status"])
	}
	h.command("", "do-not-call", "remove", "--crm-id", "2", "--reason", "a mistake")
	h.command("", "lists", "recycle", "1", "--finished", "do_not_call")
	h.command("", "campaign", "start", "Winter")
	talk("2")
	by := map[string]int{}
	for _, e := range h.get("/audit?limit=200")["items"].([]any) {
		e := e.(map[string]any)
		if what := fmt.Sprint(e["what"]); regexp.MustCompile(`^(list|person|do_not_call|campaign)\.`).MatchString(what) {
			by[fmt.Sprint(e["who"])]++
		}
	}
	if len(by) != 1 || by["command line"] < 8 {
		t.Errorf("the audit says who did it: %v", by)
	}
}
