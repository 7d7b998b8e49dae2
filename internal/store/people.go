package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// kinRounds bounds how far numbers lead from one contact without a CRM id to the next, and kinContacts how many contacts are
// looked at in a round. Who leads further is nobody that we could know, and is not called.
const (
	kinRounds   = 64
	kinContacts = 20_000
)

// kin is what the record knows of who is who, as far as a batch of subjects needs it.
//
// Restrictions travel along the CRM id and along numbers. A person with a CRM id has the numbers of all contacts with it, or with
// one that was merged with it, in all campaigns. A contact without one may be anybody who has one of its numbers: it is
// restricted as all of them are, and its other numbers may be theirs. Two CRM ids on one number stay two people; what happened on
// that number counts for both.
type kin struct {
	groups   map[string][]string   // CRM id → all ids of the same person, itself too
	roots    map[string]string     // CRM id → the id by which attempts have the person
	byPerson map[string][]*kinsman // CRM id → its contacts
	byNumber map[string][]*kinsman // number → whose it is
	loaded   map[int64]bool        // contacts
}

// kinsman is a contact of some campaign.
type kinsman struct {
	id      int64
	crmID   string
	zone    string
	numbers []string
}

// relation is whom a subject is, or may be.
type relation struct {
	ids     []string // CRM ids
	numbers []string
	zones   []string // that are known of the person
	root    string   // by which attempts have the person; empty: by number
	unclear bool     // it leads further than we look: there are more of the others
}

// kin finds out about subjects.
func (s *db) kin(ctx context.Context, q querier, people []subject) ([]relation, error) {
	relations, more, err := s.kinOf(ctx, q, people)
	if err != nil || !more || len(people) == 1 {
		return relations, err
	}
	for i := range people { // one of them leads too far: the others shall not suffer
		alone, _, err := s.kinOf(ctx, q, people[i:i+1])
		if err != nil {
			return nil, err
		}
		relations[i] = alone[0]
	}
	return relations, nil
}

// kinOf is kin; more says that somebody leads further than is looked.
func (s *db) kinOf(ctx context.Context, q querier, people []subject) (relations []relation, more bool, err error) {
	k := &kin{map[string][]string{}, map[string]string{}, map[string][]*kinsman{}, map[string][]*kinsman{}, map[int64]bool{}}
	relations = make([]relation, len(people))
	asked := map[string]bool{} // "p" and a CRM id, "n" and a number, "a" and one whose every owner is asked for
	for round := 0; ; round++ {
		var persons, numbers, anybody []string
		want := func(list *[]string, kind, key string) {
			if !asked[kind+key] {
				asked[kind+key] = true
				*list = append(*list, key)
			}
		}
		for i, p := range people {
			r, open := k.relation(p)
			relations[i] = r
			for _, id := range r.ids {
				want(&persons, "p", id)
			}
			for _, n := range r.numbers {
				want(&numbers, "n", n)
			}
			for _, n := range open {
				want(&anybody, "a", n)
			}
		}
		if len(persons)+len(numbers)+len(anybody) == 0 {
			return relations, more, nil
		}
		if round == kinRounds {
			more = true
		} else if err := k.load(ctx, q, persons, numbers, anybody, &more); err != nil {
			return nil, false, fmt.Errorf("store: who is who: %w", err)
		}
		if more {
			for i := range relations {
				relations[i].unclear = true
			}
			return relations, true, nil
		}
	}
}

// load adds contacts: those of persons, those without a CRM id that have one of numbers, and all that have one of anybody.
// There may be more than are looked at.
func (k *kin) load(ctx context.Context, q querier, persons, numbers, anybody []string, more *bool) error {
	if len(persons) > 0 {
		merged, err := all(ctx, q, func(row scanner) (m [3]string, err error) {
			err = row.Scan(&m[0], &m[1], &m[2])
			return m, err
		}, `SELECT m.crm_id, o.crm_id, m.root FROM merged_people m JOIN merged_people o ON o.root = m.root WHERE m.crm_id = ANY($1)
			ORDER BY o.crm_id`, persons)
		if err != nil {
			return err
		}
		for _, m := range merged {
			if !slices.Contains(k.groups[m[0]], m[1]) {
				k.groups[m[0]] = append(k.groups[m[0]], m[1])
			}
			k.roots[m[0]] = m[2]
		}
	}
	const columns = `SELECT c.id, c.crm_id, c.phones, c.time_zone FROM `
	rows, err := all(ctx, q, scanKinsman, columns+`contacts c WHERE c.crm_id = ANY($1) AND c.crm_id <> ''
		UNION ALL `+columns+`contact_phones p JOIN contacts c ON c.id = p.contact_id WHERE p.number = ANY($2) AND c.crm_id = ''
		UNION ALL `+columns+`shared_phones p JOIN contacts c ON c.id = p.contact_id WHERE p.number = ANY($2) AND c.crm_id = ''
		UNION ALL `+columns+`contact_phones p JOIN contacts c ON c.id = p.contact_id WHERE p.number = ANY($3)
		UNION ALL `+columns+`shared_phones p JOIN contacts c ON c.id = p.contact_id WHERE p.number = ANY($3) LIMIT $4`, persons,
		numbers, anybody, kinContacts)
	if err != nil {
		return err
	}
	*more = len(rows) == kinContacts
	for _, row := range rows {
		if k.loaded[row.id] {
			continue
		}
		k.loaded[row.id] = true
		if row.crmID != "" {
			k.byPerson[row.crmID] = append(k.byPerson[row.crmID], row)
		}
		for _, n := range row.numbers {
			k.byNumber[n] = append(k.byNumber[n], row)
		}
	}
	return nil
}

func scanKinsman(row scanner) (*kinsman, error) {
	k, c := &kinsman{}, contact{}
	var raw rawContact
	if err := row.Scan(&k.id, &k.crmID, &raw.phones, &k.zone); err != nil {
		return nil, err
	}
	c.ID = k.id
	if err := c.fill(raw); err != nil {
		return nil, err
	}
	for _, p := range c.Phones {
		k.numbers = append(k.numbers, p.Number)
	}
	return k, nil
}

// relation is who the subject is by what is loaded so far, and of which numbers every owner must be known.
func (k *kin) relation(p subject) (r relation, open []string) {
	numbers := k.nameless(map[string]bool{}, p.numbers)
	ids := map[string]bool{}
	if p.crmID != "" {
		k.group(ids, p.crmID)
		if r.root = k.roots[p.crmID]; r.root == "" {
			r.root = p.crmID
		}
	} else {
		open = slices.Sorted(maps.Keys(numbers))
		for _, n := range open {
			for _, c := range k.byNumber[n] {
				if c.crmID != "" {
					k.group(ids, c.crmID)
				}
			}
		}
	}
	zones := map[string]bool{}
	for id := range ids {
		for _, c := range k.byPerson[id] {
			k.nameless(numbers, c.numbers)
			if c.zone != "" {
				zones[c.zone] = true
			}
		}
	}
	r.ids, r.numbers = slices.Sorted(maps.Keys(ids)), slices.Sorted(maps.Keys(numbers))
	if p.crmID != "" { // somebody else's zone is not known to be this one's
		r.zones = slices.Sorted(maps.Keys(zones))
	}
	return r, open
}

func (k *kin) group(ids map[string]bool, crmID string) {
	ids[crmID] = true
	for _, id := range k.groups[crmID] {
		ids[id] = true
	}
}

// nameless adds numbers, and those to which contacts without a CRM id lead from them.
func (k *kin) nameless(numbers map[string]bool, more []string) map[string]bool {
	for len(more) > 0 {
		n := more[0]
		more = more[1:]
		if numbers[n] {
			continue
		}
		numbers[n] = true
		for _, c := range k.byNumber[n] {
			if c.crmID == "" {
				more = append(slices.Clone(more), c.numbers...)
			}
		}
	}
	return numbers
}

// changesKept is how long it is remembered that something was recorded of a person: longer than any attempt is prepared or
// dialing.
const changesKept = 48 * time.Hour

// touch makes what was planned for people before now be planned anew: attempts that are prepared are given up, and those that are
// claimed do not dial any more.
func (t *tx) touch(ctx context.Context, now time.Time, who ...subject) error {
	if len(who) == 0 {
		return nil
	}
	relations, err := t.db.kin(ctx, t, who)
	if err != nil {
		return err
	}
	var keys []string
	for _, r := range relations {
		keys = append(append(keys, r.ids...), r.numbers...)
		if r.root != "" {
			keys = append(keys, r.root)
		}
	}
	slices.Sort(keys) // always in one order: no deadlock
	keys = slices.Compact(keys)
	_, err = t.cancel(ctx, whyPlanAnew, now, `ended_at IS NULL AND state = 'prepared' AND (person = ANY($3) OR number = ANY($3))`,
		keys)
	if err != nil {
		return err
	}
	t.changedSince(keys, now)
	return nil
}

// onTheirWay are whom open attempts are at whose phones are yet to be dialed.
func (t *tx) onTheirWay(ctx context.Context) ([]subject, error) {
	return all(ctx, t, func(row scanner) (s subject, err error) {
		var number string
		if err = row.Scan(&s.crmID, &number); s.crmID == number {
			s.crmID = ""
		}
		s.numbers = []string{number}
		return s, err
	}, `SELECT person, number FROM attempts WHERE ended_at IS NULL AND dialed_at IS NULL`)
}

// touchOpen is touch for those of open who have, or may be one who has, one of these CRM ids and numbers. It asks from the calls
// on their way, which are few, where those of whom something is told are many.
func (t *tx) touchOpen(ctx context.Context, open []subject, told map[string]bool, now time.Time) error {
	if len(told) == 0 {
		return nil
	}
	relations, err := t.db.kin(ctx, t, open)
	if err != nil {
		return err
	}
	is := func(key string) bool { return told[key] }
	var keys []string
	for i, r := range relations {
		if r.unclear || slices.ContainsFunc(r.ids, is) || slices.ContainsFunc(r.numbers, is) {
			keys = append(append(keys, open[i].numbers...), r.person(open[i].numbers[0]))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if _, err = t.cancel(ctx, whyPlanAnew, now, `ended_at IS NULL AND state = 'prepared' AND (person = ANY($3) OR number = ANY($3))`,
		keys); err != nil {
		return err
	}
	t.changedSince(keys, now)
	return nil
}

// changedSince has calls to people and numbers that are planned or claimed not dial any more. Each change has a moment after the
// one before: by their sum a plan says which it has seen.
func (t *tx) changedSince(keys []string, now time.Time) {
	rows := make([]keyRow, len(keys))
	for i, key := range keys {
		rows[i].Key = key
	}
	t.later(`INSERT INTO person_changes (key, at) SELECT r.key, CAST($2 AS BIGINT) FROM ROWS($1: key TEXT) AS r WHERE TRUE
		ON CONFLICT (key) DO UPDATE SET at = CASE WHEN person_changes.at >= excluded.at THEN person_changes.at + 1 ELSE excluded.at END`,
		rowset(rows), at(now))
	t.later(`DELETE FROM person_changes WHERE at < $1`, at(now.Add(-changesKept)))
}

type keyRow struct {
	Key string `json:"key"`
}

// Merge makes people one: their restrictions and their permissions are shared from now on. who is for the audit. ErrConflict: two
// of them are in a call at this moment.
func (s People) Merge(ctx context.Context, into string, crmIDs []string, who, why string, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		list, err := s.kin(ctx, t, subjectsOf(append([]string{into}, crmIDs...)))
		if err != nil {
			return err
		}
		root, all := list[0].root, map[string]bool{}
		for _, r := range list {
			for _, id := range r.ids {
				all[id] = true
			}
		}
		ids := slices.Sorted(maps.Keys(all))
		for _, id := range ids {
			if err := t.touch(ctx, now, subject{crmID: id}); err != nil {
				return err
			}
			t.later(`INSERT INTO merged_people (crm_id, root) VALUES ($1, $2) ON CONFLICT (crm_id) DO UPDATE SET root = excluded.root`, id,
				root)
		}
		t.later(`UPDATE attempts SET person = $2 WHERE person = ANY($1) AND ended_at IS NULL`, ids, root)
		t.anywhere(ids)
		t.wakeAfter(now, subject{crmID: root}) // what one has permitted counts for the others
		t.audit(who, "person.merge", "person/"+into, fmt.Sprintf("%q are one person, by %q; reason: %s", ids, root, why), now)
		_, err = t.flush(ctx)
		return err
	})
	if err != nil {
		if s.engine.unique(err) {
			return contradiction(whyInCalls)
		}
		return fmt.Errorf("store: merge people: %w", err)
	}
	return nil
}

// Split takes a CRM id out of the person that it was merged into. ErrNotFound: it is in none.
func (s People) Split(ctx context.Context, crmID, who, why string, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		list, err := s.kin(ctx, t, subjectsOf([]string{crmID}))
		if err != nil {
			return err
		}
		rest := slices.DeleteFunc(slices.Clone(list[0].ids), func(id string) bool { return id == crmID })
		if len(rest) == 0 {
			return reason.Wrap(reason.Missing, whyUnmerged(crmID), ErrNotFound)
		}
		if err := t.touch(ctx, now, subject{crmID: crmID}); err != nil {
			return err
		}
		t.wakeAfter(now, subjectsOf(list[0].ids)...) // what one was told counts for the others no longer
		root := list[0].root
		if root == crmID {
			root = rest[0]
		}
		t.later(`DELETE FROM merged_people WHERE crm_id = $1`, crmID)
		if len(rest) == 1 {
			t.later(`DELETE FROM merged_people WHERE crm_id = $1`, rest[0])
		} else {
			t.later(`UPDATE merged_people SET root = $2 WHERE crm_id = ANY($1)`, rest, root)
		}
		// Who is in a call at this moment is so by the own id again.
		t.later(`UPDATE attempts SET person = $2 WHERE person = $1 AND ended_at IS NULL`, list[0].root, root)
		t.later(`UPDATE attempts SET person = $1 WHERE person = $2 AND ended_at IS NULL
			AND contact_id IN (SELECT c.id FROM contacts c WHERE c.crm_id = $1)`, crmID, root)
		t.audit(who, "person.split", "person/"+crmID, fmt.Sprintf("is one person with %q no longer; reason: %s", rest, why), now)
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: split a person: %w", err)
	}
	return nil
}

func subjectsOf(crmIDs []string) []subject {
	list := make([]subject, len(crmIDs))
	for i, id := range crmIDs {
		list[i].crmID = id
	}
	return list
}

// Person reads what is known of a person by a CRM id.
func (s People) Person(ctx context.Context, crmID string, now time.Time) (campaigns.Person, error) {
	list, err := s.kin(ctx, s, subjectsOf([]string{crmID}))
	if err != nil {
		return campaigns.Person{}, err
	}
	r := list[0]
	p := campaigns.Person{CRMID: crmID, CRMIDs: r.ids, Numbers: r.numbers, Zones: r.zones}
	barred, err := all(ctx, s, scanText, `SELECT d.crm_id FROM do_not_call d WHERE d.crm_id = ANY($1) AND `+barsAt("$3")+`
		UNION ALL SELECT d.number FROM do_not_call d WHERE d.number = ANY($2) AND `+barsAt("$3"), r.ids, r.numbers, at(now))
	if err != nil {
		return p, fmt.Errorf("store: person: %w", err)
	}
	for _, b := range barred {
		if slices.Contains(r.ids, b) {
			p.DoNotCall = true
		}
		if slices.Contains(r.numbers, b) {
			p.BarredNumbers = append(p.BarredNumbers, b)
		}
	}
	return p, nil
}
