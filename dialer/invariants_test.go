package dialer_test

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/webhook"
)

// rest lets another node put right what the stopped ones have left, and then checks.
func (h *house) rest() {
	h.tb.Helper()
	h.settle()
	h.check(h.rings())
}

func (h *house) settle() {
	h.tb.Helper()
	n := h.node("rest", func(d *dialer.Deps) { d.Limits.Stale = time.Second })
	h.eventually(0, unsettled)
	n.stop()
}

// closed waits for so many attempts to be over, with their codes; there may be more of them by then.
func (h *house) closed(n int) {
	h.tb.Helper()
	h.eventually(n, `SELECT count(*) FROM (SELECT 1 FROM attempts
		WHERE state = 'closed' AND (code_due_at IS NULL OR code_set_at IS NOT NULL) LIMIT $1) AS over`, n)
}

// pause has a campaign call nobody any more, and waits for the calls that are up and for their codes: a node that is stopped in
// the middle of a call may leave it to others.
func (h *house) pause(c *campaigns.Campaign) {
	h.tb.Helper()
	_, err := h.store.Campaigns.SetStatus(h.tb.Context(), c.ID, campaigns.Paused, []campaigns.Status{campaigns.Running}, time.Now())
	h.must(err)
	h.eventually(0, unsettled)
}

// unsettled are the attempts of which something is yet to come.
const unsettled = `SELECT count(*) FROM attempts
	WHERE state IN ('prepared', 'dialing', 'answered') OR (code_due_at IS NOT NULL AND code_set_at IS NULL)`

// check holds the record, at rest, and the rings of the customers' phones to the promises of docs/attempts.md.
func (h *house) check(rings []simulated.Ring) {
	h.tb.Helper()
	fail := func(format string, args ...any) { h.tb.Helper(); h.tb.Errorf(format, args...) }

	byID := map[dialer.AttemptID]dialer.Attempt{}
	for _, a := range h.attempts() {
		byID[a.ID] = a
		if a.State.Open() {
			fail("at rest attempt %s is %s", a.ID, a.State)
		}
		if a.State == dialer.Closed && !a.CodeDueAt.IsZero() && a.CodeSetAt.IsZero() {
			fail("at rest attempt %s awaits its code", a.ID)
		}
		if a.State == dialer.Cancelled && (!a.ClaimedAt.IsZero() || !a.DialedAt.IsZero()) {
			fail("attempt %s was cancelled after it was claimed", a.ID)
		}
	}
	rang := map[dialer.AttemptID]time.Time{}
	for _, r := range rings {
		if _, twice := rang[r.AttemptID]; twice {
			fail("attempt %s rang twice", r.AttemptID)
		}
		rang[r.AttemptID] = r.At
		a, known := byID[r.AttemptID]
		switch {
		case !known:
			fail("a ring of %s without an attempt", r.AttemptID)
		case a.Number != r.Number:
			fail("attempt %s at %s rang %s", a.ID, a.Number, r.Number)
		case a.ClaimedAt.IsZero() || a.ClaimedAt.After(r.At):
			fail("attempt %s rang at %v, claimed at %v", a.ID, r.At, a.ClaimedAt)
		case a.DialedAt.IsZero() || a.DialedAt.After(r.At):
			fail("attempt %s rang at %v, on record as dialed at %v", a.ID, r.At, a.DialedAt)
		}
	}
	for id, a := range byID {
		if _, rings := rang[id]; !rings && !a.AnsweredAt.IsZero() {
			fail("attempt %s was answered and never rang", id)
		}
	}
	h.checkOverlaps(byID, rang)
	h.checkContacts()
	h.checkEvents()
}

// checkOverlaps: one number is in one dialog at a time, from its ring to its end on record.
func (h *house) checkOverlaps(byID map[dialer.AttemptID]dialer.Attempt, rang map[dialer.AttemptID]time.Time) {
	h.tb.Helper()
	dialogs := map[string][]dialer.Attempt{}
	for id := range rang {
		dialogs[byID[id].Number] = append(dialogs[byID[id].Number], byID[id])
	}
	for number, list := range dialogs {
		slices.SortFunc(list, func(a, b dialer.Attempt) int { return rang[a.ID].Compare(rang[b.ID]) })
		for i := 1; i < len(list); i++ {
			if rang[list[i].ID].Before(list[i-1].EndedAt.Truncate(time.Millisecond)) {
				h.tb.Errorf("%s was in two dialogs at once: attempts %s and %s", number, list[i-1].ID, list[i].ID)
			}
		}
	}
}

// checkContacts: nobody is lost, and nobody is called above the caps.
func (h *house) checkContacts() {
	h.tb.Helper()
	if n := h.count("SELECT count(*) FROM contacts WHERE state IN ('calling', 'coding')"); n > 0 {
		h.tb.Errorf("at rest %d contacts are neither due nor finished", n)
	}
	if n := h.count("SELECT count(*) FROM contacts WHERE state = 'waiting' AND next_at IS NULL"); n > 0 {
		h.tb.Errorf("%d contacts wait for nothing", n)
	}
	if n := h.count(`SELECT count(*) FROM contacts c WHERE attempts <>
		(SELECT count(*) FROM attempts a WHERE a.contact_id = c.id AND a.dialed_at IS NOT NULL)`); n > 0 {
		h.tb.Errorf("%d contacts count other attempts than were dialed", n)
	}
}

// checkEvents: the CRM was told of every closed attempt and of every code, by ids of their own.
func (h *house) checkEvents() {
	h.tb.Helper()
	rows, err := h.db.Query("SELECT body FROM events")
	h.must(err)
	defer rows.Close()
	told := map[string]bool{}
	for rows.Next() {
		var body []byte
		h.must(rows.Scan(&body))
		var e webhook.Event
		h.must(json.Unmarshal(body, &e))
		if told[e.ID] {
			h.tb.Errorf("event %s twice", e.ID)
		}
		told[e.ID] = true
		if e.Data.Call != nil {
			told[string(e.Type)+e.Data.Call.AttemptID] = true
		}
	}
	h.must(rows.Err())
	for _, a := range h.attempts() {
		if a.State == dialer.Closed && !told[string(webhook.CallCompleted)+a.ID.String()] {
			h.tb.Errorf("attempt %s is closed and has no call.completed", a.ID)
		}
		if !a.CodeSetAt.IsZero() && !told[string(webhook.CallCodeSet)+a.ID.String()] {
			h.tb.Errorf("attempt %s is coded and has no call.code_set", a.ID)
		}
	}
}

// rings are those of a network in this process, whose times are those of the attempts' dialing.
func (h *house) rings() []simulated.Ring {
	h.tb.Helper()
	for _, number := range h.network.Crossed() {
		h.tb.Errorf("%s rang while it was in a call", number)
	}
	var rings []simulated.Ring
	for id, times := range h.network.Rung() {
		a, err := h.store.Attempts.Attempt(h.tb.Context(), id)
		h.must(err)
		for range times {
			rings = append(rings, simulated.Ring{AttemptID: id, Number: a.Number, At: a.DialedAt})
		}
	}
	return rings
}
