package dialer_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// The whole test: go test ./dialer -run TestKill -kills 50 -timeout 20m
var kills = flag.Int("kills", 0, "SIGKILLs at random for each database, after one at each step; 0: a few")

// killSteps are where a process may kill itself: right before and right after each thing that others can see.
var killSteps = []string{
	"plan before", "plan after", // prepared, not enqueued
	"claim before", // the agent is taken, the attempt is not
	"claim after", "place before", "place after", "dialed before",
	"dialed after", // on record as dialed, not rung
	"rung",         // rung, and nobody knows
	"answered before", "answered after", "close before",
	"close after", // closed, and the agent does not know
	"code before", "code after",
}

// life is what a child process is told.
type life struct {
	URL, Redis, Ledger string
	Agents             []int64
	Step               string // where to die; empty: by the parent's hand
	Nth                int    // the how manyth time
}

const childVariable = "RINGMASTER_KILL_CHILD"

const killGap = 250 * time.Millisecond // between two calls to a person

func TestKill(t *testing.T) {
	t.Parallel()
	random := *kills
	if random == 0 {
		random = 4
	}
	for engine, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": testdeps.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			killed(t, url(t), random, killSteps)
		})
	}
}

// TestKillAhead is TestKill with customers who are called before there is an agent. Each life has a campaign of its own:
// customers who have answered when their process dies are abandoned, and a campaign that has abandoned some calls agents first.
func TestKillAhead(t *testing.T) {
	t.Parallel()
	steps, random := []string{"claim after", "pickup after", "join before", "join after", "answered before"}, 1
	if *kills > 0 {
		steps = []string{"plan after", "claim before", "claim after", "dialed after", "rung", "pickup before", "pickup after",
			"join before", "join after", "answered before", "answered after", "close before", "close after"}
		random = *kills
	}
	killed(t, sqliteURL(t), random, steps, patient)
}

func killed(t *testing.T, url string, random int, steps []string, change ...func(*campaigns.Campaign)) {
	h := &house{tb: t, url: url, redis: testdeps.RedisServer(t).Addr, log: testLog()}
	h.open()
	t.Cleanup(func() { _ = h.store.Disconnect(); _ = h.db.Close() })
	lives := len(steps) + random
	var ours []*campaigns.Campaign
	var shifts [][]int64 // of agents, by turns: those of the last life are held by its claims for a while
	begin := func(size, shift int) {
		c := h.campaign(func(c *campaigns.Campaign) {
			c.MaxAttempts, c.WrapUp = 3, time.Second
			c.Limits.MinimumGap = killGap
			for o := range c.Retry {
				c.Retry[o] = campaigns.RetryRule{After: killGap}
			}
			for _, f := range change {
				f(c)
			}
		})
		var people []string
		for n := range size { // nobody is in two campaigns
			people = append(people, number(size*len(ours)+n, 0))
			if n%4 == 0 {
				people = append(people, number(size*len(ours)+n, 1), number(size*len(ours)+n, 2))
			}
		}
		h.people(c, people...)
		ours = append(ours, c)
		for range shift {
			var team []int64
			for range 6 {
				team = append(team, h.newAgent(c.Queue).ID)
			}
			shifts = append(shifts, team)
		}
	}
	if len(change) == 0 {
		begin(8*lives, 4) // more than all lives can call, so that each dies in the middle of its work
	}
	l := life{URL: url, Redis: h.redis, Ledger: filepath.Join(t.TempDir(), "rings")}
	const open = "SELECT count(*) FROM attempts WHERE state IN ('prepared', 'dialing', 'answered')"
	midway := 0 // deaths that left open attempts
	for i := range lives {
		if len(change) > 0 {
			begin(24, 1)
		}
		l.Agents, l.Step, l.Nth = shifts[i%len(shifts)], "", 0
		if i < len(steps) {
			l.Step, l.Nth = steps[i], 1+rand.IntN(3)
		}
		h.live(l, time.Duration(rand.Int64N(int64(400*time.Millisecond))))
		midway += min(1, h.count(open))
	}
	if midway < lives/2 {
		t.Errorf("only %d deaths left open attempts", midway)
	}
	h.phones(l)
	if *kills > 0 {
		l.Agents = slices.Concat(shifts...)
		n := h.work(l)
		h.within(5*time.Minute, 0, "SELECT count(*) FROM contacts WHERE state <> 'finished'")
		n.stop()
	}
	h.settle()
	rings, err := simulated.ReadLedger(l.Ledger)
	h.must(err)
	h.check(rings)
	h.checkCaps(rings)
	for _, c := range ours {
		h.checkAccount(c)
	}
	t.Logf("%d lives ended by SIGKILL, %d of them left open attempts; %d rings, %d attempts, %d closed as unknown, %d cancelled",
		lives, midway, len(rings),
		h.count("SELECT count(*) FROM attempts"), h.count("SELECT count(*) FROM attempts WHERE outcome = 'unknown'"),
		h.count("SELECT count(*) FROM attempts WHERE state = 'cancelled'"))
}

// live runs a child process that is killed: by itself at its step, or after a while.
func (h *house) live(l life, after time.Duration) {
	h.tb.Helper()
	config, err := json.Marshal(l)
	h.must(err)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+string(config))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	h.must(err)
	began := time.Now()
	h.must(child.Start())
	dead := make(chan error, 1)
	ready, _ := bufio.NewReader(out).ReadString('\n')
	go func() { dead <- child.Wait() }()
	if ready != "ready\n" && l.Step == "" {
		_ = child.Process.Kill()
		h.tb.Fatalf("the child says %q and %v", ready, <-dead)
	}
	if l.Step == "" {
		h.awaitClaim(began)
		testdeps.Lasts(after)
		_ = child.Process.Kill()
	}
	select {
	case err := <-dead:
		if err == nil || !strings.Contains(err.Error(), "killed") {
			h.tb.Fatalf("the child ended by itself: %v", err)
		}
	case <-time.After(2 * time.Minute):
		_ = child.Process.Kill()
		<-dead
		h.tb.Errorf("step %q was not reached for the %dth time", l.Step, l.Nth)
	}
}

// awaitClaim waits until a life has calls: its agents are found in the last one's, whose claims must run out first.
func (h *house) awaitClaim(began time.Time) {
	h.tb.Helper()
	testdeps.Eventually(h.tb, "a life to have calls", func() bool {
		return h.count("SELECT count(*) FROM attempts WHERE claimed_at > $1", began.UnixMilli()) > 0
	})
}

// childMain is the life of a child process. It ends by SIGKILL.
func childMain() {
	var l life
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &l); err != nil {
		panic(err)
	}
	h := &house{tb: childTB{}, url: l.URL, redis: l.Redis, log: testLog()}
	h.open()
	h.phones(l)
	h.work(l)
	fmt.Println("ready")
	testdeps.Lasts(3 * time.Minute) // longer than the parent waits; one that died does not leave children
	os.Exit(3)
}

// killScript lets calls last long enough to be killed in.
var killScript = func() simulated.Script {
	s := steady
	s.Crowd.AgentAnswers = simulated.LogNormal{Median: 300 * time.Millisecond, Sigma: 0.5}
	s.Crowd.Answers = simulated.LogNormal{Median: 600 * time.Millisecond, Sigma: 0.5}
	s.Crowd.Talk = simulated.LogNormal{Median: time.Second, Sigma: 1}
	return s
}()

// childTB is a testing.TB of a process that is no test.
type childTB struct{ testing.TB }

func (childTB) Helper()           {}
func (childTB) Cleanup(func())    {}
func (childTB) Error(args ...any) { fmt.Fprintln(os.Stderr, args...) }
func (childTB) Fatal(args ...any) { fmt.Fprintln(os.Stderr, args...); os.Exit(2) }
func (childTB) Fatalf(f string, args ...any) {
	fmt.Fprintf(os.Stderr, f+"\n", args...)
	os.Exit(2)
}

// work starts the node with its agents, who set codes.
func (h *house) work(l life) *node {
	n := h.node("n1", dying(l))
	n.coder("1")
	for _, id := range l.Agents {
		a, err := h.store.Agents.Agent(h.ctx(), id)
		h.must(err)
		h.reenter(n, a)
	}
	return n
}

// phones are a life's: their rings go to the ledger of all lives.
func (h *house) phones(l life) {
	h.tb.Helper()
	ledger, err := simulated.OpenLedger(l.Ledger)
	h.must(err)
	h.tb.Cleanup(func() { _ = ledger.Close() })
	h.network, err = simulated.New(simulated.Options{Script: killScript, Clock: simulated.Hurried(20), Ledger: ledger})
	h.must(err)
	h.tb.Cleanup(h.network.Close)
}

// checkCaps: nobody is called more often than the campaign allows, nor sooner.
func (h *house) checkCaps(rings []simulated.Ring) {
	h.tb.Helper()
	last := map[string]time.Time{} // by number: the end on record of the latest rung attempt
	count := map[string]int{}
	for _, r := range rings {
		a, err := h.store.Attempts.Attempt(h.ctx(), r.AttemptID)
		h.must(err)
		if count[r.Number]++; count[r.Number] > 3 {
			h.tb.Errorf("%s rang %d times, the campaign allows 3", r.Number, count[r.Number])
		}
		if before := last[r.Number]; !before.IsZero() && r.At.Sub(before) < killGap {
			h.tb.Errorf("%s rang again after %v", r.Number, r.At.Sub(before))
		}
		last[r.Number] = a.EndedAt
	}
}
