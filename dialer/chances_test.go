package dialer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/chance"
)

func (b *bench) Tried(context.Context, int64, time.Time, int) ([]TriedCall, error) {
	return b.tried, b.untold
}

// TestTriesOf: of each call its hour where the person is, the kind of its number and what became of the calls to it before;
// nothing of a number whose first calls are not among those read.
func TestTriesOf(t *testing.T) {
	c := &campaigns.Campaign{TimeZone: "Europe/Kyiv"}
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 30, 0, 0, time.UTC) }
	const mobile, fixed, american = "+380671234567", "+380442345678", "+12125550123"
	got := triesOf(c, []TriedCall{
		{ContactID: 1, Ordinal: 1, Number: mobile, DialedAt: at(2, 8), Outcome: campaigns.NoAnswer},
		{ContactID: 2, Ordinal: 5, Number: fixed, DialedAt: at(2, 8), Outcome: campaigns.NoAnswer}, // how it began is not known
		{ContactID: 1, Ordinal: 2, Number: mobile, DialedAt: at(2, 9), Answered: true, Outcome: campaigns.Answered},
		{ContactID: 2, Ordinal: 6, Number: fixed, DialedAt: at(2, 10), Outcome: campaigns.Busy},
		{ContactID: 1, Ordinal: 3, Number: fixed, DialedAt: at(3, 9)}, // another number of the same person
		{ContactID: 1, Ordinal: 4, Number: mobile, DialedAt: at(3, 22), Outcome: campaigns.Busy},
		{ContactID: 1, Ordinal: 5, Number: mobile, DialedAt: at(4, 8), Answered: true, Outcome: campaigns.Abandoned},
		{ContactID: 1, Ordinal: 6, Number: mobile, DialedAt: at(4, 9), Answered: true, Outcome: campaigns.Answered},
		{ContactID: 3, Ordinal: 1, Number: american, TimeZone: "America/New_York", DialedAt: at(4, 17)},
	})
	try := func(day, hour int, kind chance.Kind, past chance.Past, answered bool) chance.Try {
		return chance.Try{Call: chance.Call{Hour: hour, Kind: kind, Past: past}, Day: dayOf(at(day, 0)), Answered: answered}
	}
	want := []chance.Try{
		try(2, 10, chance.Mobile, chance.Fresh, false),
		try(2, 11, chance.Mobile, chance.MissedOnce, true),
		try(2, 12, chance.Fixed, chance.MissedOnce, false),
		try(3, 11, chance.Fixed, chance.Fresh, false),
		try(4, 0, chance.Mobile, chance.Answered, false), // in Kyiv it is the next day
		try(4, 10, chance.Mobile, chance.Engaged, true),  // busy is not missed, as on the contact's phone
		try(4, 11, chance.Mobile, chance.Answered, true),
		try(4, 12, chance.Unknown, chance.Fresh, false),
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// history is twelve days of a campaign: who has answered once answers again with this chance, and who has not with that one.
func history(answersAgain, answers float64) (calls []TriedCall) {
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(2026, 2, 20, 10, 0, 0, 0, time.UTC)
	answered := map[int64]bool{}
	for day := range 12 {
		for contact := range int64(400) {
			chance := answers
			if answered[contact] {
				chance = answersAgain
			}
			yes, outcome := r.Float64() < chance, campaigns.NoAnswer
			if yes {
				outcome = campaigns.Answered
			}
			calls = append(calls, TriedCall{ContactID: contact + 1, Ordinal: day + 1, Number: "+447700900123", Answered: yes,
				Outcome: outcome, DialedAt: begin.AddDate(0, 0, day).Add(time.Duration(contact) * time.Minute)})
			answered[contact] = yes
		}
	}
	return calls
}

// TestGoesByWhoAnswers: the pacing hears of each call how likely it is answered beside the others, where what was learned
// foretells; where it does not, or cannot be read, it hears nothing. It is looked at again after an hour.
func TestGoesByWhoAnswers(t *testing.T) {
	b, p, _, c := newBench(t)
	claimed := func(tries, missed int) Claimed {
		last := campaigns.NoAnswer
		if missed == 0 {
			last = campaigns.Answered
		}
		return Claimed{Campaign: c, Attempt: Attempt{Number: "+447700900123"}, Contact: &campaigns.Contact{
			Phones: []campaigns.Phone{{Number: "+447700900124"}, {Number: "+447700900123", Tries: tries, Missed: missed, Last: last}}}}
	}
	noon := b.now
	odds := func() [2]pacing.Odds {
		return [2]pacing.Odds{p.paces.odds(claimed(3, 0), noon), p.paces.odds(claimed(3, 3), noon)}
	}
	b.tried = history(0.3, 0.3)
	b.decide(p, time.Second)
	p.calls.all.Wait()
	if got := odds(); got != [2]pacing.Odds{} {
		t.Errorf("odds %v are learned of chance", got)
	}
	b.tried = history(0.7, 0.15)
	b.decide(p, time.Minute)
	p.calls.all.Wait()
	if got := odds(); got != [2]pacing.Odds{} {
		t.Errorf("odds %v after a minute: it is learned anew each hour", got)
	}
	b.decide(p, chancesFresh)
	p.calls.all.Wait()
	if got := odds(); got[0] < 1.5 || got[1] > 0.8 {
		t.Errorf("who has answered is called with odds %v, and who has not with %v", got[0], got[1])
	}
	known := odds()
	b.untold = errors.New("away")
	b.decide(p, chancesFresh)
	p.calls.all.Wait()
	if got := odds(); got != known {
		t.Errorf("what cannot be read anew stays: odds %v, before %v", got, known)
	}
	for name, unknown := range map[string]Claimed{
		"no contact":       {Campaign: c},
		"another number":   {Campaign: c, Attempt: Attempt{Number: "+447700900999"}, Contact: claimed(1, 0).Contact},
		"another campaign": {Campaign: &campaigns.Campaign{ID: 99}, Contact: claimed(1, 0).Contact},
	} {
		if got := p.paces.odds(unknown, b.now); got != 0 {
			t.Errorf("%s: odds %v", name, got)
		}
	}
	p.paces.rang(c.ID, 8*time.Second, true, odds()[0])
	s := p.snapshot(c, p.paces.get(c.ID), b.team, b.now)
	if !slices.Equal(s.Done.OddsAnswered, []pacing.Odds{odds()[0]}) {
		t.Errorf("the pacing hears %v", s.Done.OddsAnswered)
	}
}
