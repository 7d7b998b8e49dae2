package day

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

var rounds = flag.Int("rounds", 4, "of breakages in the long form of TestPredictiveDay, each of a quarter of an hour")

// inTime is how long an answered customer may hear nobody: the patience of every campaign that does not say otherwise, and the
// law's limit (Ofcom, persistent misuse; 16 CFR 310.4(b)(4)(ii)).
const inTime = 2 * time.Second

// fictional are the beginnings of numbers that nobody has, a thousand each (Ofcom, telephone numbers for drama use), those left
// out that the numbering plan does not know.
var fictional = []string{"+447700900", "+441134960", "+441144960", "+441164960", "+441174960", "+441184960", "+441214960",
	"+441314960", "+441414960", "+441514960", "+441614960", "+442079460", "+441914980", "+442896496", "+442920180"}

// aheadPlan is how long everything takes.
type aheadPlan struct {
	agents, contacts    int
	calm                time.Duration // between two breakages
	rounds              int
	outage              time.Duration
	away                time.Duration // of agents who leave in a bunch
	leastTalk, mostTalk time.Duration
}

// TestPredictiveDay: customers are called before there is an agent, by the program as it ships. What breaks meanwhile: agents
// leave in a bunch, a trunk and a node are lost. Every customer who answered has heard an agent or the message in time, and what
// the customers have heard is what the account, the API and the reports say.
func TestPredictiveDay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes; needs SIPp, baresip, Node.js, PostgreSQL and Redis")
	}
	needs(t, "sipp", "baresip", "node", "psql")
	p := aheadPlan{agents: 8, contacts: 900, calm: 14 * time.Second, rounds: 1, outage: 5 * time.Second,
		away: 6 * time.Second, leastTalk: 3 * time.Second, mostTalk: 7 * time.Second}
	if *long {
		p = aheadPlan{agents: 40, contacts: 1000 * len(fictional), calm: 4 * time.Minute, rounds: *rounds, outage: 20 * time.Second,
			away: 15 * time.Second, leastTalk: 20 * time.Second, mostTalk: 100 * time.Second}
	}
	stalls := watchStalls(t)
	ears := map[string]*ear{"carrier": newEar(t), "spare": newEar(t)}
	main, spare := startCustomers(t, "carrier", ears, 28000, p), startCustomers(t, "spare", ears, 30000, p)
	h := buildHouse(t, "http://127.0.0.1", main.address, spare.address)
	message := filepath.Join(t.TempDir(), "message.wav")
	if err := os.WriteFile(message, wave(8000, messageTone, 1500*time.Millisecond), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, n := range h.nodes {
		n.env = append(n.env, "RINGMASTER_TELEPHONY_SIP_ABANDONED="+message)
	}
	crm := newCRM(t)
	people := &desk{t: t}
	defer func() {
		if t.Failed() {
			h.keepLogs(people, main, spare)
		}
	}()

	drops := udpDrops(t)
	tabs := h.staff(p, crm, people)
	began := time.Now()
	h.ask("POST", "/campaigns/1/start", "", "")
	for range p.rounds {
		h.breakAhead(p, main, ears["carrier"], tabs)
	}
	h.wait(p.calm)
	h.ask("POST", "/campaigns/1/pause", "", "")
	within(t, p.mostTalk+3*patience, "every call has ended and is coded", h.atRest)
	t.Logf("a day of %v: longest stall %v, %d datagrams dropped by the kernel", time.Since(began).Round(time.Second),
		stalls.longest(), udpDrops(t)-drops)

	h.compareAhead(&evidence{
		carriers: []*carrier{main, spare}, crm: crm, people: people, slack: time.Second + stalls.longest(), drops: udpDrops(t) - drops,
	}, ears, stalls.longest())
	if *long {
		h.mustBeFlat()
	}
	for _, n := range h.nodes {
		n.stop()
	}
}

// startCustomers runs a carrier whose customers are heard by the ear of its name.
func startCustomers(t *testing.T, name string, ears map[string]*ear, mediaPort int, p aheadPlan) *carrier {
	return playCarrier(t, name, "testdata/customers.xml", mediaPort, "EAR", fmt.Sprint(ears[name].port()),
		"LEAST", fmt.Sprint(p.leastTalk.Milliseconds()), "MOST", fmt.Sprint(p.mostTalk.Milliseconds()))
}

// staff makes people at desk phones and a predictive campaign, on the defaults but for its call codes.
func (h *house) staff(p aheadPlan, crm *crm, people *desk) (tabs io.Writer) {
	t := h.t
	t.Helper()
	h.command("", "user", "add", "boss", "--role", "admin", "--no-password")
	h.token = h.command("", "token", "create", "boss")
	h.command("", "pause", "add", "7", "Lunch")
	h.command("", "extension", "add", fmt.Sprintf("3400-%d", 3400+p.agents-1), "--network", "sip")
	var agents []agent
	for i := range p.agents {
		a := agent{Login: fmt.Sprintf("agent%02d", i), Password: "correct horse battery", Extension: fmt.Sprint(3400 + i),
			Holds: i%4 == 0, URL: h.nodes[i%2].url, Talk: [2]int64{p.leastTalk.Milliseconds(), p.mostTalk.Milliseconds()},
			Away: p.away.Milliseconds()}
		h.command(deskPassword+"\n", "extension", "password", a.Extension)
		if nailedUp(int64(i)) {
			h.command("", "extension", "set", a.Extension, "--nailed-up")
		}
		h.command(a.Password+"\n", "agent", "add", a.Login, "--queues", "WINTER", "--user-id", fmt.Sprint(100+i), "--username",
			a.Login+"@example.com")
		a.Cookie = h.command("", "token", "vouch", a.Login+"@example.com", "--user-id", fmt.Sprint(100+i), "--ttl", "24h")
		agents = append(agents, a)
	}
	for _, n := range h.nodes {
		n.start()
	}
	crm.trust(h.ask("POST", "/webhooks", "application/json", fmt.Sprintf(`{"url":%q}`, crm.URL)))
	h.ask("POST", "/campaigns", "application/json",
		fmt.Sprintf(`{"name":"Winter","queue":"WINTER","mode":"predictive","time_zone":%q,"region":"GB","profile":"none",
		"reason":"a test","max_attempts":1,"wrap_up":"%s","call_codes":[{"id":"4","name":"10. Promise to pay","action":"finish"}],
		"default_code":"4","card_link":"https://crm.example.com/card/{crm_id}?call={calltraceid}"}`, noon(time.Now()), wrapUp))
	var list strings.Builder
	list.WriteString("crm_id;phone\n")
	for i := range p.contacts {
		fmt.Fprintf(&list, "%d;%s%03d\n", 1000+i, fictional[i/1000], i%1000)
	}
	file := t.TempDir() + "/list.csv"
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command("", "import", "Winter", file)

	began := time.Now()
	for i, a := range agents {
		deskPhone(t, h.nodes[i%2].sip, 31200+80*i, a.Extension)
	}
	testdeps.NPM(t, deskFolder)
	tabs = people.openTabs(agents)
	within(t, 2*patience, "everybody is available", func() bool { return people.seen("STATE_IDLE", began, agents...) })
	return tabs
}

// nailedUp says of half of the agents of each node, who are made in order, that one leg to their phone takes all calls.
func nailedUp(nth int64) bool { return nth%4 < 2 }

// noon is a time zone in which the day does not end soon: the account is one of the campaign's day.
func noon(now time.Time) string { return fmt.Sprintf("Etc/GMT%+d", now.UTC().Hour()-12) }

// breakAhead has agents leave in a bunch, and breaks a trunk and a node.
func (h *house) breakAhead(p aheadPlan, carrier *carrier, ear *ear, tabs io.Writer) {
	for _, breakage := range []struct {
		what      string
		on, after func()
	}{
		{"the trunk is lost", func() { carrier.kill(); ear.hush() }, carrier.start},
		{"all agents leave at once", func() { h.leave(p, tabs) }, func() {}},
		{"a node is killed", h.nodes[1].kill, h.nodes[1].start},
	} {
		h.wait(p.calm)
		h.t.Log(breakage.what)
		breakage.on()
		h.wait(p.outage)
		breakage.after()
	}
}

// leave has all agents pause at once while phones ring, until that has left somebody alone.
func (h *house) leave(p aheadPlan, tabs io.Writer) {
	for range 4 {
		waitFor(patience/2, func() bool {
			ringing := 0
			for _, n := range h.pacing().Nodes {
				ringing += n.Ringing
			}
			return ringing >= 4
		})
		_, _ = io.WriteString(tabs, `{"type":"pause","id":"7"}`+"\n")
		h.wait(p.away + 2*time.Second)
		if h.pacing().Today.Abandoned > 0 {
			return
		}
	}
}

// pacing is what the API says of the only campaign's.
func (h *house) pacing() pacing { h.t.Helper(); return h.pacingOf(1) }

// pacing is a campaign's as the API shows it.
type pacing struct {
	Today tally
	Nodes []struct{ Ringing int }
}

func (h *house) pacingOf(campaign int) (p pacing) {
	h.t.Helper()
	text, _ := json.Marshal(h.ask("GET", fmt.Sprintf("/campaigns/%d/pacing", campaign), "", ""))
	if err := json.Unmarshal(text, &p); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// tally counts answered calls as the account does.
type tally struct {
	Connected int `json:"connected"`
	Abandoned int `json:"abandoned"`
	HungUp    int `json:"hung_up"`
	Machines  int `json:"machines"`
}

// compareAhead holds the record, the account and the reports against what the customers have heard.
func (h *house) compareAhead(e *evidence, ears map[string]*ear, stall time.Duration) {
	t := h.t
	t.Helper()
	calls := map[string]*call{}
	for _, a := range h.attempts() {
		calls[a.ID] = &call{attempt: a}
	}
	h.assign(e, calls)
	h.await(e, calls)
	completed := e.crm.of(webhook.CallCompleted)
	var seen, kept tally // what customers have heard, and what is on record of the same calls and of those that nobody can tell
	var waits, ringing, byRing, byLeg []time.Duration
	outcomes, broken, early := map[string]int{}, 0, 0
	for _, id := range slices.Sorted(maps.Keys(calls)) {
		c := calls[id]
		if c.State == "cancelled" {
			if len(c.dialogs) > 0 {
				t.Errorf("%s was dialed, and is on record as cancelled", c)
			}
			continue
		}
		outcomes[c.outcome()]++
		kept = kept.plus(c.attempt.counts())
		if events := completed[id]; len(events) == 0 {
			t.Errorf("%s: the CRM has no call.completed", c)
		} else if last := slices.MaxFunc(events, bySequence); last.Data.Call.Outcome != c.outcome() {
			t.Errorf("%s: the CRM was told %s", c, last.Data.Call.Outcome)
		}
		if len(c.dialogs) == 0 {
			continue
		}
		d := c.dialogs[len(c.dialogs)-1]
		heard := ears[d.carrier].of(d)
		switch {
		case c.broken:
			broken++
			continue
		case d.answered.IsZero():
			if n := c.attempt.counts(); n != (tally{}) {
				t.Errorf("%s was never answered, and counts as %+v", c, n)
			}
			if !d.cancelled.IsZero() {
				ringing = append(ringing, d.cancelled.Sub(d.invited[0]))
			}
			continue
		}
		begins := heard.begins()
		if !begins.IsZero() {
			waits = append(waits, begins.Sub(d.answered))
		}
		if voice := heard.agent; !voice.IsZero() && c.AgentID != nil {
			of := &byRing
			if nailedUp(*c.AgentID - 1) {
				of = &byLeg
			}
			*of = append(*of, voice.Sub(d.answered))
		}
		switch late := d.answered.Add(inTime + stall); {
		case !begins.IsZero() && begins.After(late), begins.IsZero() && d.over.After(late):
			t.Errorf("%s: answered at %v, over at %v by %s; the agent was heard at %v, the message at %v", c, d.answered, d.over,
				d.endedBy, heard.agent, heard.message)
		}
		var is tally
		switch {
		case !heard.agent.IsZero():
			is.Connected = 1
		case d.endedBy == "customer" && heard.message.IsZero():
			is.HungUp = 1
		default:
			is.Abandoned = 1
		}
		got := c.attempt.counts()
		if is.HungUp == 1 && got.Connected == 1 && d.over.Sub(*c.AnsweredAt) < e.slack { // left as the agent came
			is, early = got, early+1
		}
		if seen = seen.plus(is); got != is {
			t.Errorf("%s counts as %+v, its customer would say %+v: answered %v, over %v by %s, heard %+v", c, got, is, d.answered, d.over,
				d.endedBy, heard)
		}
	}
	t.Logf("outcomes %v; heard by customers: %+v; %d left while the agent's sound was on its way; %d calls broken", outcomes, seen,
		early, broken)
	t.Logf("from the answer to a voice: %s; given up while ringing: %d, after %s", spread(waits), len(ringing), spread(ringing))
	t.Logf("from the answer to the agent's voice, by nailed-up legs: %s; by phones that rang: %s", spread(byLeg), spread(byRing))
	if len(byLeg) < 5 || len(byRing) < 5 { // these phones pick up at once: no way is the slower one
		t.Errorf("%d customers heard an agent by a nailed-up leg, %d by a phone that rang", len(byLeg), len(byRing))
	}
	if seen.Connected < 20 || seen.Abandoned == 0 || outcomes["busy"] == 0 || outcomes["no_answer"] == 0 {
		t.Errorf("the day proves too little")
	}
	h.compareAccount(kept, calls)
	h.compareTabs(e, calls)
	sequencesAreUnique(t, e.crm)
}

// compareAccount: SQL, the API and the reports count the same calls.
func (h *house) compareAccount(want tally, calls map[string]*call) {
	t := h.t
	t.Helper()
	var got tally
	h.sql(`SELECT json_build_object('connected', sum(connected), 'abandoned', sum(abandoned), 'hung_up', sum(hung_up), 'machines',
		sum(machines)) FROM pacing_minutes`, &got)
	var lost int // answered, and their process died before an agent came
	h.sql(`SELECT count(*) FROM attempts WHERE outcome = 'unknown' AND picked_up_at IS NOT NULL AND answered_at IS NULL`, &lost)
	want.Abandoned += lost
	if got != want {
		t.Errorf("the account says %+v, the attempts %+v", got, want)
	}
	if today := h.pacing().Today; today != want {
		t.Errorf("GET /campaigns/1/pacing says %+v, the attempts %+v", today, want)
	}
	type counts struct{ Attempts, Dialed, Answered, Abandoned int }
	var expected counts
	for _, c := range calls {
		if c.State == "cancelled" {
			continue
		}
		expected.Attempts++
		if c.DialedAt != nil {
			expected.Dialed++
		}
		if c.AnsweredAt != nil {
			expected.Answered++
		}
		if c.outcome() == "abandoned" {
			expected.Abandoned++
		}
	}
	for _, by := range []string{"campaign", "outcome", "hour"} {
		var report struct{ Items []counts }
		from := time.Now().AddDate(0, 0, -1).UTC().Format(time.RFC3339)
		text, _ := json.Marshal(h.ask("GET", "/reports?by="+by+"&from="+from, "", ""))
		if err := json.Unmarshal(text, &report); err != nil {
			t.Fatal(err)
		}
		var sum counts
		for _, r := range report.Items {
			sum.Attempts += r.Attempts
			sum.Dialed += r.Dialed
			sum.Answered += r.Answered
			sum.Abandoned += r.Abandoned
		}
		if sum != expected {
			t.Errorf("the report by %s says %+v, the attempts %+v", by, sum, expected)
		}
	}
}

// counts is what an attempt on record stands for in the account.
func (a attempt) counts() (n tally) {
	switch {
	case a.outcome() == "abandoned":
		n.Abandoned = 1
	case a.outcome() == "answered" && a.AgentID != nil:
		n.Connected = 1
	case a.outcome() == "answered":
		n.HungUp = 1
	case a.outcome() == "unknown" && a.AnsweredAt != nil:
		n.Connected = 1
	}
	return n
}

// sql reads one row of the record.
func (h *house) sql(query string, into any) {
	h.t.Helper()
	row, err := exec.Command("psql", h.dsn, "-At", "-c", query).Output()
	if err != nil || json.Unmarshal(row, into) != nil {
		h.t.Fatalf("psql: %v: %s", err, row)
	}
}

func (n tally) plus(m tally) tally {
	return tally{n.Connected + m.Connected, n.Abandoned + m.Abandoned, n.HungUp + m.HungUp, n.Machines + m.Machines}
}

func spread(list []time.Duration) string {
	if len(list) == 0 {
		return "none"
	}
	slices.Sort(list)
	at := func(part float64) time.Duration { return list[int(part*float64(len(list)-1))].Round(time.Millisecond) }
	return fmt.Sprintf("p50 %v, p95 %v, at most %v (%d)", at(0.5), at(0.95), at(1), len(list))
}
