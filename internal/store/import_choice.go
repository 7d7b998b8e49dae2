package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// cameByClosed says of a contact c whether it came by a list that is closed.
const cameByClosed = `EXISTS (SELECT 1 FROM lists l WHERE l.id = c.list_id AND l.closed_at IS NOT NULL)`

// ofOpenList says of a contact c of campaign $1 that it came by no list that is closed. It is no join: PostgreSQL takes one
// to leave next to nobody, and then reads and sorts all who wait instead of walking along an index.
const ofOpenList = listOf + ` NOT IN (SELECT l.id FROM lists l WHERE l.campaign_id = $1 AND l.closed_at IS NOT NULL)`

// take stores a batch with what the record says of its import: both or neither.
func (im *importer) take(ctx context.Context, t *tx, batch []newContact) error {
	if err := im.insert(ctx, t, batch); err != nil {
		return err
	}
	if !im.dry {
		if err := tellKin(ctx, t, batch, im.now); err != nil {
			return err
		}
		if err := im.tellZones(ctx, t, batch); err != nil {
			return err
		}
	}
	im.next = im.report.Clone()
	for i := range batch {
		batch[i].tell(&im.next)
	}
	if im.record == nil || len(batch) == 0 {
		return nil
	}
	if err := im.keepRefusals(ctx, t, batch); err != nil {
		return err
	}
	return t.advance(ctx, im.record, batch[len(batch)-1].Number, im.progress(), im.list, im.next, im.clock())
}

// stored notes that a batch is.
func (im *importer) stored(batch []newContact) {
	im.report, im.begun = im.next, true
	for i := range batch {
		if c := &batch[i]; c.fresh() && c.id > 0 {
			im.lastID = c.id
		}
	}
}

// tell counts a line.
func (c *newContact) tell(r *campaigns.ImportReport) {
	why := c.why
	if c.fresh() {
		why = warning(c.Warnings)
	}
	r.Add(campaigns.LineReport{Line: c.Number, Status: c.status, Code: c.code, Why: why})
	example := campaigns.Example{Line: c.Number, CRMID: c.Contact.CRMID, Why: why, Raw: c.raw}
	switch c.status {
	case campaigns.LineRefused:
		r.Count(c.status, c.code, example)
	case campaigns.LineDuplicate, campaigns.LineUpdated:
		r.Count(c.status, why.Key(), example)
	case campaigns.LineUnchanged:
		r.Count(c.status, "unchanged", example)
	default:
		for _, w := range c.Warnings {
			example.Why = w
			r.Count(c.status, w.Key(), example)
		}
	}
}

// choose does with the known people of a batch what the list's owner chose.
func (im *importer) choose(ctx context.Context, t *tx, batch []newContact) error {
	var ids []int64
	line := map[int64]*newContact{}
	for i := range batch {
		if c := &batch[i]; c.known > 0 {
			ids = append(ids, c.known)
			line[c.known] = c
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	const read = `SELECT ` + contactColumns + ` FROM contacts c WHERE c.id = ANY($1) ORDER BY c.id`
	known, err := all(ctx, t, scanContact, read, ids)
	if err != nil {
		return err
	}
	var gone []string
	var changed []int64
	for _, k := range known {
		c := line[k.ID]
		is, fields := campaigns.Merge(im.choice, k.Contact, c.Contact)
		c.status, c.why = campaigns.LineUnchanged, reason.Reason{}
		if c.moves {
			fields = append(fields, "list")
		}
		if len(fields) == 0 {
			continue
		}
		c.status, c.why = campaigns.LineUpdated, whyLineChanged(decimalOf(k.ID), fields)
		changed = append(changed, k.ID)
		c.elsewhere = slices.Contains(fields, "phones") || slices.Contains(fields, "time_zone")
		gone = append(gone, missingFrom(is.Phones, k.Phones)...)
	}
	if im.dry || len(changed) == 0 {
		return nil
	}
	list, err := im.listID(ctx, t)
	if err != nil {
		return err
	}
	if err := t.noLonger(ctx, changed, gone, im.now); err != nil {
		return err
	}
	if len(gone) > 0 { // others with these numbers are connected with these people no longer
		t.wakeAfter(im.now, subject{numbers: gone})
	}
	if known, err = all(ctx, t, scanContact, read+` FOR UPDATE`, changed); err != nil {
		return err
	}
	return t.merge(ctx, im, known, line, list)
}

// missingFrom are the numbers of was that are not among those of is.
func missingFrom(is, was []campaigns.Phone) (numbers []string) {
	for _, p := range was {
		if !slices.ContainsFunc(is, func(q campaigns.Phone) bool { return q.Number == p.Number }) {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}

// noLonger gives up calls to contacts' numbers that are theirs no longer: those that are prepared, and claimed ones before they
// dial.
func (t *tx) noLonger(ctx context.Context, ids []int64, numbers []string, now time.Time) error {
	if len(numbers) == 0 {
		return nil
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if _, err := t.cancel(ctx, whyPlanAnew, now,
		`ended_at IS NULL AND state = 'prepared' AND contact_id = ANY($3) AND number = ANY($4)`, ids, numbers); err != nil {
		return err
	}
	t.changedSince(numbers, now)
	return nil
}

// mergedRow is what a list may change of a contact.
type mergedRow struct {
	ID       int64   `json:"id"`
	Name     string  `json:"name"`
	Phones   string  `json:"phones"`
	Zone     string  `json:"zone"`
	Priority int     `json:"priority"`
	Payload  *string `json:"payload"`
	Place    int64   `json:"place"`
	Skill    string  `json:"skill"`
	Where    string  `json:"whereabouts"`
	List     int64   `json:"list,omitempty"`
	Again    bool    `json:"again"`     // it is to be called again
	Other    bool    `json:"elsewhere"` // it is to be reached at other numbers or hours
}

type phoneRow struct {
	Number  string `json:"number"`
	Contact int64  `json:"contact"`
}

// merge writes what becomes of held contacts.
func (t *tx) merge(ctx context.Context, im *importer, known []*contact, line map[int64]*newContact, list int64) error {
	campaign, err := t.db.loadCampaign(ctx, t, im.campaignID)
	if err != nil {
		return err
	}
	var rows []mergedRow
	var added, gone []phoneRow
	var lost []string
	for _, k := range known {
		c := line[k.ID]
		is, _ := campaigns.Merge(im.choice, k.Contact, c.Contact)
		r := mergedRow{ID: k.ID, Name: is.Name, Phones: string(phonesJSON(nil, is.Phones)), Zone: is.TimeZone, Priority: is.Priority,
			Place: campaign.Order.Rank(k.ID, is.Payload), Skill: campaign.SkillFor(is.Payload),
			Where: campaigns.Whereabouts(&is)}
		if len(is.Payload) > 0 {
			text := string(is.Payload)
			r.Payload = &text
		}
		if c.moves {
			r.List = list
		}
		fresh := missingFrom(k.Phones, is.Phones)
		r.Again = k.State == campaigns.Complete && (k.Reason == campaigns.ListClosed && c.moves || k.Reason == "no_number" &&
			len(fresh) > 0)
		r.Other = c.elsewhere
		rows = append(rows, r)
		t.findBy(k.ID, k.Name, is.Name)
		for _, n := range fresh {
			added = append(added, phoneRow{n, k.ID})
		}
		for _, n := range missingFrom(is.Phones, k.Phones) {
			gone = append(gone, phoneRow{n, k.ID})
			lost = append(lost, n)
		}
	}
	t.later(`UPDATE contacts SET name = r.name, phones = r.phones, time_zone = r.zone, priority = r.priority, payload = r.payload,
			place = r.place, skill = r.skill, zone = r.whereabouts, list_id = COALESCE(r.list, contacts.list_id), updated_at = $2,
			state = CASE WHEN r.again THEN 'waiting' ELSE contacts.state END, reason = CASE WHEN r.again THEN NULL ELSE contacts.reason
			END,
			next_at = CASE WHEN r.again THEN CAST($2 AS BIGINT) WHEN r.elsewhere AND contacts.wake_at < $2 THEN $2
			ELSE contacts.next_at END
		FROM ROWS($1: id BIGINT, name TEXT, phones TEXT, zone TEXT, priority INTEGER, payload TEXT, place BIGINT, skill TEXT,
		whereabouts TEXT, list BIGINT, again BOOLEAN, elsewhere BOOLEAN) AS r
		WHERE contacts.id = r.id`, rowset(rows), at(im.now))
	t.reindex(im.campaignID, added, gone, lost)
	_, err = t.flush(ctx)
	return err
}

// reindex has contacts found by the numbers that they have now. A number that one gives up is then found by another one's.
func (t *tx) reindex(campaignID int64, added, gone []phoneRow, lost []string) {
	if len(gone) > 0 {
		for _, table := range []string{"contact_phones", "shared_phones"} {
			t.later(`DELETE FROM `+table+` WHERE number = ANY($2) AND EXISTS (SELECT 1 FROM ROWS($1: number TEXT, contact BIGINT) AS r
				WHERE r.number = `+table+`.number AND r.contact = `+table+`.contact_id)`, rowset(gone), lost)
		}
		t.later(`INSERT INTO contact_phones (campaign_id, number, contact_id)
			SELECT c.campaign_id, s.number, min(c.id) FROM shared_phones s JOIN contacts c ON c.id = s.contact_id
			WHERE s.number = ANY($2) AND c.campaign_id = $1 GROUP BY c.campaign_id, s.number ON CONFLICT DO NOTHING`, campaignID, lost)
		t.later(`DELETE FROM shared_phones WHERE number = ANY($2) AND EXISTS (SELECT 1 FROM contact_phones p
			WHERE p.campaign_id = $1 AND p.number = shared_phones.number AND p.contact_id = shared_phones.contact_id)`, campaignID, lost)
	}
	if len(added) > 0 {
		t.later(`INSERT INTO contact_phones (campaign_id, number, contact_id)
			SELECT CAST($2 AS BIGINT), r.number, min(r.contact) FROM ROWS($1: number TEXT, contact BIGINT) AS r WHERE TRUE GROUP BY
			r.number
			ON CONFLICT DO NOTHING`, rowset(added), campaignID)
		t.later(`INSERT INTO shared_phones (number, contact_id)
			SELECT r.number, r.contact FROM ROWS($1: number TEXT, contact BIGINT) AS r WHERE NOT EXISTS (SELECT 1 FROM contact_phones p
				WHERE p.campaign_id = $2 AND p.number = r.number AND p.contact_id = r.contact) ON CONFLICT DO NOTHING`, rowset(added),
			campaignID)
	}
}

// listID is that of the import's list, which comes to be with its first contact; zero: the import is not on record.
func (im *importer) listID(ctx context.Context, t *tx) (int64, error) {
	if im.record == nil {
		return 0, nil
	}
	id, err := one(ctx, t, scanID, `INSERT INTO lists (campaign_id, name, made_by, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (campaign_id, name) DO UPDATE SET name = excluded.name RETURNING id`, im.campaignID, im.record.List,
		im.record.MadeBy, at(im.now))
	im.list = id
	return id, err
}

// Bounds of the refused lines that are kept of an import. Those beyond are counted alone.
const maxRefusals = 64 << 20 // bytes

type refusalRow struct {
	Line int    `json:"line"`
	Code string `json:"code"`
	Why  string `json:"why"`
	Raw  string `json:"raw"`
}

func (im *importer) keepRefusals(ctx context.Context, t *tx, batch []newContact) error {
	var rows []refusalRow
	kept := im.refusals
	for i := range batch {
		c := &batch[i]
		if c.status != campaigns.LineRefused || kept+int64(len(c.raw)) > maxRefusals {
			continue
		}
		kept += int64(len(c.raw)) + 200
		rows = append(rows, refusalRow{c.Number, c.code, c.why.Text(), noZeros(c.raw)})
	}
	if len(rows) == 0 {
		return nil
	}
	im.refusals = kept // a batch that is run again counts twice, which keeps a little less
	_, err := t.exec(ctx, `INSERT INTO import_refusals (import_id, line, code, why, raw)
		SELECT CAST($2 AS BIGINT), r.line, r.code, r.why, r.raw FROM ROWS($1: line BIGINT, code TEXT, why TEXT, raw TEXT) AS r WHERE
		TRUE
		ON CONFLICT DO NOTHING`, rowset(rows), im.record.ID)
	return err
}

// noZeros takes out what no column of text holds.
func noZeros(s string) string {
	return string(slices.DeleteFunc([]byte(s), func(b byte) bool { return b == 0 }))
}

var errOtherRun = errors.New("store: the import is run by somebody else")

// importLease is how long a run that says nothing is taken for alive.
const importLease = time.Minute

// advance notes how far an import is; it fails when a later run has taken over.
func (t *tx) advance(ctx context.Context, im *campaigns.Import, line int, read, list int64, report campaigns.ImportReport,
	now time.Time) error {
	text, err := reportText(report)
	if err != nil {
		return err
	}
	n, err := t.exec(ctx, `UPDATE imports SET lines = $3, done = $4, list_id = COALESCE($5, list_id), report = $6, updated_at = $7,
		lease_until = CASE WHEN lease_until > $8 THEN lease_until ELSE $8 END WHERE id = $1 AND fence = $2`,
		im.ID, im.Fence, line, read, orNull(list), text, at(now), at(now.Add(importLease)))
	if err == nil && n == 0 {
		err = fmt.Errorf("store: import %d: %w", im.ID, errOtherRun)
	}
	return err
}
