package campaigns

import (
	"time"
)

// Pacing is how far a predictive campaign's calls run ahead of its agents. Zero fields take their defaults.
type Pacing struct {
	Ratio float64 `json:"ratio,omitempty"` // lines for each free agent, always; zero: as many as the cap allows
	// calls that ring or wait, for each agent who is not away, at most; 3
	MaxLines float64 `json:"max_lines,omitempty"`
	// abandoned calls over answered ones, at most; the profile's, or 0.03
	AbandonedCap float64       `json:"abandoned_cap,omitempty"`
	Patience     time.Duration `json:"patience,omitempty"` // with which an answered customer waits for an agent; 2 s
}

const (
	usualCap      = 0.03
	usualPatience = 2 * time.Second
	usualLines    = 3
	mostRatio     = 3
	mostLines     = 10
	mostCap       = 0.10        // where no law says less
	mostPatience  = time.Minute // likewise
	leastPatience = 500 * time.Millisecond
	usualMinRing  = 15 * time.Second // no ringing call is given up before, for want of an agent
)

// Pace is the campaign's pacing with nothing left open.
func (c *Campaign) Pace() Pacing {
	p := c.Pacing
	law := c.law()
	set(&p.AbandonedCap, law.AbandonedCap)
	set(&p.AbandonedCap, usualCap)
	set(&p.Patience, usualPatience)
	set(&p.MaxLines, usualLines)
	return p
}

// MinimumRing is how long a customer's phone rings at least, before the call is given up for want of an agent.
func (c *Campaign) MinimumRing() time.Duration {
	ring := c.law().MinimumRing
	set(&ring, usualMinRing)
	return ring
}

// NeedsMessage says that a customer who is abandoned must hear a message.
func (c *Campaign) NeedsMessage() bool { return c.law().Message }

// CapPeriod is over what the cap holds: a day, unless the law counts over more.
func (c *Campaign) CapPeriod() time.Duration {
	period := c.law().AbandonedPeriod
	set(&period, day)
	return period
}

// law is the profile; one that nobody knows permits nothing anyway.
func (c *Campaign) law() *Profile {
	if p, ok := ProfileByName(c.profileName()); ok {
		return p
	}
	return &Profile{}
}

// pacing refuses what the law, or sense, forbids. No law but none lets an abandoned customer wait for more than two seconds.
func (v *validation) pacing(c *Campaign) {
	p, most, longest := c.Pacing, mostCap, mostPatience
	law := c.law()
	if law.AbandonedCap > 0 {
		most = law.AbandonedCap
	}
	if law.Name != NoProfile {
		longest = usualPatience
	}
	if p.Ratio != 0 && !(p.Ratio >= 1 && p.Ratio <= mostRatio) {
		v.bad("pacing.ratio", whyBetween(1, mostRatio))
	}
	if p.MaxLines != 0 && !(p.MaxLines >= 1 && p.MaxLines <= mostLines) {
		v.bad("pacing.max_lines", whyBetween(1, mostLines))
	}
	if p.AbandonedCap != 0 && !(p.AbandonedCap >= 0.001 && p.AbandonedCap <= most) {
		v.bad("pacing.abandoned_cap", whyBetween(0.001, most))
	}
	if p.Patience != 0 {
		v.lasts("pacing.patience", p.Patience, leastPatience, longest)
	}
}
