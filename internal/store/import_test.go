package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

// list is lines, refused ones and an error at the end.
func list(items ...any) iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		for i, item := range items {
			line := campaigns.Line{Number: i + 2}
			var err error
			switch v := item.(type) {
			case campaigns.Contact:
				line.Contact = v
			case campaigns.Line:
				line.Contact, line.Warnings = v.Contact, v.Warnings
			case string:
				err = &campaigns.LineError{Line: i + 2, Why: reason.Said(v)}
			case error:
				err = v
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

func somebody(crmID string, numbers ...string) campaigns.Contact {
	c := campaigns.Contact{CRMID: crmID}
	for _, n := range numbers {
		c.Phones = append(c.Phones, campaigns.Phone{Number: n})
	}
	return c
}

func show(r campaigns.ImportReport) string {
	s := fmt.Sprintf("%d accepted, %d duplicates, %d refused", r.Accepted, r.Duplicates, r.Refused)
	for _, l := range r.Lines {
		s += fmt.Sprintf("\n%d %s: %s", l.Line, l.Status, phrasebook.For("en").Say(l.Why))
	}
	return s
}

func TestImportFindsDuplicates(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		report, err := s.Contacts.ImportContacts(ctx, c.ID, list(
			somebody("1", "+447700900001"),
			"no number",
			somebody("1", "+447700900002"),
			somebody("2", "+447700900003", "+447700900001"),
			campaigns.Line{Contact: somebody("A-7", "+447700900004"),
				Warnings: []reason.Reason{reason.Said("second number left out"), reason.Said("priority cut")}},
			somebody("A-7", "+447700900005"),
			somebody("", "+447700900006"),
			somebody("", "+447700900007"),
			somebody("01", "+447700900008"), // another id than 1
		), s.now)
		s.must(err)
		want := `6 accepted, 2 duplicates, 1 refused
3 refused: no number
4 duplicate: CRM id “1” is in line 2 already
5 accepted: +447700900001 is in line 2 too, whose person has another CRM id: its calls count for both
6 accepted: second number left out; priority cut
7 duplicate: CRM id “A-7” is in line 6 already`
		if show(report) != want {
			t.Errorf("report\n%s\nwant\n%s", show(report), want)
		}
		// The list again, with one more: all that was stored is there already. Another campaign takes it.
		again := list(somebody("1", "+447700900011"), somebody("9", "+447700900006"), somebody("10", "+447700900010"),
			somebody("11", "+447700900003"))
		contacts, err := s.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
		s.must(err)
		report, err = s.Contacts.ImportContacts(ctx, c.ID, again, s.now)
		s.must(err)
		want = fmt.Sprintf(`2 accepted, 2 duplicates, 0 refused
2 duplicate: CRM id “1” is in the campaign already, as contact %d
3 duplicate: +447700900006 is in the campaign already, as a number of contact %d
5 accepted: +447700900003 is a number of contact %d too, who has another CRM id: its calls count for both`, contacts[0].ID,
			contacts[3].ID, contacts[1].ID)
		if show(report) != want {
			t.Errorf("report\n%s\nwant\n%s", show(report), want)
		}
		if report, err = s.Contacts.ImportContacts(ctx, s.campaign().ID, again, s.now); err != nil || report.Accepted != 4 {
			t.Errorf("into another campaign: %s, %v", show(report), err)
		}
		_, err = s.Contacts.ImportContacts(ctx, 99, again, s.now)
		s.wantIs(err, store.ErrNotFound)
	})
}

func TestImportKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		want := campaigns.Contact{CRMID: `back\slash	tab`, Name: "Zoë \"O'Neil\"\nline\r\\N", TimeZone: "Europe/Kyiv", Priority: -7,
			Phones:  []campaigns.Phone{{Number: "+447700900001", Label: "mobile \"1\"\t\\"}, {Number: "+447700900002"}},
			Payload: json.RawMessage("{\"a\": 1.50,\t\"b\":\"\\n\\\\ <x>\"}")}
		s.add(c, want)
		got, err := s.Contacts.Contacts(ctx, c.ID, campaigns.Waiting, want.CRMID, 0, 10)
		s.must(err)
		if len(got) != 1 {
			t.Fatalf("contacts %+v", got)
		}
		want.ID, want.CampaignID, want.State, want.NextAt, want.UpdatedAt = got[0].ID, c.ID, campaigns.Waiting, s.now, s.now
		if fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", want) {
			t.Errorf("stored\n%+v\nwant\n%+v", got[0], want)
		}
	})
}

func TestImportThatBreaksOffKeepsWhatItHas(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		broken := func(yield func(campaigns.Line, error) bool) {
			for line, err := range numbered(7000) {
				if !yield(line, err) {
					return
				}
			}
			yield(campaigns.Line{}, fmt.Errorf("%w: %w", lists.ErrList, io.ErrUnexpectedEOF))
		}
		report, err := s.Contacts.ImportContacts(ctx, c.ID, broken, s.now)
		s.wantIs(err, io.ErrUnexpectedEOF)
		stats, statsErr := s.Campaigns.Stats(ctx, c.ID)
		s.must(statsErr)
		if report.Accepted != 7000 || stats.Contacts[campaigns.Waiting] != 7000 {
			t.Errorf("%d accepted, %d stored", report.Accepted, stats.Contacts[campaigns.Waiting])
		}
		report, err = s.Contacts.ImportContacts(ctx, c.ID, numbered(7010), s.now)
		if err != nil || report.Accepted != 10 || report.Duplicates != 7000 || len(report.Lines) != 7000 {
			t.Errorf("sent again: %d accepted, %d duplicates, %v", report.Accepted, report.Duplicates, err)
		}
	})
}

// TestTwoImportsAtOnce sends one list twice at the same time: each person enters once.
func TestTwoImportsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		const people = 6_000
		c := s.campaign()
		type result struct {
			report campaigns.ImportReport
			err    error
		}
		results := make(chan result)
		for range 2 {
			go func() {
				report, err := s.Contacts.ImportContacts(ctx, c.ID, numbered(people), s.now)
				results <- result{report, err}
			}()
		}
		accepted, duplicates := 0, 0
		for range 2 {
			r := <-results
			s.must(r.err)
			accepted += r.report.Accepted
			duplicates += r.report.Duplicates
		}
		if accepted != people || duplicates != people {
			t.Errorf("%d accepted, %d duplicates, want %d each", accepted, duplicates, people)
		}
	})
}

func TestImportReportIsBounded(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		refused := func(yield func(campaigns.Line, error) bool) {
			for i := range campaigns.MaxLineReports + 5 {
				if !yield(campaigns.Line{}, &campaigns.LineError{Line: i + 2, Why: reason.Said("x")}) {
					return
				}
			}
		}
		report, err := s.Contacts.ImportContacts(ctx, c.ID, refused, s.now)
		var line *campaigns.LineError
		if err != nil || errors.As(err, &line) || report.Refused != campaigns.MaxLineReports+5 ||
			len(report.Lines) != campaigns.MaxLineReports {
			t.Errorf("%d refused, %d reported, %v", report.Refused, len(report.Lines), err)
		}
	})
}
