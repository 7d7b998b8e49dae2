package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
)

// Question is a campaign's day that did not happen yet.
type Question struct {
	Agents   int
	Contacts int           // of the list; 0: no end
	Attempts int           // calls to a contact who does not answer, at most
	Hours    time.Duration // of the day
	Cap      float64       // abandoned / answered
	Answer   float64       // share of calls that people answer
	Machines float64       // share of the answers that machines give
	Talk     time.Duration
	Wrap     time.Duration
	Ring     time.Duration // to an answer, the mean
	Timeout  time.Duration // of ringing
	Patience time.Duration
	Breaks   time.Duration // between two breaks of an agent; 0: none
	Break    time.Duration // how long one is
	Lines    int           // calls at once; 0: any number
	Rate     float64       // originations a second; 0: any number
	Mode     pacing.Mode
	Ratio    float64
	Days     int    // that are played and averaged
	Seed     uint64 // the same seed brings the same days
}

// bounds of a question, so that it is answered in seconds.
const (
	maxAgents    = 1000
	maxContacts  = 1_000_000
	maxAgentDays = 50_000 // agents × hours × days
)

// Check says what is wrong with a question, and what would be right.
func (q *Question) Check() error {
	for _, c := range []struct {
		wrong bool
		says  string
	}{
		{q.Agents < 1 || q.Agents > maxAgents, fmt.Sprintf("agents: %d: want 1 to %d", q.Agents, maxAgents)},
		{q.Contacts < 0 || q.Contacts > maxContacts, fmt.Sprintf("contacts: %d: want 0 (no end) to %d", q.Contacts, maxContacts)},
		{q.Attempts < 1 || q.Attempts > 20, fmt.Sprintf("attempts: %d: want 1 to 20", q.Attempts)},
		{q.Hours < time.Minute || q.Hours > 24*time.Hour, fmt.Sprintf("hours: %v: want 1m to 24h", q.Hours)},
		{!(q.Cap >= 0 && q.Cap <= 0.5), fmt.Sprintf("cap: %v: want a share from 0 to 0.5, such as 0.03", q.Cap)},
		{!(q.Answer > 0 && q.Answer <= 1), fmt.Sprintf("answer rate: %v: want a share above 0 and up to 1, such as 0.25", q.Answer)},
		{!(q.Machines >= 0 && q.Machines < 1), fmt.Sprintf("machines: %v: want a share from 0 to below 1", q.Machines)},
		{q.Talk < time.Second || q.Talk > 2*time.Hour, fmt.Sprintf("talk: %v: want 1s to 2h", q.Talk)},
		{q.Wrap < 0 || q.Wrap > time.Hour, fmt.Sprintf("wrap-up: %v: want 0s to 1h", q.Wrap)},
		{q.Ring < time.Second || q.Ring > time.Minute, fmt.Sprintf("ring: %v: want 1s to 1m", q.Ring)},
		{q.Timeout < q.Ring || q.Timeout > 3*time.Minute,
			fmt.Sprintf("ring timeout: %v: want no less than the time to an answer, %v, and at most 3m", q.Timeout, q.Ring)},
		{q.Patience < 0 || q.Patience > time.Minute, fmt.Sprintf("patience: %v: want 0s to 1m", q.Patience)},
		{q.Breaks < 0 || q.Breaks > 0 && (q.Breaks < time.Minute || q.Break < time.Second || q.Break > 4*time.Hour),
			fmt.Sprintf("breaks: %v every %v: want 1s to 4h, every 1m or more", q.Break, q.Breaks)},
		{q.Lines < 0, fmt.Sprintf("lines: %d: want 0 (any number) or more", q.Lines)},
		{!(q.Rate >= 0 && q.Rate <= 1e6), fmt.Sprintf("rate: %v: want calls a second, 0 for any number", q.Rate)},
		{!(q.Ratio > 0 && q.Ratio <= 100), fmt.Sprintf("ratio: %v: want above 0 and up to 100", q.Ratio)},
		{q.Days < 1 || float64(q.Agents)*q.Hours.Hours()*float64(q.Days) > maxAgentDays,
			fmt.Sprintf("days: %d: want 1 or more, and agents × hours × days up to %d", q.Days, maxAgentDays)},
	} {
		if c.wrong {
			return errors.New(c.says)
		}
	}
	return nil
}

func (q *Question) scenario() Scenario {
	sc := Scenario{
		Agents: q.Agents, Hours: q.Hours.Hours(), Answer: q.Answer, RingAnswer: Time{q.Ring.Seconds(), 0.55},
		RingTimeout: q.Timeout.Seconds(), Busy: 0.12, Failed: 0.08,
		Machines: q.Machines, Machine: Time{6, 0.4}, Talk: Time{q.Talk.Seconds(), 0.9}, Wrap: Time{q.Wrap.Seconds(), 0.6},
		Patience: q.Patience.Seconds(), Offer: 0.3,
		Trunks: q.Lines, CPS: q.Rate,
	}
	if q.Breaks > 0 {
		sc.Breaks = []Break{{Share: 1, Every: q.Breaks.Seconds(), Long: Time{q.Break.Seconds(), 0.4}}}
	}
	if q.Contacts > 0 {
		each := (1 - math.Pow(1-q.Answer, float64(q.Attempts))) / q.Answer // calls until an answer or the last attempt
		sc.List = max(int(math.Round(float64(q.Contacts)*each)), 1)
	}
	return sc
}

// Answer is what such days are like, on average. Shares are of one; times are in seconds.
type Answer struct {
	Mode          pacing.Mode `json:"mode"`
	Days          int         `json:"days"`
	Occupancy     float64     `json:"occupancy"`
	Abandoned     float64     `json:"abandoned"` // of the answered, over all days
	WorstDay      float64     `json:"worstDay"`
	HalvesAbove   float64     `json:"halfHoursAbove"` // share of half hours above 5/3 of the cap
	Calls         float64     `json:"callsAnHour"`
	Answered      float64     `json:"answeredAnHour"`
	LinesAnAgent  float64     `json:"callsAnAgentAndHour"`
	FinishSeconds float64     `json:"finishSeconds,omitempty"` // of the list; missing: on one of the days it was not finished
}

// Ask plays the days.
func Ask(ctx context.Context, q Question) (Answer, error) {
	if err := q.Check(); err != nil {
		return Answer{}, err
	}
	sc, a := q.scenario(), Answer{Mode: q.Mode, Days: q.Days}
	var hours, finish float64
	var all pacing.Tally
	dialed, finished, above, halves := 0, 0, 0, 0
	for day := range q.Days {
		d, err := Play(ctx, sc, q.Seed+uint64(day), q.Cap, Production{pacing.New(pacing.Settings{Mode: q.Mode, Ratio: q.Ratio})})
		if err != nil {
			return Answer{}, err
		}
		a.Occupancy += d.Occupancy / float64(q.Days)
		a.WorstDay = max(a.WorstDay, d.Tally.Share())
		all.Answered += d.Tally.Answered
		all.Abandoned += d.Tally.Abandoned
		dialed += d.Dialed
		hours += d.Long.Hours()
		over, of := d.HalvesAbove(q.Cap * 5 / 3)
		above, halves = above+over, halves+of
		if d.Finished {
			finished++
			finish += d.Long.Seconds()
		}
	}
	a.Abandoned = all.Share()
	a.HalvesAbove = float64(above) / float64(max(halves, 1))
	a.Calls, a.Answered = float64(dialed)/hours, float64(all.Answered)/hours
	a.LinesAnAgent = a.Calls / float64(q.Agents)
	if finished == q.Days {
		a.FinishSeconds = finish / float64(finished)
	}
	return a, nil
}
