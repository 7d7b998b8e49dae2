package dialer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// sweepLimit is how many rows of each kind one round of reconciling takes.
const sweepLimit = 500

// sweepTime is how long each kind may take: a connection whose other end has vanished must not hold up the rest.
const sweepTime = 3 * sqlLimit

// reconcile puts right what lost processes have left: attempts past their lease, tasks that never arrived, codes whose time
// is over, campaigns with nobody left to call. Every node does all of it; each step is a conditional change.
func (d *Dialer) reconcile(ctx context.Context) {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"talks left", d.endLeft}, {"lost calls", d.closeLost}, {"stale attempts", d.cancelStale}, {"codes due", d.timeOutCodes},
		{"drained campaigns", d.finishDrained}, {"promises", d.watchPromises},
		{"accounts", d.forgetAccounts},
	} {
		limited, cancel := context.WithTimeout(ctx, sweepTime)
		err := step.do(limited)
		cancel()
		if err != nil && ctx.Err() == nil {
			d.Log.Warn("not reconciled", slog.String("what", step.name), slog.Any("error", err))
		}
	}
}

// promisesOver is how long a time the figure of kept promises looks back over.
const promisesOver = 24 * time.Hour

// watchPromises tells of promised callbacks that are late.
func (d *Dialer) watchPromises(ctx context.Context) error {
	n, err := d.Store.WatchPromises(ctx, d.Now(), sweepLimit)
	if err != nil {
		return err
	}
	if n > 0 {
		d.Log.Warn("promised callbacks are late", slog.Int("callbacks", n))
	}
	clock, err := d.Store.Promises(ctx, 0, d.Now().Add(-promisesOver), d.Now())
	if err == nil {
		d.Metrics.Promises(clock.Share(), clock.Overdue)
	}
	return err
}

// closeLost closes the attempts whose process no longer speaks for them. What the network can tell is taken from there;
// else they are Unknown, which counts as dialed where the customer's phone may have rung.
func (d *Dialer) closeLost(ctx context.Context) error {
	lapsed, err := d.Store.Lapsed(ctx, d.Now().Add(-d.Limits.Margin), sweepLimit)
	if !d.steady(err == nil && d.MayDial() == nil) || err != nil {
		return err
	}
	var errs []error
	for _, a := range lapsed {
		if d.calls.has(a.ID) {
			continue // SQL was away, the call was not: its lease is renewed, or its close comes
		}
		claimed, err := d.claimedByAgent(ctx, a)
		if err != nil {
			errs = append(errs, err)
			continue // in doubt it stays open: nobody calls the customer meanwhile
		}
		if claimed || d.upElsewhere(ctx, a.ID) {
			continue
		}
		closed, err := d.Store.CloseUnknown(ctx, a.ID, a.Fence, d.Now())
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			errs = append(errs, err)
		}
		if closed {
			d.Log.Warn("lost call closed as unknown", slog.String("attempt", a.ID.String()), slog.String("owner", a.Owner),
				slog.Bool("dialed", !a.DialedAt.IsZero()))
			d.Metrics.AttemptClosed("", string(campaigns.Unknown))
		}
	}
	return errors.Join(errs...)
}

// steady notes whether SQL has answered and its clock can be told, and says whether it has been so for so long that a lease that
// is over means a lost process. When SQL comes back, or its clock was set forward, every lease is over, though the owners live
// and are about to renew them.
func (d *Dialer) steady(well bool) bool {
	if !well {
		d.steadySince = uptime.Instant{}
		return false
	}
	if d.steadySince.IsZero() {
		d.steadySince = uptime.Now()
	}
	return d.isSteady()
}

func (d *Dialer) isSteady() bool {
	return !d.steadySince.IsZero() && uptime.Now().Sub(d.steadySince) >= 2*d.Limits.Renew+d.Limits.Margin
}

// claimedByAgent reports whether the attempt's process still renews its claim on the agent, by Redis: it lives, and only its way
// to SQL is cut.
func (d *Dialer) claimedByAgent(ctx context.Context, a Attempt) (bool, error) {
	if a.AgentID == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	l, err := d.Roster.Get(ctx, a.AgentID)
	if err != nil {
		return false, err
	}
	return l.State.InCall() && l.Call != nil && l.Call.AttemptID == a.ID.String() && d.Now().Before(l.ClaimUntil), nil
}

// upElsewhere asks the phone networks that can tell whether a lost process's call is still up: it may end by itself.
func (d *Dialer) upElsewhere(ctx context.Context, id AttemptID) bool {
	for _, network := range d.Networks {
		witness, ok := network.(Witness)
		if !ok {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, reachLimit)
		up, err := witness.Testify(ctx, id)
		cancel()
		if err == nil && up {
			return true
		}
	}
	return false
}

// cancelStale gives up attempts whose tasks never came, or came to nobody.
func (d *Dialer) cancelStale(ctx context.Context) error {
	now := d.Now()
	n, err := d.Store.CancelStale(ctx, now.Add(-d.Limits.Stale), now)
	if n > 0 {
		d.Log.Warn("attempts never claimed: cancelled", slog.Int("attempts", n))
	}
	return err
}

// timeOutCodes ends the wait for codes that no process waits for. One that was chosen in a lost process is still known to
// the agent's live state, and is honoured. When SQL comes back, the owners are about to store the codes that they kept meanwhile.
func (d *Dialer) timeOutCodes(ctx context.Context) error {
	if !d.isSteady() {
		return nil
	}
	due, err := d.Store.CodesDue(ctx, d.Now(), sweepLimit)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range due {
		if d.calls.has(a.ID) {
			continue // its own timer is about to say so
		}
		err := d.storeCode(ctx, d.codingDue(ctx, a))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, ErrCodeSet) {
			errs = append(errs, err) // one that cannot be stored does not keep the others waiting
		}
	}
	return errors.Join(errs...)
}

// codingDue is the code that the agent has chosen, which may be the phone network's own, or that there is none.
func (d *Dialer) codingDue(ctx context.Context, a Attempt) Coding {
	coding := Coding{ID: a.ID, AgentID: a.AgentID, TimedOut: true, Now: d.Now()}
	if a.AgentID == 0 {
		return coding
	}
	l, err := d.Roster.Get(ctx, a.AgentID)
	if err == nil && l.State == agents.Clerical && l.Call != nil && l.Call.AttemptID == a.ID.String() && l.Call.CodeID != "" {
		coding.TimedOut, coding.Code = false, l.Call.CodeID
		coding.Foreign = foreign(nil, l.Call.Codes, l.Call.CodeID)
	}
	return coding
}

// finishDrained finishes running campaigns whose every contact is finished.
func (d *Dialer) finishDrained(ctx context.Context) error {
	running, err := d.Store.Running(ctx)
	if err != nil {
		return err
	}
	for _, c := range running {
		if !dialsByItself(c.Mode) {
			continue // made by hand, it needs no contacts
		}
		if _, err := d.Store.FinishDrained(ctx, c.ID, d.Now()); err != nil {
			return err
		}
	}
	return nil
}
