package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const (
	longestCall   = 4 * time.Hour  // how far back a call may have begun that is still up
	longestPermit = 25 * time.Hour // how long before it was dialed an attempt may have been prepared: policy permits for a day
)

// subject is somebody about whom policy is asked: a person by the CRM's id (it may be empty), and numbers.
type subject struct {
	crmID   string
	numbers []string
}

func subjectOf(c *contact) subject {
	s := subject{crmID: c.CRMID}
	for _, p := range c.Phones {
		s.numbers = append(s.numbers, p.Number)
	}
	return s
}

// facts are what policy judges by besides rules and clock: a few queries for a whole batch of people.
type facts struct {
	who         []relation       // of the people asked about, in their order
	changes     map[string]int64 // when something was recorded of numbers and people last; those of nothing are left out
	past        []pastCall
	consents    map[string][]campaigns.Consent // in force, by CRM id
	byNumber    map[string][]int               // places in past
	byPerson    map[string][]int
	open        map[string]bool             // persons and numbers of attempts whose customer is yet to be dialed
	barredPhone map[string]campaigns.Barred // numbers on the do-not-call list
	barredCRMID map[string]campaigns.Barred // persons on it
}

type pastCall struct {
	campaigns.PastCall
	person string
}

// facts gathers what is known of these people, by person and by number, in all campaigns.
func (s *db) facts(ctx context.Context, q querier, c *campaigns.Campaign, people []subject, now time.Time) (*facts, error) {
	changes, err := s.changes(ctx, q, people) // before all else: what comes meanwhile counts as not seen
	if err != nil {
		return nil, err
	}
	relations, err := s.kin(ctx, q, people)
	if err != nil {
		return nil, err
	}
	crmIDs, numbers := keysOf(relations)
	var before erased
	if _, some := changes[anyErased]; some { // what was before some were erased counts
		delete(changes, anyErased)
		if before, crmIDs, numbers, err = s.erasedOf(ctx, q, crmIDs, numbers); err != nil {
			return nil, err
		}
	}
	since := now.Add(-max(campaigns.Horizon(c), longestCall))
	f := &facts{who: relations, changes: changes, byNumber: map[string][]int{}, byPerson: map[string][]int{},
		open:        map[string]bool{},
		barredPhone: map[string]campaigns.Barred{}, barredCRMID: map[string]campaigns.Barred{}}
	// A UNION, not an OR: each half has its index.
	f.past, err = all(ctx, q, scanPast, `SELECT `+pastColumns+` FROM attempts WHERE number = ANY($1) AND prepared_at > $3
		AND (dialed_at > $4 OR fault AND ended_at > $4 OR ended_at IS NULL)
		UNION SELECT `+pastColumns+` FROM attempts WHERE person = ANY($2) AND prepared_at > $3
		AND (dialed_at > $4 OR fault AND ended_at > $4 OR ended_at IS NULL) ORDER BY dialed_at`,
		numbers, slices.Concat(crmIDs, numbers), at(since.Add(-longestPermit)), at(since))
	if err != nil {
		return nil, fmt.Errorf("store: past calls: %w", err)
	}
	f.past = slices.DeleteFunc(f.past, func(p pastCall) bool {
		if p.DialedAt.IsZero() { // it may ring at any moment
			f.open[p.person], f.open[p.Number] = true, true
		}
		return p.DialedAt.IsZero()
	})
	met, err := s.met(ctx, q, crmIDs, numbers, since)
	if err != nil {
		return nil, err
	}
	f.past = append(f.past, met...)
	for i := range f.past {
		p := &f.past[i]
		if p.Number = before.number(p.Number); p.Number != "" {
			f.byNumber[p.Number] = append(f.byNumber[p.Number], i)
		}
		for _, person := range before.people(p.person) {
			if person != "" {
				f.byPerson[person] = append(f.byPerson[person], i)
			}
		}
	}
	if f.consents, err = s.consents(ctx, q, crmIDs, now); err != nil {
		return nil, err
	}
	barred, err := all(ctx, q, scanBarred, `SELECT `+barredColumns+` FROM do_not_call d WHERE d.number = ANY($1) AND `+barsAt("$3")+
		`
		UNION ALL SELECT `+barredColumns+` FROM do_not_call d WHERE d.crm_id = ANY($2) AND `+barsAt("$3"), numbers, crmIDs, at(now))
	if err != nil {
		return nil, fmt.Errorf("store: do-not-call list: %w", err)
	}
	for _, b := range barred {
		if b.Number != "" {
			f.barredPhone[before.number(b.Number)] = b
		}
		if b.CRMID != "" {
			for _, id := range before.people(b.CRMID) {
				f.barredCRMID[id] = b
			}
		}
	}
	return f, nil
}

// anyErased is the key under which changes tells that somebody was erased, ever.
const anyErased = ""

// changes reads when something was recorded last of people and numbers by themselves, also by the ids that people were merged
// into.
func (s *db) changes(ctx context.Context, q querier, people []subject) (map[string]int64, error) {
	var keys []string
	for _, p := range people {
		keys = append(keys, p.numbers...)
		if p.crmID != "" {
			keys = append(keys, p.crmID)
		}
	}
	found := map[string]int64{}
	_, err := all(ctx, q, func(row scanner) (none struct{}, err error) {
		var key string
		var at int64
		err = row.Scan(&key, &at)
		found[key] = at
		return none, err
	}, `SELECT x.key, x.at FROM person_changes x WHERE x.key = ANY($1)
		UNION SELECT x.key, x.at FROM merged_people m JOIN person_changes x ON x.key = m.root WHERE m.crm_id = ANY($1)
		UNION SELECT '`+anyErased+`', 1 WHERE EXISTS (SELECT 1 FROM erasures)`, keys)
	if err != nil {
		return nil, fmt.Errorf("store: changes: %w", err)
	}
	return found, nil
}

// seen sums up the changes that an attempt at a person's number rests on.
func (f *facts) seen(person, number string) int64 {
	if person == number {
		return f.changes[number]
	}
	return f.changes[person] + f.changes[number]
}

// keysOf are all CRM ids and numbers of people, each once.
func keysOf(relations []relation) (crmIDs, numbers []string) {
	for _, r := range relations {
		crmIDs, numbers = append(crmIDs, r.ids...), append(numbers, r.numbers...)
	}
	slices.Sort(crmIDs)
	slices.Sort(numbers)
	return slices.Compact(crmIDs), slices.Compact(numbers)
}

const pastColumns = `id, person, contact_id, number, dialed_at, answered_at, ended_at, outcome, origin, meaningful, code, quiet_until,
	fault`

func scanPast(row scanner) (p pastCall, err error) {
	var id int64 // there so that the UNION drops only what both halves have
	var answered time.Time
	var origin, code string
	err = row.Scan(&id, &p.person, orZero(&p.ContactID), &p.Number, moment{&p.DialedAt}, moment{&answered}, moment{&p.EndedAt},
		orZero(&p.Outcome), &origin, &p.Meaningful, orZero(&code), moment{&p.QuietUntil}, &p.Fault)
	if p.DialedAt.IsZero() {
		p.DialedAt = p.EndedAt // of a fault before the customer's phone was dialed
	}
	p.Automatic = origin == "automatic" || origin == "callback" || origin == "external" // who knows what placed it
	switch {
	case !answered.IsZero():
		p.Dialing = answered.Sub(p.DialedAt)
		if !p.EndedAt.IsZero() {
			p.Talk = p.EndedAt.Sub(answered)
		}
		p.Uncoded = code == ""
	case !p.EndedAt.IsZero():
		p.Dialing = p.EndedAt.Sub(p.DialedAt)
	}
	return p, err
}

// question asks policy about a number of the person at this place of those asked about.
func (f *facts) question(c *campaigns.Campaign, contact *contact, place int, number string, automatic bool,
	now time.Time) campaigns.Question {
	who := f.who[place]
	q := campaigns.Question{Campaign: c, Number: number, Automatic: automatic, Now: now, Zones: who.zones, Past: f.pastOf(who),
		Unclear: who.unclear}
	if b, barred := f.barredPhone[number]; barred {
		q.Bar(b)
	}
	for _, id := range who.ids {
		if b, barred := f.barredCRMID[id]; barred {
			q.Bar(b)
		}
	}
	q.Consents = f.consentsOf(place)
	if contact != nil {
		q.Contact = &contact.Contact
		q.Promised = !contact.callbackAt.IsZero()
	}
	return q
}

// consentsOf are those of a person whom we know by id: of whoever has a number, nobody knows whose they are.
func (f *facts) consentsOf(place int) []campaigns.Consent {
	who := f.who[place]
	if who.root == "" {
		return nil
	}
	var list []campaigns.Consent
	for _, id := range who.ids {
		list = append(list, f.consents[id]...)
	}
	return list
}

// busy reports whether an attempt at somebody is yet to be dialed, under whatever name and number.
func (f *facts) busy(who relation) bool {
	is := func(key string) bool { return f.open[key] }
	return is(who.root) || slices.ContainsFunc(who.ids, is) || slices.ContainsFunc(who.numbers, is)
}

// pastOf is what happened with somebody, each once, in its order.
func (f *facts) pastOf(who relation) []campaigns.PastCall {
	var places []int
	for _, id := range who.ids {
		places = append(places, f.byPerson[id]...)
	}
	for _, n := range who.numbers {
		places = append(append(places, f.byNumber[n]...), f.byPerson[n]...)
	}
	slices.Sort(places)
	var past []campaigns.PastCall
	for _, i := range slices.Compact(places) {
		past = append(past, f.past[i].PastCall)
	}
	return past
}

// nextPhone is the number to try next, those aside that must not be called: on the do-not-call list, or by the person's wish.
// When none is left, it is one that may be called again first: policy then says so.
func (f *facts) nextPhone(campaign *campaigns.Campaign, c *contact, place int) (campaigns.Phone, bool) {
	until := f.shut(campaign, c, place)
	if len(until) == 0 {
		return campaigns.NextPhone(campaign, &c.Contact)
	}
	first := firstOpen(campaign, c, until)
	open := c.Contact
	open.Phones = slices.Clone(c.Phones)
	for i, p := range open.Phones {
		open.Phones[i].Invalid = p.Invalid || until[p.Number].After(first)
	}
	return campaigns.NextPhone(campaign, &open)
}

// shut are the contact's numbers that must not be called, on the do-not-call list or by the person's wish, and until when.
func (f *facts) shut(campaign *campaigns.Campaign, c *contact, place int) map[string]time.Time {
	until := map[string]time.Time{}
	note := func(number string, end time.Time) {
		if end.IsZero() {
			end = forEver
		}
		until[number] = latest(until[number], end)
	}
	for _, w := range f.consentsOf(place) {
		if w.Kind == campaigns.NotThere && (w.CampaignID == 0 || w.CampaignID == campaign.ID) {
			note(w.Number, w.ExpiresAt)
		}
	}
	for _, p := range c.Phones {
		if b, barred := f.barredPhone[p.Number]; barred {
			note(p.Number, b.Expires)
		}
	}
	return until
}

// firstOpen is when the first of the contact's numbers may be called, by what shuts them: zero when one may at once.
func firstOpen(campaign *campaigns.Campaign, c *contact, until map[string]time.Time) time.Time {
	first := forEver
	for _, p := range c.Phones {
		if !campaign.LeavesOut(p) {
			first = earlier(first, until[p.Number])
		}
	}
	return first
}

// nextTurn is when a number that is shut now may have its turn instead of the one that nextPhone chose: forEver when none will.
func (f *facts) nextTurn(campaign *campaigns.Campaign, c *contact, place int) time.Time {
	next := forEver
	until := f.shut(campaign, c, place)
	if len(until) == 0 {
		return next
	}
	first := firstOpen(campaign, c, until)
	for _, p := range c.Phones {
		if end := until[p.Number]; !campaign.LeavesOut(p) && end.After(first) {
			next = earlier(next, end)
		}
	}
	return next
}

// listedUntil is until when the do-not-call list alone bars all of a contact's numbers, whatever the campaign's rules say: zero
// when it does not.
func (f *facts) listedUntil(c *contact, place int) time.Time {
	end := func(b campaigns.Barred, barred bool) time.Time {
		switch {
		case !barred:
			return time.Time{}
		case b.Expires.IsZero():
			return forEver
		}
		return b.Expires
	}
	numbers := forEver
	for _, p := range c.Phones {
		if b, barred := f.barredPhone[p.Number]; !p.Invalid {
			numbers = earlier(numbers, end(b, barred))
		}
	}
	for _, id := range f.who[place].ids {
		b, barred := f.barredCRMID[id]
		numbers = latest(numbers, end(b, barred))
	}
	return numbers
}

// forEver is later than whatever ends.
var forEver = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Question gathers what policy judges by for the contact's next automatic call.
func (s Contacts) Question(ctx context.Context, contactID int64, now time.Time) (campaigns.Question, error) {
	contact, err := one(ctx, s, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = $1`, contactID)
	if err != nil {
		return campaigns.Question{}, fmt.Errorf("store: contact %d: %w", contactID, err)
	}
	c, err := Campaigns(s).Campaign(ctx, contact.CampaignID)
	if err != nil {
		return campaigns.Question{}, err
	}
	who := subjectOf(contact)
	facts, err := s.facts(ctx, s, c, []subject{who}, now)
	if err != nil {
		return campaigns.Question{}, err
	}
	phone, _ := facts.nextPhone(c, contact, 0)
	q := facts.question(c, contact, 0, phone.Number, true, now)
	q.Contact = contact.public()
	if contact.fresh() && contact.list != 0 {
		shares, err := s.sharesOf(ctx, s, c, now)
		if err != nil {
			return q, fmt.Errorf("store: list %d: %w", contact.list, err)
		}
		q.List = shares.bound(contact.list)
	}
	return q, nil
}
