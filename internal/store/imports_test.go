package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
)

// begin puts an import on record.
func (s *house) begin(c *campaigns.Campaign, list string, choice campaigns.Choice, kept bool) campaigns.Import {
	s.tb.Helper()
	im, err := s.Imports.BeginImport(ctx, campaigns.Import{CampaignID: c.ID, List: list, Choice: choice,
		State: campaigns.ImportRunning, Kept: kept, MadeBy: "boss"}, s.now)
	s.must(err)
	return im
}

func (s *house) imports(c *campaigns.Campaign, list string, choice campaigns.Choice,
	lines iter.Seq2[campaigns.Line, error]) campaigns.ImportReport {
	s.tb.Helper()
	report, err := s.Imports.RunImport(ctx, s.begin(c, list, choice, false), false, lines, func() int64 { return 7 }, s.now)
	s.must(err)
	return report
}

// people shows who is in a campaign.
func (s *house) people(c *campaigns.Campaign) string {
	s.tb.Helper()
	list, err := s.Contacts.Contacts(ctx, c.ID, "", "", 0, 100)
	s.must(err)
	var all []string
	for _, k := range list {
		text := k.CRMID + " " + k.Name
		for _, p := range k.Phones {
			text += " " + p.Label + p.Number[len(p.Number)-2:]
		}
		all = append(all, strings.TrimSpace(text+" "+string(k.Payload)))
	}
	return strings.Join(all, "; ")
}

func listed(id, name string, payload string, phones ...string) campaigns.Contact {
	c := campaigns.Contact{CRMID: id, Name: name}
	if payload != "" {
		c.Payload = []byte(payload)
	}
	for _, p := range phones {
		label, number, _ := strings.Cut(p, ":")
		c.Phones = append(c.Phones, campaigns.Phone{Number: "+4477009000" + number, Label: label})
	}
	return c
}

// TestImportChoices: what becomes of people who are there, of each choice.
func TestImportChoices(t *testing.T) {
	was := []any{listed("1", "Ann", `{"debt":"5","note":"x"}`, "phone:01", "work:02"), listed("2", "Bob", "", "phone:03")}
	now := []any{listed("1", "", `{"debt":"6","note":""}`, "phone:09"), listed("2", "Bob", "", "phone:03"),
		listed("3", "Cid", "", "phone:01")}
	for _, tt := range []struct {
		choice campaigns.Choice
		counts string
		want   string
	}{
		{campaigns.NewOnly, "1 0 0 2", `1 Ann phone01 work02 {"debt":"5","note":"x"}; 2 Bob phone03; 3 Cid phone01`},
		{campaigns.Update, "1 1 1 0", `1 Ann work02 phone09 {"debt":"6","note":"x"}; 2 Bob phone03; 3 Cid phone01`},
		{campaigns.AddPhones, "1 1 1 0", `1 Ann phone01 work02 phone09 {"debt":"5","note":"x"}; 2 Bob phone03; 3 Cid phone01`},
		{campaigns.Replace, "1 1 1 0", `1  phone09 {"debt":"6","note":""}; 2 Bob phone03; 3 Cid phone01`},
	} {
		t.Run(string(tt.choice), func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				c := s.campaign()
				s.imports(c, "first", campaigns.NewOnly, list(was...))
				before := s.people(c)
				dry, err := s.Imports.RunImport(ctx, s.begin(c, "second", tt.choice, false), true, list(now...), func() int64 { return 0 },
					s.now)
				s.must(err)
				if got := s.people(c); got != before {
					t.Errorf("a dry run made %s of %s", got, before)
				}
				report := s.imports(c, "second", tt.choice, list(now...))
				for _, r := range []campaigns.ImportReport{dry, report} {
					if got := fmt.Sprint(r.Accepted, r.Updated, r.Unchanged, r.Duplicates); got != tt.counts {
						t.Errorf("accepted, updated, unchanged, duplicates: %s, want %s", got, tt.counts)
					}
				}
				if got := s.people(c); got != tt.want {
					t.Errorf("\n%s\nwant\n%s", got, tt.want)
				}
				again := s.imports(c, "second", tt.choice, list(now...))
				if got := s.people(c); got != tt.want || again.Accepted+again.Updated != 0 {
					t.Errorf("the same list again: %+v\n%s", again, got)
				}
			})
		})
	}
}

// TestCorrectedNumber: the wrong number is not dialed any more, though a call to it was planned; it is found as whose it is.
func TestCorrectedNumber(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.imports(c, "first", campaigns.NewOnly, list(listed("1", "", "", "phone:01"), listed("2", "", "", "phone:01", "work:02")))
		planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now)
		s.must(err)
		if len(planned) != 1 || planned[0].Number != "+447700900001" {
			t.Fatalf("planned %+v", planned)
		}
		s.imports(c, "second", campaigns.Update, list(listed("1", "", "", "phone:09")))
		if _, err := s.Dialing.Claim(ctx, planned[0].ID, "n", 7, time.Minute, s.now); err == nil {
			t.Error("a call to the wrong number was claimed")
		}
		s.imports(c, "third", campaigns.NewOnly, list(listed("", "", "", "phone:01"), listed("", "", "", "phone:09")))
		if got, want := s.people(c), "1  phone09; 2  phone01 work02"; got != want {
			t.Errorf("%s, want %s: both numbers are somebody's", got, want)
		}
	})
}

// TestKnownPeopleInLaterBatches: who is in the campaign is known in every part of a long list.
func TestKnownPeopleInLaterBatches(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.add(c, somebody("10006900", "+447700900001"))
		report, err := s.Contacts.ImportContacts(ctx, c.ID, numbered(7100), s.now)
		if err != nil || report.Accepted+report.Duplicates != 7100 || report.Duplicates == 0 {
			t.Errorf("%d accepted, %d duplicates, %v", report.Accepted, report.Duplicates, err)
		}
	})
}

// TestStagedImport: a file is kept, looked at, committed once, and goes on where a run broke off.
func TestStagedImport(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		const people = 12_000
		var file bytes.Buffer
		fmt.Fprintln(&file, "crm_id,phone")
		for i := range people {
			fmt.Fprintf(&file, "%d,+44770%07d\n", i+1, i)
		}
		fmt.Fprintln(&file, "x,12")
		im, err := s.Imports.BeginImport(ctx, campaigns.Import{CampaignID: c.ID, Choice: campaigns.NewOnly,
			State: campaigns.ImportReceiving, Kept: true}, s.now)
		s.must(err)
		clock := func() time.Time { return s.now }
		_, _, err = s.Imports.TakeImport(ctx, im.ID, s.now)
		s.wantIs(err, store.ErrConflict) // its file comes
		n, err := s.Imports.ReceiveFile(ctx, im, bytes.NewReader(file.Bytes()), clock)
		s.must(err)
		kept, err := io.ReadAll(s.Imports.ImportFile(ctx, im.ID))
		if err != nil || n != int64(file.Len()) || !bytes.Equal(kept, file.Bytes()) {
			t.Fatalf("kept %d of %d bytes, %v", len(kept), file.Len(), err)
		}
		lines := func() iter.Seq2[campaigns.Line, error] {
			l, err := lists.Open(s.Imports.ImportFile(ctx, im.ID), lists.Options{})
			s.must(err)
			return l.Lines()
		}
		read := func() int64 { return n }
		report, err := s.Imports.RunImport(ctx, im, true, lines(), read, s.now)
		s.must(err)
		if report.Accepted != people || report.Refused != 1 || s.people(c) != "" {
			t.Fatalf("dry run: %d accepted, %d refused; stored: %s", report.Accepted, report.Refused, s.people(c))
		}

		// The first run breaks off; while it runs nobody else may; one that was taken over writes no more.
		first, done, err := s.Imports.TakeImport(ctx, im.ID, s.now)
		s.must(err)
		_, _, err = s.Imports.TakeImport(ctx, im.ID, s.now)
		s.wantIs(err, store.ErrConflict)
		if done {
			t.Fatal("done")
		}
		broken := func(yield func(campaigns.Line, error) bool) {
			n := 0
			for l, err := range lines() {
				if n++; n > 6000 {
					yield(campaigns.Line{}, io.ErrUnexpectedEOF)
					return
				}
				if !yield(l, err) {
					return
				}
			}
		}
		_, err = s.Imports.RunImport(ctx, first, false, broken, read, s.now)
		s.wantIs(err, io.ErrUnexpectedEOF)
		second, _, err := s.Imports.TakeImport(ctx, im.ID, s.now)
		s.must(err)
		if second.State != campaigns.ImportRunning || second.Lines != 6001 || second.Report.Accepted != 6000 {
			t.Errorf("goes on from %+v", second)
		}
		if _, err = s.Imports.RunImport(ctx, first, false, lines(), read, s.now); !errors.Is(err, store.ErrConflict) {
			t.Errorf("the run before: %v", err)
		}
		report, err = s.Imports.RunImport(ctx, second, false, lines(), read, s.now)
		s.must(err)
		if report.Accepted != people || report.Duplicates != 0 || report.Refused != 1 {
			t.Errorf("%d accepted, %d duplicates, %d refused", report.Accepted, report.Duplicates, report.Refused)
		}
		if _, done, err = s.Imports.TakeImport(ctx, im.ID, s.now); err != nil || !done {
			t.Errorf("committed twice: %v, %v", done, err)
		}
		if rest, _ := io.ReadAll(s.Imports.ImportFile(ctx, im.ID)); len(rest) > 0 {
			t.Errorf("%d bytes of the file are kept", len(rest))
		}
		refused, err := s.Imports.Refusals(ctx, im.ID, 0, 10)
		s.must(err)
		if len(refused) != 1 || refused[0].Raw != "x,12" || refused[0].Code != "phone_invalid" {
			t.Errorf("refused %+v", refused)
		}
		stats, err := s.Campaigns.Stats(ctx, c.ID)
		s.must(err)
		if stats.Contacts[campaigns.Waiting] != people {
			t.Errorf("%v", stats.Contacts)
		}
		// What nobody commits is forgotten after a day.
		old, err := s.Imports.BeginImport(ctx, campaigns.Import{CampaignID: c.ID, Choice: campaigns.NewOnly,
			State: campaigns.ImportReceiving, Kept: true}, s.now)
		s.must(err)
		s.after(25 * time.Hour)
		s.begin(c, "later", campaigns.NewOnly, true)
		_, err = s.Imports.ImportByID(ctx, old.ID)
		s.wantIs(err, store.ErrNotFound)
		if refused, err = s.Imports.Refusals(ctx, im.ID, 0, 10); len(refused) != 0 || err != nil {
			t.Errorf("refused lines are kept: %+v, %v", refused, err)
		}
	})
}

// TestAListSentAgainForgetsNoTries: what came of calls to a number is no business of a list that has it again.
func TestAListSentAgainForgetsNoTries(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.PhoneTries = 1 })
		s.imports(c, "first", campaigns.NewOnly, list(listed("1", "Ann", "", "phone:01")))
		a := s.dial(c)
		s.close(a, campaigns.Busy)
		for _, choice := range []campaigns.Choice{campaigns.Update, campaigns.Replace} {
			if r := s.imports(c, "again", choice, list(listed("1", "Ann", "", "phone:01"))); r.Unchanged != 1 {
				t.Errorf("%s: %+v", choice, r)
			}
		}
		s.imports(c, "again", campaigns.Update, list(listed("1", "Ann", "", "work:01")))
		if p := s.contact(a.ContactID).Phones; len(p) != 1 || p[0].Label != "work" || p[0].Tries != 1 || p[0].Last != campaigns.Busy {
			t.Errorf("phones %+v", p)
		}
	})
}

// TestLists: who came by which; nobody of a closed one is dialed, whatever was planned.
func TestLists(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		s.imports(c, "spring", campaigns.NewOnly, list(listed("1", "Ann", "", "phone:01"), listed("2", "Bob", "", "phone:02")))
		s.imports(c, "autumn", campaigns.NewOnly, list(listed("3", "Cid", "", "phone:03"), listed("1", "Ann", "", "phone:01")))
		all, err := s.Imports.Lists(ctx, c.ID, 0, 10)
		s.must(err)
		if len(all) != 2 || all[0].Name != "spring" || all[1].Name != "autumn" {
			t.Fatalf("lists %+v", all)
		}
		spring := all[0].ID
		planned, err := s.Dialing.Plan(ctx, c.ID, 3, s.now)
		s.must(err)
		i := slices.IndexFunc(planned, func(a dialer.Attempt) bool { return a.Person == "1" })
		if len(planned) != 3 || i < 0 {
			t.Fatalf("planned %+v", planned)
		}
		closed, err := s.Imports.CloseList(ctx, spring, "boss", "old", s.after(time.Second))
		s.must(err)
		if closed != 2 {
			t.Errorf("%d contacts closed", closed)
		}
		if _, err := s.Dialing.Claim(ctx, planned[i].ID, "n", 7, time.Minute, s.now); err == nil {
			t.Error("a call to somebody of a closed list was claimed")
		}
		l, err := s.Imports.List(ctx, spring)
		s.must(err)
		if l.Reasons[campaigns.ListClosed] != 2 || l.ClosedBy != "boss" {
			t.Errorf("%+v", l)
		}
		_, err = s.Imports.BeginImport(ctx, campaigns.Import{CampaignID: c.ID, List: "spring", Choice: campaigns.NewOnly,
			State: campaigns.ImportRunning}, s.now)
		s.wantIs(err, store.ErrConflict)

		// A new list says of whom it does not take that they came by a closed one; an update takes them along.
		report := s.imports(c, "winter", campaigns.NewOnly, list(listed("1", "Ann", "", "phone:01")))
		if report.Duplicates != 1 || report.Reasons[0].Code != "line.crm_id_in_closed_list" {
			t.Errorf("%+v", report)
		}
		report = s.imports(c, "winter", campaigns.Update, list(listed("1", "Ann", "", "phone:01")))
		got, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, "1", 0, 5)
		s.must(err)
		if report.Updated != 1 || len(got) != 1 {
			t.Errorf("%+v %+v", report, got)
		}
		again, err := s.Imports.ReopenList(ctx, spring, "boss", "mistake", s.now)
		s.must(err)
		if again != 1 {
			t.Errorf("%d contacts reopened", again)
		}
		n, err := s.Imports.RecycleList(ctx, spring, campaigns.Recycling{}, "boss", s.now)
		if err != nil || n != 0 {
			t.Errorf("recycled %d, %v", n, err)
		}
	})
}

// TestRecycling: those of a finished list whom the filter names are called again, and nobody whom the do-not-call list or the law
// keeps from it.
func TestRecycling(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.MaxAttempts = 1 })
		s.imports(c, "spring", campaigns.NewOnly, list(listed("1", "busy", "", "phone:01"), listed("2", "promised", "", "phone:02"),
			listed("3", "refused", "", "phone:03"),
			listed("4", "late", "", "phone:04")))
		lists, err := s.Imports.Lists(ctx, c.ID, 0, 1)
		s.must(err)
		s.close(s.dial(c), campaigns.Busy)
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: s.talk(c).ID, Code: "1", Now: s.now}))
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: s.talk(c).ID, Code: "4", Now: s.now}))
		between := s.after(time.Hour)
		s.close(s.dial(c), campaigns.Busy)
		s.after(24 * time.Hour)
		if done, err := s.Dialing.FinishDrained(ctx, c.ID, s.now); !done || err != nil {
			t.Fatalf("not at its end: %v", err)
		}
		for _, tt := range []struct {
			name   string
			filter campaigns.Recycling
			n      int
			want   string
		}{
			{"who was called before", campaigns.Recycling{CalledBefore: between, ResetAttempts: true}, 1, "busy"},
			{"who was called so often", campaigns.Recycling{MaxAttempts: 1, ResetAttempts: true}, 2, "busy late"},
			{"by a code", campaigns.Recycling{Codes: []string{"1"}, ResetAttempts: true}, 1, "promised"},
			{"never past the do-not-call list", campaigns.Recycling{Codes: []string{"4"}, ResetAttempts: true}, 1, ""},
			{"nor past the campaign's attempts", campaigns.Recycling{}, 0, ""},
			{"everybody who was not reached", campaigns.Recycling{ResetAttempts: true}, 2, "busy late"},
		} {
			n, err := s.Imports.RecycleList(ctx, lists[0].ID, tt.filter, "boss", s.now)
			if s.must(err); n != tt.n {
				t.Errorf("%s: %d recycled, want %d", tt.name, n, tt.n)
			}
			_, err = s.Campaigns.SetStatus(ctx, c.ID, campaigns.Running, []campaigns.Status{campaigns.Finished, campaigns.Running}, s.now)
			s.must(err)
			planned, err := s.Dialing.Plan(ctx, c.ID, 5, s.now)
			if got := s.names(planned, err); got != tt.want {
				t.Errorf("%s: planned %q, want %q", tt.name, got, tt.want)
			}
			s.giveAllBack()
			for _, a := range planned {
				_, err := s.Contacts.FinishContact(ctx, a.ContactID, "", "boss", s.now)
				s.must(err)
				db := s.DB()
				_, err = db.Exec(fmt.Sprintf("UPDATE contacts SET reason = CASE name WHEN 'promised' THEN 'code:1' ELSE 'max_attempts' "+
					"END, attempts = 1 WHERE id = %d", a.ContactID))
				s.must(err)
				s.must(db.Close())
			}
		}
	})
}

// TestAListClosedDuringACall: who is in a call then keeps no campaign from its end, and a promise made after a reopening has all
// its tries.
func TestAListClosedDuringACall(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Callbacks.Tries = 2 })
		s.imports(c, "spring", campaigns.NewOnly, list(listed("1", "Ann", "", "phone:01")))
		lists, err := s.Imports.Lists(ctx, c.ID, 0, 1)
		s.must(err)
		a := s.plan(c)
		s.giveAllBack()
		from := s.now
		promise := func() {
			_, err := s.Contacts.Promise(ctx, campaigns.Callback{ContactID: a.ContactID, At: s.now, MadeBy: "boss"}, s.now)
			s.must(err)
		}
		promise()
		a = s.dial(c)
		closed, err := s.Imports.CloseList(ctx, lists[0].ID, "boss", "old", s.after(time.Second))
		if s.must(err); closed != 0 {
			t.Errorf("%d contacts closed", closed)
		}
		s.close(a, campaigns.Busy)
		if k := s.contact(a.ContactID); k.State != campaigns.Waiting {
			t.Fatalf("after the call: %+v", k)
		}
		if done, err := s.Dialing.FinishDrained(ctx, c.ID, s.after(time.Hour)); !done || err != nil {
			t.Errorf("the campaign is not at its end: %v", err)
		}
		if k := s.contact(a.ContactID); k.State != campaigns.Complete || k.Reason != campaigns.ListClosed {
			t.Errorf("at the end: %+v", k)
		}
		clock, err := s.Dialing.Promises(ctx, c.ID, from, s.now)
		if s.must(err); clock.Due != 1 || clock.Waiting+clock.Overdue != 0 {
			t.Errorf("clock %+v", clock)
		}

		_, err = s.Imports.ReopenList(ctx, lists[0].ID, "boss", "a mistake", s.now)
		s.must(err)
		_, err = s.Campaigns.SetStatus(ctx, c.ID, campaigns.Running, []campaigns.Status{campaigns.Finished}, s.now)
		s.must(err)
		promise()
		s.close(s.dial(c), campaigns.Busy)
		if _, err := s.Contacts.Callback(ctx, a.ContactID); err != nil {
			t.Errorf("after the first of two tries: %v", err)
		}
	})
}
