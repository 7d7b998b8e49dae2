package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Lists of one campaign share the calls to those whom nobody has called yet, where one of them has a weight or a quota: see
// [campaigns.Turn]. How many of these calls there were today is counted with the attempts, so that nothing else is kept of it.

// listOf is the list by which contact c came, as the tiers' indexes have it; 0: none.
const listOf = `COALESCE(c.list_id, 0)`

// shares are a campaign's lists with their calls of the day.
type shares struct {
	lists map[int64]campaigns.ListShare // those with a weight or a quota, and those with calls today
	calls int                           // of the day, of all of them
}

// sharesOf reads how a campaign's lists share its calls. Nil: they do not.
func (s *db) sharesOf(ctx context.Context, q querier, c *campaigns.Campaign, now time.Time) (*shares, error) {
	list, err := all(ctx, q, func(row scanner) (k campaigns.ListShare, err error) {
		err = row.Scan(&k.ListID, &k.Name, &k.Weight, &k.Quota)
		return k, err
	}, `SELECT id, name, weight, quota FROM lists WHERE campaign_id = $1 AND closed_at IS NULL AND (weight <> 1 OR quota > 0)`, c.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	h := &shares{lists: map[int64]campaigns.ListShare{}}
	for _, k := range list {
		h.lists[k.ListID] = k
	}
	if t, planning := q.(*tx); planning { // two nodes keep one quota
		if _, err := one(ctx, t, scanID, `SELECT id FROM campaigns WHERE id = $1 FOR UPDATE`, c.ID); err != nil {
			return nil, err
		}
	}
	return h, s.callsToday(ctx, q, c, now, func(id int64, n int) {
		k := h.of(id)
		k.Today = n
		h.lists[id] = k
		h.calls += n
	})
}

// callsToday tells of each list of a campaign how many fresh contacts were called today.
func (s *db) callsToday(ctx context.Context, q querier, c *campaigns.Campaign, now time.Time, tell func(id int64, n int)) error {
	today, _ := c.Day(now)
	_, err := all(ctx, q, func(row scanner) (none struct{}, err error) {
		var id int64
		var n int
		if err = row.Scan(&id, &n); err == nil {
			tell(id, n)
		}
		return none, err
	}, s.engine.freshCalls(), c.ID, today)
	return err
}

func (*sqlite) freshCalls() string {
	return `SELECT list_id, n FROM tallies WHERE campaign_id = $1 AND kind = 'fresh' AND key = $2`
}

// freshCalls reads counts and changes in one statement, and so as of one moment.
func (*postgres) freshCalls() string {
	return `SELECT list_id, CAST(sum(n) AS BIGINT) FROM (
			SELECT list_id, n FROM tallies WHERE campaign_id = $1 AND kind = 'fresh' AND key = $2
			UNION ALL SELECT list_id, n FROM tally_moves WHERE campaign_id = $1 AND kind = 'fresh' AND key = $2) AS counted
		GROUP BY list_id`
}

// of is the share of a list, or of those without one.
func (h *shares) of(list int64) campaigns.ListShare {
	k, known := h.lists[list]
	if !known {
		k = campaigns.ListShare{ListID: list, Weight: 1}
	}
	return k
}

// count counts a call that is planned, if it is to somebody fresh.
func (h *shares) count(c *contact) {
	if h == nil || !c.fresh() {
		return
	}
	k := h.of(c.list)
	k.Today++
	h.lists[c.list] = k
	h.calls++
}

// spent lists those that have had all their calls of the day.
func (h *shares) spent() []int64 {
	ids := []int64{}
	if h != nil {
		for _, k := range h.lists {
			if k.Spent() {
				ids = append(ids, k.ListID)
			}
		}
	}
	return ids
}

// bound is a list that may have so many calls a day; nil: as many as it likes.
func (h *shares) bound(list int64) *campaigns.ListShare {
	if h == nil || h.of(list).Quota == 0 {
		return nil
	}
	k := h.of(list)
	return &k
}

// turn returns whose turn the n-th call from now on is, among some lists.
func (h *shares) turn(lists []int64, n int) int64 {
	weights := make([]int, len(lists))
	for i, id := range lists {
		weights[i] = h.of(id).Weight
	}
	return lists[campaigns.Turn(weights, h.calls+n)]
}

// fresh reports whether nobody has called the contact yet, and nothing was promised.
func (c *contact) fresh() bool { return c.Attempts == 0 && c.callbackAt.IsZero() }

// listsQuery lists the lists that have somebody in a tier of a priority. It goes from one list that is there to the next.
func listsQuery(t tier) string {
	waits := `c.campaign_id = $1 AND c.state = 'waiting' AND c.priority = $2 AND ` + tiers[t].where
	return `WITH RECURSIVE z (list) AS (SELECT min(` + listOf + `) FROM contacts c WHERE ` + waits + `
		UNION ALL SELECT (SELECT min(` + listOf + `) FROM contacts c WHERE ` + waits + ` AND ` + listOf + ` > z.list) FROM z
			WHERE z.list IS NOT NULL)
		SELECT list FROM z WHERE list IS NOT NULL AND NOT EXISTS (SELECT 1 FROM lists l WHERE l.id = z.list AND l.closed_at IS NOT NULL)`
}

// split puts in the place of each level of those whom nobody has tried yet what its lists have of it, where lists share calls:
// list by list, without those that are closed or have had all their calls of the day.
func (q *queue) split(ctx context.Context) (err error) {
	isFresh := func(l level) bool { return l.tier.rank() == untried }
	if !slices.ContainsFunc(q.levels, isFresh) {
		return nil
	}
	if q.shares, err = q.t.db.sharesOf(ctx, q.t, q.c, q.now); err != nil || q.shares == nil {
		return err
	}
	var levels []level
	for len(q.levels) > 0 {
		own := together(q.levels)
		q.levels = q.levels[len(own):]
		if !isFresh(own[0]) {
			levels = append(levels, own...)
			continue
		}
		have := map[int64][]level{}
		for _, l := range own {
			lists, err := all(ctx, q.t, scanID, listsQuery(l.tier), q.c.ID, l.priority)
			if err != nil {
				return fmt.Errorf("store: lists of those who wait: %w", err)
			}
			for _, id := range lists {
				have[id] = append(have[id], level{l.priority, l.tier, true, id})
			}
		}
		for _, id := range slices.Sorted(maps.Keys(have)) {
			if !q.shares.of(id).Spent() {
				levels = append(levels, have[id]...)
			}
		}
	}
	q.levels = levels
	return nil
}

// sharing are the first levels that share calls: of one priority, list by list.
func sharing(levels []level) []level {
	n := slices.IndexFunc(levels, func(l level) bool { return !l.split || l.priority != levels[0].priority })
	if n < 0 {
		n = len(levels)
	}
	return levels[:n]
}

// inTurn locks the first of the lists whose turns are next, at most limit, list by list: as many of each as it has turns.
func (q *queue) inTurn(ctx context.Context, levels []level, limit int) ([]*contact, error) {
	of := map[int64][]level{}
	for len(levels) > 0 {
		own := together(levels)
		of[own[0].list], levels = own, levels[len(own):]
	}
	lists := slices.Sorted(maps.Keys(of)) // that may have more
	found, total := map[int64][]*contact{}, 0
	for total < limit && len(lists) > 0 {
		turns := min(q.n, limit)
		share := map[int64]int{}
		for n := range turns {
			share[q.shares.turn(lists, n)]++
		}
		left := limit - total
		for _, id := range slices.Sorted(maps.Keys(share)) {
			want := len(found[id]) + (left*share[id]+turns-1)/turns
			some, err := q.first(ctx, of[id], want)
			if err != nil {
				return nil, err
			}
			total += len(some) - len(found[id])
			if found[id] = some; len(some) < want {
				lists = slices.DeleteFunc(lists, func(l int64) bool { return l == id })
			}
		}
	}
	var due []*contact
	for _, id := range slices.Sorted(maps.Keys(found)) {
		due = append(due, found[id]...)
	}
	return due, nil
}

// outOfTurn judges the first of each list until some may be called: those of the lists whose turns are next may not.
func (q *queue) outOfTurn(ctx context.Context) ([]candidate, error) {
	for levels := q.levels; len(levels) > 0; {
		own := together(levels)
		levels = levels[len(own):]
		if !own[0].split {
			continue
		}
		some, err := q.first(ctx, own, planBatch)
		if err != nil {
			return nil, err
		}
		if found, err := q.judge(ctx, some); err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// next takes the place of whoever is judged next from those that are left, which are in their order: the first of them, or where
// lists share calls the first of the list whose turn it is. -1: nobody is left.
func (q *queue) next(due []*contact, rest []int) (int, []int) {
	for len(rest) > 0 {
		ahead := due[rest[0]]
		if q.shares == nil || !ahead.fresh() {
			return rest[0], rest[1:]
		}
		var lists []int64
		first := map[int64]int{}
		for i, at := range rest {
			k := due[at]
			if !k.fresh() || k.Priority != ahead.Priority {
				break
			}
			if _, seen := first[k.list]; !seen {
				first[k.list] = i
				if !q.shares.of(k.list).Spent() {
					lists = append(lists, k.list)
				}
			}
		}
		if len(lists) == 0 { // all that these lists may have today is planned
			rest = slices.DeleteFunc(rest, func(at int) bool { return due[at].fresh() && due[at].Priority == ahead.Priority })
			continue
		}
		slices.Sort(lists)
		i := first[q.shares.turn(lists, 0)]
		at := rest[i]
		return at, slices.Delete(rest, i, i+1)
	}
	return -1, nil
}
