package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const (
	importBatch = 5000 // lines that are looked up and inserted at once
	// reportLines bounds each list of an ImportReport; the counts go on.
	reportLines = 1000
)

// ImportReport says what became of a list's lines.
type ImportReport struct {
	Accepted   int
	Duplicates int
	Refused    int

	DuplicateLines []Duplicate           // the first 1,000
	RefusedLines   []campaigns.LineError // the first 1,000
	Warnings       []campaigns.LineError // of accepted lines, the first 1,000
}

// Duplicate is a line whose person is in the campaign already.
type Duplicate struct {
	Line      int
	Field     string // "crm_id" or "number"
	Value     string
	OfLine    int   // the earlier line that has it; zero: a contact that was there before
	OfContact int64 // that contact; zero: an earlier line
}

// newContact is a line on its way into the database.
type newContact struct {
	campaigns.Line
	id int64
}

// ImportContacts adds a list's contacts to a campaign, due at once. A line whose CRM id or one of whose numbers is in the
// campaign already, or in an earlier line, is a duplicate; refused lines (*campaigns.LineError) are counted. Any other
// error of the list, and any of the database, takes everything back: the list may be sent again.
//
// Everything is one transaction. On SQLite other writers wait until it ends, about 5 s a million contacts.
func (s *Store) ImportContacts(ctx context.Context, campaignID int64, lines iter.Seq2[campaigns.Line, error], now time.Time) (ImportReport, error) {
	var report ImportReport
	started := false
	err := s.inTx(ctx, func(t *tx) error {
		if started {
			return errors.New("the transaction cannot be run again: send the list again") // lines can be read only once
		}
		started = true
		if _, err := one(ctx, t, scanID, `SELECT id FROM campaigns WHERE id = $1`, campaignID); err != nil {
			return err
		}
		if err := s.dialect.lockImport(ctx, t, campaignID); err != nil {
			return err
		}
		there, err := all(ctx, t, scanID, `SELECT id FROM contacts WHERE campaign_id = $1 LIMIT 1`, campaignID)
		if err != nil {
			return err
		}
		im := importer{tx: t, campaignID: campaignID, now: now, lookUp: len(there) > 0, seen: newSeen()}
		report, err = im.run(ctx, lines)
		return err
	})
	if err != nil {
		return ImportReport{}, fmt.Errorf("store: import into campaign %d: %w", campaignID, err)
	}
	return report, nil
}

// importer is one import.
type importer struct {
	tx         *tx
	campaignID int64
	now        time.Time
	lookUp     bool // the campaign had contacts before
	seen       *seen
	list       ImportReport // what the list itself showed; the reader's alone while it reads
	report     ImportReport // what the database showed
}

// run reads lines while the database takes the batch before them.
func (im *importer) run(ctx context.Context, lines iter.Seq2[campaigns.Line, error]) (ImportReport, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []newContact, 1)
	var listErr error // written before batches is closed
	go func() {
		defer close(batches)
		listErr = im.read(ctx, lines, batches)
	}()
	var failed error
	for batch := range batches {
		if failed != nil {
			continue // the reader ends by the cancelled context
		}
		if failed = im.insert(ctx, batch); failed != nil {
			stop()
		}
	}
	if err := cmp.Or(failed, listErr); err != nil {
		return ImportReport{}, err
	}
	return merge(im.list, im.report), nil
}

func merge(list, known ImportReport) ImportReport {
	known.Refused, known.RefusedLines = list.Refused, list.RefusedLines
	known.Duplicates += list.Duplicates
	known.DuplicateLines = append(known.DuplicateLines, list.DuplicateLines...)
	slices.SortFunc(known.DuplicateLines, func(a, b Duplicate) int { return a.Line - b.Line })
	known.DuplicateLines = known.DuplicateLines[:min(reportLines, len(known.DuplicateLines))]
	return known
}

// read sorts out what the list itself repeats.
func (im *importer) read(ctx context.Context, lines iter.Seq2[campaigns.Line, error], batches chan<- []newContact) error {
	batch := make([]newContact, 0, importBatch)
	send := func() bool {
		select {
		case batches <- batch:
			batch = make([]newContact, 0, importBatch)
			return true
		case <-ctx.Done():
			return false
		}
	}
	for line, err := range lines {
		var refused *campaigns.LineError
		switch {
		case errors.As(err, &refused):
			im.list.refuse(refused)
			continue
		case err != nil:
			return err
		}
		if d, ok := im.seen.add(&line); !ok {
			im.list.duplicate(d)
			continue
		}
		if batch = append(batch, newContact{Line: line}); len(batch) == importBatch && !send() {
			return nil
		}
	}
	if len(batch) > 0 {
		send()
	}
	return ctx.Err()
}

func (im *importer) insert(ctx context.Context, batch []newContact) error {
	if im.lookUp {
		var err error
		if batch, err = im.withoutKnown(ctx, batch); err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	next, err := im.tx.store.dialect.contactIDs(ctx, im.tx, len(batch))
	if err != nil {
		return err
	}
	for i := range batch {
		c := &batch[i]
		c.id = next()
		c.Contact.CampaignID, c.Contact.NextAt, c.Contact.UpdatedAt = im.campaignID, im.now, im.now
		for _, w := range c.Warnings {
			if len(im.report.Warnings) < reportLines {
				im.report.Warnings = append(im.report.Warnings, campaigns.LineError{Line: c.Number, Reason: w})
			}
		}
	}
	if err := im.tx.store.dialect.insertContacts(ctx, im.tx, batch); err != nil {
		return err
	}
	im.report.Accepted += len(batch)
	return nil
}

// withoutKnown drops the lines whose CRM id or number a contact of the campaign has already.
func (im *importer) withoutKnown(ctx context.Context, batch []newContact) ([]newContact, error) {
	var crmIDs, numbers []string
	for _, c := range batch {
		if c.Contact.CRMID != "" {
			crmIDs = append(crmIDs, c.Contact.CRMID)
		}
		for _, p := range c.Contact.Phones {
			numbers = append(numbers, p.Number)
		}
	}
	type key struct {
		text string
		id   int64
	}
	scan := func(row scanner) (k key, err error) {
		err = row.Scan(&k.text, &k.id)
		return k, err
	}
	byCRMID, err := all(ctx, im.tx, scan, `SELECT crm_id, id FROM contacts WHERE campaign_id = $1 AND crm_id <> '' AND crm_id = ANY($2)`,
		im.campaignID, crmIDs)
	if err != nil {
		return nil, err
	}
	byNumber, err := all(ctx, im.tx, scan, `SELECT number, contact_id FROM contact_phones WHERE campaign_id = $1 AND number = ANY($2)`,
		im.campaignID, numbers)
	if err != nil || len(byCRMID)+len(byNumber) == 0 {
		return batch, err
	}
	known := make(map[string]int64, len(byCRMID)+len(byNumber))
	for _, k := range byCRMID {
		known["crm_id "+k.text] = k.id
	}
	for _, k := range byNumber {
		known["number "+k.text] = k.id
	}
	fresh := batch[:0]
	for _, c := range batch {
		if d, ok := duplicateOf(known, &c.Line); ok {
			im.report.duplicate(d)
		} else {
			fresh = append(fresh, c)
		}
	}
	return fresh, nil
}

func duplicateOf(known map[string]int64, l *campaigns.Line) (Duplicate, bool) {
	if id, ok := known["crm_id "+l.Contact.CRMID]; ok {
		return Duplicate{Line: l.Number, Field: "crm_id", Value: l.Contact.CRMID, OfContact: id}, true
	}
	for _, p := range l.Contact.Phones {
		if id, ok := known["number "+p.Number]; ok {
			return Duplicate{Line: l.Number, Field: "number", Value: p.Number, OfContact: id}, true
		}
	}
	return Duplicate{}, false
}

func (r *ImportReport) refuse(e *campaigns.LineError) {
	if r.Refused++; len(r.RefusedLines) < reportLines {
		r.RefusedLines = append(r.RefusedLines, *e)
	}
}

func (r *ImportReport) duplicate(d Duplicate) {
	if r.Duplicates++; len(r.DuplicateLines) < reportLines {
		r.DuplicateLines = append(r.DuplicateLines, d)
	}
}

// seen knows the CRM ids and numbers of a list's lines so far: a million take about 60 MB, because most of them are kept as
// integers.
type seen struct {
	digits map[uint64]int32 // decimal CRM ids without a leading zero
	ids    map[string]int32 // other CRM ids
	phones map[uint64]int32 // E.164 numbers have at most 15 digits
}

func newSeen() *seen {
	return &seen{digits: map[uint64]int32{}, ids: map[string]int32{}, phones: map[uint64]int32{}}
}

// add notes a line, unless an earlier one has its CRM id or one of its numbers.
func (s *seen) add(l *campaigns.Line) (Duplicate, bool) {
	id := l.Contact.CRMID
	number, isNumber := decimal(id)
	of, known := s.digits[number], false
	if isNumber {
		known = of > 0
	} else if id != "" {
		of = s.ids[id]
		known = of > 0
	}
	if known {
		return Duplicate{Line: l.Number, Field: "crm_id", Value: id, OfLine: int(of)}, false
	}
	for _, p := range l.Contact.Phones {
		if of := s.phones[e164(p.Number)]; of > 0 {
			return Duplicate{Line: l.Number, Field: "number", Value: p.Number, OfLine: int(of)}, false
		}
	}
	line := int32(l.Number)
	if isNumber {
		s.digits[number] = line
	} else if id != "" {
		s.ids[id] = line
	}
	for _, p := range l.Contact.Phones {
		s.phones[e164(p.Number)] = line
	}
	return Duplicate{}, true
}

// decimal reads a CRM id that an integer says as well as its text does.
func decimal(s string) (uint64, bool) {
	if s == "" || len(s) > 18 || s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

func e164(number string) uint64 {
	n, _ := strconv.ParseUint(number[min(1, len(number)):], 10, 64) // the list's reader has normalised it
	return n
}

// phonesJSON is the column phones, by hand where the label needs no escaping, as it is seldom there at all.
func phonesJSON(b []byte, phones []campaigns.Phone) []byte {
	b = append(b, '[')
	for i, p := range phones {
		if i > 0 {
			b = append(b, ',')
		}
		if p.Label == "" && !p.Invalid {
			b = append(append(append(b, `{"number":"`...), p.Number...), `"}`...)
			continue
		}
		text, _ := json.Marshal(p) // strings and a bool cannot fail
		b = append(b, text...)
	}
	return append(b, ']')
}
