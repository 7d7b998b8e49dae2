package campaigns

import (
	"slices"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// ConsentKind says what a person permits or wishes.
type ConsentKind string

// Kinds of consents.
const (
	MayCall   ConsentKind = "calls"      // "you may call"
	MayCallAt ConsentKind = "times"      // "you may call on Sunday", "from eight to nine in the evening"
	CallMeAt  ConsentKind = "callback"   // "call me at 15:00"
	NotThere  ConsentKind = "not_number" // "not at work"
)

// ConsentKinds lists them.
var ConsentKinds = []ConsentKind{MayCall, MayCallAt, CallMeAt, NotThere}

// Consent is a permission or a wish of a person. It travels along the CRM id alone.
type Consent struct {
	ID         int64
	CRMID      string
	Kind       ConsentKind
	Number     string         // calls to this number alone; empty: to any
	CampaignID int64          // of this campaign alone; zero: of any
	Days       []time.Weekday // of MayCallAt, the person's; none: every day
	From, To   time.Duration  // of MayCallAt, after midnight of the person's
	At         time.Time      // of CallMeAt

	Source    string // where it is recorded, such as "attempt/17" or "letter of 3 June"
	GivenAt   time.Time
	ExpiresAt time.Time // zero: not by itself

	MadeBy      string
	WithdrawnAt time.Time
	WithdrawnBy string
}

// callbackLasts is how long after the wished moment a callback still rests on the wish.
const callbackLasts = 2 * time.Hour

// Validate refuses what says too little, by a [ValidationError].
func (c *Consent) Validate(now time.Time) error {
	v := &validation{}
	v.text("crm_id", c.CRMID, 1, 100)
	v.text("source", c.Source, 1, 200)
	if !slices.Contains(ConsentKinds, c.Kind) {
		v.bad("kind", field.OneOf([]string{string(MayCall), string(MayCallAt), string(CallMeAt), string(NotThere)}))
	}
	if c.Kind == MayCallAt && (c.From < 0 || c.To > day || c.From >= c.To) {
		v.bad("to", whyTimes)
	}
	if c.Kind == CallMeAt && !c.At.After(c.GivenAt) {
		v.bad("at", whyWishPast)
	}
	if c.Kind == NotThere && c.Number == "" {
		v.bad("number", field.Missing)
	}
	if c.GivenAt.After(now.Add(futureInteraction)) {
		v.bad("given_at", whyToCome)
	}
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(c.GivenAt) {
		v.bad("expires_at", whyWishPast)
	}
	if len(v.errors) == 0 {
		return nil
	}
	return v.errors
}

// lift is one thing that a profile lets a consent lift.
type lift struct {
	rule  string
	kinds []ConsentKind
}

// lifts is which kinds of consents lift a rule of the profile for the campaign. What is not here is lifted by nobody.
func (p *Profile) lifts(c *Campaign, rule string) []ConsentKind {
	for _, l := range p.Lifts {
		if l.rule == rule {
			return l.kinds
		}
	}
	if c.ConsentLiftsTimes && (rule == ruleHours || rule == ruleWeekend || rule == ruleHoliday) {
		return []ConsentKind{MayCallAt, CallMeAt}
	}
	return nil
}

// lifted is a rule that consents of some kinds lift, at most for so long after they were given; zero: as long as they say.
func lifted(r rule, kinds []ConsentKind, longest time.Duration) rule {
	base, tell := r.check, r.tell
	r.check = func(j *judge) answer {
		a := base(j)
		if !a.no {
			return a
		}
		until, next := j.consent(kinds, longest)
		switch {
		case until.After(j.Now):
			return answer{at: until}
		case !next.IsZero() && (a.at.IsZero() || next.Before(a.at)):
			a.at = next
		}
		return a
	}
	r.tell = func(j *judge) reason.Reason {
		if until, _ := j.consent(kinds, longest); until.After(j.Now) && base(j).no {
			return whyLifted(until.In(j.loc))
		}
		return tell(j)
	}
	return r
}

// consent is until when a consent of these kinds holds now, and when the next one would begin to.
func (j *judge) consent(kinds []ConsentKind, longest time.Duration) (until, next time.Time) {
	for i := range j.Consents {
		c := &j.Consents[i]
		if !slices.Contains(kinds, c.Kind) || !c.concerns(j.Question) {
			continue
		}
		end := c.ExpiresAt
		if longest > 0 && (end.IsZero() || end.After(c.GivenAt.Add(longest))) {
			end = c.GivenAt.Add(longest)
		}
		from, to := j.window(c)
		if !end.IsZero() && to.After(end) {
			to = end
		}
		switch {
		case from.IsZero() || !to.After(from) || !to.After(j.Now):
		case from.After(j.Now):
			if next.IsZero() || from.Before(next) {
				next = from
			}
		case to.After(until):
			until = to
		}
	}
	return until, next
}

// concerns reports whether the consent is in force for this question.
func (c *Consent) concerns(q *Question) bool {
	return c.WithdrawnAt.IsZero() && !c.GivenAt.After(q.Now) && (c.ExpiresAt.IsZero() || c.ExpiresAt.After(q.Now)) &&
		(c.Number == "" || c.Number == q.Number) && (c.CampaignID == 0 || c.CampaignID == q.Campaign.ID)
}

// window is the present or next time that the consent names, the expiry aside; zero: there is none.
func (j *judge) window(c *Consent) (from, to time.Time) {
	switch c.Kind {
	case MayCall:
		return c.GivenAt, j.Now.Add(longestPermit)
	case CallMeAt:
		for _, p := range j.Past {
			if p.Talk > 0 && !p.DialedAt.Before(c.At) {
				return time.Time{}, time.Time{} // the wish is fulfilled
			}
		}
		return c.At, c.At.Add(callbackLasts)
	case MayCallAt:
		for n := range 8 {
			start := dayStart(j.local, n)
			if len(c.Days) > 0 && !slices.Contains(c.Days, start.Weekday()) {
				continue
			}
			for _, w := range onTheWall(start, c.From, c.To) {
				if w[1].After(j.Now) {
					return w[0], w[1]
				}
			}
		}
	}
	return time.Time{}, time.Time{}
}

// onTheWall is when the wall clock shows times of the day that starts then. In the night in which clocks are put back it may show
// some twice; of those that are skipped in spring nothing is left.
func onTheWall(start time.Time, from, to time.Duration) (list [][2]time.Time) {
	y, m, d := start.Date()
	for end := dayStart(start, 1); start.Before(end); {
		name, offset := start.Zone()
		midnight := time.Date(y, m, d, 0, 0, 0, 0, time.FixedZone(name, offset))
		_, stop := start.ZoneBounds()
		if stop.IsZero() || stop.After(end) {
			stop = end
		}
		opens, closes := midnight.Add(from), midnight.Add(to)
		if opens.Before(start) {
			opens = start
		}
		if closes.After(stop) {
			closes = stop
		}
		if opens.Before(closes) {
			list = append(list, [2]time.Time{opens, closes})
		}
		start = stop
	}
	return list
}

// checkWish keeps to the person's wish not to be called on a number.
func checkWish(j *judge) answer {
	no, until := j.refusedThere()
	return answer{no: no, at: until}
}

func tellWish(j *judge) reason.Reason {
	if no, _ := j.refusedThere(); no {
		return whyNotThere(j.Number)
	}
	return whyNoWish
}

func (j *judge) refusedThere() (no bool, until time.Time) {
	for i := range j.Consents {
		c := &j.Consents[i]
		if c.Kind == NotThere && c.concerns(j.Question) {
			if !no || c.ExpiresAt.IsZero() || !until.IsZero() && c.ExpiresAt.After(until) {
				until = c.ExpiresAt
			}
			no = true
		}
	}
	return no, until
}
