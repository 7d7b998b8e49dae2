package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// startSimulator runs `ringmaster mediatel-simulator` in a process of its own and returns its host's URL.
func startSimulator(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ringmaster")
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, program) // by this name the test binary is the program: see TestMain
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "mediatel-simulator", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, url, _ := strings.Cut(strings.TrimSpace(line), ": ")
	return strings.TrimSuffix(url, "/mediatel/socket.io")
}

// startNPM runs a Mediatel on one of npm's packages and returns its host's URL.
func startNPM(t *testing.T, pack string) string {
	t.Helper()
	modules := testdeps.NPM(t, "../../internal/socketio/interop")
	cmd := exec.Command("node", "testdata/e2e/mediatel.js", pack)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// TestBinaryBesideBinary: serve with nothing but the settings of docs/mediatel.md, beside the simulator with none, and beside
// npm's servers: a campaign's card comes with Mediatel's calltraceid in it, and a number that nobody knows has the card for
// unknown numbers.
func TestBinaryBesideBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	for name, start := range map[string]func(*testing.T) string{
		"simulator":     startSimulator,
		"socket.io 4.x": func(t *testing.T) string { return startNPM(t, "socket.io") },
		"socket.io 3.x": func(t *testing.T) string { return startNPM(t, "socket.io-v3") },
		"socket.io 2.x": func(t *testing.T) string { return startNPM(t, "socket.io-v2") },
	} {
		t.Run(name, func(t *testing.T) { besideMediatelAt(t, start(t)) })
	}
}

func besideMediatelAt(t *testing.T, url string) {
	h := prepareHouse(t, "telephony: {mediatel: {url: '"+url+"', end_code: '7'}}")
	h.command("", "extension", "add", "3445", "--network", "mediatel")
	h.command("mediatel\n", "agent", "mediatel", "ann", "--user", "mt_agent1")
	if said := h.command("", "doctor", "--only", "telephony"); !strings.Contains(said, "lets us in") {
		t.Errorf("doctor: %s", said)
	}
	startProcess(t, h)
	c := h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"1m",
		"call_codes":[{"id":"4","name":"Our promise","action":"finish"}],
		"card_link":"https://crm.example.com/card/{crm_id}?call={calltraceid}","card_link_unknown":"https://crm.example.com/find?n={number}&call={calltraceid}"}`)
	id := int(c["id"].(float64))
	h.request("POST", fmt.Sprintf("/campaigns/%d/contacts", id), "text/csv", "crm_id;name;phone\n10000001;Ann Archer;07700 900121\n")

	tab := newTab(t, h.url, h.vouch("ann@example.com", "12341"))
	tab.until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
	tab.send(`{"type":"login","user":"ann","password":"correct horse","extension":"3445"}`)
	tab.until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
	h.post(fmt.Sprintf("/campaigns/%d/start", id), "")
	tab.send(`{"type":"predictive"}`)
	talk := func(crmID, card string) {
		t.Helper()
		s := tab.until("talk", func(s state) bool {
			if link := s["crmConnectTarget"].(string); strings.Contains(link, "call=") && strings.HasSuffix(link, "call=") {
				t.Errorf("a link that was filled in too early: %s", link)
			}
			return s["state"] == "STATE_CALL_ACTIVE"
		})
		if trace := s["callTraceID"].(string); s["callCustomerID"] != crmID || s["crmConnectTarget"] != card+trace || trace == "-1" {
			t.Errorf("customer %v, card %v, call %s", s["callCustomerID"], s["crmConnectTarget"], trace)
		}
		tab.send(`{"type":"closeCall"}`)
		tab.until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
		tab.send(`{"type":"resolutionSet","id":"4"}`)
		tab.until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })
	}
	talk("10000001", "https://crm.example.com/card/10000001?call=")
	tab.send(`{"type":"makeCall","phoneNumber":"07700 900122","queueName":"AUTO_1"}`)
	talk("-1", "https://crm.example.com/find?n=%2B447700900122&call=")
}
