package store

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const (
	// walkStretch is how many contacts a walk down a queue passes over with one query: some ten milliseconds.
	walkStretch = 5000
	// walkTime is after how long a plan's walk ends that has found nobody. The next one goes on from there.
	walkTime = 100 * time.Millisecond
	// walkSample is how many are judged of a stretch in which everybody looks as if policy would refuse them.
	walkSample = 20
	// seekTime is how long one Seek goes on.
	seekTime = 500 * time.Millisecond
	// walkKept is how long it is remembered how far a walk has come: who stands before that may be called by then.
	walkKept = time.Minute
)

// walked is how far walks down a campaign's queue have come.
type walked struct {
	level level
	after []int64 // the last who were passed over, by the tier's key; none: nobody of the level was yet
	at    time.Time
}

// passed is somebody whom a walk passes over.
type passed struct {
	id     int64
	likely bool // nothing that is known of the person at a glance is against a call
	key    []int64
}

// walk goes down the queue behind the head, all of whom policy refuses, and judges those of whom nothing is known that speaks
// against a call at a glance: no calls and interactions beyond the campaign's bounds. Where everybody looks refused, it judges
// some of them here and there. It ends with the first who may be called, or after so long a time; more: before the queue's end.
func (q *queue) walk(ctx context.Context, limit time.Duration) (found []candidate, more bool, err error) {
	began, stretches := time.Now(), uint(0)
	levels, after := q.levels, []int64(nil)
	if w, ok := q.t.db.walks.Load(q.c.ID); ok && q.now.Sub(w.(walked).at).Abs() < walkKept {
		if i := slices.Index(levels, w.(walked).level); i >= 0 {
			levels, after = levels[i:], w.(walked).after
		}
	}
	for len(levels) > 0 {
		some, err := q.stretch(ctx, levels[0], after)
		if err != nil {
			return nil, false, fmt.Errorf("store: walk down the queue: %w", err)
		}
		stretches++
		found, err := q.judgeSome(ctx, levels[0], q.worthJudging(some, stretches))
		if err != nil || len(found) > 0 {
			q.walkedTo(levels[0], after) // there may be more like them
			return found, true, err
		}
		if len(some) < walkStretch {
			levels, after = levels[1:], nil
		} else {
			after = some[len(some)-1].key
		}
		if len(levels) > 0 && time.Since(began) > limit {
			q.walkedPast(levels[0], after)
			return nil, true, nil
		}
	}
	q.t.db.walks.Delete(q.c.ID) // from the beginning, the next time
	return nil, false, nil
}

// Seek goes on down a campaign's queue where the last plan's walk has ended. See [dialer.Queues].
func (s Queues) Seek(ctx context.Context, campaignID int64, ahead bool, now time.Time, free ...int64) (
	found, more bool, err error) {
	t := &tx{db: s.db, session: onlooker{s.engine}}
	c, err := s.loadCampaign(ctx, t, campaignID)
	if err != nil {
		return false, false, fmt.Errorf("store: seek in campaign %d: %w", campaignID, err)
	}
	if open, _ := campaigns.OpenAt(c, now); !open || c.Status != campaigns.Running || c.Mode == campaigns.Manual {
		return false, false, nil
	}
	if ahead {
		free = append([]int64{}, free...) // none is not whoever
	}
	q, err := t.newQueue(ctx, c, 1, free, now)
	if err != nil || q.n == 0 {
		return false, false, err
	}
	q.ahead = ahead
	some, more, err := q.walk(ctx, seekTime)
	return len(some) > 0, more && len(some) == 0, err
}

// onlooker is the session of what only looks: what else a transaction would do is found out, and not done.
type onlooker struct{ engine engine }

func (o onlooker) query(ctx context.Context, _ []statement, st statement) (rows, error) {
	st.query = rowLocks.ReplaceAllString(st.query, ``)
	return o.engine.query(ctx, st)
}

func (onlooker) run(_ context.Context, statements []statement, _ bool) ([]int64, error) {
	return make([]int64, len(statements)), nil
}

// walkedPast notes how far a walk has come that has found nobody. Another one may have come farther meanwhile.
func (q *queue) walkedPast(l level, after []int64) {
	if w, ok := q.t.db.walks.Load(q.c.ID); ok && q.now.Sub(w.(walked).at).Abs() < walkKept {
		was := w.(walked)
		its, mine := slices.Index(q.levels, was.level), slices.Index(q.levels, l)
		if its > mine || its == mine && slices.Compare(was.after, after) > 0 {
			return
		}
	}
	q.walkedTo(l, after)
}

func (q *queue) walkedTo(l level, after []int64) {
	q.t.db.walks.Store(q.c.ID, walked{l, after, q.now})
}

// worthJudging are those of a stretch, the nth of a walk, who are worth a closer look.
func (q *queue) worthJudging(some []passed, nth uint) (ids []int64) {
	most := max(planLooks*q.n, planBatch)
	for _, p := range some {
		if p.likely && len(ids) < most && !q.judged[p.id] {
			ids = append(ids, p.id)
		}
	}
	if len(ids) == 0 && bits.OnesCount(nth) == 1 { // the farther, the more rarely
		for i := 0; i < len(some); i += max(1, len(some)/walkSample) {
			ids = append(ids, some[i].id)
		}
	}
	return ids
}

// judgeSome judges contacts of a level by their ids.
func (q *queue) judgeSome(ctx context.Context, l level, ids []int64) ([]candidate, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	due, err := all(ctx, q.t, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1) AND c.state = 'waiting'
		AND c.next_at <= $2 ORDER BY `+tiers[l.tier].order+` FOR UPDATE SKIP LOCKED`, ids, at(q.now))
	if err != nil {
		return nil, err
	}
	return q.judge(ctx, due)
}

// stretch passes over the next of a level who are due, those after a key. Nobody is locked.
func (q *queue) stretch(ctx context.Context, l level, after []int64) ([]passed, error) {
	zones, whole, err := q.openZones(ctx, l)
	if err != nil || !whole && len(zones) == 0 {
		return nil, err
	}
	args := params{q.c.ID, l.priority, at(q.now), walkStretch}
	add := args.add
	where := q.where(l, add)
	if !whole {
		where += ` AND c.zone = ANY(` + add(zones) + `)`
	}
	columns := tiers[l.tier].key
	if after != nil {
		last := make([]string, len(after))
		for i, v := range after {
			last[i] = add(v)
		}
		where += ` AND (` + strings.Join(columns, ", ") + `) > (` + strings.Join(last, ", ") + `)`
	}
	return all(ctx, q.t, func(row scanner) (passed, error) {
		p := passed{key: make([]int64, len(columns))}
		fields := []any{&p.id, &p.likely}
		for i := range p.key {
			fields = append(fields, &p.key[i])
		}
		return p, row.Scan(fields...)
	}, `SELECT c.id, `+likely(campaigns.Bounds(q.c, q.now), add)+`, `+strings.Join(columns, ", ")+` FROM contacts c WHERE `+where+`
		ORDER BY `+tiers[l.tier].order+` LIMIT $4`, args...)
}

// likely is the expression that nothing of contacts c reaches the bounds: by the CRM id, or by the numbers. What counts for them
// by other people's numbers and ids is left to policy. Each look is one into an index, whatever the database thinks of sizes.
func likely(bounds []campaigns.Bound, add func(any) string) string {
	var reached, numbers []string
	bounds = slices.SortedStableFunc(slices.Values(bounds), func(a, b campaigns.Bound) int { return cmp.Compare(a.Most, b.Most) })
	for _, b := range bounds { // those that one event reaches come first: most who are refused are so by them
		since, most, prepared := add(at(b.Since)), add(b.Most), add(at(b.Since.Add(-longestPermit)))
		met, called := ` AND i.at > `+since, ` AND a.prepared_at > `+prepared+` AND (a.dialed_at > `+since+` OR a.ended_at IS NULL)`
		if b.Told {
			met += ` AND (i.meaningful IS NULL OR i.meaningful)`
			called += ` AND a.answered_at IS NOT NULL AND (a.code IS NULL OR a.meaningful)`
		}
		if b.Spoken {
			met += ` AND i.kind IN ('call', 'inbound_call')`
		}
		count := func(from string) string {
			return `(SELECT count(*) FROM (SELECT 1 FROM ` + from + ` LIMIT ` + most + `) AS n)`
		}
		byPerson := []string{count(`interactions i WHERE i.crm_id = c.crm_id AND c.crm_id <> ''` + met),
			count(`attempts a WHERE a.person = c.crm_id AND c.crm_id <> ''` + called)}
		byNumber := `(SELECT sum(` + count(`interactions i WHERE i.number = p.number`+met) + ` + ` +
			count(`attempts a WHERE a.number = p.number`+called) + `) FROM ROWS(c.phones: number TEXT) AS p)`
		if b.Most > 1 {
			reached = append(reached, byPerson[0]+` + `+byPerson[1]+` >= `+most)
		} else {
			reached = append(reached, byPerson[0]+` >= `+most, byPerson[1]+` >= `+most)
		}
		numbers = append(numbers, byNumber+` >= `+most)
	}
	reached = append(reached, numbers...) // at last: each look reads the contact's list of phones
	if len(reached) == 0 {
		return `TRUE`
	}
	return `CASE WHEN ` + strings.Join(reached, ` THEN FALSE WHEN `) + ` THEN FALSE ELSE TRUE END`
}
