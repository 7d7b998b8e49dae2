package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestKilledAtRandomMoments: with the defaults, whenever the process is killed, its next life has everybody logged on who was, in
// no call and no wait for a code that the record does not know, and takes each one-time token once.
func TestKilledAtRandomMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	k := &killer{T: t, dice: rand.New(rand.NewPCG(seed, 0)), house: prepareHouse(t,
		// npm's client waits up to 7.5 s between tries: near to 10 s on a busy machine
		"telephony: {simulated: {profile: prompt, speed: 20}}", "limits: {tab_grace: 1m}")}
	h := k.house
	h.command("", "pause", "add", "4", "Meeting")
	h.command("", "extension", "add", "3445", "--network", "simulated")
	h.command("", "extension", "add", "3446", "--network", "simulated")
	h.command("correct horse\n", "agent", "add", "bob", "--queues", "Winter", "--user-id", "12342", "--username", "bob@example.com")
	p := startProcess(t, h)
	h.ask("PUT", "/api/v1/agents/of-user/777", h.token, "",
		`{"login": "petro", "username": "petro@example.com", "queues": ["Winter"]}`, 201, nil)
	h.post("/campaigns", `{"name":"Winter","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","mode":"manual","wrap_up":"5m",
		"call_codes":[{"id":"4","name":"Our promise","action":"finish"}]}`)
	h.post("/campaigns/1/start", "")
	k.workers = map[string]*tab{"ann": newTab(t, h.url, h.vouch("ann@example.com", "12341")),
		"bob": newTab(t, h.url, h.vouch("bob@example.com", "12342"))}
	for login, extension := range map[string]string{"ann": "3444", "bob": "3445"} {
		tab := k.workers[login]
		tab.until("logged off", isLoggedOff)
		tab.send(fmt.Sprintf(`{"type":"login","user":%q,"password":"correct horse","extension":%q}`, login, extension))
		tab.until("available", isIdle)
	}
	k.cookie = h.vouch("petro@example.com", "777")
	k.signer = newTab(t, h.url, k.cookie)
	k.signer.until("logged off", isLoggedOff)
	for range 12 {
		spent, unused := k.token(), k.token()
		k.signer.send(spent)
		k.work()
		p.kill()
		killed := float64(time.Now().UnixMilli())
		p = startProcess(t, h)
		back := func(s state) bool { return s["serverTime"].(float64) > killed }
		for login, tab := range k.workers {
			s := tab.until(login+"'s next life", back)
			if isLoggedOff(s) {
				t.Fatalf("%s was logged off by the kill: %v", login, s)
			}
			k.agrees(login, tab, s)
		}
		k.once(k.signer.until("petro's next life", back), spent, unused)
	}
	for login, tab := range k.workers {
		k.rests(login, tab)
	}
}

// killer is a house whose process is killed, and the people who work in it.
type killer struct {
	*testing.T
	dice    *rand.Rand
	house   *house
	workers map[string]*tab
	signer  *tab // logs in by tokens
	cookie  string
}

func isLoggedOff(s state) bool { return s["state"] == "STATE_LOGOUT" }
func isIdle(s state) bool      { return s["state"] == "STATE_IDLE" }

// token is a login by a new one-time token.
func (k *killer) token() (login string) {
	k.Helper()
	var session struct {
		Mediatel struct{ Login, Token, Extension string }
	}
	k.house.ask("GET", "/api/v1/session", "", k.cookie, "", 200, &session)
	return fmt.Sprintf(`{"type":"login","user":%q,"password":%q,"extension":"3446"}`, session.Mediatel.Login, session.Mediatel.Token)
}

// work has everybody do what a person might do next, up to a random moment.
func (k *killer) work() {
	for range k.dice.IntN(12) {
		for _, tab := range k.workers {
			tab.look()
			tab.send(k.next(tab.last))
		}
		testdeps.Lasts(time.Duration(k.dice.IntN(40)) * time.Millisecond) // the moment is what is random
	}
}

// next is a command that the state allows, as a rule.
func (k *killer) next(s state) string {
	name, _ := s["state"].(string)
	switch {
	case k.dice.IntN(4) == 0:
		return `{"type":"pause","id":"4"}`
	case name == "STATE_PAUSE":
		return `{"type":"pause","id":"0"}`
	case name == "STATE_CLERICAL":
		return `{"type":"resolutionSet","id":"4"}`
	case strings.HasPrefix(name, "STATE_CALL"):
		return `{"type":"closeCall"}`
	}
	return fmt.Sprintf(`{"type":"makeCall","phoneNumber":"07700 900%03d","queueName":"Winter"}`, k.dice.IntN(1000))
}

// look takes in what the tab has been shown by now.
func (b *tab) look() {
	for {
		select {
		case b.last = <-b.states:
		default:
			return
		}
	}
}

// agrees compares what an agent is shown after a kill with the record.
func (k *killer) agrees(login string, tab *tab, s state) {
	k.Helper()
	name, trace := s["state"].(string), s["callTraceID"].(string)
	clerical := name == "STATE_CLERICAL"
	if !clerical && !strings.HasPrefix(name, "STATE_CALL") || trace == "-1" {
		return
	}
	a := k.house.get("/attempts/" + trace)
	over := a["state"] == "closed" || a["state"] == "cancelled"
	switch {
	case clerical && (!over || a["code_due_at"] == nil || a["code_set_at"] != nil):
		k.Errorf("%s is in Clerical for %v", login, a)
	case !clerical && over: // it has ended since, or it would last for as long as owners have to speak: longer than we wait
		tab.until(login+"'s leaving a call that is over",
			func(s state) bool { return !strings.HasPrefix(s["state"].(string), "STATE_CALL") })
	}
}

// once tries a token that was sent before the kill, and one that was not.
func (k *killer) once(s state, spent, unused string) {
	k.Helper()
	logout := func() {
		k.signer.send(`{"type":"logout"}`)
		k.signer.until("petro logged off", isLoggedOff)
	}
	answered := func(s state) bool { return isIdle(s) || isLoggedOff(s) && s["loginErrorID"] == "-1101" }
	used := isIdle(s)
	if used {
		logout()
	}
	k.signer.send(spent)
	if s := k.signer.until("an answer to the token", answered); isIdle(s) {
		if used {
			k.Error("a one-time token was good for two logins")
		}
		logout()
	}
	k.signer.send(unused)
	k.signer.until("a login by the unused token", isIdle)
	logout()
}

// rests has an agent set the code that is awaited, and waits until no call is left that no process has.
func (k *killer) rests(login string, tab *tab) {
	k.Helper()
	asked := false
	for deadline := time.After(patience); !isIdle(tab.last) && tab.last["state"] != "STATE_PAUSE"; {
		if tab.last["state"] == "STATE_CLERICAL" && !asked {
			asked = true
			tab.send(`{"type":"resolutionSet","id":"4"}`)
		}
		select {
		case tab.last = <-tab.states:
		case <-deadline:
			k.Fatalf("%s is stuck in %v", login, tab.last)
		}
	}
}
