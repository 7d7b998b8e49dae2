package day

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

// evidence is what the far ends saw, and how far it may be off.
type evidence struct {
	carriers []*carrier
	crm      *crm
	people   *desk
	slack    time.Duration // a second, and how long this machine stood still
	drops    int           // datagrams that the kernel dropped
}

// call is an attempt with all that the carriers saw of it.
type call struct {
	attempt
	dialogs []*dialog // in the order in which they began
	unseen  bool      // its node was killed in the wrap-up: the time for the code may run out with no tab to choose one in
	broken  bool      // its node or its carrier was killed meanwhile: its end is nobody's to tell
}

// compare holds the record against the evidence.
func (h *house) compare(e *evidence) {
	h.t.Helper()
	calls := map[string]*call{}
	for _, a := range h.attempts() {
		calls[a.ID] = &call{attempt: a}
	}
	h.assign(e, calls)
	h.await(e, calls)
	completed, coded, ready := e.crm.of(webhook.CallCompleted), e.crm.of(webhook.CallCodeSet), e.crm.of(webhook.RecordingReady)
	outcomes := map[string]int{}
	var talks int
	for _, id := range slices.Sorted(maps.Keys(calls)) {
		c := calls[id]
		if c.State == "cancelled" {
			if len(c.dialogs) > 0 {
				h.t.Errorf("%s was dialed, and is on record as cancelled", c)
			}
			continue
		}
		outcomes[c.outcome()]++
		h.compareCall(e, c)
		if events := completed[id]; len(events) == 0 {
			h.t.Errorf("%s: the CRM has no call.completed", c)
		} else if last := slices.MaxFunc(events, bySequence); last.Data.Call.Outcome != c.outcome() {
			h.t.Errorf("%s: the CRM was told %s", c, last.Data.Call.Outcome)
		}
		if c.AnsweredAt == nil || c.broken {
			continue
		}
		talks++
		if len(coded[id]) == 0 || c.Code == nil && !c.unseen {
			h.t.Errorf("%s: no code (%v), or no call.code_set (%d)", c, c.Code, len(coded[id]))
		}
		if len(ready[id]) == 0 {
			h.t.Errorf("%s: no recording.ready", c)
		}
		h.compareRecording(e, c)
	}
	e.crm.mu.Lock()
	h.t.Logf("outcomes: %v; %d whole talks; %d events, %d of them twice, %d refused by the CRM", outcomes, talks, len(e.crm.events),
		e.crm.repeated, e.crm.refused)
	e.crm.mu.Unlock()
	for _, want := range []string{"answered", "busy", "no_answer", "invalid_number"} {
		if outcomes[want] == 0 {
			h.t.Errorf("no call came out as %s: the day proves too little", want)
		}
	}
	h.compareTabs(e, calls)
	sequencesAreUnique(h.t, e.crm)
}

// await gives recordings and events the time to arrive; what does not is found missing.
func (h *house) await(e *evidence, calls map[string]*call) {
	waitFor(2*patience, func() bool {
		if len(h.ask("GET", fmt.Sprintf("/webhooks/%v/deliveries?state=pending&limit=1", e.crm.id), "", "")["items"].([]any)) > 0 {
			return false
		}
		ready := e.crm.of(webhook.RecordingReady)
		for id, c := range calls {
			if c.AnsweredAt != nil && c.AgentID != nil && !c.broken && len(ready[id]) == 0 {
				return false
			}
		}
		return true
	})
	for _, a := range h.attempts() {
		if c := calls[a.ID]; c != nil {
			c.attempt = a
		}
	}
}

func bySequence(a, b webhook.Event) int { return cmp.Compare(a.Sequence, b.Sequence) }

func (c *call) String() string {
	s := fmt.Sprintf("attempt %s to %s (%s %s, %q by %q", c.ID, c.Number, c.State, c.outcome(), c.Cause, c.HangupBy)
	for _, d := range c.dialogs {
		s += fmt.Sprintf("; %s saw %d INVITEs from %s, final %d", d.carrier, len(d.invited), d.invited[0].Format("15:04:05.000"),
			d.final)
	}
	return s + ")"
}

// assign gives each dialog to its attempt. No phone may ring for nobody, for two at once, or twice for one attempt.
func (h *house) assign(e *evidence, calls map[string]*call) {
	byNumber := map[string][]*dialog{}
	for _, carrier := range e.carriers {
		for _, d := range carrier.dialogs() {
			if len(d.invited) == 0 {
				continue // what a killed life had begun
			}
			id, _, _ := strings.Cut(d.callID, "@")
			id, _, _ = strings.Cut(id, "-") // a second trunk of the same attempt
			c := calls[id]
			if c == nil {
				h.t.Errorf("%s saw an INVITE for %s (%s), of which there is no attempt", d.carrier, d.number, d.callID)
				continue
			}
			if !strings.HasSuffix(c.Number, d.number[1:]) || c.DialedAt == nil {
				h.t.Errorf("%s: the carrier saw an INVITE for %s", c, d.number)
			}
			c.dialogs = append(c.dialogs, d)
			byNumber[c.Number] = append(byNumber[c.Number], d)
			end := d.end(carrier.kills)
			for _, kill := range carrier.kills {
				c.broken = c.broken || kill.overlaps(d.invited[0], end)
			}
			for _, n := range h.nodes {
				for _, kill := range n.kills {
					if strings.HasSuffix(n.sip, d.port) {
						c.broken = c.broken || kill.overlaps(d.invited[0], end)
						c.unseen = c.unseen || kill.overlaps(end, end.Add(wrapUp))
					}
				}
			}
		}
	}
	for number, dialogs := range byNumber {
		slices.SortFunc(dialogs, func(a, b *dialog) int { return a.invited[0].Compare(b.invited[0]) })
		for i, d := range dialogs[1:] {
			if before := dialogs[i]; d.invited[0].Before(before.over) && d.callID != before.callID {
				h.t.Errorf("%s rang at %v while an earlier call to it, of %v, was not over before %v", number, d.invited[0],
					before.invited[0], before.over)
			}
		}
	}
	for _, c := range calls {
		slices.SortFunc(c.dialogs, func(a, b *dialog) int { return a.invited[0].Compare(b.invited[0]) })
		for _, before := range c.dialogs[:max(0, len(c.dialogs)-1)] {
			if before.final < 300 {
				h.t.Errorf("%s: another trunk was tried although the first had taken the call", c)
			}
		}
	}
}

// end finds out when the carrier took the call for over: at the latest when it was itself killed, or else now.
func (d *dialog) end(kills []window) time.Time {
	switch {
	case !d.ended.IsZero():
		d.over = d.ended
	case !d.cancelled.IsZero():
		d.over = d.cancelled
	case d.final >= 300:
		d.over = d.lastMessage
	default:
		d.over = time.Now()
		for _, kill := range kills {
			if kill.from.After(d.invited[0]) && kill.from.Before(d.over) {
				d.over = kill.from
			}
		}
	}
	return d.over
}

// compareCall holds one attempt against its last dialog.
func (h *house) compareCall(e *evidence, c *call) {
	if c.Outcome == nil {
		h.t.Errorf("%s has no outcome", c)
		return
	}
	if c.broken {
		return
	}
	if len(c.dialogs) == 0 {
		if c.DialedAt != nil && !slices.ContainsFunc(e.carriers, func(x *carrier) bool { return x.downAt(*c.DialedAt, e.slack) }) {
			h.t.Errorf("%s is on record as dialed at %v, and no carrier saw it", c, c.DialedAt)
		}
		return
	}
	d := c.dialogs[len(c.dialogs)-1]
	var want []string
	switch {
	case !d.acked.IsZero():
		want = []string{"answered"}
	case !d.cancelled.IsZero():
		want = []string{"no_answer", "agent_gave_up", "abandoned"}
	default:
		want = map[int][]string{486: {"busy"}, 480: {"no_answer"}, 404: {"invalid_number"}}[d.final]
	}
	if !slices.Contains(want, c.outcome()) {
		h.t.Errorf("%s: want the outcome %s", c, strings.Join(want, " or "))
		return
	}
	if d.acked.IsZero() {
		return
	}
	if c.AnsweredAt == nil || c.EndedAt == nil || d.ended.IsZero() {
		h.t.Errorf("%s: on record from %v to %v, at the carrier until %v", c, c.AnsweredAt, c.EndedAt, d.ended)
		return
	}
	if off := c.AnsweredAt.Sub(d.answered).Abs(); off > e.slack {
		h.t.Errorf("%s: answered at %v, on record at %v", c, d.answered, c.AnsweredAt)
	}
	if off := (c.EndedAt.Sub(*c.AnsweredAt) - d.ended.Sub(d.answered)).Abs(); off > e.slack {
		h.t.Errorf("%s: the carrier saw a talk of %v, on record are %.1f s", c, d.ended.Sub(d.answered), c.TalkSeconds)
	}
	if by := map[string]string{"customer": "customer"}[c.HangupBy]; by != "" && d.endedBy != by {
		h.t.Errorf("%s: the carrier saw the BYE come from %s", c, d.endedBy)
	}
}

func (c *carrier) downAt(at time.Time, slack time.Duration) bool {
	return slices.ContainsFunc(c.kills, func(w window) bool { return w.overlaps(at.Add(-slack), at.Add(slack)) })
}

// compareRecording: as long as the talk, and no packet lost that the kernel did not drop.
func (h *house) compareRecording(e *evidence, c *call) {
	r := c.Recording
	if r == nil || r.Problem != "" {
		h.t.Errorf("%s: recording %+v", c, r)
		return
	}
	const header, second = 58, 16000 // stereo µ-law
	length := float64(r.Bytes-header) / second
	if off := math.Abs(length - c.TalkSeconds); off > e.slack.Seconds() {
		h.t.Errorf("%s: talk of %.2f s, recording of %.2f s", c, c.TalkSeconds, length)
	}
	if lost := r.Agent.Lost + r.Customer.Lost; lost > uint64(e.drops) {
		h.t.Errorf("%s: %d packets lost, the kernel dropped %d in all", c, lost, e.drops)
	}
	if r.Agent.Packets == 0 || r.Customer.Packets == 0 {
		h.t.Errorf("%s: a side was not heard: %+v", c, r)
	}
}

// compareTabs: whoever talked saw the call, with the customer's card.
func (h *house) compareTabs(e *evidence, calls map[string]*call) {
	active := map[string]shown{}
	for _, line := range e.people.all() {
		if line.State == "STATE_CALL_ACTIVE" {
			active[line.Trace] = line
		}
	}
	for _, c := range calls {
		if c.AnsweredAt == nil || c.outcome() != "answered" || c.broken || c.AgentID == nil { // who left before an agent came
			continue
		}
		line, seen := active[c.ID]
		crmID, ofCard := strings.CutPrefix(strings.TrimSuffix(line.Card, "?call="+c.ID), "https://crm.example.com/card/")
		switch {
		case !seen:
			h.t.Errorf("%s: no tab showed the talk", c)
		case !ofCard || len(crmID) < 4 || !strings.HasSuffix(c.Number, crmID[len(crmID)-3:]) || line.Ani != c.Number:
			h.t.Errorf("%s: the tab showed card %s and number %s", c, line.Card, line.Ani)
		}
	}
}

// sequencesAreUnique: two events of a contact never claim the same place.
func sequencesAreUnique(t *testing.T, crm *crm) {
	type place struct {
		contact  int64
		sequence int64
	}
	places := map[place]string{}
	crm.mu.Lock()
	defer crm.mu.Unlock()
	for id, e := range crm.events {
		if e.Data.Contact == nil {
			continue
		}
		p := place{e.Data.Contact.ID, e.Sequence}
		if other, taken := places[p]; taken {
			t.Errorf("events %s and %s of contact %d both have sequence %d", id, other, p.contact, p.sequence)
		}
		places[p] = id
	}
}

// udpDrops counts datagrams that this machine's kernel has dropped for want of room.
func udpDrops(t *testing.T) (drops int) {
	t.Helper()
	file, err := os.Open("/proc/net/snmp")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var names []string
	for scan := bufio.NewScanner(file); scan.Scan(); {
		fields := strings.Fields(scan.Text())
		if len(fields) == 0 || fields[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name == "RcvbufErrors" || name == "SndbufErrors" {
				var n int
				_, _ = fmt.Sscan(fields[i], &n)
				drops += n
			}
		}
	}
	return drops
}

// mustBeFlat compares the last third of the day with the middle one, on the node that was never killed.
func (h *house) mustBeFlat() {
	samples := h.nodes[0].samples
	third := len(samples) / 3
	if third == 0 {
		h.t.Error("too few samples")
		return
	}
	middle, last := mean(samples[third:2*third]), mean(samples[2*third:])
	h.t.Logf("middle third %+v, last third %+v", middle, last)
	for what, pair := range map[string][2]float64{
		"heap in use": {middle.memory, last.memory}, "goroutines": {middle.goroutines, last.goroutines},
		"file descriptors": {middle.descriptors, last.descriptors},
	} {
		if pair[1] > 1.2*pair[0] {
			h.t.Errorf("%s grew from %.0f to %.0f", what, pair[0], pair[1])
		}
	}
}

func mean(samples []figures) (f figures) {
	n := float64(len(samples))
	for _, s := range samples {
		f.memory += s.memory / n
		f.goroutines += s.goroutines / n
		f.descriptors += s.descriptors / n
	}
	return f
}
