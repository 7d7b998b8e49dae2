package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/creditorro/ringmaster/campaigns"
)

// insertRows is how many rows one INSERT of an import has.
const insertRows = 500

// lockImport has nothing to do: a transaction that writes is alone.
func (*sqlite) lockImport(context.Context, *tx, int64) error { return nil }

// contactIDs goes on after the last one: contacts are never deleted, and the transaction is the only writer.
func (*sqlite) contactIDs(ctx context.Context, t *tx, _ int) (func() int64, error) {
	last, err := one(ctx, t, scanID, `SELECT COALESCE(max(id), 0) FROM contacts`)
	return func() int64 { last++; return last }, err
}

// insertContacts inserts many rows a statement.
func (*sqlite) insertContacts(ctx context.Context, t *tx, list []*newContact) error {
	writer := t.session.(*sqliteSession).writer
	contacts := rowsInsert{writer: writer, into: `INSERT INTO contacts (id, campaign_id, crm_id, name, phones, time_zone,
		priority, payload, list_id, state, next_at,
		updated_at, place, skill, zone) VALUES `, row: "(?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?)"}
	phones := rowsInsert{writer: writer, into: `INSERT INTO contact_phones (campaign_id, number, contact_id) VALUES `,
		row: "(?, ?, ?)"}
	shared := rowsInsert{writer: writer, into: `INSERT OR IGNORE INTO shared_phones (number, contact_id) VALUES `, row: "(?, ?)"}
	words := rowsInsert{writer: writer, into: `INSERT INTO contact_words (word, contact_id) VALUES `, row: "(?, ?)"}
	for _, c := range list {
		for _, w := range wordsOf(c.Contact.Name) {
			if err := words.add(ctx, w, c.id); err != nil {
				return err
			}
		}
		var payload any
		if len(c.Contact.Payload) > 0 {
			payload = string(c.Contact.Payload)
		}
		next := c.Contact.NextAt.UnixMilli()
		err := contacts.add(ctx, c.id, c.Contact.CampaignID, c.Contact.CRMID, c.Contact.Name, string(phonesJSON(nil, c.Contact.Phones)),
			c.Contact.TimeZone, c.Contact.Priority, payload, orNull(c.listID), next, next, c.place, c.skill,
			campaigns.Whereabouts(&c.Contact))
		if err != nil {
			return err
		}
		for _, p := range c.Contact.Phones {
			if !c.indexes(p.Number) {
				if err := shared.add(ctx, p.Number, c.id); err != nil {
					return err
				}
				continue
			}
			if err := phones.add(ctx, c.Contact.CampaignID, p.Number, c.id); err != nil {
				return err
			}
		}
	}
	return cmp.Or(contacts.flush(ctx), phones.flush(ctx), shared.flush(ctx), words.flush(ctx))
}

// rowsInsert gathers rows into INSERTs of insertRows.
type rowsInsert struct {
	writer *sql.Conn
	into   string
	row    string
	full   string // the INSERT of insertRows rows
	n      int
	args   []any
}

func (r *rowsInsert) add(ctx context.Context, values ...any) error {
	r.args = append(r.args, values...)
	if r.n++; r.n < insertRows {
		return nil
	}
	return r.flush(ctx)
}

func (r *rowsInsert) flush(ctx context.Context) error {
	if r.n == 0 {
		return nil
	}
	query := r.full
	if r.n != insertRows || query == "" {
		query = r.into + r.row + strings.Repeat(", "+r.row, r.n-1)
	}
	if r.n == insertRows {
		r.full = query
	}
	_, err := r.writer.ExecContext(ctx, query, r.args...) // not prepared: the rest's length is another every time
	r.n, r.args = 0, r.args[:0]
	if err != nil {
		return fmt.Errorf("insert contacts: %w", err)
	}
	return nil
}

// lockReply has nothing to do: a writer is alone.
func (*sqlite) lockReply(context.Context, *tx, string) (bool, error) { return true, nil }

func (*sqlite) end(column string) string { return `substr(` + column + `, -4)` }
