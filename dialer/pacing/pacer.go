package pacing

import (
	"math"
	"time"
)

// Prior is what is believed before the first call, such as what the same hour of yesterday has shown. Zero fields mean what a
// call center usually has.
type Prior struct {
	AnswerRate float64 `json:"answerRate"` // of calls
	RingTime   float64 `json:"ringTime"`   // seconds to an answer, the mean
	Talk       float64 `json:"talk"`       // seconds, the mean
	Wrap       float64 `json:"wrap"`       // seconds, the mean
	Worth      float64 `json:"worth"`      // calls: how much this is believed
}

// orUsual fills what is not known.
func (p Prior) orUsual() Prior {
	usual := Prior{AnswerRate: 0.3, RingTime: 9, Talk: 120, Wrap: 25, Worth: 12}
	fill := func(v *float64, usual, low, high float64) {
		if !(*v > 0) {
			*v = usual
		}
		*v = min(max(*v, low), high)
	}
	fill(&p.AnswerRate, usual.AnswerRate, 0.001, 0.999)
	fill(&p.RingTime, usual.RingTime, 1, 60)
	fill(&p.Talk, usual.Talk, 1, 7200)
	fill(&p.Wrap, usual.Wrap, 1, 3600)
	fill(&p.Worth, usual.Worth, 4, 400)
	return p
}

// Pacer decides for one campaign, and keeps what it has learned. The same snapshots in the same order bring the same decisions.
// It is not safe for concurrent use.
type Pacer struct {
	settings    Settings
	prior       Prior
	answers     answers
	team        team
	calibration calibration // of the limit
	begun       bool
	guessed     bool          // nothing was known before the first call
	first       time.Duration // when a call was originated first; as long as there is none, now
	now         time.Duration
	tables      time.Duration // when they were computed
	horizons    [quantiles]float64
	ringTime    [quantiles]float64
	outlooks    [quantiles]outlook
	surplus     float64 // agents who are free less answers, expected by the median answer
	giveUp      []int64
}

// New returns a pacer that has learned nothing yet.
func New(settings Settings) *Pacer {
	p := &Pacer{settings: settings, prior: settings.Prior.orUsual(), guessed: settings.Prior.Worth < warmUp}
	if !p.guessed {
		p.answers.outcomes = warmUp
	}
	return p
}

// Until so many calls have ended, and the first could have rung to its end, one call rings for each free agent, and one more for
// so many of them: nothing is known yet, and a whole shift that begins at once would be dialed for by a guess.
const (
	warmUp     = 40
	warmUpMore = 10
)

// warming says that too little is known to dial by it. What ends at once are the calls that fail.
func (p *Pacer) warming(s *Snapshot) bool {
	return p.answers.outcomes < warmUp || p.guessed && s.Now-p.first < s.RingTimeout
}

// tablesAge is how long what was learned may be behind.
const tablesAge = 5 * time.Second

// Decide says what to do now.
func (p *Pacer) Decide(s *Snapshot) Decision {
	if !possible(s) || p.begun && s.Now < p.now {
		return Decision{Key: NotPossible}
	}
	p.learn(s)
	p.lookAhead(s)
	d := Decision{Numbers: p.count(s)}
	n := &d.Numbers
	credit := n.Idle + n.Busy
	p.calibration.learn(s.Day)
	risk, over := limit(s, &p.calibration)
	p.calibration.limit = risk
	n.Limit = risk
	progressive := min(max(n.Idle-n.Ringing-n.Waiting, 0), n.Room)
	switch {
	case credit == 0:
		d.Key = NoCredit
	case s.StateAge > 5*StaleAfter:
		d.Key = StaleState
	case s.StateAge > StaleAfter:
		d.Key, d.Originate = StaleState, progressive
	case s.Trouble != "":
		d.Key, d.Originate = ByTrouble, progressive
	case p.settings.Mode == Ratio && !over:
		d.Key, d.Originate = ByMode, min(max(int(math.Ceil(p.settings.Ratio*float64(n.Idle)))-n.Ringing-n.Waiting, 0), n.Room)
	case p.settings.Mode != Predictive && p.settings.Mode != Ratio:
		d.Key, d.Originate = ByMode, progressive
	case over:
		d.Key, d.Originate = ByCap, progressive
	default:
		d.Originate, d.Key = p.predict(s, n, progressive)
	}
	if d.Originate == 0 { // else there is an agent even for one more
		d.GiveUp = p.lost(s, n)
	}
	return d
}

// possible is false where numbers contradict what they are.
func possible(s *Snapshot) bool {
	return s.Now >= 0 && s.Cap >= 0 && s.Cap < 1 && s.RingTimeout > 0 && s.Patience >= 0 && s.MinRing >= 0 && s.MaxNew >= 0 &&
		s.MaxLines >= 0 &&
		s.StateAge >= 0 && s.Share >= 0 && s.Share <= 1
}

// learn takes what has happened since the snapshot before.
func (p *Pacer) learn(s *Snapshot) {
	if !p.begun {
		p.answers.prior(p.prior, s.RingTimeout.Seconds())
		p.team.prior(p.prior)
	}
	p.answers.originated(s.Now.Seconds(), s.Totals.Dialed)
	for i, d := range s.Done.RingAnswered {
		p.answers.ended(d.Seconds(), true, oddsAt(s.Done.OddsAnswered, i))
	}
	for i, d := range s.Done.RingOther {
		p.answers.ended(d.Seconds(), false, oddsAt(s.Done.OddsOther, i))
	}
	p.team.learn(s)
	if !p.begun || s.Totals.Dialed == 0 {
		p.first = s.Now
	}
	if !p.begun || s.Now-p.tables >= tablesAge || p.warming(s) {
		p.answers.answered.refresh()
		p.answers.other.refresh()
		for q := range quantiles {
			p.ringTime[q] = p.answers.answered.quantile((float64(q) + 0.5) / quantiles)
			p.horizons[q] = p.ringTime[q] + s.Patience.Seconds()
		}
		p.team.refresh(s.Agents, &p.horizons)
		p.tables = s.Now
	}
	p.answers.refresh(s.Calls)
	p.begun, p.now = true, s.Now
}

// oddsAt is one of the odds; zero where there is none.
func oddsAt(odds []Odds, i int) Odds {
	if i < len(odds) {
		return odds[i]
	}
	return 0
}

// count says who is there, and how much room.
func (p *Pacer) count(s *Snapshot) Numbers {
	n := Numbers{Ringing: len(s.Calls), Waiting: len(s.Waiting), AnswerRate: p.answers.rate, RingTime: p.ringTime[quantiles/2],
		Balance: s.Day.balance(s.Cap), HalfHour: halfHourBalance(s)}
	for i := range s.Agents {
		switch a := &s.Agents[i]; {
		case a.Stale:
		case a.Status == Idle:
			n.Idle++
		case a.Status == Offered || a.Status == Talk || a.Status == Wrap:
			n.Busy++
		}
	}
	n.Room = min(s.MaxNew, enoughForNow)
	if s.MaxLines > 0 {
		n.Room = min(n.Room, int(s.MaxLines*float64(n.Idle+n.Busy))-n.Ringing-n.Waiting)
	}
	n.Room = max(n.Room, 0)
	return n
}

// predict dials while one more call risks no more than the limit.
func (p *Pacer) predict(s *Snapshot, n *Numbers, atLeast int) (calls int, why Key) {
	mid := &p.outlooks[quantiles/2]
	n.Answers = mid.answers
	n.Free = mid.mean + mid.answers + float64(n.Waiting)
	relative := p.answers.variance / (p.answers.rate * p.answers.rate)
	var before [quantiles]float64
	for q := range quantiles {
		before[q] = p.answers.soon(0, p.ringTime[q], p.answers.usual)
	}
	room, full := n.Room, ByRoom
	if most := n.Idle + min(n.Idle, warmUpMore) - n.Ringing - n.Waiting; p.warming(s) && most < room {
		room, full = max(most, 0), WarmingUp
	}
	for calls < room {
		risk := 0.0
		for q := range quantiles {
			risk += p.outlooks[q].nobody(relative) / quantiles
		}
		if n.Risk == 0 {
			n.Risk = risk
		}
		if risk > n.Limit && calls >= atLeast {
			return calls, ByRisk
		}
		n.Risk = risk
		calls++
		for q := range quantiles {
			p.outlooks[q].calls(before[q], 1)
		}
	}
	return calls, full
}

// lookAhead fills the outlooks with agents and calls as they are.
func (p *Pacer) lookAhead(s *Snapshot) {
	exact := len(s.Agents)+len(s.Calls) < exactTerms
	for q := range quantiles {
		p.outlooks[q].reset(exact)
	}
	var chance [quantiles]float64
	for i := range s.Agents {
		if a := &s.Agents[i]; !a.Stale && a.Status != Unknown && a.Status < statuses {
			p.team.chances(a, &chance)
			for q := range quantiles {
				p.outlooks[q].agent(chance[q])
			}
		}
	}
	for c := 0; c <= p.answers.oldest; c++ {
		n := p.answers.rings[c]
		if n == 0 {
			continue
		}
		age, odds := (float64(c)+0.5)*ringStep, p.answers.odds[c]/float64(n)
		for q := range quantiles {
			p.outlooks[q].calls(p.answers.soon(age, p.ringTime[q], odds), n)
		}
	}
	for range s.Waiting {
		for q := range quantiles {
			p.outlooks[q].wait()
		}
	}
	p.surplus = p.outlooks[quantiles/2].mean
}
