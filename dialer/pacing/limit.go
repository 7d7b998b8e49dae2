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
	halfHourFactor = 1.5  // times the cap is what half an hour may have
	reserve        = 2.5  // abandoned calls that are kept back: those on the way when dialing stops
	limitScale     = 0.65 // of the cap, when the balance is the reserve
	limitGrowth    = 0.15 // a call of balance
	limitReach     = 12.0 // calls of balance that count
)

// limit is the highest risk for one more call that the account allows; over: the cap is exceeded, and nobody is put at risk.
func limit(s *Snapshot) (risk float64, over bool) {
	if s.Cap <= 0 || s.Day.balance(s.Cap) < 0 || halfHourOver(s) {
		return 0, true
	}
	if s.Day.balance(s.Cap) < 1 || s.HalfHour.balance(s.Cap*halfHourFactor) < 1 {
		return s.Cap / 10, false // one more would break it
	}
	balance := min(s.Day.balance(s.Cap)-reserve, limitReach)
	return min(limitScale*s.Cap*math.Exp(limitGrowth*balance), 0.5), false
}

// halfHourOver: one abandoned call is no breach by itself, since a small team has few answers in half an hour.
func halfHourOver(s *Snapshot) bool {
	return s.HalfHour.Abandoned > 1 && s.HalfHour.balance(s.Cap*halfHourFactor) < 0
}
