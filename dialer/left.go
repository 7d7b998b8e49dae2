package dialer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

const (
	leftTries = 5               // for one talk
	leftLimit = 6 * time.Second // for one try
)

// endLeft ends the talks that a former life of this process has left up, where their network can. The process was lost for
// certain, whatever its leases say: nobody else goes by its name. Nobody hears the customer any more, and the record learns the
// truth.
func (d *Dialer) endLeft(ctx context.Context) error {
	left, err := d.Store.Left(ctx, d.Node, d.owner, d.Now(), sweepLimit)
	if err != nil {
		return err
	}
	var some errgroup.Group
	some.SetLimit(reachAtOnce)
	for _, l := range left {
		network, ok := d.Networks[l.Network].(Ender)
		if !ok || d.leftTried[l.Attempt.ID] >= leftTries {
			continue
		}
		d.leftTried[l.Attempt.ID]++
		some.Go(func() error { return d.endTalk(ctx, network, l) })
	}
	return some.Wait()
}

// endTalk ends one, and puts on record how it ended: now, or at some time since its process last spoke for it.
func (d *Dialer) endTalk(ctx context.Context, network Ender, l LeftTalk) error {
	a := l.Attempt
	ask, cancel := context.WithTimeout(ctx, leftLimit)
	wentOn, err := network.End(ask, l.Kept)
	cancel()
	if err != nil {
		d.Log.Warn("a talk that a former life of this process has left cannot be ended", slog.String("attempt", a.ID.String()),
			slog.Any("error", err))
		return nil // it is asked again, or closed as unknown
	}
	now := d.Now()
	spoke := a.LeaseUntil.Add(-d.Limits.Lease) // its process, for it, the last time
	if a.AnsweredAt.IsZero() {                 // the record has not heard of the answer
		a.AnsweredAt = spoke
	}
	c := Closing{ID: a.ID, Owner: a.Owner, Fence: a.Fence, Outcome: campaigns.Answered, CallTraceID: a.CallTraceID,
		AnsweredAt: a.AnsweredAt, HangupBy: "system", Cause: "hung up: its process was lost", EndedAt: now, Confirmed: true}
	if !wentOn {
		c.Cause, c.EndedAt = "it ended while its process was lost", spoke
		if c.EndedAt.Before(a.AnsweredAt) {
			c.EndedAt = a.AnsweredAt
		}
	}
	if a.AgentID != 0 {
		c.CodeDueAt = now.Add(l.WrapUp)
	}
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	if _, err := d.Store.Close(sql, c); errors.Is(err, ErrFenced) {
		return nil // somebody was first
	} else if err != nil {
		return err
	}
	d.Log.Warn("a talk that a former life of this process has left is ended", slog.String("attempt", a.ID.String()),
		slog.Bool("went_on", wentOn))
	d.Metrics.AttemptClosed(l.Network, string(c.Outcome))
	if a.AgentID != 0 {
		d.states.release(ctx, a.AgentID, agents.Input{Kind: agents.HungUp, AttemptID: a.ID.String(), CodeDueAt: c.CodeDueAt})
	}
	return nil
}
