package simulated_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// steady is a crowd whose every duration is known.
var steady = simulated.Profile{
	AgentAnswers: simulated.LogNormal{Median: time.Second},
	SetUp:        simulated.LogNormal{Median: 2 * time.Second},
	Answers:      simulated.LogNormal{Median: 5 * time.Second},
	Talk:         simulated.LogNormal{Median: time.Minute},
}

var bySuffix = []simulated.Rule{
	{Suffix: "1", Outcome: campaigns.Busy},
	{Suffix: "2", Outcome: campaigns.NoAnswer},
	{Suffix: "3", Outcome: campaigns.Rejected},
	{Suffix: "4", Outcome: campaigns.InvalidNumber},
	{Suffix: "5", Outcome: campaigns.Congestion},
}

func network(t testing.TB, o simulated.Options) *simulated.Network {
	t.Helper()
	n, err := simulated.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func order(id dialer.AttemptID, number string) dialer.Call {
	return dialer.Call{
		AttemptID: id, Agent: &agents.Extension{Name: "100"}, Customer: number,
		AgentRing: 10 * time.Second, Ring: 20 * time.Second,
	}
}

// play advances the clock until the call ends and returns all it told.
func play(t testing.TB, clock *simulated.Virtual, live dialer.LiveCall) []dialer.Progress {
	t.Helper()
	var told []dialer.Progress
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); {
		select {
		case p, more := <-live.Progress():
			if !more {
				return told
			}
			told = append(told, p)
		case <-time.After(200 * time.Microsecond): // the self-fence answers on a goroutine of its own
			clock.Advance(100 * time.Millisecond)
		}
	}
	t.Fatalf("the call does not end; it told %v", told)
	return nil
}

func kinds(told []dialer.Progress) string {
	var words []string
	for _, p := range told {
		words = append(words, string(p.Kind))
	}
	return strings.Join(words, " ")
}

func TestOutcomes(t *testing.T) {
	const agentFirst = "agent_ringing agent_answered customer_dialing "
	for _, row := range []struct {
		number  string
		ext     simulated.Condition
		outcome campaigns.Outcome
		by      string
		told    string
		rings   int
		after   time.Duration // from the placing to the end
	}{
		{"+447700900000", simulated.Well, campaigns.Answered, "customer", agentFirst + "customer_ringing customer_answered ended", 1,
			68 * time.Second},
		{"+447700900001", simulated.Well, campaigns.Busy, "customer", agentFirst + "ended", 1, 3 * time.Second},
		{"+447700900002", simulated.Well, campaigns.NoAnswer, "system", agentFirst + "customer_ringing ended", 1, 23 * time.Second},
		{"+447700900003", simulated.Well, campaigns.Rejected, "customer", agentFirst + "customer_ringing ended", 1, 8 * time.Second},
		{"+447700900004", simulated.Well, campaigns.InvalidNumber, "customer", agentFirst + "ended", 1, 3 * time.Second},
		{"+447700900005", simulated.Well, campaigns.Congestion, "customer", agentFirst + "ended", 1, 3 * time.Second},
		{"+447700900000", simulated.Silent, campaigns.AgentNoAnswer, "system", "agent_ringing ended", 0, 10 * time.Second},
		{"+447700900000", simulated.Unreachable, campaigns.AgentNoAnswer, "system", "ended", 0, 0},
	} {
		t.Run(fmt.Sprintf("%s %s", row.outcome, row.told), func(t *testing.T) {
			clock := simulated.NewVirtual(noon)
			n := network(t, simulated.Options{Clock: clock, Script: simulated.Script{Crowd: steady, Rules: bySuffix}})
			n.SetExtension("100", row.ext)
			live, err := n.Place(t.Context(), order(7, row.number))
			if err != nil {
				t.Fatal(err)
			}
			told := play(t, clock, live)
			end := told[len(told)-1]
			if kinds(told) != row.told || end.Outcome != row.outcome || end.HangupBy != row.by {
				t.Errorf("told %q, outcome %s by %s; want %q, %s by %s", kinds(told), end.Outcome, end.HangupBy, row.told, row.outcome,
					row.by)
			}
			// The test's clock runs on a little while the self-fence is asked.
			if took := end.At.Sub(noon); took < row.after || took > row.after+2*time.Second {
				t.Errorf("the call took %v, want %v", took, row.after)
			}
			if n.Rung()[7] != row.rings || n.Active() != 0 {
				t.Errorf("rang %d times, %d calls active; want %d and 0", n.Rung()[7], n.Active(), row.rings)
			}
		})
	}
}

func TestSameSeedSameFate(t *testing.T) {
	run := func(seed uint64) []campaigns.Outcome {
		clock := simulated.NewVirtual(noon)
		n := network(t, simulated.Options{Clock: clock, Script: simulated.Script{Seed: seed, Crowd: simulated.Everyday}})
		var outcomes []campaigns.Outcome
		for id := dialer.AttemptID(1); id <= 40; id++ {
			live, err := n.Place(t.Context(), order(id, "+447700900000"))
			if err != nil {
				t.Fatal(err)
			}
			clock.Advance(0)
			live.Hangup("system") // only the crowd's first choice, the agent's, has been made
			told := play(t, clock, live)
			outcomes = append(outcomes, told[len(told)-1].Outcome)
		}
		return outcomes
	}
	if !reflect.DeepEqual(run(1), run(1)) {
		t.Error("one seed, two fates")
	}
}

func TestTheFenceIsAskedOnceAndObeyed(t *testing.T) {
	for _, refusal := range []error{nil, errors.New("the lease is gone")} {
		n := network(t, simulated.Options{Script: simulated.Script{Crowd: simulated.Prompt}})
		asked := 0
		o := order(7, "+447700900000")
		o.BeforeCustomer = func(context.Context) error { asked++; return refusal }
		live, err := n.Place(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var end dialer.Progress
		for p := range live.Progress() {
			end = p
		}
		wantRings, want := 1, campaigns.Answered
		if refusal != nil {
			wantRings, want = 0, campaigns.Unknown
		}
		if asked != 1 || n.Rung()[7] != wantRings || end.Outcome != want {
			t.Errorf("fence %v: asked %d times, rang %d times, outcome %s", refusal, asked, n.Rung()[7], end.Outcome)
		}
	}
}

func TestAHangUpDuringTheFenceLeavesTheCustomerInPeace(t *testing.T) {
	n := network(t, simulated.Options{Script: simulated.Script{Crowd: simulated.Prompt}})
	inFence, goOn := make(chan struct{}), make(chan struct{})
	o := order(7, "+447700900000")
	o.BeforeCustomer = func(ctx context.Context) error {
		close(inFence)
		<-goOn
		return nil
	}
	live, err := n.Place(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	<-inFence
	live.Hangup("agent")
	close(goOn)
	var end dialer.Progress
	for p := range live.Progress() {
		end = p
	}
	if end.Outcome != campaigns.AgentGaveUp || end.HangupBy != "agent" || n.Rung()[7] != 0 {
		t.Errorf("%+v, rang %d times", end, n.Rung()[7])
	}
}

// until reads progress up to the kind given.
func until(t *testing.T, live dialer.LiveCall, kind dialer.ProgressKind) dialer.Progress {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case p, more := <-live.Progress():
			if !more {
				t.Fatalf("the call ended without %s", kind)
			}
			if p.Kind == kind {
				return p
			}
		case <-deadline:
			t.Fatalf("no %s", kind)
		}
	}
}

var longTalk = simulated.Script{Crowd: simulated.Profile{Talk: simulated.LogNormal{Median: time.Hour}}}

func TestHoldRetrieveMute(t *testing.T) {
	n := network(t, simulated.Options{Script: longTalk})
	live, err := n.Place(t.Context(), order(7, "+447700900000"))
	if err != nil {
		t.Fatal(err)
	}
	until(t, live, dialer.CustomerAnswered)
	for _, step := range []struct {
		do   func(context.Context) error
		tell dialer.ProgressKind
	}{{live.(dialer.Holder).Hold, dialer.HeldProgress}, {live.(dialer.Holder).Retrieve, dialer.ResumedProgress}} {
		if err := step.do(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, live, step.tell)
	}
	if err := live.(dialer.Muter).Mute(t.Context(), true); err != nil {
		t.Error(err)
	}
	live.Hangup("agent")
	live.Hangup("system") // repeated: nothing more
	if end := until(t, live, dialer.Ended); end.Outcome != campaigns.Answered || end.HangupBy != "agent" {
		t.Errorf("%+v", end)
	}
	if err := live.(dialer.Holder).Hold(t.Context()); err == nil {
		t.Error("an ended call was held")
	}
}

func TestACallNobodyReadsStillEnds(t *testing.T) {
	n := network(t, simulated.Options{Script: longTalk})
	live, err := n.Place(t.Context(), order(7, "+447700900000"))
	if err != nil {
		t.Fatal(err)
	}
	for talking := false; ; {
		err := errors.Join(live.(dialer.Holder).Hold(t.Context()), live.(dialer.Holder).Retrieve(t.Context()))
		if talking = talking || err == nil; talking && err != nil {
			break
		}
	}
	live.Hangup("system")
	until(t, live, dialer.Ended)
}

func TestCustomerFirst(t *testing.T) {
	n := network(t, simulated.Options{Script: longTalk})
	lines := order(7, "+447700900000")
	lines.Agent = nil
	live, err := n.Place(t.Context(), lines)
	if err != nil {
		t.Fatal(err)
	}
	until(t, live, dialer.CustomerAnswered)
	n.SetExtension("101", simulated.Silent)
	impatient, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := live.(dialer.Joiner).Join(impatient, agents.Extension{Name: "101"}); err == nil {
		t.Error("a silent extension joined")
	}
	if err := live.(dialer.Joiner).Join(t.Context(), agents.Extension{Name: "100"}); err != nil {
		t.Fatal(err)
	}
	live.Hangup("agent")
	if end := until(t, live, dialer.Ended); end.Outcome != campaigns.Answered {
		t.Errorf("%+v", end)
	}

	lines.AttemptID = 8
	if live, err = n.Place(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	until(t, live, dialer.CustomerAnswered)
	live.Hangup("system")
	if end := until(t, live, dialer.Ended); end.Outcome != campaigns.Abandoned {
		t.Errorf("no agent came: %+v", end)
	}
}

func TestLedgerSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rings")
	for life := range 2 {
		ledger, err := simulated.OpenLedger(path)
		if err != nil {
			t.Fatal(err)
		}
		n := network(t, simulated.Options{Ledger: ledger, Script: simulated.Script{Crowd: simulated.Prompt}})
		live, err := n.Place(t.Context(), order(dialer.AttemptID(7+life), "+447700900000"))
		if err != nil {
			t.Fatal(err)
		}
		until(t, live, dialer.Ended)
		n.Close()
		ledger.Close()
	}
	rings, err := simulated.ReadLedger(path)
	if err != nil || len(rings) != 2 || rings[0].AttemptID != 7 || rings[1].AttemptID != 8 || rings[1].Number != "+447700900000" {
		t.Errorf("%v, %v", rings, err)
	}
}

func TestImpossibleScriptsAreRefused(t *testing.T) {
	for _, s := range []simulated.Script{
		{Crowd: simulated.Profile{Busy: 0.7, NoAnswer: 0.4}},
		{Crowd: simulated.Profile{AgentSilent: -1}},
		{Crowd: simulated.Profile{Talk: simulated.LogNormal{Median: -time.Second}}},
		{Rules: []simulated.Rule{{Suffix: "1", Outcome: campaigns.Abandoned}}},
	} {
		if n, err := simulated.New(simulated.Options{Script: s}); err == nil {
			n.Close()
			t.Errorf("%+v was taken", s)
		}
	}
}

func TestUnreachableExtensionsSaySo(t *testing.T) {
	n := network(t, simulated.Options{})
	ext := agents.Extension{Name: "100"}
	if err := n.Reachable(t.Context(), ext); err != nil {
		t.Error(err)
	}
	n.SetExtension("100", simulated.Unreachable)
	if err := n.Reachable(t.Context(), ext); err == nil {
		t.Error("an unreachable extension is said to be reachable")
	}
}

// BenchmarkSimulated is one whole call an operation: placed, rung, answered, ended.
func BenchmarkSimulated(b *testing.B) {
	n := network(b, simulated.Options{Script: simulated.Script{Crowd: simulated.Everyday}, Clock: simulated.Hurried(100_000)})
	ended := make(chan struct{}, 1000)
	b.ReportAllocs()
	go func() {
		for i := range b.N {
			live, err := n.Place(context.Background(), order(dialer.AttemptID(i+1), "+447700900000"))
			if err != nil {
				panic(err)
			}
			go func() {
				for range live.Progress() {
				}
				ended <- struct{}{}
			}()
		}
	}()
	for range b.N {
		<-ended
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
