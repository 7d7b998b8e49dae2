package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// A tier is a part of a campaign's queue: of one priority the first tier comes first. Each has a partial index that has nobody
// else's rows, so that a look at who is next is a short walk however many contacts there are.
type tier int

const (
	promised tier = iota // who was promised a callback
	tried                // who was dialed before
	untried              // whom nobody has tried yet
	putOff               // the same, but policy has refused them once: they have a time
)

// tiers say who is in a tier, and in which order.
var tiers = [...]tierOrder{
	promised: inOrder(`c.callback_at IS NOT NULL`, `c.next_at`, `c.id`),
	tried:    inOrder(`c.callback_at IS NULL AND c.attempts > 0`, `c.next_at`, `c.id`),
	untried:  inOrder(`c.callback_at IS NULL AND c.attempts = 0 AND NOT c.put_off`, `c.place`, `c.id`),
	putOff:   inOrder(`c.callback_at IS NULL AND c.attempts = 0 AND c.put_off`, `c.next_at`, `c.place`, `c.id`),
}

type tierOrder struct {
	where string
	key   []string
	order string // by the key
	back  string // from the last to the first
}

func inOrder(where string, key ...string) tierOrder {
	return tierOrder{where, key, strings.Join(key, `, `), strings.Join(key, ` DESC, `) + ` DESC`}
}

// levelsQuery lists the tiers of each priority that have somebody who waits. It goes from one priority that is there to the next.
var levelsQuery = func() string {
	var with, union []string
	for l, tier := range tiers {
		waits := `c.campaign_id = $1 AND c.state = 'waiting' AND ` + tier.where
		with = append(with, fmt.Sprintf(`l%[1]d (priority) AS (SELECT max(c.priority) FROM contacts c WHERE %[2]s
			UNION ALL SELECT (SELECT max(c.priority) FROM contacts c WHERE %[2]s AND c.priority < l%[1]d.priority)
			FROM l%[1]d WHERE l%[1]d.priority IS NOT NULL)`, l, waits))
		union = append(union, fmt.Sprintf(`SELECT priority, %d AS tier FROM l%[1]d WHERE priority IS NOT NULL`, l))
	}
	return `WITH RECURSIVE ` + strings.Join(with, ", ") + ` ` + strings.Join(union, ` UNION ALL `) + ` ORDER BY priority DESC, tier`
}()

// nobodyWaits is the condition that campaign $1 has no waiting contact that may be called, by the tiers' indexes. Who came by a
// list that was closed during a call waits for nothing.
var nobodyWaits = func() string {
	var none []string
	for _, tier := range tiers {
		none = append(none, `NOT EXISTS (SELECT 1 FROM contacts c WHERE c.campaign_id = $1 AND c.state = 'waiting' AND `+tier.where+
			` AND `+ofOpenList+`)`)
	}
	return strings.Join(none, ` AND `)
}()

// level is a tier of a priority, or what a list has of it.
type level struct {
	priority int
	tier     tier
	split    bool  // it is a list's
	list     int64 // zero: of those without a list
}

// where is the condition that contact c is in the level, of campaign $1.
func (l level) where(add func(any) string) string {
	where := `c.campaign_id = $1 AND c.state = 'waiting' AND c.priority = $2 AND ` + tiers[l.tier].where
	if l.split {
		where += ` AND ` + listOf + ` = ` + add(l.list)
	}
	return where
}

func scanLevel(row scanner) (l level, err error) {
	err = row.Scan(&l.priority, &l.tier)
	return l, err
}

// rank is the tier's among those of a priority. Whom nobody has tried yet stand by their place, put off or not.
func (t tier) rank() tier { return min(t, untried) }

// queue is who is next in a campaign, for one plan.
type queue struct {
	t      *tx
	c      *campaigns.Campaign
	n      int // attempts wanted
	now    time.Time
	levels []level
	shares *shares             // of the campaign's lists; nil: they share nothing
	open   map[level]openZones // those that were asked for
	judged map[int64]bool      // contacts

	// A person or number in two contacts is called once, and nobody on two numbers; the other contact waits its turn.
	taken   map[string]bool // people and numbers that are called
	reached map[string]bool // all numbers of those people, and they

	free   []int64            // agents, in the order in which they shall have calls; nil: whoever
	skills map[int64][]string // of free
	given  map[int64]bool     // of free, who have a call by now
	ahead  bool               // only those who need an agent are given one
}

func (t *tx) newQueue(ctx context.Context, c *campaigns.Campaign, n int, free []int64, now time.Time) (*queue, error) {
	q := &queue{t: t, c: c, n: n, now: now, taken: map[string]bool{}, reached: map[string]bool{},
		judged: map[int64]bool{}, free: free, given: map[int64]bool{}}
	var err error
	if c.Quota > 0 {
		if q.n, err = t.withinQuota(ctx, c, n); err != nil || q.n == 0 {
			return q, err
		}
	}
	if len(free) > 0 && c.SkillField != "" {
		q.skills = map[int64][]string{}
		_, err = all(ctx, t, func(row scanner) (none struct{}, err error) {
			var id int64
			var skills string
			err = row.Scan(&id, &skills)
			q.skills[id] = splitSkills(skills)
			return none, err
		}, `SELECT id, skills FROM agents WHERE id = ANY($1)`, free)
		if err != nil {
			return nil, err
		}
	}
	if q.levels, err = all(ctx, t, scanLevel, levelsQuery, c.ID); err == nil {
		err = q.split(ctx)
	}
	return q, err
}

// withinQuota is how many more calls the campaign may have at once. The campaign's row is locked: two nodes keep one quota.
func (t *tx) withinQuota(ctx context.Context, c *campaigns.Campaign, n int) (int, error) {
	if _, err := one(ctx, t, scanID, `SELECT id FROM campaigns WHERE id = $1 FOR UPDATE`, c.ID); err != nil {
		return 0, err
	}
	open, err := one(ctx, t, scanID, `SELECT count(*) FROM attempts WHERE campaign_id = $1 AND ended_at IS NULL AND contact_id IS
		NOT NULL`, c.ID)
	return max(0, min(n, c.Quota-int(open))), err
}

func splitSkills(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// plan prepares attempts at the first who may be called. Where policy refuses all of the head, it looks further down: whoever is
// free shall not wait until all before were judged.
func (q *queue) plan(ctx context.Context) ([]dialer.Attempt, error) {
	limit := max(planLooks*q.n, planBatch)
	due, err := q.head(ctx, limit)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	candidates, err := q.judge(ctx, due)
	if err == nil && len(candidates) == 0 && len(due) >= limit && q.shares != nil {
		candidates, err = q.outOfTurn(ctx)
	}
	if err == nil && len(candidates) == 0 && len(due) >= limit {
		candidates, _, err = q.walk(ctx, walkTime)
	}
	if err != nil {
		return nil, err
	}
	if n := len(slices.DeleteFunc(slices.Clone(candidates),
		func(k candidate) bool { return k.Attempts > 0 || !k.callbackAt.IsZero() })); n > 0 {
		q.t.db.alternated(q.c.ID).Add(int64(n))
	}
	return q.t.prepare(ctx, q.c, candidates, q.now)
}

// alternated counts the fresh contacts of a campaign that were planned, for [campaigns.Alternating].
func (s *db) alternated(campaignID int64) *atomic.Int64 {
	n, _ := s.alternations.LoadOrStore(campaignID, new(atomic.Int64))
	return n.(*atomic.Int64)
}

// head locks the first who are due, at most limit. Other planners pass over them.
func (q *queue) head(ctx context.Context, limit int) ([]*contact, error) {
	var due []*contact
	for levels := q.levels; len(levels) > 0 && len(due) < limit; {
		own, look := together(levels), q.first
		if own[0].split {
			own, look = sharing(levels), q.inTurn
		}
		some, err := look(ctx, own, limit-len(due))
		if err != nil {
			return nil, err
		}
		due, levels = append(due, some...), levels[len(own):]
	}
	return due, nil
}

// together are the first level and, of those whom nobody has tried yet, the one of those put off: they stand in one order.
func together(levels []level) []level {
	behind := levels[0]
	behind.tier = putOff
	if len(levels) > 1 && levels[0].tier == untried && levels[1] == behind {
		return levels[:2]
	}
	return levels[:1]
}

// first locks the first of levels that stand in one order, at most limit.
func (q *queue) first(ctx context.Context, levels []level, limit int) ([]*contact, error) {
	some, err := q.look(ctx, levels[0], limit, false)
	if err == nil && levels[0].tier == untried && q.c.Order.By == campaigns.Alternating {
		some, err = q.alternate(ctx, levels[0], some, limit)
	}
	if err == nil && len(levels) > 1 {
		var more []*contact
		more, err = q.look(ctx, levels[1], limit, false)
		some = q.merge(some, more)
	}
	return some[:min(len(some), limit)], err
}

// merge puts those whom policy has refused before where they belong among the others.
func (q *queue) merge(some, more []*contact) []*contact {
	if len(more) == 0 {
		return some
	}
	all := slices.Concat(more, some)
	if q.c.Order.By != campaigns.Alternating { // there they are older than all others
		slices.SortStableFunc(all, func(a, b *contact) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.ID, b.ID)) })
	}
	return all
}

// alternate mixes the oldest with the newest.
func (q *queue) alternate(ctx context.Context, l level, oldest []*contact, limit int) ([]*contact, error) {
	newest, err := q.look(ctx, l, limit, true)
	if err != nil {
		return nil, err
	}
	ends := [2][]*contact{oldest, newest}
	side := int(q.t.db.alternated(q.c.ID).Load() & 1)
	seen := map[int64]bool{}
	var mixed []*contact
	for len(ends[0])+len(ends[1]) > 0 && len(mixed) < limit {
		if len(ends[side]) > 0 {
			k := ends[side][0]
			ends[side] = ends[side][1:]
			if seen[k.ID] {
				continue
			}
			seen[k.ID] = true
			mixed = append(mixed, k)
		}
		side = 1 - side
	}
	return mixed, nil
}

// look locks the first contacts of a level that are due, or the last.
func (q *queue) look(ctx context.Context, l level, limit int, back bool) ([]*contact, error) {
	order := tiers[l.tier].order
	if back {
		order = tiers[l.tier].back
	}
	args := params{q.c.ID, l.priority, at(q.now), limit}
	add := args.add
	where := q.where(l, add)
	zones, whole, err := q.openZones(ctx, l)
	switch {
	case err != nil:
		return nil, err
	case !whole && len(zones) == 0:
		return nil, nil
	case !whole && len(zones) == 1:
		where += ` AND c.zone = ` + add(zones[0])
	case !whole:
		ids := inZones(zones, where, order, passOver*limit, add)
		return all(ctx, q.t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id IN (`+ids+`) AND c.state = 'waiting'
			AND c.next_at <= $3 ORDER BY `+order+` LIMIT $4 FOR UPDATE SKIP LOCKED`, args...)
	}
	return all(ctx, q.t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE `+where+` ORDER BY `+order+`
		LIMIT $4 FOR UPDATE SKIP LOCKED`, args...)
}

// where is the condition that contacts c of a level are due and could be called by somebody who is free. Its arguments are the
// campaign, the priority and the moment, and those that it adds.
func (q *queue) where(l level, add func(any) string) string {
	where := l.where(add) + ` AND c.next_at <= $3 AND ` + ofOpenList
	if q.free == nil {
		return where
	}
	if l.tier == promised {
		where += ` AND (c.callback_agent IS NULL OR c.callback_open_at IS NULL OR c.callback_open_at <= $3 OR c.callback_agent = ANY(` + add(q.free) + `))`
	}
	if q.c.Sticky.Mode == campaigns.Require && (l.tier == promised || l.tier == tried) {
		where += ` AND (c.last_agent IS NULL OR c.callback_agent IS NOT NULL OR c.next_at <= ` + add(at(q.now.Add(-q.c.Sticky.For))) +
			` OR c.last_agent = ANY(` + add(q.free) + `))`
	}
	if q.c.SkillField != "" {
		skills := []string{""}
		for _, list := range q.skills {
			skills = append(skills, list...)
		}
		where += ` AND c.skill = ANY(` + add(skills) + `)`
	}
	return where
}

// agentFor gives a contact one of the free agents: who has promised the callback, who has talked with the contact before where
// the campaign wants that, else the first who has the skill. Zero: whoever. False: the contact waits for one who is not free.
func (q *queue) agentFor(k *contact) (int64, bool) {
	if q.free == nil {
		return 0, true
	}
	free := func(id int64) bool { return id != 0 && slices.Contains(q.free, id) && !q.given[id] }
	give := func(id int64) (int64, bool) {
		q.given[id] = true
		return id, true
	}
	if !k.callbackAt.IsZero() && k.CallbackAgent != 0 {
		if free(k.CallbackAgent) {
			return give(k.CallbackAgent)
		}
		if k.callbackOpen.After(q.now) {
			return 0, false
		}
	}
	if sticky := q.c.Sticky; sticky.Mode != "" && k.lastAgent != 0 {
		if free(k.lastAgent) {
			return give(k.lastAgent)
		}
		if sticky.Mode == campaigns.Require && k.CallbackAgent == 0 && k.NextAt.Add(sticky.For).After(q.now) {
			return 0, false
		}
	}
	for _, id := range q.free {
		if free(id) && (k.skill == "" || slices.Contains(q.skills[id], k.skill)) {
			return give(id)
		}
	}
	return 0, false
}

// wantsAgent says that a contact of a campaign whose calls run ahead of its agents is called only when an agent is there: who was
// promised a call, and who is not served by whoever comes free.
func (q *queue) wantsAgent(k *contact) bool {
	return !k.callbackAt.IsZero() || k.skill != "" || q.c.Sticky.Mode != "" && k.lastAgent != 0
}

// anyFree says that one of the free agents has no call yet.
func (q *queue) anyFree() bool {
	return slices.ContainsFunc(q.free, func(id int64) bool { return !q.given[id] })
}

// placeBatch is how many contacts are put in another order at once.
const placeBatch = 5000

// rankedRow is where a contact stands in the campaign's order.
type rankedRow struct {
	ID    int64  `json:"id"`
	Place int64  `json:"place"`
	Skill string `json:"skill"`
}

// rankAnew puts all contacts of a campaign in its order, which has changed; imports wait meanwhile. Of a million that takes some
// ten seconds.
func (t *tx) rankAnew(ctx context.Context, c *campaigns.Campaign) error {
	if err := t.db.engine.lockImport(ctx, t, c.ID); err != nil {
		return err
	}
	for last := int64(0); ; {
		rows, err := all(ctx, t, func(row scanner) (p rankedRow, err error) {
			var payload string
			err = row.Scan(&p.ID, orZero(&payload))
			p.Place, p.Skill = c.Order.Rank(p.ID, []byte(payload)), c.SkillFor([]byte(payload))
			return p, err
		}, `SELECT id, payload FROM contacts WHERE campaign_id = $1 AND id > $2 ORDER BY id LIMIT $3`, c.ID, last, placeBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		last = ids[len(ids)-1]
		_, err = t.exec(ctx, `UPDATE contacts SET place = r.place, skill = r.skill FROM ROWS($1: id BIGINT, place BIGINT, skill TEXT)
			AS r
			WHERE contacts.id = r.id AND contacts.id = ANY($2)`, rowset(rows), ids)
		if err != nil {
			return err
		}
	}
}
