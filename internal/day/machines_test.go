package day

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// machineCase is a campaign with its own agent, who is called for a machine first and for a person then.
type machineCase struct {
	name, action string
	leaves       bool // the agent does, while the phone rings: nobody is there at the answer
	outcome      string
	by           string // who ends the machine's call
	account      tally  // of both calls
}

var machineCases = []machineCase{
	{"Hang up", "hang_up", false, "answering_machine", "system", tally{Connected: 1, Machines: 1}},
	{"Message", "message", false, "answering_machine", "system", tally{Connected: 1, Machines: 1}},
	{"Connect", "connect", false, "answered", "agent", tally{Connected: 1, Machines: 1}},
	{"Alone", "message", true, "answering_machine", "system", tally{Abandoned: 1, Machines: 1}},
}

const (
	messageLasts = 2 * time.Second
	sorryLasts   = 9 * time.Second
	machineTalk  = 11 * time.Second // of agents, whom machines let talk
)

// number is whom a campaign calls: a machine or a person, whose phone rings for long where the agent shall be gone meanwhile, and
// with whom the robot of an agent hangs up where it ends in 4.
func (c *machineCase) number(nth int, person bool) string {
	kind, last := 0, 1
	if person {
		kind = 2
	}
	if c.leaves {
		kind++
	}
	if person || c.action == "connect" {
		last = 4
	}
	return fmt.Sprintf("447700900%d%d%d", nth, kind, last)
}

// TestMachines: what becomes of answering machines, and of people, by the program as it ships, at SIPp. When each of them heard
// an agent or a message is told by the customers at the far end.
func TestMachines(t *testing.T) {
	if testing.Short() {
		t.Skip("needs SIPp, baresip, Node.js, espeak-ng, PostgreSQL and Redis")
	}
	needs(t, "sipp", "baresip", "node", "psql", "espeak-ng")
	greets, beep := machineSays(t)
	person := mouth{says: coded(silence(400*time.Millisecond), testdeps.Spoken(t, "Hello?"))}
	stalls := watchStalls(t)
	customers := newMouths(t, func(number string) mouth {
		if number[len(number)-2] < '2' {
			return mouth{says: greets, beep: beep}
		}
		return person
	})
	trunk := playCarrier(t, "carrier", "testdata/machines.xml", 32600, "EAR", fmt.Sprint(customers.port()))
	h := buildHouse(t, "http://127.0.0.1", trunk.address, trunk.address)
	message, sorry := filepath.Join(t.TempDir(), "message.wav"), filepath.Join(t.TempDir(), "sorry.wav")
	for file, sound := range map[string][]byte{
		message: wave(8000, messageTone, messageLasts), sorry: wave(8000, sorryTone, sorryLasts),
	} {
		if err := os.WriteFile(file, sound, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.nodes = h.nodes[:1]
	h.nodes[0].env = append(h.nodes[0].env, "RINGMASTER_TELEPHONY_SIP_ABANDONED="+sorry,
		"RINGMASTER_TELEPHONY_SIP_MACHINE_MESSAGE="+message, "RINGMASTER_TELEPHONY_SIP_RTP_LOW=24000",
		"RINGMASTER_TELEPHONY_SIP_RTP_HIGH=25999")
	people := &desk{t: t}
	defer func() {
		if t.Failed() {
			h.keepLogs(people, trunk)
		}
	}()
	leaver := h.seatForMachines(people)
	customers.follow(trunk) // which has answered OPTIONS by now

	for i := range machineCases {
		h.ask("POST", fmt.Sprintf("/campaigns/%d/start", i+1), "", "")
	}
	for gone := 0; gone < 2; { // the agent who leaves does so when the phone rings, of the machine and of the person
		select {
		case number := <-customers.invited:
			for i := range machineCases {
				if c := &machineCases[i]; c.leaves && (number == c.number(i, false) || number == c.number(i, true)) {
					_, _ = io.WriteString(leaver, `{"type":"pause","id":"7"}`+"\n")
					gone++
				}
			}
		case <-time.After(3 * patience):
			t.Fatal("the phones that were to ring for long did not")
		}
	}
	within(t, 3*patience, "all calls have ended and are coded", func() bool { return h.closed(2*len(machineCases)) && h.atRest() })

	byNumber := map[string]attempt{}
	for _, a := range h.attempts() {
		byNumber[strings.TrimPrefix(a.Number, "+")] = a
	}
	late := stalls.longest()
	for i := range machineCases {
		c := &machineCases[i]
		t.Run(c.name, func(t *testing.T) {
			machine, person := customers.call(c.number(i, false)), customers.call(c.number(i, true))
			if machine == nil || person == nil {
				t.Fatalf("the machine answered: %v, the person: %v", machine != nil, person != nil)
			}
			c.machineWas(t, machine, byNumber[machine.number], late)
			c.personWas(t, person, byNumber[person.number], late)
			if got := h.pacingOf(i + 1).Today; got != c.account {
				t.Errorf("the account says %+v, want %+v", got, c.account)
			}
			if a := byNumber[machine.number]; c.outcome == "answering_machine" && a.AgentID != nil && a.CallTraceID != nil {
				for _, line := range people.all() {
					if line.Trace == *a.CallTraceID && line.State == "STATE_CLERICAL" {
						t.Error("the agent was to say a code of the machine's call")
					}
				}
			}
		})
	}
	h.nodes[0].stop()
}

// machineWas: what the machine heard, and what is on record.
func (c *machineCase) machineWas(t *testing.T, m *mouthed, a attempt, late time.Duration) {
	agent, message, sorry := m.hears[fromAgent], m.hears[fromMessage], m.hears[fromSorry]
	t.Logf("machine: the beep was over %v after the answer; the agent was heard after %v to %v, the message after %v to %v, "+
		"that there is no agent after %v to %v; %s by %s, %q", m.beepOver.Sub(m.answered), m.since(agent.first), m.since(agent.last),
		m.since(message.first), m.since(message.last), m.since(sorry.first), m.since(sorry.last), a.outcome(), a.HangupBy, a.Cause)
	if a.outcome() != c.outcome || a.HangupBy != c.by || !a.Machine {
		t.Errorf("on record the machine's call is %s, ended by %s, of a machine: %v", a.outcome(), a.HangupBy, a.Machine)
	}
	if c.leaves != agent.first.IsZero() {
		t.Errorf("the machine heard an agent after %v", m.since(agent.first))
	}
	switch {
	case c.leaves: // who is alone at the answer hears that at once, a machine too
		if !message.first.IsZero() || sorry.first.IsZero() {
			t.Errorf("the machine heard the message after %v, that there is no agent after %v", m.since(message.first),
				m.since(sorry.first))
		}
	case c.action == "message":
		if message.first.Before(m.beepOver) || message.first.After(m.beepOver.Add(2*time.Second+late)) {
			t.Errorf("the message began %v after the beep", message.first.Sub(m.beepOver))
		}
		if long := message.last.Sub(message.first); long < messageLasts-200*time.Millisecond {
			t.Errorf("of a message of %v the machine has %v", messageLasts, long)
		}
		if !agent.last.Before(message.first) {
			t.Errorf("the agent was heard %v into the message", agent.last.Sub(message.first))
		}
	case !message.first.IsZero():
		t.Errorf("the machine heard the message after %v", m.since(message.first))
	case c.action == "hang_up" && agent.last.After(m.beepOver.Add(2*time.Second+late)):
		t.Errorf("the agent was still in the machine's call %v after the beep", agent.last.Sub(m.beepOver))
	case c.action == "connect" && agent.last.Before(m.beepOver.Add(time.Second)):
		t.Errorf("the agent was taken out of the machine's call %v after the beep", agent.last.Sub(m.beepOver))
	}
}

// personWas: what the person heard, and what is on record.
func (c *machineCase) personWas(t *testing.T, p *mouthed, a attempt, late time.Duration) {
	agent, message, sorry := p.hears[fromAgent], p.hears[fromMessage], p.hears[fromSorry]
	t.Logf("person: the agent was heard after %v, that there is none after %v; %s by %s", p.since(agent.first), p.since(sorry.first),
		a.outcome(), a.HangupBy)
	first, want := agent.first, "answered"
	if c.leaves {
		first, want = sorry.first, "abandoned"
	}
	if first.IsZero() || first.After(p.answered.Add(inTime+late)) {
		t.Errorf("the person heard nobody for %v (0: for the whole call)", p.since(first))
	}
	if a.outcome() != want || a.Machine || !message.first.IsZero() || c.leaves == !agent.first.IsZero() {
		t.Errorf("on record %s, of a machine: %v; heard: an agent after %v, the message after %v", a.outcome(), a.Machine,
			p.since(agent.first), p.since(message.first))
	}
}

// since is how long after the answer something was; 0: never.
func (m *mouthed) since(at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return at.Sub(m.answered).Round(10 * time.Millisecond)
}

// machineSays is a greeting and the beep, and when that is over.
func machineSays(t *testing.T) (sound []byte, beepOver time.Duration) {
	t.Helper()
	linear := append(silence(300*time.Millisecond), testdeps.Spoken(t, "You have reached the mailbox of the person whom you have "+
		"called. Please leave your name and your number after the tone.")...)
	linear = append(linear, silence(500*time.Millisecond)...)
	for i := range 8000 * 4 / 10 {
		linear = append(linear, int16(9000*math.Sin(2*math.Pi*1400*float64(i)/8000)))
	}
	return coded(linear), time.Duration(len(linear)) * time.Second / 8000
}

func silence(lasts time.Duration) []int16 { return make([]int16, lasts*8000/time.Second) }

// coded is linear sound as A-law.
func coded(parts ...[]int16) (sound []byte) {
	for _, part := range parts {
		for _, sample := range part {
			sound = append(sound, media.Encode(sample, media.ALaw))
		}
	}
	return sound
}

// seatForMachines makes the campaigns, each with one agent and two people to call, and has the agents log in. What is written to
// the leaver the agents send who leave.
func (h *house) seatForMachines(people *desk) (leaver io.Writer) {
	t := h.t
	t.Helper()
	h.command("", "user", "add", "boss", "--role", "admin", "--no-password")
	h.token = h.command("", "token", "create", "boss")
	h.command("", "pause", "add", "7", "Lunch")
	h.command("", "extension", "add", fmt.Sprintf("3400-%d", 3400+len(machineCases)-1), "--network", "sip")
	h.nodes[0].start()
	var stay, leave []agent
	for i := range machineCases {
		c := &machineCases[i]
		line := fmt.Sprintf("LINE%d", i)
		a := agent{Login: fmt.Sprintf("agent%02d", i), Password: "correct horse battery", Extension: fmt.Sprint(3400 + i),
			URL: h.nodes[0].url, Talk: [2]int64{machineTalk.Milliseconds(), machineTalk.Milliseconds()}}
		h.command(deskPassword+"\n", "extension", "password", a.Extension)
		h.command(a.Password+"\n", "agent", "add", a.Login, "--queues", line, "--user-id", fmt.Sprint(100+i), "--username",
			a.Login+"@example.com")
		a.Cookie = h.command("", "token", "vouch", a.Login+"@example.com", "--user-id", fmt.Sprint(100+i), "--ttl", "24h")
		h.ask("POST", "/campaigns", "application/json", fmt.Sprintf(`{"name":%q,"queue":%q,"mode":"predictive","time_zone":%q,
			"region":"GB","profile":"none","reason":"a test","max_attempts":1,"wrap_up":"%s","machines":{"action":%q},
			"call_codes":[{"id":"4","name":"Promise","action":"finish"}],"default_code":"4"}`, c.name, line, noon(time.Now()), wrapUp, c.action))
		list := fmt.Sprintf("crm_id;phone;priority\n1%d;+%s;1\n2%d;+%s;0\n", i, c.number(i, false), i, c.number(i, true))
		file := filepath.Join(t.TempDir(), "list.csv")
		if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
		h.command("", "import", c.name, file)
		deskPhone(t, h.nodes[0].sip, 26000+80*i, a.Extension)
		if c.leaves {
			a.Away = (sorryLasts + inTime + 4*time.Second).Milliseconds()
			leave = append(leave, a)
		} else {
			stay = append(stay, a)
		}
	}
	testdeps.NPM(t, deskFolder)
	began := time.Now()
	people.openTabs(stay)
	leaver = people.openTabs(leave)
	within(t, 2*patience, "everybody is available", func() bool {
		return people.seen("STATE_IDLE", began, append(stay, leave...)...)
	})
	return leaver
}

// closed reports whether so many attempts have ended.
func (h *house) closed(n int) bool {
	h.t.Helper()
	items, _ := h.ask("GET", "/attempts?limit=200&state=closed", "", "")["items"].([]any)
	return len(items) >= n
}
