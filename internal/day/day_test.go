package day

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

var long = flag.Bool("long", false, "half an hour instead of two and a half minutes")

// plan is how long everything takes.
type plan struct {
	agents              int // at desk phones; two more in a browser
	contacts            int
	calm                time.Duration // between two breakages, each thing working again
	rounds              int           // of breakages
	outage              time.Duration
	leastTalk, mostTalk time.Duration
}

// needs fails a test that lacks a program.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing; run: make test-deps", tool)
		}
	}
}

// TestDay: whatever breaks, in the end the record says what the far ends saw.
func TestDay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes; needs Chromium, Node.js, SIPp, baresip, PostgreSQL and Redis")
	}
	needs(t, "chromium", "sipp", "baresip", "node")
	p := plan{agents: 6, contacts: 200, calm: 12 * time.Second, rounds: 1, outage: 8 * time.Second, leastTalk: 20 * time.Second,
		mostTalk: 45 * time.Second}
	if *long {
		p = plan{agents: 10, contacts: 900, calm: 100 * time.Second, rounds: 3, outage: 20 * time.Second, leastTalk: 20 * time.Second,
			mostTalk: 200 * time.Second}
	}
	stalls := watchStalls(t)
	page := servePage(t)
	main := startCarrier(t, "carrier", 28000, p.leastTalk, p.mostTalk)
	spare := startCarrier(t, "spare", 30000, p.leastTalk, p.mostTalk)
	h := buildHouse(t, page, main.address, spare.address)
	crm := newCRM(t)
	people := &desk{t: t}
	defer func() {
		if t.Failed() {
			h.keepLogs(people, main, spare)
		}
	}()

	drops := udpDrops(t)
	agents := h.furnish(p, crm)
	began := time.Now()
	h.seat(people, page, agents)
	h.ask("POST", "/campaigns/1/start", "", "")
	h.breakThings(t, p, crm, main)
	h.wait(p.calm)
	h.ask("POST", "/campaigns/1/pause", "", "")
	within(t, p.mostTalk+3*patience, "every call has ended and is coded", h.atRest)
	t.Logf("a day of %v: longest stall %v, %d datagrams dropped by the kernel", time.Since(began).Round(time.Second),
		stalls.longest(), udpDrops(t)-drops)

	h.compare(&evidence{
		carriers: []*carrier{main, spare}, crm: crm, people: people, slack: time.Second + stalls.longest(), drops: udpDrops(t) - drops,
	})
	if *long {
		h.mustBeFlat()
	}
	for _, n := range h.nodes {
		n.stop()
	}
}

// furnish makes people, phones, a campaign and its list by the command line and the API.
func (h *house) furnish(p plan, crm *crm) (agents []agent) {
	t := h.t
	t.Helper()
	h.command("", "user", "add", "boss", "--role", "admin", "--no-password")
	h.token = h.command("", "token", "create", "boss")
	h.command("", "extension", "add", fmt.Sprintf("3400-%d", 3400+p.agents+1), "--network", "sip")
	for i := range p.agents + 2 {
		a := agent{Login: fmt.Sprintf("agent%02d", i), Password: "correct horse battery", Extension: fmt.Sprint(3400 + i),
			Holds: i%2 == 0,
			Talk:  [2]int64{p.leastTalk.Milliseconds(), p.mostTalk.Milliseconds()}}
		home := h.nodes[i%2]
		a.URL = home.url
		if i >= 2 {
			h.command(deskPassword+"\n", "extension", "password", a.Extension)
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
		fmt.Sprintf(`{"name":"Winter","queue":"WINTER","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","max_attempts":3,
		"ring":"15s","wrap_up":"%s","retry":{"busy":{"after":"20s"},"no_answer":{"after":"20s"},"congestion":{"after":"20s"},"unknown":{"after":"0s"}},
		"call_codes":[{"id":"4","name":"10. Promise to pay","action":"finish"}],"default_code":"4","card_link":"https://crm.example.com/card/{crm_id}?call={calltraceid}",
		"recording_link":"/records/mediatel-record?calltraceID={calltraceid}"}`, wrapUp))
	var list strings.Builder
	list.WriteString("crm_id;phone\n")
	for i := range p.contacts {
		fmt.Fprintf(&list, "%d;07700 9%05d\n", 1000+i, i%1000)
	}
	file := t.TempDir() + "/list.csv"
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	h.command("", "import", "Winter", file)
	return agents
}

// seat has everybody log in: two in the browser, the others at desk phones.
func (h *house) seat(people *desk, page string, agents []agent) {
	t := h.t
	t.Helper()
	began := time.Now()
	var browser, desks []agent
	for i, a := range agents {
		if i < 2 {
			browser = append(browser, a)
			continue
		}
		desks = append(desks, a)
		deskPhone(t, h.nodes[i%2].sip, 31200+80*i, a.Extension)
	}
	people.openBrowser(page, browser)
	people.openTabs(desks)
	within(t, 2*patience, "everybody is available", func() bool { return people.seen("STATE_IDLE", began, agents...) })
}

// breakThings breaks one neighbour after the other, and a node, while the campaign runs.
func (h *house) breakThings(t *testing.T, p plan, crm *crm, carrier *carrier) {
	for round := range p.rounds {
		for _, breakage := range []struct {
			what      string
			on, after func()
		}{
			{"the CRM is out of order", func() { crm.down.Store(true) }, func() { crm.down.Store(false) }},
			{"Redis is killed", h.redis.Kill, h.redis.Start},
			{"the record is killed", h.database.Kill, h.database.Start},
			{"the carrier is gone", carrier.kill, carrier.start},
			{"a node is killed", h.nodes[1].kill, h.nodes[1].start},
		} {
			h.wait(p.calm)
			t.Logf("round %d: %s", round+1, breakage.what)
			breakage.on()
			h.wait(p.outage)
			breakage.after()
		}
	}
}

// wait lets the department work; in the long form the nodes' figures are taken meanwhile.
func (h *house) wait(d time.Duration) {
	for over := time.After(d); ; { // the day itself: there is no signal for it
		select {
		case <-time.After(min(d, 10*time.Second)):
			h.nodes[0].samples = append(h.nodes[0].samples, h.nodes[0].figures())
		case <-over:
			return
		case <-h.t.Context().Done():
			return
		}
	}
}

// atRest reports whether no attempt is open any more, and each talk is coded.
func (h *house) atRest() bool {
	for _, state := range []string{"prepared", "dialing", "answered"} {
		if items := h.ask("GET", "/attempts?limit=1&state="+state, "", "")["items"].([]any); len(items) > 0 {
			return false
		}
	}
	stats := h.ask("GET", "/campaigns/1/stats", "", "")
	contacts, _ := stats["contacts"].(map[string]any)
	coding, _ := contacts["coding"].(float64)
	return coding == 0
}

// keepLogs saves what the nodes and the tabs of a failed day have said, and what is open on record.
func (h *house) keepLogs(people *desk, carriers ...*carrier) {
	folder, err := os.MkdirTemp("", "ringmaster-day-")
	if err != nil {
		return
	}
	h.t.Logf("the nodes' logs, what the tabs showed and what is open on record: %s", folder)
	if tabs, err := os.Create(folder + "/tabs.txt"); err == nil {
		people.dump(tabs)
		tabs.Close()
	}
	for _, c := range carriers {
		for life := 1; life <= c.lives; life++ {
			if text, err := os.ReadFile(fmt.Sprintf("%s/messages-%d", c.dir, life)); err == nil {
				_ = os.WriteFile(fmt.Sprintf("%s/%s-%d.txt", folder, c.name, life), text, 0o600)
			}
		}
	}
	for _, n := range h.nodes {
		if text, err := os.ReadFile(n.dir + "/log"); err == nil {
			_ = os.WriteFile(folder+"/"+n.name+".log", text, 0o600)
		}
	}
	dump := exec.Command("psql", h.dsn, "-c", "SELECT * FROM attempts WHERE state NOT IN ('closed','cancelled') OR code_due_at "+
		"IS NOT NULL AND code IS NULL",
		"-c", "SELECT * FROM contacts WHERE state IN ('calling','coding')")
	text, _ := dump.CombinedOutput()
	_ = os.WriteFile(folder+"/record.txt", text, 0o600)
}
