package dialer

import (
	"context"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/chance"
)

// TriedCall is a call of the dialer's own that has ended, as one learns of it who answers.
type TriedCall struct {
	ContactID int64
	Ordinal   int // 1, 2, … of the contact
	Number    string
	TimeZone  string // of the contact; empty: the campaign's
	DialedAt  time.Time
	Answered  bool // by a person
	Outcome   campaigns.Outcome
}

// What chances are learned from, and how often.
const (
	TriedFor     = 28 * 24 * time.Hour
	TriedCalls   = 20_000 // at most, the latest ones
	chancesFresh = time.Hour
	chancesLimit = 30 * time.Second
)

// Chances are how likely people answer a campaign's calls, as its calls of late have shown.
type Chances struct {
	Verdict chance.Verdict
	Model   *chance.Model // nil where it proved no better than to know nothing: nobody goes by it
	Effects []chance.Effect
}

// LearnChances learns from calls, oldest first.
func LearnChances(c *campaigns.Campaign, calls []TriedCall) Chances {
	tries := triesOf(c, calls)
	model := chance.Learn(tries)
	known := Chances{Verdict: chance.Judge(tries), Effects: model.Effects(tries)}
	if known.Verdict.Better {
		known.Model = model
	}
	return known
}

// triesOf says what was known of each call before it was placed. Calls to numbers whose past is not known are left out.
func triesOf(c *campaigns.Campaign, calls []TriedCall) []chance.Try {
	type key struct {
		contact int64
		number  string
	}
	seen := map[key]*campaigns.Contact{} // with the one phone, as the record would have it
	fromTheFirst := map[int64]bool{}     // contacts of whom no call is missing
	kinds := map[string]chance.Kind{}
	own := campaigns.LikelyZone(c.TimeZone, "", "")
	tries := make([]chance.Try, 0, len(calls))
	for _, call := range calls {
		if call.Ordinal == 1 {
			fromTheFirst[call.ContactID] = true
		}
		k := key{call.ContactID, call.Number}
		is, known := seen[k]
		if !known {
			is = &campaigns.Contact{Phones: []campaigns.Phone{{Number: call.Number}}}
			seen[k] = is
		}
		if known || fromTheFirst[call.ContactID] {
			kind, told := kinds[call.Number]
			if !told {
				kind = kindOf(call.Number)
				kinds[call.Number] = kind
			}
			tries = append(tries, chance.Try{Day: dayOf(call.DialedAt.In(own)), Answered: call.Answered,
				Call: chance.Call{Hour: call.DialedAt.In(campaigns.LikelyZone(call.TimeZone, call.Number, c.TimeZone)).Hour(),
					Kind: kind, Past: pastOf(is.Phones[0])}})
		}
		campaigns.TryPhone(c, is, call.Number, call.Outcome)
	}
	return tries
}

// dayOf counts the days of the calendar.
func dayOf(local time.Time) int {
	y, m, d := local.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// pastOf is what became of the calls to a phone.
func pastOf(p campaigns.Phone) chance.Past {
	return chance.PastOf(p.Tries, p.Missed, p.Last == campaigns.Answered || p.Last == campaigns.Abandoned)
}

func kindOf(number string) chance.Kind {
	switch campaigns.KindOf(number) {
	case campaigns.MobileNumber:
		return chance.Mobile
	case campaigns.FixedNumber:
		return chance.Fixed
	}
	return chance.Unknown
}

// learnChances has a campaign's pace go by what its calls have shown of who answers, once an hour, beside its decisions. What
// cannot be read now stays as it was.
func (p *pacer) learnChances(c *campaigns.Campaign, pc *pace) {
	now := p.now()
	if p.tried == nil || now.Sub(pc.chancesAt) < chancesFresh {
		return
	}
	pc.chancesAt = now
	p.calls.spawn(func() {
		ctx, cancel := context.WithTimeout(p.calls.life, chancesLimit)
		defer cancel()
		calls, err := p.tried(ctx, c.ID, now.Add(-TriedFor), TriedCalls)
		if err != nil {
			p.log.Warn("who answers is not learned", slog.Int64("campaign", c.ID), slog.Any("error", err))
			return
		}
		known := LearnChances(c, calls)
		pc.mu.Lock()
		pc.chances = known.Model
		pc.mu.Unlock()
	}, true)
}

// odds is how likely the customer of a call answers, beside the campaign's others; zero: nobody knows.
func (p *paces) odds(claimed Claimed, now time.Time) pacing.Odds {
	pc, contact := p.get(claimed.Campaign.ID), claimed.Contact
	if pc == nil || contact == nil {
		return 0
	}
	pc.mu.Lock()
	model := pc.chances
	pc.mu.Unlock()
	if model == nil {
		return 0
	}
	for _, phone := range contact.Phones {
		if phone.Number == claimed.Attempt.Number {
			zone := campaigns.LikelyZone(contact.TimeZone, phone.Number, claimed.Campaign.TimeZone)
			return pacing.Odds(model.Odds(chance.Call{Hour: now.In(zone).Hour(), Kind: kindOf(phone.Number),
				Past: pastOf(phone)}))
		}
	}
	return 0
}
