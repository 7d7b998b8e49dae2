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
	"github.com/creditorro/ringmaster/internal/reason"
)

// importBatch is how many lines are looked up and inserted in one transaction.
const importBatch = 5000

// newContact is a line of a list on its way into the database.
type newContact struct {
	campaigns.Line
	id     int64
	place  int64  // by the campaign's order
	skill  string // that an agent needs for the call
	status campaigns.LineStatus
	code   string        // of a refused line
	why    reason.Reason // why it is not accepted
	raw    string        // of a refused line
	known  int64         // the contact that the choice is about; 0: there is none
	moves  bool          // the known contact came by a list that is closed
	listID int64         // by which it comes
	shared []string      // its numbers that are another person's too: that one is found by them

	elsewhere bool // the known contact is to be reached at other numbers or hours
}

// indexes reports whether the contact is to be found by its number.
func (c *newContact) indexes(number string) bool { return !slices.Contains(c.shared, number) }

// share notes a number that another person has too.
func (c *newContact) share(number string, why reason.Reason) {
	if c.indexes(number) {
		c.shared = append(c.shared, number)
		c.Warnings = append(c.Warnings, why)
	}
}

func (c *newContact) fresh() bool { return c.status == campaigns.LineWarned }

// ImportContacts adds a list's contacts to a campaign, due at once. A line whose CRM id is in the campaign already, or in an
// earlier line, is a duplicate; so is one of whose numbers is there, unless both have CRM ids, which are then two people; a
// *campaigns.LineError refuses its line. Any other error of the list ends the import and is returned.
//
// It is done in transactions of some thousands, so that other writers get their turn: what the report counts is stored, also
// when there is an error. The list may be sent again: what was stored is then a duplicate.
func (s Contacts) ImportContacts(ctx context.Context, campaignID int64, lines iter.Seq2[campaigns.Line, error], now time.Time) (
	campaigns.ImportReport, error) {
	im := importer{db: s.db, campaignID: campaignID, now: now, seen: newSeen(), choice: campaigns.NewOnly}
	if _, err := Campaigns(s).Campaign(ctx, campaignID); err != nil {
		return im.report, err
	}
	if err := im.run(ctx, lines); err != nil {
		return im.report, fmt.Errorf("store: import into campaign %d: %w", campaignID, err)
	}
	return im.report, nil
}

// importer is one import.
type importer struct {
	db         *db
	campaignID int64
	now        time.Time
	clock      func() time.Time // goes on from now
	seen       *seen            // the reader's
	lastID     int64            // of the contacts that were inserted
	begun      bool             // a batch is stored
	alone      bool             // the campaign had no contacts before
	choice     campaigns.Choice
	dry        bool              // nothing is stored
	record     *campaigns.Import // nil: the import is not on record
	list       int64             // the id of its list; 0: not known yet
	progress   func() int64      // bytes read
	skip       int               // lines that an earlier run has stored
	refusals   int64             // bytes of refused lines that are kept
	report     campaigns.ImportReport
	next       campaigns.ImportReport // with the batch that is being stored
}

// run inserts a batch while the next one is read.
func (im *importer) run(ctx context.Context, lines iter.Seq2[campaigns.Line, error]) error {
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
		if failed = im.db.inTx(ctx, func(t *tx) error { return im.take(ctx, t, batch) }); failed != nil {
			stop()
			continue
		}
		im.stored(batch)
	}
	return cmp.Or(failed, listErr)
}

// read gathers lines, and sorts out what the list itself repeats.
func (im *importer) read(ctx context.Context, lines iter.Seq2[campaigns.Line, error], batches chan<- []newContact) error {
	batch := make([]newContact, 0, importBatch)
	send := func() error {
		select {
		case batches <- batch:
			batch = make([]newContact, 0, importBatch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for line, err := range lines {
		c := newContact{Line: line, status: campaigns.LineWarned}
		var refused *campaigns.LineError
		switch {
		case errors.As(err, &refused):
			c.Number, c.status, c.code, c.why, c.raw = refused.Line, campaigns.LineRefused, refused.Code, refused.Why, refused.Raw
			c.Contact.CRMID = refused.CRMID
		case err != nil:
			return cmp.Or(send(), err) // what was read stays
		default:
			if c.why = im.seen.add(&c); !c.why.IsZero() {
				c.status = campaigns.LineDuplicate
			}
		}
		if c.Number <= im.skip {
			continue // what it repeats is known now
		}
		if batch = append(batch, c); len(batch) == importBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

// insert stores the batch's fresh contacts. It may be run again.
func (im *importer) insert(ctx context.Context, t *tx, batch []newContact) error {
	if err := t.db.engine.lockImport(ctx, t, im.campaignID); err != nil {
		return err
	}
	// Ids grow under the lock: when the last one is ours, nobody else has added contacts.
	last, err := one(ctx, t, scanID, `SELECT COALESCE(max(id), 0) FROM contacts WHERE campaign_id = $1`, im.campaignID)
	if !im.begun {
		im.alone = last == 0
	}
	if err == nil && (last != im.lastID || !im.alone) {
		err = im.markKnown(ctx, t, batch)
	}
	if err == nil {
		err = im.choose(ctx, t, batch)
	}
	if err != nil {
		return err
	}
	fresh := make([]*newContact, 0, len(batch))
	for i := range batch {
		if batch[i].fresh() {
			fresh = append(fresh, &batch[i])
		}
	}
	if len(fresh) == 0 || im.dry {
		return nil
	}
	list, err := im.listID(ctx, t)
	if err != nil {
		return err
	}
	campaign, err := t.db.loadCampaign(ctx, t, im.campaignID) // its order may have changed since the last batch
	if err != nil {
		return err
	}
	next, err := t.db.engine.contactIDs(ctx, t, len(fresh))
	if err != nil {
		return err
	}
	for _, c := range fresh {
		c.id, c.listID = next(), list
		c.place, c.skill = campaign.Order.Rank(c.id, c.Contact.Payload), campaign.SkillFor(c.Contact.Payload)
		c.Contact.CampaignID, c.Contact.NextAt = im.campaignID, im.now
	}
	if err := t.db.engine.insertContacts(ctx, t, fresh); err != nil {
		return err
	}
	if err := im.listedBefore(ctx, t, fresh); err != nil {
		return err
	}
	return im.metBefore(ctx, t, campaign, fresh)
}

// tellKin has calls on their way given up to people of whom the batch tells something new: another number, other hours, who else
// they are.
func tellKin(ctx context.Context, t *tx, batch []newContact, now time.Time) error {
	open, err := t.onTheirWay(ctx)
	if err != nil || len(open) == 0 {
		return err
	}
	told := map[string]bool{}
	for i := range batch {
		c := &batch[i]
		if c.fresh() || c.elsewhere {
			told[c.Contact.CRMID] = true
			for _, p := range c.Contact.Phones {
				told[p.Number] = true
			}
		}
	}
	delete(told, "")
	return t.touchOpen(ctx, open, told, now)
}

// tellZones has those judged anew, and one by one, who are known, by the batch or already, to be somewhere else than their rows
// say.
func (im *importer) tellZones(ctx context.Context, t *tx, batch []newContact) error {
	if known, err := t.knownBefore(ctx, im.campaignID); err != nil || !known {
		return err
	}
	var all, elsewhere []string
	for i := range batch {
		c := &batch[i]
		if c.Contact.CRMID == "" || !c.fresh() && !c.elsewhere {
			continue
		}
		if all = append(all, c.Contact.CRMID); c.elsewhere || c.Contact.TimeZone != "" {
			elsewhere = append(elsewhere, c.Contact.CRMID)
		}
	}
	if len(all) == 0 {
		return nil
	}
	t.anywhere(all)
	return t.wakeElsewhere(ctx, elsewhere, im.now)
}

// wakeElsewhere has those woken whom policy has put off, of whom a zone or numbers are told now.
func (t *tx) wakeElsewhere(ctx context.Context, crmIDs []string, now time.Time) error {
	if len(crmIDs) == 0 {
		return nil
	}
	some, err := all(ctx, t, scanText, `SELECT c.crm_id FROM contacts c WHERE c.crm_id = ANY($1) AND c.crm_id <> ''
		AND c.state = 'waiting' AND c.wake_at IS NOT NULL
		UNION SELECT c.crm_id FROM merged_people m JOIN merged_people o ON o.root = m.root JOIN contacts c ON c.crm_id = o.crm_id
		WHERE m.crm_id = ANY($1) AND c.crm_id <> '' AND c.state = 'waiting' AND c.wake_at IS NOT NULL`, crmIDs)
	t.wakeAfter(now, subjectsOf(some)...)
	return err
}

// owner is the contact that has a CRM id or a number.
type owner struct {
	of    string
	id    int64
	crmID string
	over  bool // it came by a list that is closed
}

// markKnown finds the lines whose CRM id or number a contact of the campaign has already.
func (im *importer) markKnown(ctx context.Context, t *tx, batch []newContact) error {
	var crmIDs, numbers []string
	for i := range batch {
		if c := &batch[i]; c.fresh() {
			if c.Contact.CRMID != "" {
				crmIDs = append(crmIDs, c.Contact.CRMID)
			}
			for _, p := range c.Contact.Phones {
				numbers = append(numbers, p.Number)
			}
		}
	}
	scan := func(row scanner) (o owner, err error) {
		err = row.Scan(&o.of, &o.id, &o.crmID, &o.over)
		return o, err
	}
	byCRMID, err := all(ctx, t, scan, `SELECT c.crm_id, c.id, c.crm_id, `+cameByClosed+` FROM contacts c
		WHERE c.campaign_id = $1 AND c.crm_id <> '' AND c.crm_id = ANY($2)`,
		im.campaignID, crmIDs)
	if err != nil {
		return err
	}
	byNumber, err := all(ctx, t, scan, `SELECT p.number, c.id, c.crm_id, `+cameByClosed+` FROM contact_phones p
		JOIN contacts c ON c.id = p.contact_id WHERE p.campaign_id = $1 AND p.number = ANY($2)`, im.campaignID, numbers)
	if err != nil || len(byCRMID)+len(byNumber) == 0 {
		return err
	}
	crmIDOf, numberOf := map[string]owner{}, map[string]owner{}
	for _, o := range byCRMID {
		crmIDOf[o.of] = o
	}
	for _, o := range byNumber {
		numberOf[o.of] = o
	}
	for i := range batch {
		batch[i].markDuplicate(im.choice, crmIDOf, numberOf)
	}
	return nil
}

func (c *newContact) markDuplicate(choice campaigns.Choice, crmIDOf, numberOf map[string]owner) {
	if !c.fresh() {
		return
	}
	if o, ok := crmIDOf[c.Contact.CRMID]; ok && choice != campaigns.NewOnly {
		c.status, c.known, c.moves = campaigns.LineUnchanged, o.id, o.over
		return
	}
	if o, ok := crmIDOf[c.Contact.CRMID]; ok && o.over {
		c.status, c.why = campaigns.LineDuplicate, whyIDInClosedList(c.Contact.CRMID, decimalOf(o.id))
		return
	}
	if o, ok := crmIDOf[c.Contact.CRMID]; ok {
		c.status, c.why = campaigns.LineDuplicate, whyIDInCampaign(c.Contact.CRMID, decimalOf(o.id))
		return
	}
	for _, p := range c.Contact.Phones {
		if o, ok := numberOf[p.Number]; ok && (c.Contact.CRMID == "" || o.crmID == "") {
			c.status, c.why = campaigns.LineDuplicate, whyNumberInCampaign(p.Number, decimalOf(o.id))
			return
		}
	}
	for _, p := range c.Contact.Phones { // two CRM ids are two people, also on one number
		if o, ok := numberOf[p.Number]; ok {
			c.share(p.Number, whySharedWithContact(p.Number, decimalOf(o.id)))
		}
	}
}

// warning is what was left out of an accepted line, as one reason.
func warning(all []reason.Reason) reason.Reason {
	switch len(all) {
	case 0:
		return reason.Reason{}
	case 1:
		return all[0]
	}
	return whyWarnings(all)
}

func decimalOf(id int64) string { return strconv.FormatInt(id, 10) }

// seen knows the CRM ids and numbers of a list's lines so far: a million take about 60 MB, because most of them are kept as
// integers.
type seen struct {
	digits map[uint64]int32 // decimal CRM ids without a leading zero
	ids    map[string]int32 // other CRM ids
	phones map[uint64]int32 // E.164 numbers have at most 15 digits; the line twice, and one more when it has a CRM id
}

func newSeen() *seen {
	return &seen{digits: map[uint64]int32{}, ids: map[string]int32{}, phones: map[uint64]int32{}}
}

// add notes a line. If an earlier one has its CRM id, or one of its numbers and one of the two has no CRM id, it returns which.
func (s *seen) add(c *newContact) (duplicate reason.Reason) {
	id := c.Contact.CRMID
	digits, isDecimal := decimal(id)
	of := s.digits[digits]
	if !isDecimal {
		of = s.ids[id]
	}
	if of > 0 && id != "" {
		return whyIDInList(id, strconv.Itoa(int(of)))
	}
	for _, p := range c.Contact.Phones {
		if of := s.phones[e164(p.Number)]; of > 0 && (id == "" || of&named == 0) {
			return whyNumberInList(p.Number, strconv.Itoa(int(of>>1)))
		}
	}
	line := int32(c.Number)
	if isDecimal {
		s.digits[digits] = line
	} else if id != "" {
		s.ids[id] = line
	}
	for _, p := range c.Contact.Phones {
		n := e164(p.Number)
		if of := s.phones[n]; of > 0 {
			c.share(p.Number, whySharedWithLine(p.Number, strconv.Itoa(int(of>>1))))
			continue
		}
		s.phones[n] = line << 1
		if id != "" {
			s.phones[n] |= named
		}
	}
	return reason.Reason{}
}

// named is the bit of a number's line that has a CRM id.
const named = 1

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
		if p.Label == "" && p.Extension == "" && !p.Invalid && p.Tries == 0 && p.Turn == 0 {
			b = append(append(append(b, `{"number":"`...), p.Number...), `"}`...)
			continue
		}
		text, _ := json.Marshal(p) // strings and a bool cannot fail
		b = append(b, text...)
	}
	return append(b, ']')
}
