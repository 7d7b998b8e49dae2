package agents

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

var (
	t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	t1 = t0.Add(time.Minute)
)

// standing is an agent in the given state, as the machine itself would have led it there.
func standing(s State) Live {
	l := Live{
		Version: 7, AgentID: 2001, Login: "mt_agent1", User: "12341", State: s, Since: t0, Node: "n1", Tabs: 1,
		TabsAt:    map[string]int{"n1": 1},
		Extension: Extension{Name: "3444", Network: "simulated"}, Reachable: true, Queues: []string{"AUTO_1"}, AutoCall: true,
		PauseID: NoPause, ErrorID: NoError,
	}
	switch {
	case s == LoggedOff:
		l = Off(2001)
		l.Version = 7
	case s.InCall():
		l.Call, l.ClaimUntil = aCall(), t1
	case s == Clerical:
		l.Call, l.CodeDueAt = aCall(), t1
	case s == Paused:
		l.PauseID = "4"
	case s == ForcePause:
		l.PauseID, l.PauseCause, l.ErrorID, l.ErrorText = ForcePauseID, whyNoAnswer, AgentNoAnswerError, whyNoAnswer
	}
	return l
}

func aCall() *Call {
	return &Call{AttemptID: "77", Number: "+447700900123", Queue: "AUTO_1", Automatic: true,
		Codes: []Code{{ID: "4", Name: "Promise to pay"}}}
}

func byHand(l Live) Live { l.Call.Automatic = false; return l }

func wishing(l Live, pause string) Live { l.NextPause = pause; return l }

// given is a call of another system's.
func given(attempt string) Input {
	return with(Given, func(in *Input) { in.AttemptID, in.Call.AttemptID = attempt, attempt })
}

func remembering(last Live) func(*Input) { return func(in *Input) { in.Last = &last } }

func tabless(l Live) Live { l.Tabs, l.TabsAt, l.GoneAt = 0, nil, t0; return l }

// input is an input of the present call with everything that any kind may need.
func input(k Kind) Input {
	return Input{
		Kind: k, At: t1, AttemptID: "77", Node: "n1", Count: 1, Call: aCall(), Until: t1.Add(time.Minute),
		CodeDueAt: t1.Add(time.Minute),
		TraceID:   "1000000001", CodeID: "4", PauseID: "1", Queues: []string{"Q"}, On: true, Reachable: true,
		Agent:     &Agent{ID: 2001, Login: "mt_agent1", Queues: []string{"AUTO_1"}, AutoCall: true, PauseID: NoPause},
		Extension: &Extension{Name: "3444"}, ErrorID: RuleError, ErrorText: reason.Said("per_day: 2 calls today"),
	}
}

func with(k Kind, change func(*Input)) Input {
	in := input(k)
	change(&in)
	return in
}

// TestNext has a row for each arrow of docs/agents.md.
func TestNext(t *testing.T) {
	type row struct {
		name string
		from Live
		in   Input
		to   State
		also func(before, after Live) bool
	}
	rows := []row{
		{"login", standing(LoggedOff), input(Login), Available, func(_, l Live) bool {
			return l.AutoCall && l.Extension.Name == "3444" && l.Node == "n1" && l.Reachable && l.Tabs == 0 && l.GoneAt.Equal(t1)
		}},
		{"login into the pause of the record", standing(LoggedOff), with(Login, func(in *Input) { in.Agent.PauseID = "4" }), Paused,
			func(_, l Live) bool { return l.PauseID == "4" }},
		{"login into Force Pause of the record", standing(LoggedOff),
			with(Login, func(in *Input) { in.Agent.PauseID, in.Agent.PauseCause = ForcePauseID, reason.Said("no answer") }), ForcePause,
			func(_, l Live) bool {
				return l.PauseCause == reason.Said("no answer") && l.ErrorText == reason.Said("no answer")
			}},
		{"login again during a call", standing(LoggedOff), with(Login, remembering(wishing(standing(Talking), "9"))), Talking,
			func(_, l Live) bool {
				return l.Call.AttemptID == "77" && l.ClaimUntil.After(t1) && l.NextPause == "9" && l.Since.Equal(t0)
			}},
		{"login again during the code", standing(LoggedOff), with(Login, remembering(standing(Clerical))), Clerical,
			func(_, l Live) bool { return l.Call.AttemptID == "77" && l.CodeDueAt.Equal(t1) }},
		{"login again while idle", standing(LoggedOff), with(Login, remembering(standing(Available))), Available,
			func(_, l Live) bool { return l.Since.Equal(t0) }},
		{"login again, the record's pause wins", standing(LoggedOff),
			with(Login, func(in *Input) { remembering(standing(Available))(in); in.Agent.PauseID = "4" }), Paused, nil},

		{"autocall off at rest", standing(Available), with(AutoCallSet, func(in *Input) { in.On = false }), Available,
			func(_, l Live) bool { return !l.AutoCall && !l.Free() && l.Since.Equal(t0) }},
		{"grace over", tabless(standing(Available)), input(GraceOver), LoggedOff, isOff},
		{"grace over in pause", tabless(standing(Paused)), input(GraceOver), LoggedOff, isOff},
		{"grace over in Force Pause", tabless(standing(ForcePause)), input(GraceOver), LoggedOff, isOff},

		{"pause", standing(Available), input(PauseChosen), Paused,
			func(_, l Live) bool { return l.PauseID == "1" && l.Since.Equal(t1) }},
		{"another pause", standing(Paused), input(PauseChosen), Paused,
			func(_, l Live) bool { return l.PauseID == "1" && l.Since.Equal(t1) }},
		{"pause 0", standing(Paused), with(PauseEnded, func(in *Input) { in.Reachable = false }), Available,
			func(_, l Live) bool { return l.PauseID == NoPause && l.Reachable }},
		{"pause 0 of Force Pause", standing(ForcePause), input(PauseEnded), Available,
			func(_, l Live) bool {
				return l.PauseID == NoPause && l.PauseCause.IsZero() && l.ErrorID == NoError && l.Free()
			}},
		{"pause 0 of Force Pause, unreachable", standing(ForcePause),
			with(PauseEnded, func(in *Input) { in.Reachable, in.ErrorText = false, reason.Said("not registered") }), ForcePause,
			func(_, l Live) bool {
				return l.ErrorText == reason.Said("not registered") && l.PauseID == ForcePauseID && !l.Reachable
			}},

		{"claimed", standing(Available), input(Claimed), Ordered,
			func(_, l Live) bool { return l.Call.AttemptID == "77" && !l.ClaimUntil.IsZero() }},
		{"ordering", standing(Available), input(Ordering), Ordered, func(_, l Live) bool { return l.Call.AttemptID == "77" }},
		{"given a call", standing(Available), input(Given), Ordered, func(_, l Live) bool {
			return l.Call.AttemptID == "77" && !l.ClaimUntil.IsZero() && l.NextPause == ""
		}},
		{"given a call in Clerical", wishing(standing(Clerical), "9"), given("78"), Ordered, func(_, l Live) bool {
			return l.Call.AttemptID == "78" && l.CodeDueAt.IsZero() && l.NextPause == "9"
		}},
		{"given a call in a pause", standing(Paused), input(Given), Ordered,
			func(_, l Live) bool { return l.PauseID == NoPause && l.NextPause == "4" }},
		{"given a call in Force Pause", standing(ForcePause), input(Given), Ordered, func(_, l Live) bool {
			return l.PauseID == NoPause && l.NextPause == ForcePauseID && !l.PauseCause.IsZero() && l.ErrorID == NoError
		}},
		{"more is known of the call given", standing(Talking),
			with(Given, func(in *Input) { in.Call.AttemptID, in.Call.CardLink = "78", "https://crm/1" }),
			Talking, func(_, l Live) bool {
				return l.Call.AttemptID == "78" && l.Call.CardLink == "https://crm/1" && l.Since.Equal(t0) && l.ClaimUntil.After(t1)
			}},
		{"back to Force Pause", wishing(standing(Clerical), ForcePauseID), input(CodeSet), ForcePause, func(_, l Live) bool {
			return l.PauseID == ForcePauseID && l.NextPause == ""
		}},
		{"refused before the order", standing(Available), input(Refused), Available,
			func(_, l Live) bool { return l.ErrorID == RuleError && l.FailedAt.Equal(t1) }},
		{"refused after the order", standing(Ordered), input(Refused), Available,
			func(_, l Live) bool { return l.ErrorID == RuleError && l.FailedAt.Equal(t1) && l.Call == nil }},

		{"ringing", standing(Ordered), with(Ringing, func(in *Input) { in.Call.CardLink = "https://crm/1" }), Delivered,
			func(_, l Live) bool { return l.Call.CardLink == "https://crm/1" }},
		{"the customer's number rings", standing(Delivered), input(Ringing), Delivered, nil},
		{"connected without ringing", standing(Ordered), input(Connected), Talking, nil},
		{"connected", standing(Delivered), input(Connected), Talking, nil},
		{"held", standing(Talking), input(Held), Holding, nil},
		{"retrieved", standing(Holding), input(Retrieved), Talking, nil},
		{"muted", standing(Talking), input(MuteSet), Talking, func(_, l Live) bool { return l.Muted }},
		{"muted on hold", standing(Holding), input(MuteSet), Holding, func(_, l Live) bool { return l.Muted }},

		{"customer failed, automatic, at order", standing(Ordered), input(CustomerFailed), Available, failed},
		{"customer failed, automatic", standing(Delivered), input(CustomerFailed), Available, failed},
		{"customer failed, automatic, talking", standing(Talking), input(CustomerFailed), Available, failed},
		{"customer failed, automatic, holding", standing(Holding), input(CustomerFailed), Available, failed},
		{"customer failed, automatic, with a pause", wishing(standing(Delivered), "9"), input(CustomerFailed), Paused, failed},
		{"customer failed, by hand", byHand(standing(Delivered)), input(CustomerFailed), Clerical,
			func(_, l Live) bool {
				return l.ErrorID == RuleError && !l.CodeDueAt.IsZero() && l.Call != nil && l.FailedAt.IsZero()
			}},
		{"Force Pause by the phone network", standing(Available), with(ForcePaused, func(in *Input) { in.ErrorText = reason.Reason{} }),
			ForcePause, forced},
		{"agent did not reply", standing(Ordered), with(AgentDidNotReply, func(in *Input) { in.ErrorText = reason.Reason{} }),
			ForcePause, forced},
		{"agent did not reply, ringing", standing(Delivered),
			with(AgentDidNotReply, func(in *Input) { in.ErrorText = reason.Reason{} }), ForcePause, forced},
		{"agent did not reply, with a pause", wishing(standing(Delivered), "9"),
			with(AgentDidNotReply, func(in *Input) { in.ErrorText = reason.Reason{} }),
			ForcePause, forced},
		{"released", standing(Ordered), input(Released), Available,
			func(_, l Live) bool { return l.Call == nil && l.Free() && l.FailedAt.IsZero() }},
		{"released, ringing", standing(Delivered), input(Released), Available, nil},

		{"code set", standing(Clerical), input(CodeSet), Available,
			func(_, l Live) bool { return l.Call == nil && l.CodeDueAt.IsZero() && l.Free() }},
		{"code set, with a pause", wishing(standing(Clerical), "9"), input(CodeSet), Paused,
			func(_, l Live) bool { return l.PauseID == "9" && l.NextPause == "" }},
		{"wrap-up over", standing(Clerical), input(WrapUpOver), Available, nil},
		{"wrap-up over, with a pause", wishing(standing(Clerical), "9"), input(WrapUpOver), Paused, nil},
	}
	for _, s := range loggedOn {
		rows = append(rows,
			row{"a second tab", standing(s), with(TabsCounted, func(in *Input) { in.Node = "n2" }), s,
				func(_, l Live) bool { return l.Tabs == 2 && l.GoneAt.IsZero() }},
			row{"the last tab", standing(s), with(TabsCounted, func(in *Input) { in.Count = 0 }), s,
				func(_, l Live) bool { return l.Tabs == 0 && l.GoneAt.Equal(t1) && !l.Free() }},
			row{"autocall", standing(s), input(AutoCallSet), s, func(_, l Live) bool { return l.AutoCall }},
			row{"queues", standing(s), input(QueuesChanged), s, func(_, l Live) bool { return slices.Equal(l.Queues, []string{"Q"}) }},
			row{"language", standing(s), with(LanguageSet, func(in *Input) { in.Language = "uk" }), s,
				func(_, l Live) bool { return l.Language == "uk" }},
			row{"unreachable", standing(s), with(ReachableChanged, func(in *Input) { in.Reachable = false }), s,
				func(_, l Live) bool { return !l.Free() }})
	}
	for _, s := range inCall {
		rows = append(rows,
			row{"more is known", standing(s), input(Given), s,
				func(_, l Live) bool { return l.Call.AttemptID == "77" && l.Since.Equal(t0) }},
			row{"hung up", standing(s), input(HungUp), Clerical,
				func(_, l Live) bool { return l.Call != nil && l.CodeDueAt.After(t1) && l.ClaimUntil.IsZero() }},
			row{"a machine's call is gone", standing(s), input(MachineGone), Available,
				func(_, l Live) bool { return l.Call == nil && l.Free() && l.FailedAt.IsZero() }},
			row{"claim renewed", standing(s), input(ClaimRenewed), s,
				func(_, l Live) bool { return l.ClaimUntil.After(t1) && l.Since.Equal(t0) }},
			row{"claim expired", standing(s), input(ClaimExpired), Available,
				func(_, l Live) bool { return l.ErrorID == CallLostError && l.Call == nil }})
	}
	for _, s := range busy {
		rows = append(rows,
			row{"pause is remembered", standing(s), input(PauseChosen), s,
				func(_, l Live) bool { return l.NextPause == "1" && l.PauseID == NoPause }},
			row{"pause is forgotten", wishing(standing(s), "1"), input(PauseEnded), s, func(_, l Live) bool { return l.NextPause == "" }},
			row{"trace known", standing(s), input(TraceKnown), s, func(_, l Live) bool { return l.Call.CallTraceID == "1000000001" }})
	}
	for _, s := range []State{Delivered, Talking, Holding} {
		rows = append(rows, row{"code chosen", standing(s), input(CodeChosen), s, func(_, l Live) bool { return l.Call.CodeID == "4" }})
	}
	previewed := standing(Available)
	previewed.Preview, previewed.PreviewUntil = aCall(), t1
	rows = append(rows,
		row{"a contact is shown", standing(Available), input(Previewed), Available, func(_, l Live) bool {
			return l.Preview.AttemptID == "77" && l.PreviewUntil.After(t1) && !l.Free() && l.Since.Equal(t0)
		}},
		row{"it is shown no more", previewed, input(PreviewOver), Available,
			func(_, l Live) bool { return l.Preview == nil && l.Free() }})
	for _, s := range []State{Available, Paused, ForcePause, Clerical} {
		rows = append(rows,
			row{"logout", standing(s), input(Logout), LoggedOff, isOff},
			row{"home", standing(s), with(HomeChanged, func(in *Input) { in.Node = "n2" }), s,
				func(_, l Live) bool { return l.Node == "n2" }})
	}

	drawn := map[string]bool{}
	for _, r := range rows {
		drawn[fmt.Sprint(r.in.Kind, r.from.State)] = true
		t.Run(fmt.Sprintf("%s: %s", r.from.State, r.name), func(t *testing.T) {
			before := standing(r.from.State)
			after, err := Next(r.from, r.in)
			if err != nil {
				t.Fatal(err)
			}
			if after.State != r.to {
				t.Fatalf("to %s, want %s", after.State, r.to)
			}
			if after.Version != before.Version+1 {
				t.Errorf("version %d after %d", after.Version, before.Version)
			}
			if after.State != r.from.State && r.in.Last == nil && !after.Since.Equal(t1) {
				t.Errorf("since %v, want the moment of the input", after.Since)
			}
			if r.also != nil && !r.also(r.from, after) {
				t.Errorf("not as it should be: %+v", after)
			}
		})
	}
	for kind, a := range arrows {
		for _, from := range a.from {
			if !drawn[fmt.Sprint(kind, from)] {
				t.Errorf("no row for %s while %s", kind, from)
			}
		}
	}
}

func isOff(before, after Live) bool {
	want := Off(before.AgentID)
	want.Version, want.Login, want.Since, want.ChangedAt = before.Version+1, before.Login, t1, t1
	return reflect.DeepEqual(after, want)
}

func failed(_, l Live) bool { return l.Call == nil && l.ErrorID == RuleError && l.FailedAt.Equal(t1) }

func forced(_, l Live) bool {
	return l.PauseID == ForcePauseID && l.NextPause == "" && l.ErrorID == AgentNoAnswerError && l.PauseCause == whyNoAnswer &&
		l.ErrorText == l.PauseCause && l.Call == nil
}

// TestNextRefuses: all that is no arrow returns the state as it was.
func TestNextRefuses(t *testing.T) {
	refuse := func(name string, l Live, in Input, want error) {
		t.Helper()
		before, _ := Next(l, Input{}) // a copy with the zero state named
		after, err := Next(l, in)
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", name, err, want)
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s: changed to %+v", name, after)
		}
	}
	for kind, a := range arrows {
		for _, s := range States {
			if !slices.Contains(a.from, s) {
				refuse(fmt.Sprintf("%s while %s", kind, s), standing(s), input(kind), ErrNotNow)
			}
			if a.ofCall && slices.Contains(a.from, s) {
				refuse(fmt.Sprintf("%s of another call", kind), standing(s), with(kind, func(in *Input) { in.AttemptID = "78" }),
					ErrOtherCall)
			}
		}
	}
	refuse("unknown kind", standing(Available), input("sing"), ErrNotNow)
	refuse("no time", standing(Available), with(PauseChosen, func(in *Input) { in.At = time.Time{} }), ErrIncomplete)
	refuse("refused for another call", standing(Ordered), with(Refused, func(in *Input) { in.AttemptID = "78" }), ErrOtherCall)
	refuse("given in another call", standing(Talking), with(Given, func(in *Input) { in.AttemptID = "78" }), ErrOtherCall)
	refuse("given without a call", standing(Talking), with(Given, func(in *Input) { in.Call = nil }), ErrIncomplete)
	refuse("ringing with another's call", standing(Ordered), with(Ringing, func(in *Input) { in.Call.AttemptID = "78" }),
		ErrIncomplete)
	refuse("grace over with a tab", standing(Available), input(GraceOver), ErrNotNow)
	refuse("claim not expired yet", standing(Talking), with(ClaimExpired, func(in *Input) { in.At = t0 }), ErrNotNow)
	refuse("pause 0 with none asked for", standing(Talking), input(PauseEnded), ErrNotNow)
	refuse("pause 0 with Force Pause to go back to", wishing(standing(Talking), ForcePauseID), input(PauseEnded), ErrNotNow)
	refuse("pause with Force Pause to go back to", wishing(standing(Talking), ForcePauseID), input(PauseChosen), ErrNotNow)
	refuse("Force Pause chosen", standing(Available), with(PauseChosen, func(in *Input) { in.PauseID = ForcePauseID }),
		ErrIncomplete)
	refuse("code not on offer", standing(Talking), with(CodeChosen, func(in *Input) { in.CodeID = "5" }), ErrIncomplete)
	refuse("hung up without a time for the code", standing(Talking), with(HungUp, func(in *Input) { in.CodeDueAt = time.Time{} }),
		ErrIncomplete)
	refuse("order without a call", standing(Available), with(Ordering, func(in *Input) { in.Call = nil }), ErrIncomplete)
	refuse("login of another agent", standing(LoggedOff), with(Login, func(in *Input) { in.Agent.ID = 5 }), ErrIncomplete)
	refuse("login without an extension", standing(LoggedOff), with(Login, func(in *Input) { in.Extension = nil }), ErrIncomplete)
	refuse("tabs of nowhere", standing(Available), with(TabsCounted, func(in *Input) { in.Node = "" }), ErrIncomplete)
	refuse("zero state", Live{}, input(Logout), ErrNotNow)

	for name, change := range map[string]func(*Live){
		"flag off":     func(l *Live) { l.AutoCall = false },
		"no tab":       func(l *Live) { l.Tabs = 0 },
		"unreachable":  func(l *Live) { l.Reachable = false },
		"another home": func(l *Live) { l.Node = "elsewhere" },
	} {
		l := standing(Available)
		change(&l)
		refuse("claimed with "+name, l, with(Claimed, func(in *Input) { in.Node = standing(Available).Node }), ErrNotNow)
	}
}
