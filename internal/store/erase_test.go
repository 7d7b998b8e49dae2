package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// grep returns where the database says one of some texts, in whatever table.
func (h *house) grep(needles ...string) (found []string) {
	h.tb.Helper()
	db := h.DB()
	defer db.Close()
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if h.Engine() == "postgres" {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	}
	tables := 0
	for _, table := range h.texts(db, query) {
		tables++
		for _, row := range h.texts(db, "SELECT * FROM "+table) {
			for _, n := range needles {
				if strings.Contains(row, n) {
					found = append(found, table+": "+row)
				}
			}
		}
	}
	if tables < 30 {
		h.tb.Fatalf("%d tables were read", tables)
	}
	return found
}

// texts reads rows as texts.
func (h *house) texts(db *sql.DB, query string) (list []string) {
	h.tb.Helper()
	rows, err := db.Query(query)
	h.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	h.must(err)
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		h.must(rows.Scan(to...))
		parts := make([]string, len(values))
		for i, v := range values {
			if b, is := v.([]byte); is {
				v = string(b)
			}
			parts[i] = fmt.Sprint(v)
		}
		list = append(list, strings.Join(parts, " | "))
	}
	h.must(rows.Err())
	return list
}

// TestErase: after it no table says who it was; and a later import of the same person is judged by what was before.
func TestErase(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		_, err := s.Webhooks.CreateEndpoint(ctx, webhook.Endpoint{URL: "http://127.0.0.1/", Secret: "whsec_", CreatedAt: s.now})
		s.must(err)
		c := s.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay = 1 })
		other := s.campaign()
		const id, number, second, shared = "debtor-4711", "+447700930001", "+447700930002", "+447700930003"
		secret := s.person(number, second, shared)
		secret.CRMID, secret.Name, secret.Payload = id, "Rosalind Unmistakable", []byte(`{"note":"owes-a-lot"}`)
		s.imports(c, "spring", campaigns.NewOnly, list(secret,
			&campaigns.LineError{Line: 3, Code: "number", Raw: "debtor-4711;Rosalind Unmistakable;07700 930 001", CRMID: id}))
		s.add(other, secret)
		family := s.person(shared)
		s.add(other, family)
		who := func() *campaigns.Contact {
			t.Helper()
			found, err := s.Contacts.Find(ctx, c.ID, nil, id, 0, 10)
			if s.must(err); len(found) != 1 {
				t.Fatalf("found %d", len(found))
			}
			return &found[0]
		}
		a := s.talk(c)
		if a.ContactID != who().ID {
			t.Fatalf("called %+v", a)
		}
		_, err = s.People.Erase(ctx, id, 0, "boss", "asked", s.now)
		s.wantIs(err, store.ErrConflict) // the code is awaited
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "2", Now: s.now}))
		s.must(s.Recordings.KeepRecording(ctx, dialer.Recording{CallTraceID: a.CallTraceID, StartedAt: s.now, EndedAt: s.now,
			Bytes: 9}, s.now))
		_, _, err = s.People.Meet(ctx, campaigns.Interaction{ExternalID: "visit of debtor-4711", Kind: campaigns.Visit, CRMID: id,
			Number: second, At: s.now, Note: "Rosalind Unmistakable was at home"}, s.now)
		s.must(err)
		_, err = s.Contacts.Promise(ctx, campaigns.Callback{ContactID: who().ID, At: s.now.Add(time.Hour), MadeBy: "boss"}, s.now)
		s.must(err)
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{Number: second, Reason: "Rosalind Unmistakable has said so", At: s.now}))
		s.must(s.Audits.Audit(ctx, access.Audit{At: s.now, Who: "boss", What: "do_not_call.add", Object: "number/" + second,
			Detail: "of " + id + ", " + number}))
		_, err = s.Contacts.EditContact(ctx, who().ID, func(k *campaigns.Contact) error { k.Priority = 2; return nil }, "boss", s.now)
		s.must(err)
		key, print := "once", []byte("print")
		_, _, _, err = s.Replies.BeginReply(ctx, key, print, s.now)
		s.must(err)
		s.must(s.Replies.EndReply(ctx, key, 200, []byte(`{"crm_id":"debtor-4711"}`), s.now))

		needles := []string{id, number, second, "07700 930 001", "Unmistakable", "unmistakable", "owes-a-lot"}
		if before := s.grep(needles...); len(before) < 10 {
			t.Fatalf("the test has little to erase: %v", before)
		}
		report, err := s.People.Erase(ctx, id, 0, "boss", "asked", s.now)
		s.must(err)
		if report.Contacts != 2 || report.Attempts != 1 || report.RecordingsErased != 1 || report.SharedNumbers != 1 ||
			report.DoNotCall != 1 || report.Events == 0 {
			t.Errorf("%+v", report)
		}
		for _, row := range s.grep(needles...) {
			t.Errorf("not erased: %s", row)
		}
		s.wantCounts(c)
		s.wantCounts(other)
		due, _, err := s.Recordings.ToErase(ctx, s.now, 10)
		if s.must(err); len(due) != 1 || due[0] != a.CallTraceID {
			t.Errorf("recordings to erase: %v", due)
		}
		if locked, err := s.Recordings.Locked(ctx, a.CallTraceID); err != nil || !locked {
			t.Errorf("locked: %v, %v", locked, err)
		}
		_, err = s.People.Erase(ctx, "nobody", 0, "boss", "asked", s.now)
		s.wantIs(err, store.ErrNotFound)
		if list, err := s.Contacts.Find(ctx, 0, []string{shared}, "", 0, 10); err != nil || len(list) != 1 ||
			list[0].CRMID != family.CRMID {
			t.Errorf("the family's number: %+v, %v", list, err)
		}

		// The same person comes again.
		s.add(c, secret)
		q, err := s.Contacts.Question(ctx, who().ID, s.now)
		s.must(err)
		if v := campaigns.Decide(q); v.Permit {
			t.Errorf("a later import may be called: %+v", v)
		}
		barred, err := s.Contacts.BarredBy(ctx, second, "", s.now)
		if s.must(err); len(barred) != 1 || barred[0].Number != second {
			t.Errorf("do-not-call: %+v", barred)
		}
		planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now)
		if s.must(err); len(planned) != 0 {
			t.Errorf("called: %+v", planned)
		}
		_, err = s.People.Erase(ctx, id, 0, "boss", "again", s.now)
		s.must(err)
		for _, row := range s.grep(needles...) {
			t.Errorf("not erased the second time: %s", row)
		}
		barred, err = s.Contacts.BarredBy(ctx, second, "", s.now)
		if s.must(err); len(barred) != 1 {
			t.Errorf("do-not-call after the second time: %+v", barred)
		}
	})
}

// TestErasePersonWhoIsBarred: the bar of a person, and of people who were one, outlives them.
func TestErasePersonWhoIsBarred(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		first, second := s.person(), s.person()
		s.add(c, first, second)
		s.must(s.People.Merge(ctx, first.CRMID, []string{second.CRMID}, "boss", "one", s.now))
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: first.CRMID, Reason: "said", At: s.now}))
		_, err := s.People.Erase(ctx, second.CRMID, 0, "boss", "asked", s.now)
		s.must(err)
		if found := s.grep(first.CRMID+" ", second.CRMID+" ", first.Phones[0].Number, second.Phones[0].Number); len(found) > 0 {
			t.Errorf("not erased: %v", found)
		}
		second.Phones[0].Number = "+447700939999"
		s.add(c, second)
		if planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now); err != nil || len(planned) != 0 {
			t.Errorf("called: %+v, %v", planned, err)
		}
	})
}

// TestEraseContactWithoutID by the contact itself.
func TestEraseContactWithoutID(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay = 1 })
		k := s.person("+447700930009")
		k.CRMID, k.Name = "", "Rosalind Unmistakable"
		s.add(c, k)
		a := s.close(s.dial(c), campaigns.Busy)
		_, err := s.People.Erase(ctx, "", a.ContactID, "boss", "asked", s.now)
		s.must(err)
		if found := s.grep("+447700930009", "Unmistakable", "unmistakable"); len(found) > 0 {
			t.Errorf("not erased: %v", found)
		}
		s.add(c, k)
		if planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.after(time.Hour)); err != nil || len(planned) != 0 {
			t.Errorf("called: %+v, %v", planned, err)
		}
	})
}

// TestRetention: what a profile has kept is kept so long, also of people who were erased, and purged then.
func TestRetention(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) {
			c.Profile, c.Region, c.TimeZone = "us-reg-f", "US", "America/New_York"
		})
		s.now = noon.Add(4 * time.Hour) // noon in New York
		k := s.person("+12125550100")
		s.add(c, k)
		a := s.talk(c)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", Now: s.now}))
		s.must(s.Recordings.KeepRecording(ctx, dialer.Recording{CallTraceID: a.CallTraceID, StartedAt: s.now, EndedAt: s.now,
			Bytes: 9}, s.now))
		kept := campaigns.Retention(c)
		if kept < 3*365*24*time.Hour {
			t.Fatalf("kept for %s", kept)
		}
		report, err := s.People.Erase(ctx, k.CRMID, 0, "boss", "asked", s.now)
		s.must(err)
		if report.RecordingsKept != 1 || !report.KeptUntil.Equal(s.now.Add(kept)) {
			t.Errorf("%+v", report)
		}
		purge := func(now time.Time) (due, again []string) {
			t.Helper()
			_, err := s.Recordings.Purge(ctx, now, 100)
			s.must(err)
			due, again, err = s.Recordings.ToErase(ctx, now, 10)
			s.must(err)
			return due, again
		}
		if due, _ := purge(s.now.Add(kept - time.Hour)); len(due) != 0 {
			t.Errorf("erased inside of its retention: %v", due)
		}
		both := []string{a.CallTraceID, "4711"} // one that is not on record is kept by no law
		if free, err := s.Recordings.Forgettable(ctx, both, s.now.Add(kept-time.Hour)); err != nil || !slices.Equal(free, both[1:]) {
			t.Errorf("may be forgotten: %v, %v", free, err)
		}
		if free, err := s.Recordings.Forgettable(ctx, both, s.now.Add(kept+time.Hour)); err != nil || len(free) != 2 {
			t.Errorf("must be kept for ever: %v, %v", free, err)
		}
		end := s.now.Add(kept + 2*365*24*time.Hour)
		if due, again := purge(end); len(due) != 1 || len(again) != 0 {
			t.Errorf("not erased at its end: %v, %v", due, again)
		}
		s.must(s.Recordings.Erased(ctx, []string{a.CallTraceID}, end))
		if due, again := purge(end.Add(time.Hour)); len(due) != 1 || len(again) != 0 {
			t.Errorf("an upload that another node had begun is left: %v, %v", due, again)
		}
		if due, again := purge(end.Add(48 * time.Hour)); len(due) != 0 || len(again) != 1 {
			t.Errorf("not looked for on other nodes: %v, %v", due, again)
		}
		if due, again := purge(end.AddDate(1, 0, 0)); len(due)+len(again) != 0 {
			t.Errorf("its row is kept for ever: %v, %v", due, again)
		}
		if _, err := s.Attempts.Attempt(ctx, a.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the attempt is kept: %v", err)
		}
		s.wantCounts(c)
	})
}
