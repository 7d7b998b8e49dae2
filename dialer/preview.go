package dialer

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

const (
	previewBeat  = time.Second      // between two looks at the contacts that are shown
	passedPause  = time.Minute      // when a contact is due again that was shown until its time was over
	skippedPause = 10 * time.Minute // and one that its agent has skipped
	previewFor   = 2 * time.Minute  // how long a contact is shown where the campaign does not say
)

// A preview is a prepared attempt whose contact is shown to an agent, who may dial it. It is open, so nobody else is
// shown, or calls, the contact, the person or the number. A lease keeps it that the agent's home node renews: with the
// node it ends, and counts nowhere.
type preview struct {
	agent int64
	until time.Time
}

// show shows the contact of a prepared attempt to an agent. False: the agent could not be shown it, and it is given up.
func (p *pacer) show(ctx context.Context, a Attempt, c *campaigns.Campaign) (bool, error) {
	now := p.now()
	sql, cancel := context.WithTimeout(context.WithoutCancel(ctx), sqlLimit)
	defer cancel()
	list, err := p.previews.Show(sql, []AttemptID{a.ID}, now.Add(p.lease), now)
	if err != nil || len(list) == 0 {
		p.tasks.cancel(ctx, a.ID, whyForbidden)
		return false, err
	}
	l, err := p.roster.Get(sql, a.AgentID)
	if err != nil {
		p.tasks.cancel(ctx, a.ID, whyNobodyFree)
		return false, err
	}
	card := cardFor(list[0], l.Login, "", time.Time{})
	card.Codes = nil // there is no call yet
	until := now.Add(c.Preview)
	if c.Preview == 0 {
		until = now.Add(previewFor)
	}
	_, err = p.calls.states.apply(ctx, a.AgentID, agents.Input{Kind: agents.Previewed, AttemptID: card.AttemptID, Node: p.node,
		Call: &card, Until: until})
	if err != nil {
		p.tasks.cancel(ctx, a.ID, whyNobodyFree)
		if beyond(err) {
			return false, nil
		}
		// Whether it is shown nobody knows: it ends with its time, and whoever dials it finds it cancelled.
		return false, err
	}
	p.mu.Lock()
	p.shown[a.ID] = preview{a.AgentID, until}
	p.mu.Unlock()
	return true, nil
}

// keepShown renews the leases of the contacts that are shown to this node's agents, and gives up those that are shown
// no more, or too long, or may no longer be called.
func (p *pacer) keepShown(ctx context.Context) {
	p.mu.Lock()
	shown := maps.Clone(p.shown)
	p.mu.Unlock()
	var ids []AttemptID
	for _, id := range slices.Sorted(maps.Keys(shown)) {
		pv := shown[id]
		redis, cancel := context.WithTimeout(ctx, redisLimit)
		l, err := p.roster.Get(redis, pv.agent)
		cancel()
		switch {
		case err != nil: // in doubt it goes on; without Redis for long its lease ends
			ids = append(ids, id)
		case l.Preview == nil || l.Preview.AttemptID != id.String():
			p.forgetShown(id)
			if l.Call == nil || l.Call.AttemptID != id.String() { // else it is being dialed
				p.tasks.cancel(ctx, id, whyNotShown)
			}
		case p.now().After(pv.until):
			p.endShown(ctx, id, pv.agent)
			p.tasks.skip(ctx, id, whyShownLong, passedPause)
		default:
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return
	}
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	kept, err := p.previews.Show(sql, ids, p.now().Add(p.lease), p.now())
	if err != nil {
		p.away(ctx, "previews not renewed", err)
		return
	}
	for _, id := range ids {
		if slices.ContainsFunc(kept, func(k Claimed) bool { return k.Attempt.ID == id }) {
			continue
		}
		// It may be on its way to a call by now: then the agent is shown no preview, and no attempt is cancelled that
		// was claimed.
		p.endShown(ctx, id, shown[id].agent)
		if l, err := p.roster.Get(sql, shown[id].agent); err == nil && (l.Call == nil || l.Call.AttemptID != id.String()) {
			p.tasks.cancel(ctx, id, whyForbidden)
		}
	}
}

func (p *pacer) forgetShown(id AttemptID) {
	p.mu.Lock()
	delete(p.shown, id)
	p.mu.Unlock()
	p.wakeUp()
}

// endShown takes a contact off its agent's screen.
func (p *pacer) endShown(ctx context.Context, id AttemptID, agent int64) {
	p.calls.states.release(ctx, agent, agents.Input{Kind: agents.PreviewOver, AttemptID: id.String()})
	p.forgetShown(id)
}

// endAllShown is the end of the process: other nodes need not wait for the leases.
func (p *pacer) endAllShown() {
	p.mu.Lock()
	shown := maps.Clone(p.shown)
	p.mu.Unlock()
	for end := p.now().Add(sqlLimit); len(shown) > 0 && p.now().Before(end); {
		for id, pv := range shown {
			delete(shown, id)
			p.endShown(context.Background(), id, pv.agent)
			p.tasks.cancel(context.Background(), id, whyStopping)
			break
		}
	}
}

// skip gives up an attempt whose contact was shown, and has the contact wait for a while.
func (q *tasks) skip(ctx context.Context, id AttemptID, why reason.Reason, pause time.Duration) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), sqlLimit)
	defer done()
	if _, err := q.shown.Skip(ctx, id, why, q.now().Add(pause), q.now()); err != nil {
		q.log.Warn("preview not given up", slog.String("attempt", id.String()), slog.Any("error", err))
	}
}

// Skip takes the shown contact off the agent's screen, for a reason that the record keeps. It counts nowhere, and is
// due again in a while. agents.ErrNotNow: none is shown.
func (k *Desk) Skip(ctx context.Context, agentID int64, why string) error {
	l, err := k.d.Roster.Get(ctx, agentID)
	if err != nil {
		return err
	}
	if l.Preview == nil {
		return fmt.Errorf("%w: nobody is shown", agents.ErrNotNow)
	}
	return k.letGo(ctx, l, whySkipped(why), skippedPause)
}

// letGo ends a preview by its agent's hand.
func (k *Desk) letGo(ctx context.Context, l agents.Live, why reason.Reason, pause time.Duration) error {
	id, err := ParseAttemptID(l.Preview.AttemptID)
	if err != nil {
		return err
	}
	in := agents.Input{Kind: agents.PreviewOver, AttemptID: l.Preview.AttemptID}
	if _, err := k.d.states.apply(ctx, l.AgentID, in); err != nil {
		return err
	}
	if pause == 0 {
		k.d.tasks.cancel(ctx, id, why)
	} else {
		k.d.tasks.skip(ctx, id, why, pause)
	}
	return nil
}

// dialShown calls the contact that the agent is shown.
func (k *Desk) dialShown(ctx context.Context, l agents.Live) error {
	d, shown := k.d, l.Preview
	id, err := ParseAttemptID(shown.AttemptID)
	if err != nil {
		return err
	}
	call := &agents.Call{AttemptID: shown.AttemptID, ContactID: shown.ContactID, CRMID: shown.CRMID, Name: shown.Name,
		Number: shown.Number, Queue: shown.Queue, CampaignID: shown.CampaignID, Automatic: true, CardLink: shown.CardLink,
		StartedAt: d.Now()}
	in := agents.Input{Kind: agents.Ordering, AttemptID: call.AttemptID, Call: call, Until: d.Now().Add(d.Limits.Lease)}
	if _, err := d.states.apply(ctx, l.AgentID, in); err != nil {
		return err // it is shown as before
	}
	t := task{Attempt: id, Campaign: shown.CampaignID, Queue: shown.Queue, Origin: ByHand, Agent: l.AgentID, PreparedAt: d.Now()}
	if err := d.tasks.send(ctx, l.Node, t); err != nil {
		d.pacer.cancel(ctx, id, whyNoTask)
		return k.refuse(ctx, l.AgentID, fmt.Errorf("dialer: the call cannot be sent to its node: %w", err), call.AttemptID)
	}
	return nil
}
