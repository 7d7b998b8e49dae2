package sipua

import (
	"slices"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// trunkCall is what is remembered of one INVITE over a trunk.
type trunkCall struct {
	at    time.Time     // when it was sent
	setup time.Duration // until the first sign of the customer: a phone rings, an answer; zero: there was none
	talk  time.Duration // zero: not answered
	code  int           // of the final response; 200: answered; 0: there was none
}

// countedCalls and countedTime bound what a trunk's figures are made of.
const (
	countedCalls = 1024
	countedTime  = time.Hour
)

// trunkCounts remembers the latest calls of a trunk.
type trunkCounts struct {
	calls []trunkCall // a ring
	next  int
}

func (c *trunkCounts) add(call trunkCall) {
	if len(c.calls) < countedCalls {
		c.calls = append(c.calls, call)
		return
	}
	c.calls[c.next] = call
	c.next = (c.next + 1) % countedCalls
}

// TrunkFigures are a trunk's last hour, of at most its latest 1,024 calls. A call counts when it has ended.
type TrunkFigures struct {
	Calls      int           `json:"Calls"`
	Answered   int           `json:"Answered"`
	ASR        float64       `json:"ASR"`      // answer-seizure ratio: Answered/Calls; zero without calls
	ACD        time.Duration `json:"ACD"`      // average call duration: talk of an answered call
	SetupP50   time.Duration `json:"SetupP50"` // from the INVITE to the first sign of the customer
	SetupP95   time.Duration `json:"SetupP95"`
	Failures   map[int]int   `json:"Failures"`   // by the status of the final response; 0: none came
	SetupCalls int           `json:"SetupCalls"` // of those calls that had a sign of the customer
}

func (c *trunkCounts) figures(now time.Time) TrunkFigures {
	f := TrunkFigures{Failures: map[int]int{}}
	var setups []time.Duration
	var talk time.Duration
	for _, call := range c.calls {
		if now.Sub(call.at) > countedTime {
			continue
		}
		f.Calls++
		if call.code == 200 {
			f.Answered++
			talk += call.talk
		} else {
			f.Failures[call.code]++
		}
		if call.setup > 0 {
			setups = append(setups, call.setup)
		}
	}
	if f.Calls > 0 {
		f.ASR = float64(f.Answered) / float64(f.Calls)
	}
	if f.Answered > 0 {
		f.ACD = talk / time.Duration(f.Answered)
	}
	if f.SetupCalls = len(setups); f.SetupCalls > 0 {
		slices.Sort(setups)
		f.SetupP50, f.SetupP95 = setups[(len(setups)-1)*50/100], setups[(len(setups)-1)*95/100]
	}
	return f
}

// TrunkStatus is how a trunk stands.
type TrunkStatus struct {
	Name            string        `json:"Name"`
	Host            string        `json:"Host"`
	Transport       string        `json:"Transport"`
	Privacy         bool          `json:"Privacy"` // it hides the caller's number
	State           TrunkState    `json:"State"`
	Up              bool          `json:"Up"`    // State is TrunkUp
	Cause           string        `json:"Cause"` // why it is not up, in words for nodes that know no Why
	Why             reason.Reason `json:"Why"`
	Until           time.Time     `json:"Until"`   // resting: until when no call is sent; zero: nobody knows
	Checked         time.Time     `json:"Checked"` // when OPTIONS last told; zero: not yet, or it is never asked
	Calls           int           `json:"Calls"`
	Channels        int           `json:"Channels"`        // zero: no limit
	CPS             float64       `json:"CPS"`             // zero: no limit
	RegisteredUntil time.Time     `json:"RegisteredUntil"` // zero: not, or not wanted
	Figures         TrunkFigures  `json:"Figures"`
}

func (t *trunk) status(now time.Time) TrunkStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stands(now)
	return TrunkStatus{Name: t.Name, Host: t.Host, Transport: t.Transport, Privacy: t.Privacy, State: s.state,
		Up: s.state == TrunkUp, Cause: s.why.text, Why: s.why.why, Until: s.until,
		Checked: t.checked, Calls: t.busy, Channels: t.Channels, CPS: t.CPS, RegisteredUntil: t.registered,
		Figures: t.counts.figures(now)}
}

// TrunkStatus tells how the trunks stand, in the order of preference.
func (n *Network) TrunkStatus() []TrunkStatus {
	all := make([]TrunkStatus, len(n.trunks))
	for i, t := range n.trunks {
		all[i] = t.status(time.Now())
	}
	return all
}

// count notes a call that has ended.
func (n *Network) count(t *trunk, call trunkCall) {
	t.mu.Lock()
	t.counts.add(call)
	t.mu.Unlock()
	n.figures.trunkCall(t.Name, call)
}
