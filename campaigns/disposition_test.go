package campaigns

import (
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
		{"callback in the past", fresh, CallCode{ID: "3", Action: CallbackAt}, now.Add(-time.Hour),
			Disposition{State: Waiting, NextAt: now}},
		{"no code in time, no default", fresh, CallCode{}, time.Time{}, Disposition{State: Complete, Reason: "no_code"}},
		{"a number in no list", nil, CallCode{ID: "2", Action: RetryAfter, After: time.Hour}, time.Time{},
			Disposition{State: Waiting, NextAt: now.Add(time.Hour)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AfterCode(campaign, tt.contact, tt.code, tt.callback, now); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestNextPhone(t *testing.T) {
	phones := []Phone{{Number: "a"}, {Number: "b", Invalid: true}, {Number: "c"}}
	for attempts, want := range []string{"a", "c", "a", "c"} {
		if got, ok := NextPhone(&Contact{Phones: phones, Attempts: attempts}); !ok || got.Number != want {
			t.Errorf("after %d attempts: %q, want %q", attempts, got.Number, want)
		}
	}
	if got, ok := NextPhone(&Contact{Phones: phones[1:2]}); ok {
		t.Errorf("an invalid number is called: %v", got)
	}
	if got, ok := NextPhone(&Contact{}); ok {
		t.Errorf("no number is called: %v", got)
	}
}
