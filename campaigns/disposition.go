package campaigns

import (
	"cmp"
	"time"
)

// defaultRetry is what follows an outcome when the campaign does not say.
var defaultRetry = map[Outcome]RetryRule{
	Busy:          {After: 10 * time.Minute},
	NoAnswer:      {After: time.Hour},
	Rejected:      {After: 4 * time.Hour},
	InvalidNumber: {After: time.Minute}, // on another number of the contact
	Congestion:    {After: 5 * time.Minute},
	AgentNoAnswer: {After: 30 * time.Second},
	AgentGaveUp:   {After: time.Hour}, // as NoAnswer: the phone rang, and nobody has answered it
	Abandoned:     {After: 30 * time.Minute},

	AnsweringMachine: {After: 2 * time.Hour},
	Unknown:          {After: time.Hour},
}

// unagreed is when somebody who is to be called back is due where neither a time was agreed nor the code says: not at once.
const unagreed = 24 * time.Hour

// longestRetryAfter bounds what a phone network may ask us to wait.
const longestRetryAfter = 24 * time.Hour

// AfterAttempt says what happens to a contact when an attempt at it is closed. The contact is given with this attempt
// counted in Attempts (if its phone was dialed), sameOutcome is how many of its attempts ended with this outcome, this one
// included, and retryAfter is what the network asked for. A talked attempt leaves the contact Coding: its call code
// decides ([AfterCode]). Without a contact (a manual call to a number in no list) only BadNumber is told.
func AfterAttempt(c *Campaign, contact *Contact, outcome Outcome, sameOutcome int, retryAfter time.Duration,
	endedAt time.Time) Disposition {
	bad := outcome == InvalidNumber
	switch {
	case contact == nil:
		return Disposition{State: Complete, Reason: "no_contact", BadNumber: bad}
	case outcome == Answered:
		return Disposition{State: Coding}
	case bad && validPhones(contact) <= 1: // the dialed one is still counted
		return Disposition{State: Complete, Reason: string(InvalidNumber), BadNumber: true}
	}
	rule, ok := c.Retry[outcome]
	if !ok {
		rule = defaultRetry[outcome]
	}
	// The agent's phone did not answer: nothing rang at the customer, so no attempt of the contact's is used up.
	if outcome != AgentNoAnswer && usedUp(c, contact) {
		return Disposition{State: Complete, Reason: "max_attempts", BadNumber: bad}
	}
	if rule.Max > 0 && sameOutcome >= rule.Max {
		return Disposition{State: Complete, Reason: "max_attempts:" + string(outcome), BadNumber: bad}
	}
	after := max(grown(rule.After, rule.Growth, rule.Longest, sameOutcome), min(retryAfter, longestRetryAfter))
	return Disposition{State: Waiting, NextAt: endedAt.Add(after), BadNumber: bad}
}

// longestRetry bounds how far a growing delay grows.
const longestRetry = 31 * day

// grown is a delay after the nth time of the same.
func grown(after time.Duration, growth float64, longest time.Duration, n int) time.Duration {
	if longest <= 0 || longest > longestRetry {
		longest = longestRetry
	}
	if growth <= 1 || after >= longest {
		return after
	}
	for ; n > 1 && after < longest; n-- {
		after = time.Duration(min(float64(after)*growth, float64(longest)))
	}
	return after
}

// AfterCode says what a call code does to the contact. The zero CallCode, applied when wrap-up ended without a code and
// the campaign has no default, finishes it. callbackAt is read by codes with the action callback_at only; zero means the
// code's After from now, a day where it has none. A promised callback is kept even when the contact's attempts are used up
// ([Question].Promised); CallbackBy is left to the caller, who knows the agent. sameCode is how many of the contact's calls have
// this code, this one included.
func AfterCode(c *Campaign, contact *Contact, code CallCode, sameCode int, callbackAt, now time.Time) Disposition {
	reason := "code:" + code.ID
	if code.ID == "" {
		reason = "no_code"
	}
	switch code.Action {
	case DoNotCall:
		return Disposition{State: Complete, Reason: reason, DoNotCall: true}
	case CallbackAt:
		if callbackAt.IsZero() {
			callbackAt = now.Add(cmp.Or(code.After, unagreed))
		}
		if callbackAt.Before(now) {
			callbackAt = now
		}
		return Disposition{State: Waiting, NextAt: callbackAt}
	case RetryAfter:
		if contact != nil && usedUp(c, contact) {
			return Disposition{State: Complete, Reason: "max_attempts"}
		}
		if code.Max > 0 && sameCode >= code.Max {
			return Disposition{State: Complete, Reason: reason}
		}
		return Disposition{State: Waiting, NextAt: now.Add(grown(code.After, code.Growth, 0, sameCode))}
	default: // Finish, and no code at all
		return Disposition{State: Complete, Reason: reason}
	}
}

func usedUp(c *Campaign, contact *Contact) bool {
	return c.MaxAttempts > 0 && contact.Attempts >= c.MaxAttempts
}

func validPhones(contact *Contact) int {
	n := 0
	for _, p := range contact.Phones {
		if !p.Invalid {
			n++
		}
	}
	return n
}
