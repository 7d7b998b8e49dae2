package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Erase forgets a person: by a CRM id, with everybody whom it was merged with, or by a contact without one. What policy counts
// and the do-not-call list stay, under keyed hashes. A recording inside its retention is locked, and erased at its end. Numbers
// that other people have stay theirs. It is audited, without saying who it was. ErrConflict: the person is in a call, or a call
// code is awaited. ErrNotFound: nothing is known of the person.
func (s People) Erase(ctx context.Context, crmID string, contactID int64, who, why string,
	now time.Time) (campaigns.Erased, error) {
	var report campaigns.Erased
	err := s.inTx(ctx, func(t *tx) error {
		e := &eraser{tx: t, now: now}
		if err := e.find(ctx, crmID, contactID); err != nil {
			return err
		}
		for _, step := range []func(context.Context) error{e.recordings, e.barred, e.past, e.events, e.contacts, e.imports, e.replies,
			e.audited} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		text, _ := json.Marshal(e.report) // numbers and a moment cannot fail
		t.later(`INSERT INTO erasures (at, who, reason, report) VALUES ($1, $2, $3, $4)`, at(now), who, why, string(text))
		t.audit(who, "person.erase", "person/"+e.root, string(text)+"; reason: "+why, now)
		report = e.report
		return nil
	})
	if err != nil {
		return campaigns.Erased{}, fmt.Errorf("store: erase: %w", err)
	}
	return report, nil
}

// eraser is one person who is being forgotten.
type eraser struct {
	*tx
	now    time.Time
	tokens tokens
	ids    []string // CRM ids, and tokens by which the person was known before
	root   string   // the token of the person
	people []*contact
	of     []int64  // their ids
	own    []string // numbers of nobody else
	report campaigns.Erased
	marks  marks
}

// tokenRow has an update put a token in the place of what it stands for.
type tokenRow struct {
	Was   string `json:"was"`
	Token string `json:"token"`
}

func (e *eraser) find(ctx context.Context, crmID string, contactID int64) (err error) {
	if e.tokens, err = e.db.tokens(ctx, e.tx); err != nil {
		return err
	}
	if contactID != 0 {
		c, err := e.lockContact(ctx, contactID)
		if err != nil {
			return err
		}
		if crmID = c.CRMID; crmID == "" {
			e.people = []*contact{c}
		}
	}
	who := subject{crmID: crmID}
	if len(e.people) > 0 {
		who = subjectOf(e.people[0])
	}
	if err := e.touch(ctx, e.now, who); err != nil { // what is prepared is given up
		return err
	}
	if _, err := e.flush(ctx); err != nil {
		return err
	}
	if crmID == "" {
		c, err := e.lockContact(ctx, contactID) // as it is without what was prepared
		if err != nil {
			return err
		}
		e.people, e.root = []*contact{c}, e.tokens.of("contact:"+strconv.FormatInt(contactID, 10))
	} else {
		relations, err := e.db.kin(ctx, e.tx, []subject{who})
		if err != nil {
			return err
		}
		e.ids, e.root = relations[0].ids, e.tokens.of(relations[0].root)
		e.people, err = all(ctx, e.tx, scanContact, `SELECT `+contactColumns+` FROM contacts c WHERE c.crm_id <> '' AND
			c.crm_id = ANY($1) ORDER BY c.id FOR UPDATE`, e.ids)
		if err != nil {
			return err
		}
	}
	for _, c := range e.people {
		if c.State != campaigns.Waiting && c.State != campaigns.Complete {
			return contradiction(whyContactIs(c.State.Word()))
		}
		e.of = append(e.of, c.ID)
	}
	return e.known(ctx)
}

// known finds the person's numbers, and what the person was called; and whether anything is known at all.
func (e *eraser) known(ctx context.Context) error {
	roots, err := all(ctx, e.tx, scanText, `SELECT DISTINCT root FROM erased_people WHERE token = ANY($1)`, e.tokens.all(e.ids))
	if err != nil {
		return err
	}
	e.marks.ids = slices.Clone(e.ids)
	for _, id := range e.ids {
		e.later(`INSERT INTO erased_people (token, root, erased_at) VALUES ($1, $2, $3) ON CONFLICT (token) DO UPDATE SET root = excluded.root`,
			e.tokens.of(id), e.root, at(e.now))
	}
	e.later(`UPDATE erased_people SET root = $2 WHERE root = ANY($1)`, roots, e.root)
	e.ids = append(e.ids, roots...)
	numbers, err := all(ctx, e.tx, scanText, `SELECT number FROM attempts WHERE person = ANY($1) OR contact_id = ANY($2)
		UNION SELECT number FROM interactions WHERE crm_id = ANY($1) AND number IS NOT NULL
		UNION SELECT number FROM consents WHERE crm_id = ANY($1) AND number IS NOT NULL
		UNION SELECT number FROM do_not_call WHERE crm_id = ANY($1) AND number IS NOT NULL`, e.ids, e.of)
	if err != nil {
		return err
	}
	for _, c := range e.people {
		for _, p := range c.Phones {
			numbers = append(numbers, p.Number)
		}
		e.marks.names = append(e.marks.names, c.Name)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	type held struct {
		number  string
		contact int64
	}
	others, err := all(ctx, e.tx, func(row scanner) (h held, err error) {
		err = row.Scan(&h.number, &h.contact)
		return h, err
	}, `SELECT number, contact_id FROM contact_phones WHERE number = ANY($1)
		UNION SELECT number, contact_id FROM shared_phones WHERE number = ANY($1)`, numbers)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if strings.HasPrefix(n, tokenPrefix) {
			continue // of an earlier time
		}
		if slices.ContainsFunc(others, func(h held) bool { return h.number == n && !slices.Contains(e.of, h.contact) }) {
			e.report.SharedNumbers++
		} else {
			e.own = append(e.own, n)
		}
	}
	e.marks.numbers = e.own
	if len(e.people) > 0 || len(numbers) > 0 {
		return nil
	}
	found, err := one(ctx, e.tx, scanID, `SELECT (SELECT count(*) FROM interactions WHERE crm_id = ANY($1)) +
		(SELECT count(*) FROM consents WHERE crm_id = ANY($1)) + (SELECT count(*) FROM do_not_call WHERE crm_id = ANY($1))`, e.ids)
	if err == nil && found == 0 {
		err = ErrNotFound
	}
	return err
}

func (e *eraser) numberTokens() string {
	rows := make([]tokenRow, len(e.own))
	for i, n := range e.own {
		rows[i] = tokenRow{n, e.tokens.of(n)}
	}
	return rowset(rows)
}

// recordings locks what was recorded of the person; each is erased when nothing keeps it any more.
func (e *eraser) recordings(ctx context.Context) error {
	type kept struct {
		trace    string
		campaign int64
		ended    time.Time
	}
	list, err := all(ctx, e.tx, func(row scanner) (k kept, err error) {
		err = row.Scan(&k.trace, &k.campaign, moment{&k.ended})
		return k, err
	}, `SELECT r.calltraceid, a.campaign_id, r.ended_at FROM recordings r JOIN attempts a ON a.id = r.attempt_id
		WHERE a.id IN (SELECT id FROM attempts WHERE contact_id = ANY($1) UNION SELECT id FROM attempts WHERE person = ANY($2)
			UNION SELECT id FROM attempts WHERE number = ANY($3))`, e.of, e.ids, e.own)
	if err != nil {
		return err
	}
	for _, k := range list {
		until := e.now
		c, err := e.db.loadCampaign(ctx, e.tx, k.campaign)
		if err != nil {
			return err
		}
		if end := k.ended.Add(campaigns.Retention(c)); campaigns.Retention(c) > 0 && end.After(e.now) {
			until = end
			e.report.RecordingsKept++
			if end.After(e.report.KeptUntil) {
				e.report.KeptUntil = end
			}
		} else {
			e.report.RecordingsErased++
		}
		e.later(`UPDATE recordings SET locked_at = $2, erase_at = CASE WHEN erase_at < $3 THEN erase_at ELSE $3 END WHERE calltraceid = $1`,
			k.trace, at(e.now), at(until))
	}
	return nil
}

// barred keeps do-not-call entries, and makes one of each number that the person did not want to be called at.
func (e *eraser) barred(ctx context.Context) error {
	list, err := all(ctx, e.tx, scanBarred, `SELECT `+barredColumns+` FROM do_not_call d WHERE d.crm_id = ANY($1)
		UNION SELECT `+barredColumns+` FROM do_not_call d WHERE d.number = ANY($2)`, e.ids, e.own)
	if err != nil {
		return err
	}
	ids := make([]int64, len(list))
	for i := range list {
		b := &list[i]
		ids[i] = b.ID
		if slices.Contains(e.own, b.Number) {
			b.Number = e.tokens.of(b.Number)
		}
		if slices.Contains(e.ids, b.CRMID) {
			b.CRMID = e.root
		}
		b.Reason = campaigns.ErasedPerson
	}
	e.report.DoNotCall = len(list)
	unwanted, err := all(ctx, e.tx, scanText, `SELECT DISTINCT number FROM consents WHERE crm_id = ANY($1) AND kind = 'not_number'
		AND withdrawn_at IS NULL AND (expires_at IS NULL OR expires_at > $2) AND number = ANY($3)`, e.ids, at(e.now), e.own)
	if err != nil {
		return err
	}
	for _, n := range unwanted {
		list = append(list, campaigns.Barred{Number: e.tokens.of(n), Reason: campaigns.ErasedPerson, MadeBy: "system", At: e.now})
	}
	e.later(`DELETE FROM do_not_call WHERE id = ANY($1)`, ids)
	e.later(`DELETE FROM consents WHERE crm_id = ANY($1)`, e.ids)
	_, err = e.barHalves(ctx, list)
	return err
}

// past puts tokens in the place of ids and numbers in what policy counts.
func (e *eraser) past(ctx context.Context) error {
	// A cause with arguments may say a number.
	e.later(`UPDATE attempts SET cause = '' WHERE cause LIKE '%{%' AND (contact_id = ANY($1) OR person = ANY($2) OR number = ANY($3))`,
		e.of, e.ids, e.own)
	e.later(`UPDATE attempts SET person = $2 WHERE person = ANY($1)`, e.ids, e.root)
	e.later(`UPDATE attempts SET person = r.token FROM ROWS($1: was TEXT, token TEXT) AS r WHERE attempts.person = r.was`, e.numberTokens())
	n, err := e.exec(ctx, `UPDATE attempts SET number = r.token FROM ROWS($1: was TEXT, token TEXT) AS r WHERE attempts.number = r.was`,
		e.numberTokens())
	if err != nil {
		return err
	}
	e.report.Attempts = int(n)
	met, err := all(ctx, e.tx, scanInteraction, `SELECT `+interactionColumns+` FROM interactions WHERE crm_id = ANY($1)
		UNION SELECT `+interactionColumns+` FROM interactions WHERE number = ANY($2)`, e.ids, e.own)
	if err != nil {
		return err
	}
	for _, i := range met {
		number, crmID := i.Number, i.CRMID
		if slices.Contains(e.own, number) {
			number = e.tokens.of(number)
		}
		if slices.Contains(e.ids, crmID) {
			crmID = e.root
		}
		e.later(`UPDATE interactions SET external_id = $2, crm_id = $3, number = $4, note = '' WHERE id = $1`, i.ID,
			e.tokens.of("interaction:"+i.ExternalID), orNull(crmID), orNull(number))
	}
	gone := append(slices.Clone(e.ids), e.own...)
	e.later(`DELETE FROM person_changes WHERE key = ANY($1)`, gone)
	e.later(`DELETE FROM merged_people WHERE crm_id = ANY($1)`, e.ids)
	e.later(`DELETE FROM sequences WHERE key = ANY($1)`, e.own)
	return nil
}

// events forgets what the CRM was told, and is yet to be told, with each try and its reply.
func (e *eraser) events(ctx context.Context) error {
	ids, err := all(ctx, e.tx, scanText, `SELECT event_id FROM journal WHERE contact_id = ANY($1)
		UNION SELECT id FROM events WHERE key = ANY($2)`, e.of, e.own)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(ids, 500) {
		e.later(`DELETE FROM tries WHERE delivery_id IN (SELECT d.id FROM deliveries d WHERE d.event_id = ANY($1))`, batch)
		e.later(`DELETE FROM deliveries WHERE event_id = ANY($1)`, batch)
		e.later(`DELETE FROM journal WHERE event_id = ANY($1)`, batch)
		e.later(`DELETE FROM events WHERE id = ANY($1)`, batch)
	}
	e.report.Events = len(ids)
	return nil
}

// contacts leaves of each contact that there was one, so that counts and ids stay as they are.
func (e *eraser) contacts(ctx context.Context) error {
	for _, c := range e.people {
		e.dispose(c, "", campaigns.Disposition{State: campaigns.Complete, Reason: campaigns.ErasedPerson}, e.now)
		e.endCallback(c, missed, e.now)
		was, called := c.Phones, c.Name
		c.Phones = nil
		e.changePhones(c, was)
		e.findBy(c.ID, called, "")
		e.later(`UPDATE contacts SET crm_id = '', name = '', phones = '[]', payload = NULL, time_zone = '', zone = '', priority = 0, skill = '',
			state = 'finished', reason = $2, next_at = NULL, updated_at = $3, calltraceid = NULL, recording_link = NULL,
			callback_at = NULL, callback_agent = NULL, callback_open_at = NULL, callback_until = NULL, callback_tries = 0, last_agent = NULL
			WHERE id = $1`, c.ID, campaigns.ErasedPerson, at(e.now))
	}
	e.report.Contacts = len(e.people)
	return nil
}
