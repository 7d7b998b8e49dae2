package campaigns

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// MaxWeight is the greatest weight of a list, MaxListQuota the most calls a day that it may be given.
const (
	MaxWeight    = 100
	MaxListQuota = 1_000_000
)

// ListShare is a list's part in the calls to those of its campaign whom nobody has called yet. People without a list are one of
// number zero.
type ListShare struct {
	ListID int64
	Name   string
	Weight int // 1 to [MaxWeight]
	Quota  int // calls a day, at most, by the clock of the campaign's zone; zero: no limit
	Today  int // calls of this day: those that are planned, and those that have rung the person's phone
}

// Spent reports whether the list has had all its calls of the day.
func (s ListShare) Spent() bool { return s.Quota > 0 && s.Today >= s.Quota }

// ListSetting changes how a list shares the calls of its campaign. Nil leaves a setting as it is.
type ListSetting struct {
	Weight *int
	Quota  *int // zero: no limit
}

// Validate returns a [ValidationError] of all fields that are out of range.
func (s ListSetting) Validate() error {
	var bad ValidationError
	check := func(name string, value *int, least, most int) {
		if value != nil && (*value < least || *value > most) {
			bad = append(bad, FieldError{Field: name, Why: field.Between(least, most)})
		}
	}
	check("weight", s.Weight, 1, MaxWeight)
	check("quota", s.Quota, 0, MaxListQuota)
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// golden is 2⁶⁴ divided by the golden ratio.
const golden = 0x9E3779B97F4A7C15

// Turn returns the place in weights of whose turn the n-th call of a day is, from zero on.
//
// The calls of a day step around a circle by the golden ratio, on which each has an arc as long as its weight: of any calls in
// succession each has its part, to within a few (Weyl's sequence, whose discrepancy is the least that is known). So whose turn it
// is follows from how many calls there were today: whoever comes later takes no more than its part, and nothing else is kept.
func Turn(weights []int, n int) int {
	all := 0
	for _, w := range weights {
		all += w
	}
	at, _ := bits.Mul64(uint64(n)*golden, uint64(all)) //nolint:gosec // neither is negative
	for i, w := range weights {
		if at < uint64(w) { //nolint:gosec // it is 1 at least
			return i
		}
		at -= uint64(w) //nolint:gosec // it is 1 at least
	}
	return len(weights) - 1
}

// Day is the date at a moment by the clock of the campaign's zone, such as "2026-12-05", and when the next one begins.
func (c *Campaign) Day(now time.Time) (date string, next time.Time) {
	loc, err := campaignZone(c)
	if err != nil {
		loc = time.UTC // the campaign is closed: nobody can say when it is open
	}
	now = now.In(loc)
	return now.Format(time.DateOnly), dayStart(now, 1)
}

// DayOf is a date by the clock of the campaign's zone, such as "2026-12-05": when it begins, and when the next one does.
func (c *Campaign) DayOf(date string) (from, to time.Time, err error) {
	loc, err := campaignZone(c)
	if err != nil {
		loc = time.UTC
	}
	at, err := time.ParseInLocation(time.DateOnly, date, loc)
	if err != nil {
		return from, to, fmt.Errorf("campaigns: a date: %w", err)
	}
	return dayStart(at, 0), dayStart(at, 1), nil
}

var whyListQuota = reason.With4[string, int, int, string]("explain.list_quota", "list", "count", "most", "zone")

// gateQuota is that of a list's calls a day.
const gateQuota = "list_quota"

// gate says whether the list may have another call today.
func (s ListShare) gate(c *Campaign, now time.Time) Gate {
	_, next := c.Day(now)
	g := Gate{Rule: gateQuota, Source: sourceSetting, Pass: !s.Spent(),
		Reason: whyListQuota(s.Name, s.Today, s.Quota, next.Location().String())}
	if !g.Pass {
		g.Next = next
	}
	return g
}

// Refusal is the no of a list that has had all its calls of the day; false: it has not.
func (s ListShare) Refusal(c *Campaign, now time.Time) (Refusal, bool) {
	g := s.gate(c, now)
	return Refusal{Rule: g.Rule, Reason: g.Reason, Source: g.Source, Next: g.Next}, !g.Pass
}
