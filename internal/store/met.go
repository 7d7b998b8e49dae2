package store

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/retry"
)

// metAfter has those put off, when all else of the transaction is written, whom something that has happened now bars from being
// called for a while: a hundred thousand of them would else stand before whoever may be called, until plans have looked at each.
func (t *tx) metAfter(now time.Time, who ...subject) {
	if t.met == nil {
		t.met = map[int64][]subject{}
	}
	t.met[now.UnixMilli()] = append(t.met[now.UnixMilli()], who...)
}

// metSoon is metAfter in a transaction of its own, soon after this one, and together with others: no step of a call waits for it.
// Should the process end before, a plan finds out.
func (t *tx) metSoon(now time.Time, who subject) {
	t.soon.add(meeting{[]subject{who}, now})
}

// meeting is whom something has happened with, and when the last of it did.
type meeting struct {
	who []subject
	now time.Time
}

func (m *meeting) add(more meeting) {
	m.who, m.now = append(m.who, more.who...), latest(m.now, more.now)
}

// meetings are those of metSoon whose transactions are committed.
type meetings struct {
	mu      sync.Mutex
	waiting meeting
	running bool
	looking sync.Mutex // held for one look at a time
	ended   sync.WaitGroup
}

// meetingsGather is how long meetings gather for one look.
const meetingsGather = 100 * time.Millisecond

// settleSoon has the meetings looked at, if there are any.
func (s *db) settleSoon(met meeting) {
	if len(met.who) == 0 {
		return
	}
	m := &s.meetings
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting.add(met)
	if !m.running {
		m.running = true
		m.ended.Go(s.settleMeetings)
	}
}

func (s *db) settleMeetings() {
	m := &s.meetings
	for again := true; again; {
		retry.Sleep(context.Background(), meetingsGather)
		s.settle()
		m.mu.Lock()
		again = len(m.waiting.who) > 0
		m.running = again
		m.mu.Unlock()
	}
}

// settle looks at the meetings that have gathered.
func (s *db) settle() {
	m := &s.meetings
	m.looking.Lock()
	defer m.looking.Unlock()
	m.mu.Lock()
	met := m.waiting
	m.waiting = meeting{}
	m.mu.Unlock()
	if len(met.who) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), laneLimit)
	defer cancel()
	if err := s.putOffMet(ctx, met.who, met.now); err != nil {
		s.log.Debug("who was called is not put off before the next plan", slog.Any("error", err))
	}
}

// putOffMet puts off people and numbers, in every campaign: at most listedMost contacts. Who is left, or is held by a planner at
// this moment, or is one with them by more than a number or id, finds out at a plan. Rows that others hold are passed over, so
// nobody waits for anybody. Where nobody has reached a bound of a campaign nothing is written or locked.
func (s *db) putOffMet(ctx context.Context, met []subject, now time.Time) error {
	ids, err := s.bound(ctx, s, met, now)
	if err != nil || len(ids) == 0 {
		return err
	}
	return s.inTx(ctx, func(t *tx) error { return t.putOffBound(ctx, ids, now) })
}

// putOffNow is putOffMet of what this transaction has told by metAfter.
func (t *tx) putOffNow(ctx context.Context) error {
	met := t.met
	t.met = nil
	for _, moment := range slices.Sorted(maps.Keys(met)) {
		now := time.UnixMilli(moment)
		ids, err := t.db.bound(ctx, t, met[moment], now)
		if err == nil {
			err = t.putOffBound(ctx, ids, now)
		}
		if err != nil {
			return err
		}
	}
	t.write()
	return nil
}

// bound lists those waiting contacts of people and numbers that have reached a bound of their campaigns, by a first look.
func (s *db) bound(ctx context.Context, q querier, met []subject, now time.Time) (ids []int64, err error) {
	var crmIDs, numbers []string
	for _, who := range met {
		crmIDs, numbers = append(crmIDs, who.crmID), append(numbers, who.numbers...)
	}
	list, err := all(ctx, q, func(row scanner) (id [2]int64, err error) { return id, row.Scan(&id[0], &id[1]) }, metContacts,
		crmIDs, numbers, listedMost)
	if err != nil {
		return nil, err
	}
	among := map[int64][]int64{}
	for _, k := range list {
		among[k[1]] = append(among[k[1]], k[0])
	}
	for _, campaign := range slices.Sorted(maps.Keys(among)) {
		c, err := s.campaignAsKnown(ctx, q, campaign)
		if err != nil {
			return nil, err
		}
		some, err := boundIn(ctx, q, c, among[campaign], now)
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	return ids, nil
}

// boundIn is bound for some contacts of a campaign.
func boundIn(ctx context.Context, q querier, c *campaigns.Campaign, ids []int64, now time.Time) ([]int64, error) {
	bounds := campaigns.Bounds(c, now)
	if len(bounds) == 0 || c.Mode == campaigns.Manual {
		return nil, nil
	}
	var args params
	among := args.add(ids)
	return all(ctx, q, scanID, `SELECT c.id FROM contacts c WHERE c.id = ANY(`+among+`) AND c.state = 'waiting'
		AND c.callback_at IS NULL AND NOT `+likely(bounds, args.add), args...)
}

// putOffBound puts off those of some contacts whom what has happened with them bars. They are judged twice, the second time
// locked: a plan passes over whoever is locked, so nobody shall be who may be called for all that is known.
func (t *tx) putOffBound(ctx context.Context, ids []int64, now time.Time) error {
	barred, err := t.barredOf(ctx, ids, ``, now)
	if err != nil || len(barred) == 0 {
		return err
	}
	ids = ids[:0]
	for _, row := range barred {
		ids = append(ids, row.ID)
	}
	barred, err = t.barredOf(ctx, ids, ` FOR UPDATE SKIP LOCKED`, now)
	t.changed.moved = append(t.changed.moved, barred...)
	return err
}

// barredOf lists those of some waiting contacts whom what has happened with them bars, and when they may be called.
func (t *tx) barredOf(ctx context.Context, ids []int64, lock string, now time.Time) (barred []movedRow, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	waiting, err := all(ctx, t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1) AND c.state = 'waiting'
		AND c.callback_at IS NULL ORDER BY c.id`+lock, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	err = t.byCampaign(ctx, waiting, now, func(ctx context.Context, c *campaigns.Campaign, list []*contact, now time.Time) error {
		some, err := t.barredIn(ctx, c, list, now)
		barred = append(barred, some...)
		return err
	})
	return barred, err
}

// metContacts lists contacts, with their campaigns, of people ($1) and numbers ($2), some of them twice. No table is joined: the
// database thinks too little of sizes where it has not counted yet.
const metContacts = `SELECT c.id, c.campaign_id FROM contacts c WHERE c.crm_id = ANY($1) AND c.crm_id <> '' AND c.state = 'waiting'
	UNION ALL SELECT p.contact_id, p.campaign_id FROM contact_phones p WHERE p.number = ANY($2)
	UNION ALL SELECT p.contact_id, (SELECT c.campaign_id FROM contacts c WHERE c.id = p.contact_id)
		FROM shared_phones p WHERE p.number = ANY($2) LIMIT $3`

// campaignAsKnown is a campaign as this process has seen it last: good for a first look.
func (s *db) campaignAsKnown(ctx context.Context, q querier, id int64) (*campaigns.Campaign, error) {
	if c, ok := s.campaigns.Load(id); ok {
		return c.(cachedCampaign).campaign, nil
	}
	return s.loadCampaign(ctx, q, id)
}

// barredIn is barredOf for waiting contacts of a campaign: those whom what has happened with them bars now, or when they are due.
// Whom anything else bars too that nobody knows the end of, or that others see to, are left out.
func (t *tx) barredIn(ctx context.Context, c *campaigns.Campaign, list []*contact, now time.Time) (barred []movedRow, err error) {
	people := make([]subject, len(list))
	for i, k := range list {
		people[i] = subjectOf(k)
	}
	facts, err := t.db.facts(ctx, t, c, people, now)
	if err != nil {
		return nil, err
	}
	for i, k := range list {
		phone, ok := facts.nextPhone(c, k, i)
		if !ok {
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
			barred = append(barred, dueRow(k, next, false, now))
		}
	}
	return barred, nil
}

// metBefore puts off those of a batch of new contacts who may not be called yet for what has happened with them before.
func (im *importer) metBefore(ctx context.Context, t *tx, c *campaigns.Campaign, fresh []*newContact) error {
	any, err := one(ctx, t, scanBool, `SELECT EXISTS (SELECT 1 FROM attempts) OR EXISTS (SELECT 1 FROM interactions)`)
	if err != nil || !any {
		return err
	}
	ids := make([]int64, len(fresh))
	for i, k := range fresh {
		ids[i] = k.id
	}
	if ids, err = boundIn(ctx, t, c, ids, im.now); err != nil {
		return err
	}
	return t.putOffBound(ctx, ids, im.now)
}
