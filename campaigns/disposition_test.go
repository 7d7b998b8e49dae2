package campaigns

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAfterAttempt(t *testing.T) {
	ended := at(t, "UTC", "2026-11-23 12:00")
	campaign := &Campaign{MaxAttempts: 5, Retry: map[Outcome]RetryRule{
		Busy:     {After: 10 * time.Minute, Max: 3},
		NoAnswer: {After: time.Hour},
	}}
	one, two := []Phone{{Number: "+1"}}, []Phone{{Number: "+1"}, {Number: "+2"}}
	waiting := func(after time.Duration) Disposition { return Disposition{State: Waiting, NextAt: ended.Add(after)} }
	tests := []struct {
		name       string
		contact    *Contact
		outcome    Outcome
		same       int
		retryAfter time.Duration
		want       Disposition
	}{
		{"talked: held for its code", &Contact{Phones: one, Attempts: 5}, Answered, 1, 0, Disposition{State: Coding}},
		{"busy", &Contact{Phones: one, Attempts: 1}, Busy, 1, 0, waiting(10 * time.Minute)},
		{"busy for the third time", &Contact{Phones: one, Attempts: 3}, Busy, 3, 0,
			Disposition{State: Complete, Reason: "max_attempts:busy"}},
		{"no answer", &Contact{Phones: one, Attempts: 4}, NoAnswer, 4, 0, waiting(time.Hour)},
		{"no answer to the last attempt", &Contact{Phones: one, Attempts: 5}, NoAnswer, 5, 0,
			Disposition{State: Complete, Reason: "max_attempts"}},
		{"an outcome without a rule", &Contact{Phones: one, Attempts: 1}, Congestion, 1, 0, waiting(5 * time.Minute)},
		{"the network asks for longer", &Contact{Phones: one, Attempts: 1}, Congestion, 1, time.Hour, waiting(time.Hour)},
		{"the network asks for less", &Contact{Phones: one, Attempts: 1}, Congestion, 1, time.Second, waiting(5 * time.Minute)},
		{"the network asks for ever", &Contact{Phones: one, Attempts: 1}, Congestion, 1, 1000 * time.Hour, waiting(24 * time.Hour)},
		{"the only number does not exist", &Contact{Phones: one, Attempts: 1}, InvalidNumber, 1, 0,
			Disposition{State: Complete, Reason: "invalid_number", BadNumber: true}},
		{"one of two numbers does not exist", &Contact{Phones: two, Attempts: 1}, InvalidNumber, 1, 0,
			Disposition{State: Waiting, NextAt: ended.Add(time.Minute), BadNumber: true}},
		{"the agent's phone: no attempt is used up", &Contact{Phones: one, Attempts: 5}, AgentNoAnswer, 1, 0,
			waiting(30 * time.Second)},
		{"lost call", &Contact{Phones: one, Attempts: 1}, Unknown, 1, 0, waiting(time.Hour)},
		{"no contact", nil, NoAnswer, 1, 0, Disposition{State: Complete, Reason: "no_contact"}},
		{"no contact, no such number", nil, InvalidNumber, 1, 0, Disposition{State: Complete, Reason: "no_contact", BadNumber: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AfterAttempt(campaign, tt.contact, tt.outcome, tt.same, tt.retryAfter, ended); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestEveryOutcomeWithoutTalkHasARetryRule(t *testing.T) {
	for _, outcome := range Outcomes {
		if _, ok := defaultRetry[outcome]; ok == (outcome == Answered) {
			t.Errorf("%s: rule %v", outcome, ok)
		}
	}
}

func TestAfterCode(t *testing.T) {
	now := at(t, "UTC", "2026-11-23 12:00")
	tomorrow := now.AddDate(0, 0, 1)
	campaign := &Campaign{MaxAttempts: 3}
	fresh, usedUp := &Contact{Attempts: 1}, &Contact{Attempts: 3}
	tests := []struct {
		name     string
		contact  *Contact
		code     CallCode
		callback time.Time
		want     Disposition
	}{
		{"finish", fresh, CallCode{ID: "4", Action: Finish}, time.Time{}, Disposition{State: Complete, Reason: "code:4"}},
		{"do not call", fresh, CallCode{ID: "9", Action: DoNotCall}, time.Time{},
			Disposition{State: Complete, Reason: "code:9", DoNotCall: true}},
		{"retry", fresh, CallCode{ID: "2", Action: RetryAfter, After: time.Hour}, time.Time{},
			Disposition{State: Waiting, NextAt: now.Add(time.Hour)}},
		{"retry, used up", usedUp, CallCode{ID: "2", Action: RetryAfter, After: time.Hour}, time.Time{},
			Disposition{State: Complete, Reason: "max_attempts"}},
		{"callback as agreed", fresh, CallCode{ID: "3", Action: CallbackAt}, tomorrow, Disposition{State: Waiting, NextAt: tomorrow}},
		{"callback is kept though used up", usedUp, CallCode{ID: "3", Action: CallbackAt}, tomorrow,
			Disposition{State: Waiting, NextAt: tomorrow}},
		{"callback without a time", fresh, CallCode{ID: "3", Action: CallbackAt, After: time.Hour}, time.Time{},
			Disposition{State: Waiting, NextAt: now.Add(time.Hour)}},
		{"callback without a time, of a code that says nothing of it", fresh, CallCode{ID: "3", Action: CallbackAt}, time.Time{},
			Disposition{State: Waiting, NextAt: now.Add(24 * time.Hour)}},
		{"callback in the past", fresh, CallCode{ID: "3", Action: CallbackAt}, now.Add(-time.Hour),
			Disposition{State: Waiting, NextAt: now}},
		{"no code in time, no default", fresh, CallCode{}, time.Time{}, Disposition{State: Complete, Reason: "no_code"}},
		{"a number in no list", nil, CallCode{ID: "2", Action: RetryAfter, After: time.Hour}, time.Time{},
			Disposition{State: Waiting, NextAt: now.Add(time.Hour)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AfterCode(campaign, tt.contact, tt.code, 1, tt.callback, now); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestNextPhone: a phone that nobody answers twice gives its turn to the next one; one that does not exist is gone.
func TestNextPhone(t *testing.T) {
	call := func(c *Campaign, contact *Contact, outcomes ...Outcome) (order string) {
		for _, outcome := range outcomes {
			p, ok := NextPhone(c, contact)
			if !ok {
				return order + "-"
			}
			order += p.Number
			TryPhone(c, contact, p.Number, outcome)
			if outcome == InvalidNumber {
				for i := range contact.Phones {
					contact.Phones[i].Invalid = contact.Phones[i].Invalid || contact.Phones[i].Number == p.Number
				}
			}
		}
		return order
	}
	abc := func() *Contact {
		return &Contact{Phones: []Phone{{Number: "A", Label: "home"}, {Number: "B", Label: "work"}, {Number: "C", Label: "mobile"}}}
	}
	n, bad, busy, ok := NoAnswer, InvalidNumber, Busy, Answered
	other := &Campaign{Retry: map[Outcome]RetryRule{NoAnswer: {OtherPhone: true}, Busy: {OtherPhone: true}}}
	for _, tt := range []struct {
		what     string
		campaign *Campaign
		outcomes []Outcome
		want     string
	}{
		{"twice, then the next", &Campaign{}, []Outcome{n, n, n, n, n, n, n, n}, "AABBCCAA"},
		{"busy is no miss", &Campaign{}, []Outcome{busy, busy, n, n, n}, "AAAAB"},
		{"one that does not exist is gone", &Campaign{}, []Outcome{n, bad, n, n, n, n, n}, "AABBCCB"},
		{"an answer begins anew", &Campaign{}, []Outcome{n, ok, n, n, n}, "AAAAB"},
		{"other phone first", other, []Outcome{n, busy, n, n}, "ABCA"},
		{"by label", &Campaign{PhoneOrder: []string{"mobile", "work"}}, []Outcome{n, n, n, n, n}, "CCBBA"},
		{"no more than so often", &Campaign{PhoneTries: 1}, []Outcome{n, n, n, n}, "ABC-"},
		{"none is left", &Campaign{}, []Outcome{bad, bad, bad, n}, "ABC-"},
	} {
		if got := call(tt.campaign, abc(), tt.outcomes...); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}
}

func TestGrowingDelay(t *testing.T) {
	for n, want := range []time.Duration{1: time.Hour, 2: 2 * time.Hour, 3: 4 * time.Hour, 4: 5 * time.Hour, 5: 5 * time.Hour} {
		if got := grown(time.Hour, 2, 5*time.Hour, n); n > 0 && got != want {
			t.Errorf("after %d: %s, want %s", n, got, want)
		}
	}
	if got := grown(time.Hour, 100, 0, 100); got != longestRetry {
		t.Errorf("without a bound: %s", got)
	}
	if got := grown(time.Hour, 0, 0, 5); got != time.Hour {
		t.Errorf("without growth: %s", got)
	}
}

// TestOrder: each order puts people as it says, whatever their payload is.
func TestOrder(t *testing.T) {
	payloads := []string{1: `{"d":"5","s":"x"}`, 2: `{"d":10.5}`, 3: `{"d":-3}`, 4: `{"d":"2026-11-20"}`, 5: `{"d":"2026-02-01"}`,
		6: `{"d":"banana"}`, 7: `{"d":"Apple"}`, 8: `{}`, 9: `null`}
	for _, tt := range []struct {
		order Order
		want  []int64
	}{
		{Order{}, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{Order{By: Newest}, []int64{9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{Order{By: ByField, Field: "d"}, []int64{3, 1, 2, 5, 4, 7, 6, 8, 9}},
		{Order{By: ByField, Field: "d", Descending: true}, []int64{6, 7, 4, 5, 2, 1, 3, 8, 9}},
		{Order{By: ByScore, Field: "d"}, []int64{2, 1, 3, 4, 5, 6, 7, 8, 9}},
	} {
		ids := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9}
		slices.SortStableFunc(ids, func(a, b int64) int {
			return cmp.Compare(tt.order.Rank(a, []byte(payloads[a])), tt.order.Rank(b, []byte(payloads[b])))
		})
		if !slices.Equal(ids, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.order, ids, tt.want)
		}
	}
}

// TestAfterPromise: a promise has tries and a window of its own.
func TestAfterPromise(t *testing.T) {
	now := at(t, "UTC", "2026-11-23 12:00")
	one := &Contact{Phones: []Phone{{Number: "+1"}}, Attempts: 5}
	c := &Campaign{MaxAttempts: 5}
	if next, ok := AfterPromise(c, one, Busy, 1, now.Add(2*time.Hour), 0, now); !ok || !next.Equal(now.Add(10*time.Minute)) {
		t.Errorf("busy, attempts used up: %v %v", next, ok)
	}
	if _, ok := AfterPromise(c, one, Busy, 3, now.Add(2*time.Hour), 0, now); ok {
		t.Error("a fourth try")
	}
	if _, ok := AfterPromise(c, one, Busy, 1, now.Add(5*time.Minute), 0, now); ok {
		t.Error("a try after the window")
	}
	if _, ok := AfterPromise(c, one, InvalidNumber, 1, now.Add(2*time.Hour), 0, now); ok {
		t.Error("a number that does not exist is tried again")
	}
}

// TestWhyOverHasWords: every reason for which contacts are finished is told in words, and not as the record keeps it.
func TestWhyOverHasWords(t *testing.T) {
	for _, end := range []string{"code:4", "no_code", "max_attempts", "max_attempts:busy", "no_number", "no_contact",
		"invalid_number", "do_not_call", ListClosed, FinishedByHand, ErasedPerson} {
		if why := WhyOver(end); !strings.HasPrefix(why.Key(), "contact_end.") {
			t.Errorf("%s is told by %s", end, why.Key())
		}
	}
}
