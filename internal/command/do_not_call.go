package command

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// DoNotCall are the commands about whom nobody calls.
type DoNotCall struct {
	Check  barCheckCmd  `cmd:"" help:"Say whether a number or a person may be called, and what bars them."`
	Add    barAddCmd    `cmd:"" help:"Never call a number or a person again."`
	Remove barRemoveCmd `cmd:"" help:"Take a number or a person off the list."`
	Import barImportCmd `cmd:"" help:"Import a list of people who are not to be called."`
	Export barExportCmd `cmd:"" help:"Write the do-not-call list as CSV."`
}

// whom names a number, a person or both.
type whom struct {
	ConfigFlags
	Number string `placeholder:"NUMBER" help:"International, or national with --region."`
	Region string `placeholder:"CODE" help:"ISO 3166 code by which a national number is read."`
	CRMID  string `name:"crm-id" placeholder:"ID" help:"The person, whatever the number."`
}

// read returns the number as E.164.
func (w whom) read() (number string, err error) {
	if w.Number == "" && w.CRMID == "" {
		return "", config.Errorf("want --number or --crm-id")
	}
	if w.Number != "" {
		if number, err = campaigns.NormalizeNumber(w.Number, strings.ToUpper(w.Region)); err != nil {
			return "", config.Errorf("--number: %w", err)
		}
	}
	return number, nil
}

func barredObject(number, crmID string) string {
	if number == "" {
		return "person/" + crmID
	}
	return "number/" + number
}

type barCheckCmd struct {
	whom
	JSON bool `name:"json" help:"As JSON, one entry a line."`
}

// Run looks up as the gate does.
func (b barCheckCmd) Run(ctx context.Context, c Console) error {
	number, err := b.read()
	if err != nil {
		return err
	}
	return b.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.Contacts.BarredBy(ctx, number, b.CRMID, recordNow(ctx, s))
		if err != nil {
			return err
		}
		if len(list) == 0 && !b.JSON {
			_, err = fmt.Fprintln(c.Out, "not on the do-not-call list")
			return err
		}
		t := newTable(c.Out, b.JSON, "number", "crm_id", "reason", "source", "protected", "expires_at", "made_by", "at")
		for _, e := range list {
			t.row(e.Number, e.CRMID, e.Reason, e.Source, e.Protected, someTime(e.Expires), e.MadeBy, e.At.Format(time.RFC3339))
		}
		return t.close()
	})
}

// barring says of entries why they are there.
type barring struct {
	Reason    string    `help:"Why."`
	Source    string    `help:"Where it comes from, such as a register."`
	Protected bool      `help:"A law keeps the person from such calls."`
	Expires   time.Time `placeholder:"MOMENT" help:"From then on it bars no more (default: never)."`
}

func (b barring) entry(now time.Time) (campaigns.Barred, error) {
	e := campaigns.Barred{Reason: b.Reason, Source: b.Source, Protected: b.Protected, Expires: b.Expires, MadeBy: atShell, At: now}
	switch {
	case len(b.Reason) > 200 || len(b.Source) > 200:
		return e, config.Errorf("--reason and --source: want at most 200 bytes")
	case !b.Expires.IsZero() && !b.Expires.After(now):
		return e, config.Errorf("--expires %s: it is over already", b.Expires.Format(time.RFC3339))
	}
	return e, nil
}

type barAddCmd struct {
	whom
	barring
}

// Run bars. An entry that is there stays as it was, unless this one holds longer or protects.
func (b barAddCmd) Run(ctx context.Context, c Console) error {
	number, err := b.read()
	if err != nil {
		return err
	}
	return b.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		e, err := b.entry(recordNow(ctx, s))
		if err != nil {
			return err
		}
		e.Number, e.CRMID = number, b.CRMID
		if err := s.Contacts.Bar(ctx, e); err != nil {
			return err
		}
		if err := audit(ctx, s, "do_not_call.add", barredObject(number, b.CRMID), e.Reason); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "%s is not called any more\n", barredObject(number, b.CRMID))
		return err
	})
}

type barRemoveCmd struct {
	whom
	forAudit
}

// Run takes off.
func (b barRemoveCmd) Run(ctx context.Context, c Console) error {
	number, err := b.read()
	if err != nil {
		return err
	}
	return b.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		there, err := s.Contacts.Unbar(ctx, number, b.CRMID, recordNow(ctx, s))
		if err != nil {
			return err
		}
		if !there {
			return errors.New("not on the do-not-call list")
		}
		if err := audit(ctx, s, "do_not_call.remove", barredObject(number, b.CRMID), b.Reason); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "%s is off the list\n", barredObject(number, b.CRMID))
		return err
	})
}

type barImportCmd struct {
	ConfigFlags
	LanguageFlag
	barring
	File     string            `arg:"" help:"A list in any form that contacts are imported in; - is standard input."`
	By       string            `enum:"number,person,both" default:"number" help:"What is barred: ${enum} (default ${default})."`
	Region   string            `placeholder:"CODE" help:"ISO 3166 code by which national numbers are read."`
	Map      map[string]string `placeholder:"COLUMN=FIELD" help:"As of ringmaster import."`
	Encoding string            `placeholder:"NAME" help:"As of ringmaster import."`
	Sheet    string            `placeholder:"NAME" help:"As of ringmaster import."`
	JSON     bool              `name:"json" help:"The sums as JSON."`
}

// Run imports the list; it may be sent again.
func (b barImportCmd) Run(ctx context.Context, c Console) error {
	say, err := b.Book()
	if err != nil {
		return err
	}
	file, size, err := openFile(c, b.File)
	if err != nil {
		return config.Errorf("%w", err)
	}
	defer file.Close()
	err = b.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		e, err := b.entry(recordNow(ctx, s))
		if err != nil {
			return err
		}
		counted := &lists.Counted{From: file}
		list, err := lists.Open(counted, lists.Options{Region: strings.ToUpper(b.Region), Mapping: b.Map, Encoding: b.Encoding,
			Sheet: b.Sheet, People: b.By != "number"})
		if err != nil {
			return err
		}
		defer list.Close()
		tellColumns(c.Err, say, list.About())
		var r api.BarredReport
		progress := startProgress(c.Err, func() string { return howMuch(counted.Count(), size) })
		err = api.BarList(api.WithBook(ctx, say), s.Contacts, list, e, b.By, &r)
		progress.end()
		for _, l := range r.Lines {
			fmt.Fprintf(c.Err, "line %d: %s: %s\n", l.Line, l.Status, l.Reason.Text)
		}
		err = errors.Join(err, audit(ctx, s, "do_not_call.import", "do_not_call",
			fmt.Sprintf("%d added, %d there already, %d lines refused; source %q, reason %q", r.Added, r.Unchanged,
				r.Refused, e.Source, e.Reason)))
		if err != nil {
			return err
		}
		if b.JSON {
			_, err = fmt.Fprintf(c.Out, `{"added":%d,"unchanged":%d,"refused":%d}`+"\n", r.Added, r.Unchanged, r.Refused)
		} else {
			_, err = fmt.Fprintf(c.Out, "%d added, %d there already, %d lines refused\n", r.Added, r.Unchanged, r.Refused)
		}
		if err == nil && r.Refused > 0 && r.Added+r.Unchanged == 0 {
			err = errors.New("no line of the list could be used")
		}
		return err
	})
	if err != nil {
		return told{err, say}
	}
	return nil
}

type barExportCmd struct {
	ConfigFlags
	Out string `short:"o" placeholder:"FILE" help:"Where to (default: standard output)."`
}

// Run writes the CSV, newest first, also what has expired. Nothing in it runs in a spreadsheet.
func (b barExportCmd) Run(ctx context.Context, c Console) error {
	return b.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		if err := audit(ctx, s, "do_not_call.export", "do_not_call", ""); err != nil {
			return err
		}
		return writeTo(c, b.Out, func(w io.Writer) error {
			out := csv.NewWriter(w)
			_ = out.Write(api.BarredColumns()) // the error stays, and Flush's tells it
			for before := int64(0); ; {
				list, err := s.Contacts.BarredList(ctx, "", "", before, page)
				if err != nil {
					return err
				}
				for _, e := range list {
					_ = out.Write(api.Row(api.BarredCells(e)...))
					before = e.ID
				}
				if out.Flush(); out.Error() != nil || len(list) < page {
					return out.Error()
				}
			}
		})
	})
}

// openFile opens a file and says how long it is; 0 when that is not known.
func openFile(c Console, path string) (io.ReadCloser, int64, error) {
	if path == "-" {
		return io.NopCloser(c.In), 0, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	about, err := file.Stat()
	if err == nil && about.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, about.Size(), nil
}
