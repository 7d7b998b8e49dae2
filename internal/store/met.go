package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// metAfter has those put off, when all else of the transaction is written, whom something that has happened now bars from being
// called for a while: a hundred thousand of them would else stand before whoever may be called, until plans have judged each.
func (t *tx) metAfter(now time.Time, who ...subject) {
	if t.met == nil {
		t.met = map[int64][]subject{}
	}
	t.met[now.UnixMilli()] = append(t.met[now.UnixMilli()], who...)
}

// putOffMet puts off whom metAfter has named, and all who may be one with them, in every campaign: at most listedMost contacts a
// key. Who is left, or is held by a planner at this moment, finds out at a plan. Rows that others hold are passed over, so nobody
// waits for anybody.
func (t *tx) putOffMet(ctx context.Context) error {
	met := t.met
	t.met = nil
	for _, moment := range slices.Sorted(maps.Keys(met)) {
		relations, err := t.db.kin(ctx, t, met[moment])
		if err != nil {
			return err
		}
		crmIDs, numbers := keysOf(relations)
		waiting, err := t.waitingOf(ctx, crmIDs, numbers, ` AND c.callback_at IS NULL`)
		if err != nil {
			return err
		}
		if err := t.byCampaign(ctx, waiting, time.UnixMilli(moment), t.putOffMetOf); err != nil {
			return err
		}
	}
	t.write()
	return nil
}

// putOffMetOf moves those waiting contacts of a campaign to when they may be called whom what has happened with them bars then:
// at once, or when they are due. Whom anything else bars too that nobody knows the end of, or that others see to, stay as they
// are, as do those to whom a call was promised.
func (t *tx) putOffMetOf(ctx context.Context, c *campaigns.Campaign, list []*contact, now time.Time) error {
	if !campaigns.BoundByPast(c) {
		return nil
	}
	people := make([]subject, len(list))
	for i, k := range list {
		people[i] = subjectOf(k)
	}
	facts, err := t.db.facts(ctx, t, c, people, now)
	if err != nil {
		return err
	}
	for i, k := range list {
		phone, ok := facts.nextPhone(c, k, i)
		if !ok || !k.callbackAt.IsZero() {
			continue
		}
		due := latest(now, k.NextAt)
		q := facts.question(c, k, i, phone.Number, true, due)
		q.WithAgent = c.Mode == campaigns.Predictive // a plan may have one
		if !campaigns.Decide(q).ByPast() {
			continue
		}
		next := earlier(campaigns.NextPermit(q), facts.nextTurn(c, k, i))
		if next.After(due) { // else within a year there is no such moment
			t.dueAt(k, next, false, now)
		}
	}
	return nil
}

// metBefore puts off those of a batch of new contacts who may not be called yet for what has happened with them before.
func (im *importer) metBefore(ctx context.Context, t *tx, c *campaigns.Campaign, fresh []*newContact) error {
	if !campaigns.BoundByPast(c) {
		return nil
	}
	any, err := one(ctx, t, scanBool, `SELECT EXISTS (SELECT 1 FROM attempts) OR EXISTS (SELECT 1 FROM interactions)`)
	if err != nil || !any {
		return err
	}
	ids := make([]int64, len(fresh))
	for i, k := range fresh {
		ids[i] = k.id
	}
	var args params
	among := args.add(ids)
	waiting, err := all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY(`+among+`)
		AND c.state = 'waiting' AND NOT `+likely(campaigns.Bounds(c, im.now), args.add)+` ORDER BY c.id FOR UPDATE`, args...)
	if err != nil {
		return err
	}
	return t.byCampaign(ctx, waiting, im.now, t.putOffMetOf)
}
