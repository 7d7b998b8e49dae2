package pacing

import "math"

// Tally counts the law's two figures over some time.
type Tally struct {
	Answered  int `json:"answered"`  // by people
	Abandoned int `json:"abandoned"` // of those
}

// balance is how many calls may still be abandoned under a cap.
func (t Tally) balance(limit float64) float64 {
	return limit*float64(t.Answered) - float64(t.Abandoned)
}

// Share is abandoned / answered.
func (t Tally) Share() float64 {
	if t.Answered == 0 {
		return 0
	}
	return float64(t.Abandoned) / float64(t.Answered)
}

const (
	halfHourFactor = 5.0 / 3 // times the cap is what half an hour may have: 5 % at a cap of 3 %
	halfHourLeast  = 2.0     // abandoned calls that half an hour may have, however few were answered
	nearLimit      = 0.1     // of the cap is the limit while one more abandoned call would exceed it
	reserve        = 2.0     // abandoned calls of balance at which the limit is its scale
	limitScale     = 0.65    // of the cap
	limitGrowth    = 0.15    // of the limit's logarithm, a call of balance
	limitReach     = 12.0    // calls of balance beyond the reserve that count
)

// halfHourBalance is how many calls may still be abandoned in half an hour. A small team has few answers in it, so a call or two are
// no breach by themselves.
func halfHourBalance(s *Snapshot) float64 {
	if s.Cap <= 0 {
		return 0
	}
	return max(s.Cap*halfHourFactor*float64(s.HalfHour.Answered), halfHourLeast) - float64(s.HalfHour.Abandoned)
}

// limit is the highest risk for one more call that the account allows; over: the cap is exceeded, and nobody is put at risk.
func limit(s *Snapshot) (risk float64, over bool) {
	day, half := s.Day.balance(s.Cap), halfHourBalance(s)
	switch {
	case s.Cap <= 0 || day < 0 || half < 0:
		return 0, true
	case day < 1 || half < 1:
		return s.Cap * nearLimit, false
	}
	return min(limitScale*s.Cap*math.Exp(limitGrowth*min(day-reserve, limitReach)), 0.5), false
}
