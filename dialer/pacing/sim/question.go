package sim

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// Question is a campaign's day that did not happen yet.
type Question struct {
	Agents     int
	Contacts   int           // of the list; 0: no end
	Attempts   int           // calls to a contact who does not answer, at most
	Hours      time.Duration // of the day
	Cap        float64       // abandoned / answered
	Answer     float64       // share of calls that are answered
	Machines   float64       // share of the answers that machines give
	Talk       time.Duration
	TalkSpread float64 // standard deviation / mean; 0: all are alike
	Wrap       time.Duration
	WrapSpread float64
	Ring       time.Duration // to an answer, the mean
	Timeout    time.Duration // of ringing
	Patience   time.Duration
	Breaks     time.Duration // between two breaks of an agent; 0: none
	Break      time.Duration // how long one is
	Lines      int           // calls at once; 0: any number
	Rate       float64       // originations a second; 0: any number
	MaxLines   float64       // calls that ring or wait, for each agent who is not away; 0: any number
	Mode       pacing.Mode
	Ratio      float64
	NoOdds     bool   // of a recorded day: the pacing shall not know who is likely to answer
	Known      int    // calls that have shown the answer rate and the times before the day begins; 0: it begins without
	Days       int    // that are played and averaged
	Seed       uint64 // the same seed brings the same days
}

// Bounds of a question, so that it is answered in a minute at the most.
const (
	maxAgents   = 1000
	maxContacts = 1_000_000
	// MostAgentHours is agents × hours × days.
	MostAgentHours = 50_000
)

// Modes are what a day can be asked for.
var Modes = []pacing.Mode{pacing.Preview, pacing.Progressive, pacing.Ratio, pacing.Predictive}

// Invalid is what cannot be asked, by the field of a [Question], as it is written in JSON.
type Invalid struct {
	Field string
	Why   reason.Reason
}

// Wrong is all that cannot be asked of a question.
type Wrong []Invalid

// Error is for developers and the log.
func (w Wrong) Error() string {
	parts := make([]string, len(w))
	for i, v := range w {
		parts[i] = fmt.Sprintf("%s: %s", v.Field, v.Why)
	}
	return "sim: " + strings.Join(parts, "; ")
}

// Why a question cannot be asked.
var (
	// NumberBetween says which numbers are right.
	NumberBetween = reason.With2[string, string]("what_if.share", "least", "most")
	whyWork       = reason.With2[int, int]("what_if.too_much", "hours", "most")
)

// Check says what is wrong with a question, and what would be right; the error is a [Wrong].
func (q *Question) Check() error {
	var wrong Wrong
	add := func(bad bool, field string, why reason.Reason) {
		if bad {
			wrong = append(wrong, Invalid{field, why})
		}
	}
	count := func(name string, v, least, most int) { add(v < least || v > most, name, field.Between(least, most)) }
	share := func(name string, v, least, most float64) {
		add(!(v >= least && v <= most), name, NumberBetween(fmt.Sprint(least), fmt.Sprint(most)))
	}
	lasts := func(name string, v, least, most time.Duration) {
		add(v < least || v > most, name, field.Lasts(least, most))
	}
	count("agents", q.Agents, 1, maxAgents)
	count("contacts", q.Contacts, 0, maxContacts)
	count("attempts", q.Attempts, 1, 100)
	lasts("hours", q.Hours, time.Minute, 24*time.Hour)
	share("cap", q.Cap, 0, 0.5)
	share("answer_rate", q.Answer, 0.001, 1)
	share("machines", q.Machines, 0, 0.99)
	lasts("talk", q.Talk, time.Second, 2*time.Hour)
	share("talk_spread", q.TalkSpread, 0, 3)
	lasts("wrap_up", q.Wrap, 0, time.Hour)
	share("wrap_up_spread", q.WrapSpread, 0, 3)
	lasts("ring", q.Ring, time.Second, time.Minute)
	lasts("ring_timeout", q.Timeout, 5*time.Second, 3*time.Minute)
	add(q.Timeout >= 5*time.Second && q.Timeout < q.Ring, "ring_timeout", field.LastsLeast(q.Ring))
	lasts("patience", q.Patience, 0, time.Minute)
	if q.Breaks != 0 {
		lasts("breaks", q.Breaks, time.Minute, 24*time.Hour)
		lasts("break", q.Break, time.Second, 4*time.Hour)
	}
	count("lines", q.Lines, 0, 1_000_000)
	share("rate", q.Rate, 0, 1e6)
	share("max_lines", q.MaxLines, 0, 100)
	share("ratio", q.Ratio, 0.1, 100)
	count("days", q.Days, 1, 1000)
	if work := q.Work(); len(wrong) == 0 {
		add(work > MostAgentHours, "days", TooMuch(work, MostAgentHours))
	}
	if len(wrong) == 0 {
		return nil
	}
	return wrong
}

// Work is how much there is to play: agents × hours × days.
func (q *Question) Work() float64 { return float64(q.Agents) * q.Hours.Hours() * float64(q.Days) }

// TooMuch says that there is more to play than there is time for.
func TooMuch(work float64, most int) reason.Reason { return whyWork(int(math.Ceil(work)), most) }

const ringSpread = 0.55

func (q *Question) scenario() Scenario {
	sc := Scenario{
		Agents: q.Agents, Hours: q.Hours.Hours(), Answer: q.Answer, RingAnswer: Time{q.Ring.Seconds(), ringSpread},
		RingTimeout: q.Timeout.Seconds(), Busy: 0.12, Failed: 0.08,
		Machines: q.Machines, Machine: Time{6, 0.4},
		Talk: Time{q.Talk.Seconds(), q.TalkSpread}, Wrap: Time{q.Wrap.Seconds(), q.WrapSpread},
		Patience: q.Patience.Seconds(), Offer: 0.3,
		Trunks: q.Lines, CPS: q.Rate, MaxLines: q.MaxLines,
	}
	// who would answer after the timeout does not: the rate is that of those who do
	sc.Answer = min(q.Answer/max(sc.RingAnswer.upTo(sc.RingTimeout), 0.01), 1)
	if q.Breaks > 0 {
		sc.Breaks = []Break{{Share: 1, Every: q.Breaks.Seconds(), Long: Time{q.Break.Seconds(), 0.4}}}
	}
	if q.Contacts > 0 {
		each := (1 - math.Pow(1-q.Answer, float64(q.Attempts))) / q.Answer // calls until an answer or the last attempt
		sc.List = max(int(math.Round(float64(q.Contacts)*each)), 1)
	}
	return sc
}

// settings are those of the campaign's pacing.
func (q *Question) settings() pacing.Settings {
	s := pacing.Settings{Mode: q.Mode, Ratio: q.Ratio}
	if q.Known > 0 {
		s.Prior = pacing.Prior{AnswerRate: q.Answer, RingTime: q.Ring.Seconds(), Talk: q.Talk.Seconds(), Wrap: q.Wrap.Seconds(),
			Worth: float64(q.Known)}
	}
	return s
}
