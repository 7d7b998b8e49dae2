package store_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// question is what the oracle is asked of a contact's next call.
func (h *history) question(rt *rapid.T, k campaigns.Contact) (campaigns.Question, inquiry) {
	q, err := h.Contacts.Question(ctx, k.ID, h.now)
	h.fine(rt, err)
	return q, inquiry{h.byID(k.CampaignID), &k, q.Promised, q.Number, true}
}

func (h *history) byID(id int64) *campaigns.Campaign {
	i := slices.IndexFunc(h.campaign, func(c *campaigns.Campaign) bool { return c.ID == id })
	return h.campaign[i]
}

// check compares what the record says of everybody with the oracle.
func (h *history) check(rt *rapid.T) {
	if !h.unchecked {
		return
	}
	h.unchecked = false
	h.read(rt)
	for _, k := range h.contacts {
		q, a := h.question(rt, k)
		v := campaigns.Decide(q)
		if forbidden := h.forbids(a, h.now); v.Permit == (len(forbidden) > 0) {
			rt.Fatalf("%s: contact %d (%s) on %s of %s: permit %v by %+v; the oracle forbids it by %v", h.now, k.ID, k.CRMID, q.Number,
				a.campaign.Profile, v.Permit,
				v.Refusals, forbidden)
		}
	}
	h.asleep(rt)
}

// asleep checks that nobody waits for a moment to which policy has put them off, and may be called.
func (h *history) asleep(rt *rapid.T) {
	rows, err := h.db.QueryContext(ctx, fmt.Sprintf(`SELECT id FROM contacts WHERE campaign_id IN (%d, %d, %d) AND state = 'waiting'
		AND wake_at <= %d AND next_at > %d`, h.campaign[0].ID, h.campaign[1].ID, h.campaign[2].ID, h.now.UnixMilli(),
		h.now.Add(time.Minute).UnixMilli()))
	h.fine(rt, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		h.fine(rt, rows.Scan(&id))
		i := slices.IndexFunc(h.contacts, func(k campaigns.Contact) bool { return k.ID == id })
		if _, a := h.question(rt, h.contacts[i]); len(h.forbids(a, h.now)) == 0 && !h.busy(a) {
			rt.Fatalf("%s: contact %d may be called on %s, and is put off to %s", h.now, id, a.number, h.contacts[i].NextAt)
		}
	}
	h.fine(rt, rows.Err())
}

// next compares the first lawful moment.
func (h *history) next(rt *rapid.T) {
	k := h.contactOf(rt)
	q, a := h.question(rt, k)
	if slices.Contains(h.forbids(a, h.now), "in_call") {
		rt.Skip("nobody knows when a call ends")
	}
	limit := h.now.Add(9 * 24 * time.Hour)
	want, got := h.first(a, h.now, limit), campaigns.NextPermit(q)
	if want.IsZero() != (got.IsZero() || !got.Before(limit)) || !want.IsZero() && !got.Equal(want) {
		rt.Fatalf("%s: contact %d on %s of %s may be called from %s, says the record; the oracle says %s", h.now, k.ID, q.Number,
			a.campaign.Profile, got, want)
	}
}

// reaches reports whether a number is one of the person's at whom an attempt is, so that a call to it waits its turn.
func (h *history) reaches(p dialer.Attempt, number string) bool {
	i := slices.IndexFunc(h.contacts, func(k campaigns.Contact) bool { return k.ID == p.ContactID })
	_, numbers, _ := h.who(inquiry{campaign: h.byID(p.CampaignID), contact: &h.contacts[i], number: p.Number})
	return slices.Contains(numbers, number)
}

// busy reports whether somebody whom it may be is on the way to a call.
func (h *history) busy(a inquiry) bool {
	ids, numbers, _ := h.who(a)
	return slices.ContainsFunc(h.open, func(o *ours) bool {
		state := h.attempt(o.ID).State
		return (state == dialer.Prepared || state == dialer.Dialing && o.told == nil) &&
			(o.crmID != "" && slices.Contains(ids, o.crmID) || slices.Contains(numbers, o.Number))
	})
}
