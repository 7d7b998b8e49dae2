package dialer

import (
	"context"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer/pacing"
)

// Words of the account of abandoned calls.
type (
	// AccountSpan is a span of the account.
	AccountSpan = pacing.Span
	// AccountEnding is how an answered call ended, as the account sees it.
	AccountEnding = pacing.Ending
	// Shown is what a campaign's calls have shown, for the pacing to begin with.
	Shown = pacing.Prior
)

// The endings.
const (
	AccountConnected = pacing.Connected
	AccountAbandoned = pacing.Abandoned
	AccountHungUp    = pacing.HungUp
	AccountMachine   = pacing.Machine
	AccountMistaken  = pacing.Mistaken
)

func (pc *pace) report(now time.Time, d pacing.Decision, givenUp int, s *pacing.Snapshot) {
	pc.mu.Lock()
	defer pc.mu.Unlock()
	pc.last = PaceReport{At: now, Key: d.Key, Originate: d.Originate, GivenUp: givenUp, Numbers: d.Numbers, Cap: s.Cap,
		Day: s.Day, HalfHour: s.HalfHour,
		Trouble: s.Trouble}
}

// midnightOf is the beginning of the campaign's day.
func midnightOf(c *campaigns.Campaign, now time.Time) time.Time {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// readAccount keeps the campaign's account of abandoned calls, which all nodes share, as SQL has it. While it cannot be read the
// last one stands, and nothing is risked.
func (p *pacer) readAccount(ctx context.Context, c *campaigns.Campaign, pc *pace) error {
	now := p.now()
	midnight := midnightOf(c, now)
	if now.Sub(pc.readAt) < accountFresh && midnight.Equal(pc.midnight) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	if period := c.CapPeriod(); period > 24*time.Hour && (now.Sub(pc.daysAt) > daysFresh || !midnight.Equal(pc.midnight)) {
		days, err := p.store.Account(ctx, c.ID, midnight.Add(24*time.Hour-period))
		if err != nil {
			return err
		}
		pc.before = pacing.Tally{}
		for _, s := range days {
			if s.Begin.Before(midnight) {
				pc.before = pc.before.Plus(s.Tally(pacing.FTC))
			}
		}
		pc.daysAt = now
	}
	minutes, err := p.store.Account(ctx, c.ID, earlierOf(midnight, now.Add(-pacing.HalfHour)))
	if err != nil {
		return err
	}
	pc.slow = p.now().Sub(now) > slowAnswer
	pc.minutes, pc.readAt, pc.midnight = minutes, now, midnight
	pc.counting = pacing.Ofcom
	if c.CapPeriod() > 24*time.Hour {
		pc.counting = pacing.FTC
	}
	return nil
}

// record writes down what was decided and of what, so that the day can be played again. A part that cannot be kept is lost: no
// call waits for it.
func (p *pacer) record(campaign int64, pc *pace, s *pacing.Snapshot, d *pacing.Decision) {
	begin, part := pc.recorder.Note(p.now(), s, d)
	if part == nil {
		return
	}
	p.calls.spawn(func() {
		ctx, cancel := context.WithTimeout(p.calls.life, sqlLimit)
		defer cancel()
		if err := p.store.KeepRecord(ctx, campaign, p.node, begin, part); err != nil {
			p.log.Warn("a minute of the pacing's record is lost", slog.Int64("campaign", campaign), slog.Any("error", err))
		}
	}, true)
}

// learnBefore begins the pacing with what the campaign has shown in the last hour, or else in the same hour of yesterday.
func (p *pacer) learnBefore(ctx context.Context, c *campaigns.Campaign, pc *pace) error {
	ctx, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	now := p.now()
	settings := pacing.Settings{Mode: pacing.Predictive, Ratio: c.Pacing.Ratio}
	if c.Pacing.Ratio > 0 {
		settings.Mode = pacing.Ratio
	}
	for _, from := range []time.Time{now.Add(-time.Hour), now.Add(-24*time.Hour - 30*time.Minute)} {
		shown, err := p.store.Shown(ctx, c.ID, from, from.Add(time.Hour))
		if err != nil {
			return err
		}
		if shown.Worth > settings.Prior.Worth {
			settings.Prior = shown
		}
		if shown.Worth >= enoughShown {
			break
		}
	}
	settings.Prior.Worth = min(settings.Prior.Worth, mostShown)
	pc.pacer, pc.recorder = pacing.New(settings), pacing.NewRecorder(settings, now)
	return nil
}

const (
	enoughShown = 60  // calls of the last hour tell more than a day that is over
	mostShown   = 120 // calls, that what was shown counts for: today may be another day
)

// forgetAccounts drops what no cap is counted by any more.
func (d *Dialer) forgetAccounts(ctx context.Context) error {
	if now := d.Now(); now.Sub(d.forgotten) >= time.Hour {
		if err := d.Store.ForgetAccounts(ctx, now); err != nil {
			return err
		}
		d.forgotten = now
	}
	return nil
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// tallies are the account's figures: of the period that the cap is for, and of the last half hour.
func (pc *pace) tallies(now time.Time) (day, half pacing.Tally) {
	day = pc.before
	for _, s := range pc.minutes {
		t := s.Tally(pc.counting)
		if !s.Begin.Before(pc.midnight) {
			day = day.Plus(t)
		}
		if !s.Begin.Before(now.Add(-pacing.HalfHour - time.Minute)) {
			half = half.Plus(t)
		}
	}
	return day, half
}
