package pacing

import "math"

// Tally counts the law's two figures over some time.
type Tally struct {
	Answered  int `json:"answered"`  // by people
	Abandoned int `json:"abandoned"` // of those
}

// Plus is both together.
func (t Tally) Plus(u Tally) Tally { return Tally{t.Answered + u.Answered, t.Abandoned + u.Abandoned} }

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
	halfHourLeast  = 5.0     // abandoned calls that half an hour may have, however few were answered
	halfHourUsual  = 3.0     // calls of its balance at which the whole cap is used
	nearLimit      = 0.1     // of the cap is the limit while one more abandoned call would exceed it

	balanceLeast  = 2.5 // calls of balance at which the whole cap is used, for a team without answers
	balanceGrowth = 1.0 // more, for each root of the abandoned calls that half an hour may have
	partAtNone    = 0.4 // of the cap is used without any balance
	partMost      = 1.6 // of the cap is used at the most

	calibrationMemory = 1500 // answers
	usualAbandoned    = 5    // calls, that what is usual counts for
	usualCalibration  = 1.3
)

// halfHourBalance is how many calls may still be abandoned in half an hour. A small team has few answers in it, so a few
// are no breach by themselves.
func halfHourBalance(s *Snapshot) float64 {
	if s.Cap <= 0 {
		return 0
	}
	return max(s.Cap*halfHourFactor*float64(s.HalfHour.Answered), halfHourLeast) - float64(s.HalfHour.Abandoned)
}

// part is the snapshot's share of a balance. What is exceeded is so for all.
func (s *Snapshot) part(balance float64) float64 {
	if s.Share > 0 && balance > 0 {
		return balance * s.Share
	}
	return balance
}

// limit is the highest risk for one more call that the account allows; over: the cap is exceeded, and nobody is put at risk.
func limit(s *Snapshot, c *calibration) (risk float64, over bool) {
	day, half := s.part(s.Day.balance(s.Cap)), s.part(halfHourBalance(s))
	switch {
	case s.Cap <= 0 || day < 0 || half < 0:
		return 0, true
	case day < 1 || half < 1:
		return s.Cap * nearLimit, false
	}
	usual := balanceLeast + balanceGrowth*math.Sqrt(s.Cap*float64(s.HalfHour.Answered))
	part := min(max(partAtNone+(1-partAtNone)*day/usual, partAtNone), partMost, half/max(s.part(halfHourUsual), 1))
	return min(s.Cap*part/c.value(), 0.5), false
}

// calibration is how many calls are abandoned for each that the limit stands for. The limit is the risk of the last call dialed;
// what comes of it for all of them depends on the team's size and on how regular its talks are.
type calibration struct {
	abandoned, expected float64
	seen                Tally
	limit               float64 // of the decision before
	begun               bool
}

// learn takes the day's answers since the snapshot before.
func (c *calibration) learn(day Tally) {
	answers, abandoned := day.Answered-c.seen.Answered, day.Abandoned-c.seen.Abandoned
	if c.begun && answers >= 0 && abandoned >= 0 { // else another day has begun
		keep := math.Exp(-float64(answers) / calibrationMemory)
		c.abandoned = c.abandoned*keep + float64(abandoned)
		c.expected = c.expected*keep + float64(answers)*c.limit
	}
	c.seen, c.begun = day, true
}

func (c *calibration) value() float64 {
	return min(max((c.abandoned+usualAbandoned)/(c.expected+usualAbandoned/usualCalibration), 0.5), 4)
}
