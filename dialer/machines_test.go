package dialer_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/simulated"
)

// mailbox is a crowd whose numbers end at answering machines: they talk for long, and are known soon.
var mailbox = simulated.Script{Crowd: simulated.Profile{Machine: 1,
	AgentAnswers: simulated.LogNormal{Median: 2 * time.Millisecond},
	Answers:      simulated.LogNormal{Median: 10 * time.Millisecond}, Talk: simulated.LogNormal{Median: time.Hour},
	Heard: simulated.LogNormal{Median: 20 * time.Second}}}

func ofMachines(action campaigns.MachineAction) func(*campaigns.Campaign) {
	return func(c *campaigns.Campaign) { c.Machines = campaigns.Machines{Action: action, AgentFirst: true} }
}

// TestMachinesAreTakenAway: the agent, who mostly talks by then, is free again without a code when the machine is known for one.
func TestMachinesAreTakenAway(t *testing.T) {
	for name, mode := range map[string]func(*campaigns.Campaign){"customer first": patient,
		"agent first": func(c *campaigns.Campaign) { c.Mode = campaigns.Progressive }} {
		for _, action := range []campaigns.MachineAction{campaigns.HangUpMachine, campaigns.LeaveMessage} {
			t.Run(name+", "+string(action), func(t *testing.T) {
				h := newHouse(t, sqliteURL(t), mailbox)
				c := h.campaign(mode, ofMachines(action))
				h.people(c, number(1, 9))
				n := h.node("n1", leasedLong)
				a := n.agent(c.Queue)
				h.eventually(1, "SELECT count(*) FROM attempts WHERE outcome = 'answering_machine' AND machine AND answered_at IS NULL "+
					"AND picked_up_at IS NOT NULL AND code_due_at IS NULL")
				n.until(a.ID, "free", agents.Live.Free) // of a call that has no code
				h.eventually(1, "SELECT count(*) FROM pacing_minutes WHERE machines = 1 AND connected = 0 AND abandoned = 0")
				h.eventually(1, "SELECT count(*) FROM contacts WHERE state = 'waiting' AND next_at > $1",
					time.Now().Add(50*time.Minute).UnixMilli())
				n.stop()
				h.check(h.rings())
			})
		}
	}
}

// TestMachinesAreConnected: with this action an agent has the machine as any other call, and codes it.
func TestMachinesAreConnected(t *testing.T) {
	known := mailbox
	known.Crowd.Heard.Median = 0 // before an agent's phone is answered
	h := newHouse(t, sqliteURL(t), known)
	c := h.campaign(patient, ofMachines(campaigns.ConnectMachine), func(c *campaigns.Campaign) {
		c.CallCodes = append(c.CallCodes, campaigns.CallCode{ID: "77", Name: "a person after all", Action: campaigns.Finish,
			AnsweredBy: campaigns.ByPerson})
	})
	h.people(c, number(1, 9))
	n := h.node("n1", leasedLong)
	a := n.agent(c.Queue)
	n.until(a.ID, "talk", in(agents.Talking))
	if err := n.desk.Hangup(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	n.until(a.ID, "wrap-up", in(agents.Clerical))
	h.eventually(1, "SELECT count(*) FROM pacing_minutes WHERE machines = 1 AND connected = 0")
	if err := n.desk.SetCode(t.Context(), a.ID, "", "77", time.Time{}); err != nil {
		t.Fatal(err)
	}
	n.until(a.ID, "rest", in(agents.Available))
	h.eventually(1, "SELECT count(*) FROM pacing_minutes WHERE machines = 0 AND connected = 1")
	n.stop()
}

// TestADayOfMachines: half of those who answer are machines. Each is accounted for exactly, agents wait for no code of theirs,
// and nobody is called twice.
func TestADayOfMachines(t *testing.T) {
	script := unhurried
	script.Crowd.Machine, script.Crowd.Heard = 0.5, simulated.LogNormal{Median: 5 * time.Second, Sigma: 0.5}
	each(t, script, func(t *testing.T, h *house) {
		c := h.campaign(patient, ofMachines(campaigns.HangUpMachine))
		h.people(c, numbers(60, 0)...)
		n := h.node("n1", leasedLong)
		for range 8 {
			n.agent(c.Queue)
		}
		n.coder("1")
		h.closed(60)
		h.pause(c)
		n.stop()
		if h.count("SELECT count(*) FROM attempts WHERE outcome = 'answering_machine'") == 0 {
			t.Error("no machine was heard")
		}
		h.checkAccount(c)
		h.checkContacts()
		h.checkEvents()
		h.check(h.rings())
	})
}
