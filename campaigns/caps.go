package campaigns

import (
	"slices"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// The rules of this file judge by the person's past calls.

// longestCall bounds a call from its dialing to its end; Validate keeps MaxDuration within it.
const longestCall = 4 * time.Hour

// checkInCall keeps the dialer from a person's second phone while the first one is in use, or may be. Nobody knows when a talk
// ends, so the next time is a moment to ask again.
func checkInCall(j *judge) answer {
	if _, busy := j.inCall(); busy {
		return answer{no: true, at: j.Now.Add(time.Minute)}
	}
	if _, until := j.mayRing(); !until.IsZero() {
		return answer{no: true, at: until}
	}
	return answer{}
}

func tellInCall(j *judge) reason.Reason {
	if number, busy := j.inCall(); busy {
		return whyInCall(number)
	}
	if number, until := j.mayRing(); !until.IsZero() {
		return whyMayRing(number, until.In(j.loc))
	}
	return whyNotInCall
}

func (j *judge) inCall() (number string, busy bool) {
	for _, p := range j.Past {
		if p.EndedAt.IsZero() && j.Now.Sub(p.DialedAt) < longestCall {
			return p.Number, true
		}
	}
	return "", false
}

// mayRing is the phone that an attempt may have ringing whose end the far end has not confirmed, and for how long; zero: there is
// none.
func (j *judge) mayRing() (number string, until time.Time) {
	for _, p := range j.Past {
		if !p.EndedAt.IsZero() && p.QuietUntil.After(j.Now) && p.QuietUntil.After(until) {
			number, until = p.Number, p.QuietUntil
		}
	}
	return number, until
}

func checkMaxAttempts(j *judge) answer {
	return answer{no: j.Contact.Attempts >= j.Campaign.MaxAttempts}
}

func tellMaxAttempts(j *judge) reason.Reason {
	return whyAttempts(j.Contact.Attempts, j.Campaign.MaxAttempts)
}

func checkPerDay(j *judge) answer {
	if j.dialedToday() >= j.Campaign.Limits.PerDay {
		return answer{no: true, at: dayStart(j.local, 1)}
	}
	return answer{}
}

func tellPerDay(j *judge) reason.Reason {
	return whyPerDay(j.dialedToday(), j.loc.String(), j.Campaign.Limits.PerDay)
}

func (j *judge) dialedToday() int {
	n := 0
	for _, p := range j.Past {
		if p.from() && sameDay(p.DialedAt, j.Now, j.loc) {
			n++
		}
	}
	return n
}

// periodRule allows so many dialed attempts within a rolling period; calls alone, or whatever came from our side.
func periodRule(most int, period time.Duration, counted func(*PastCall) bool) rule {
	return rule{
		name: rulePerPeriod,
		check: func(j *judge) answer {
			dialed := j.dialedSince(j.Now.Add(-period), counted)
			if len(dialed) < most {
				return answer{}
			}
			// The period has room again when all but most−1 of these calls have left it.
			return answer{no: true, at: dialed[len(dialed)-most].Add(period)}
		},
		tell: func(j *judge) reason.Reason {
			return whyPerPeriod(len(j.dialedSince(j.Now.Add(-period), counted)), period, most)
		},
	}
}

// dialedSince lists the dialings after a moment, oldest first. One that another node's clock puts ahead of ours counts too.
func (j *judge) dialedSince(t time.Time, counted func(*PastCall) bool) []time.Time {
	var dialed []time.Time
	for _, p := range j.Past {
		if counted(&p) && p.DialedAt.After(t) {
			dialed = append(dialed, p.DialedAt)
		}
	}
	slices.SortFunc(dialed, time.Time.Compare)
	return dialed
}

func checkGap(j *judge) answer {
	return after(j, j.lastEnd(func(PastCall) bool { return true }), j.Campaign.Limits.MinimumGap)
}

func tellGap(j *judge) reason.Reason {
	last := j.lastEnd(func(PastCall) bool { return true })
	return j.since(j.Campaign.Limits.MinimumGap, last, whyGap, whyNoGap)
}

// conversationRule lets a person rest after a conversation, for whole days of the person's of which that of the conversation is
// the first.
func conversationRule(rest time.Duration) rule {
	return rule{
		name: ruleConversation,
		check: func(j *judge) answer {
			last := j.lastEnd(j.conversed)
			if next := dayStart(last.In(j.loc), int(rest/day)); !last.IsZero() && j.Now.Before(next) {
				return answer{no: true, at: next}
			}
			return answer{}
		},
		tell: func(j *judge) reason.Reason {
			return j.since(rest, j.lastEnd(j.conversed), whyTalked, whyNotTalked)
		},
	}
}

// conversed reports whether the call was a conversation with the person: not every answer is, a machine's for one. Its code
// decides, and until there is one it was.
func (j *judge) conversed(p PastCall) bool { return p.spoken() && j.counts(p) }

// abandonedRule lets a number rest that was answered while no agent was there.
func abandonedRule(rest time.Duration) rule {
	abandoned := func(j *judge) time.Time {
		return j.lastEnd(func(p PastCall) bool { return p.Outcome == Abandoned && p.Number == j.Number })
	}
	return rule{
		name:  ruleAbandoned,
		check: func(j *judge) answer { return after(j, abandoned(j), rest) },
		tell: func(j *judge) reason.Reason {
			return j.since(rest, abandoned(j), whyAbandoned, whyNone)
		},
	}
}

// lastEnd is the end of the latest such call; zero when there was none.
func (j *judge) lastEnd(such func(PastCall) bool) time.Time {
	var last time.Time
	for _, p := range j.Past {
		end := p.EndedAt
		if end.IsZero() {
			end = p.DialedAt // still up: in_call speaks for it
		}
		if such(p) && end.After(last) {
			last = end
		}
	}
	return last
}

// after refuses until rest has passed since last.
func after(j *judge, last time.Time, rest time.Duration) answer {
	if next := last.Add(rest); !last.IsZero() && j.Now.Before(next) {
		return answer{no: true, at: next}
	}
	return answer{}
}

// since tells of a rest after the last such call, or that there was none.
func (j *judge) since(rest time.Duration, last time.Time, was func(time.Duration, time.Time) reason.Reason,
	none func(time.Duration) reason.Reason) reason.Reason {
	if last.IsZero() {
		return none(rest)
	}
	return was(rest, last.In(j.loc))
}

// meaningfulRule allows so many contacts a day in which something was conveyed.
func meaningfulRule(most int) rule {
	return rule{
		name: ruleMeaningful,
		check: func(j *judge) answer {
			if j.meaningfulToday() >= most {
				return answer{no: true, at: dayStart(j.local, 1)}
			}
			return answer{}
		},
		tell: func(j *judge) reason.Reason {
			return whyMeaningful(j.meaningfulToday(), j.loc.String(), most)
		},
	}
}

// counts reports whether something was conveyed.
func (j *judge) counts(p PastCall) bool {
	return p.Meaningful || p.Uncoded || j.Campaign.Limits.TalkIsMeaningful && p.Talk > 0
}

func (j *judge) meaningfulToday() int {
	n := 0
	for _, p := range j.Past {
		if j.counts(p) && sameDay(p.DialedAt, j.Now, j.loc) {
			n++
		}
	}
	return n
}

// automaticRule bounds the time a day that the dialer rings at a person. The next call may ring for the campaign's whole
// ring time, so room for it is asked before, not regretted afterwards.
func automaticRule(most time.Duration) rule {
	return rule{
		name: ruleAutomatic,
		check: func(j *judge) answer {
			used := j.automaticToday()
			if used > 0 && used+j.Campaign.Ring > most || used >= most {
				return answer{no: true, at: dayStart(j.local, 1)}
			}
			return answer{}
		},
		tell: func(j *judge) reason.Reason {
			return whyAutomatic(j.automaticToday().Round(time.Second), j.loc.String(), j.Campaign.Ring, most)
		},
	}
}

func (j *judge) automaticToday() time.Duration {
	var sum time.Duration
	for _, p := range j.Past {
		if !p.Automatic || !sameDay(p.DialedAt, j.Now, j.loc) {
			continue
		}
		dialing := p.Dialing
		if dialing == 0 && p.EndedAt.IsZero() {
			dialing = j.Campaign.Ring // still ringing
		}
		sum += dialing
		if j.Campaign.Limits.TalkIsDialing {
			sum += p.Talk
		}
	}
	return sum
}
