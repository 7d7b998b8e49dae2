package store

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/creditorro/ringmaster/campaigns"
)

// lockImport takes an advisory lock: the campaign's row stays free, so that a pause never waits for an import.
func (*postgres) lockImport(ctx context.Context, t *tx, campaignID int64) error {
	const importing = 0x72696e67 // "ring": a key space of our own
	_, err := t.exec(ctx, `SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))`, importing, int32(campaignID))
	return err
}

// contactBlock is how many ids one value of the sequence contact_blocks stands for.
const contactBlock = 100

func (*postgres) contactIDs(ctx context.Context, t *tx, n int) (func() int64, error) {
	blocks, err := all(ctx, t, scanID, `SELECT nextval('contact_blocks') FROM generate_series(1, $1)`,
		(n+contactBlock-1)/contactBlock)
	if err != nil {
		return nil, err
	}
	i := -1
	return func() int64 {
		i++
		return blocks[i/contactBlock]*contactBlock + int64(i%contactBlock)
	}, nil
}

// insertContacts copies them in, in COPY's text format. The ids were read before: the transaction has begun.
func (*postgres) insertContacts(ctx context.Context, t *tx, list []*newContact) error {
	pg := t.session.(*postgresSession).conn.PgConn()
	_, err := pg.CopyFrom(ctx, &copyText{list: list, encode: contactLine}, `COPY contacts
		(id, campaign_id, crm_id, name, phones, time_zone, priority, payload, list_id, state, next_at, updated_at, place, skill, zone)
		FROM STDIN`)
	if err != nil {
		return fmt.Errorf("copy contacts: %w", err)
	}
	_, err = pg.CopyFrom(ctx, &copyText{list: list, encode: phoneLines}, `COPY contact_phones (campaign_id, number, contact_id)
		FROM STDIN`)
	if err != nil {
		return fmt.Errorf("copy numbers: %w", err)
	}
	_, err = pg.CopyFrom(ctx, &copyText{list: list, encode: wordLines}, `COPY contact_words (word, contact_id) FROM STDIN`)
	if err != nil {
		return fmt.Errorf("copy names: %w", err)
	}
	if !slices.ContainsFunc(list, func(c *newContact) bool { return len(c.shared) > 0 }) {
		return nil
	}
	_, err = pg.CopyFrom(ctx, &copyText{list: list, encode: sharedLines}, `COPY shared_phones (number, contact_id) FROM STDIN`)
	if err != nil {
		return fmt.Errorf("copy shared numbers: %w", err)
	}
	return nil
}

// sharedLines are the numbers that another contact is found by.
func sharedLines(b []byte, c *newContact) []byte {
	for _, number := range c.shared {
		b = append(append(b, number...), '\t')
		b = append(strconv.AppendInt(b, c.id, 10), '\n')
	}
	return b
}

// copyText encodes contacts as they are read: PostgreSQL works on what was sent meanwhile.
type copyText struct {
	list   []*newContact
	encode func(b []byte, c *newContact) []byte
	buf    []byte // encoded, not read yet
	store  []byte // the memory behind buf
}

func (r *copyText) Read(p []byte) (int, error) {
	if len(r.buf) == 0 {
		r.buf = r.store[:0]
		for len(r.list) > 0 && len(r.buf) < len(p) {
			r.buf = r.encode(r.buf, r.list[0])
			r.list = r.list[1:]
		}
		r.store = r.buf
		if len(r.buf) == 0 {
			return 0, io.EOF
		}
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

func contactLine(b []byte, c *newContact) []byte {
	next := c.Contact.NextAt.UnixMilli()
	b = append(strconv.AppendInt(b, c.id, 10), '\t')
	b = append(strconv.AppendInt(b, c.Contact.CampaignID, 10), '\t')
	b = append(appendCopy(b, c.Contact.CRMID), '\t')
	b = append(appendCopy(b, c.Contact.Name), '\t')
	b = append(appendCopy(b, string(phonesJSON(nil, c.Contact.Phones))), '\t')
	b = append(appendCopy(b, c.Contact.TimeZone), '\t')
	b = append(strconv.AppendInt(b, int64(c.Contact.Priority), 10), '\t')
	if len(c.Contact.Payload) == 0 {
		b = append(b, `\N`...)
	} else {
		b = appendCopy(b, string(c.Contact.Payload))
	}
	if b = append(b, '\t'); c.listID == 0 {
		b = append(b, `\N`...)
	} else {
		b = strconv.AppendInt(b, c.listID, 10)
	}
	b = append(b, "\twaiting\t"...)
	b = append(strconv.AppendInt(b, next, 10), '\t')
	b = append(strconv.AppendInt(b, next, 10), '\t')
	b = append(strconv.AppendInt(b, c.place, 10), '\t')
	b = append(appendCopy(b, c.skill), '\t')
	return append(appendCopy(b, campaigns.Whereabouts(&c.Contact)), '\n')
}

func phoneLines(b []byte, c *newContact) []byte {
	for _, p := range c.Contact.Phones {
		if !c.indexes(p.Number) {
			continue
		}
		b = append(strconv.AppendInt(b, c.Contact.CampaignID, 10), '\t')
		b = append(append(b, p.Number...), '\t')
		b = append(strconv.AppendInt(b, c.id, 10), '\n')
	}
	return b
}

// wordLines are the words by which a contact is found. They have letters and digits alone.
func wordLines(b []byte, c *newContact) []byte {
	for _, w := range wordsOf(c.Contact.Name) {
		b = append(append(b, w...), '\t')
		b = append(strconv.AppendInt(b, c.id, 10), '\n')
	}
	return b
}

// appendCopy escapes a value for COPY's text format.
func appendCopy(b []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		var escape byte
		switch s[i] {
		case '\\':
			escape = '\\'
		case '\t':
			escape = 't'
		case '\n':
			escape = 'n'
		case '\r':
			escape = 'r'
		default:
			continue
		}
		b = append(append(b, s[from:i]...), '\\', escape)
		from = i + 1
	}
	return append(b, s[from:]...)
}

// lockReply takes an advisory lock, which ends with the transaction.
func (*postgres) lockReply(ctx context.Context, t *tx, key string) (bool, error) {
	return one(ctx, t, func(row scanner) (free bool, err error) {
		err = row.Scan(&free)
		return free, err
	}, `SELECT pg_try_advisory_xact_lock(hashtextextended('reply ' || CAST($1 AS TEXT), 0))`, key)
}

func (*postgres) end(column string) string { return `right(` + column + `, 4)` }
