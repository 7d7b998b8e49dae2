package simulated

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// Script says how the phones of a network behave.
type Script struct {
	Seed  uint64
	Crowd Profile // all phones but those that a Rule names
	Rules []Rule  // the first one that fits a customer's number holds
}

// Profile is the behaviour of a crowd. Shares lie between 0 and 1; customers that none of them takes answer.
type Profile struct {
	Busy, NoAnswer, Rejected, Invalid, Congestion float64 // shares of the customers; together at most 1

	Machine float64 // share of those who answer that are answering machines

	AgentSilent  float64 // share of the calls that the agent's phone does not answer
	AgentHangsUp float64 // share of the talks that the agent ends; the customer ends the others

	AgentAnswers LogNormal // from the agent's phone ringing to its answer
	SetUp        LogNormal // from dialing the customer to ringing, or to the network's refusal
	Answers      LogNormal // from the customer's phone ringing to its answer, or to the customer's refusal
	Talk         LogNormal
	Heard        LogNormal // from a machine's answer to when it is known for one, where the call listens
}

// Rule is what the phones behind some numbers do.
type Rule struct {
	Suffix  string            // of the E.164 number
	Outcome campaigns.Outcome // Answered, Busy, NoAnswer, Rejected, InvalidNumber or Congestion
	Answers time.Duration     // zero: as the crowd
	Talk    time.Duration     // zero: as the crowd
	Machine bool              // an answering machine answers
}

// LogNormal is a distribution of durations: half of them are shorter than Median, and Sigma, the standard deviation of
// the logarithm, says how widely they spread (0: all alike; 0.5: two in three within 0.6 and 1.65 of the median).
type LogNormal struct {
	Median time.Duration
	Sigma  float64
}

// Everyday is a crowd as a collection campaign meets it: three in ten answer.
var Everyday = Profile{
	Busy: 0.12, NoAnswer: 0.44, Rejected: 0.05, Invalid: 0.04, Congestion: 0.02,
	AgentSilent: 0.005, AgentHangsUp: 0.4,
	AgentAnswers: LogNormal{400 * time.Millisecond, 0.3},
	SetUp:        LogNormal{1200 * time.Millisecond, 0.4},
	Answers:      LogNormal{9 * time.Second, 0.5},
	Talk:         LogNormal{70 * time.Second, 0.9},
}

// Prompt is a crowd for tests: everybody answers at once and talks for no time worth mentioning.
var Prompt = Profile{AgentHangsUp: 0.5}

func (d LogNormal) draw(r *rand.Rand) time.Duration {
	if d.Sigma == 0 {
		return d.Median
	}
	return time.Duration(float64(d.Median) * math.Exp(d.Sigma*r.NormFloat64()))
}

// check refuses a script that no crowd can play.
func (s Script) check() error {
	p := s.Crowd
	var errs []error
	for _, share := range []struct {
		name  string
		value float64
	}{
		{"busy", p.Busy}, {"no answer", p.NoAnswer}, {"rejected", p.Rejected}, {"invalid", p.Invalid},
		{"congestion", p.Congestion}, {"machines", p.Machine}, {"agent silent", p.AgentSilent}, {"agent hangs up", p.AgentHangsUp},
		{"customers who do not answer, together,", p.Busy + p.NoAnswer + p.Rejected + p.Invalid + p.Congestion},
	} {
		if !(share.value >= 0 && share.value <= 1) {
			errs = append(errs, fmt.Errorf("simulated: share of %s is %v: want 0 to 1", share.name, share.value))
		}
	}
	for _, d := range []LogNormal{p.AgentAnswers, p.SetUp, p.Answers, p.Talk, p.Heard} {
		if d.Median < 0 || !(d.Sigma >= 0 && d.Sigma <= 3) {
			errs = append(errs, fmt.Errorf("simulated: duration %v: want a median of 0 or more and a sigma of 0 to 3", d))
		}
	}
	for _, r := range s.Rules {
		if _, ok := causes[r.Outcome]; !ok {
			errs = append(errs, fmt.Errorf("simulated: rule for numbers ending in %s: outcome %q is none that a phone can give", r.Suffix,
				r.Outcome))
		}
	}
	return errors.Join(errs...)
}

// causes are the answers a real network gives with an outcome.
var causes = map[campaigns.Outcome]string{
	campaigns.Answered:      "200 OK",
	campaigns.Busy:          "486 Busy Here",
	campaigns.NoAnswer:      "480 Temporarily Unavailable",
	campaigns.Rejected:      "603 Decline",
	campaigns.InvalidNumber: "404 Not Found",
	campaigns.Congestion:    "503 Service Unavailable",
}

// fate is what will happen in one call if nobody interferes.
type fate struct {
	outcome      campaigns.Outcome
	agentSilent  bool
	agentHangsUp bool
	agentAnswers time.Duration
	setUp        time.Duration
	answers      time.Duration
	talk         time.Duration
	machine      bool
	heard        time.Duration
}

// fate draws an attempt's fate; the same attempt has the same one in every run of the script.
func (s Script) fate(id dialer.AttemptID, number string) fate {
	r := rand.New(rand.NewPCG(s.Seed, uint64(id)))
	p := s.Crowd
	f := fate{
		outcome:      p.outcome(r.Float64()),
		agentSilent:  r.Float64() < p.AgentSilent,
		agentHangsUp: r.Float64() < p.AgentHangsUp,
		agentAnswers: p.AgentAnswers.draw(r),
		setUp:        p.SetUp.draw(r),
		answers:      p.Answers.draw(r),
		talk:         p.Talk.draw(r),
		machine:      r.Float64() < p.Machine,
		heard:        p.Heard.draw(r),
	}
	for _, rule := range s.Rules {
		if strings.HasSuffix(number, rule.Suffix) {
			f.outcome, f.machine = rule.Outcome, rule.Machine
			if rule.Answers > 0 {
				f.answers = rule.Answers
			}
			if rule.Talk > 0 {
				f.talk = rule.Talk
			}
			break
		}
	}
	return f
}

// outcome maps a draw between 0 and 1 to what the crowd's customers do.
func (p Profile) outcome(draw float64) campaigns.Outcome {
	for _, o := range []struct {
		share   float64
		outcome campaigns.Outcome
	}{
		{p.Busy, campaigns.Busy}, {p.NoAnswer, campaigns.NoAnswer}, {p.Rejected, campaigns.Rejected},
		{p.Invalid, campaigns.InvalidNumber}, {p.Congestion, campaigns.Congestion},
	} {
		if draw < o.share {
			return o.outcome
		}
		draw -= o.share
	}
	return campaigns.Answered
}
