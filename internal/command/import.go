package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/store"
)

// Import reads a list of any length; its memory does not grow with it, but for what finds duplicates.
type Import struct {
	ConfigFlags
	LanguageFlag
	Campaign  string            `arg:"" help:"Number, name or queue of the campaign."`
	File      string            `arg:"" help:"List of contacts, CSV, JSON or XLSX, gzipped or not; - is standard input."`
	Format    string            `enum:"auto,csv,json,xlsx" default:"auto" help:"${enum}; auto goes by what is in the file (default ${default})."`
	Map       map[string]string `placeholder:"COLUMN=FIELD" help:"What a column is, where it is not recognised: crm_id, name, phone, country, time_zone, priority, payload, payload.KEY, ignore and others; repeatable."`
	Delimiter string            `placeholder:"CHAR" help:"Of CSV: comma, semicolon, tab or bar, as a character (default: found in the first line)."`
	Encoding  string            `placeholder:"NAME" help:"Of text, such as utf-8, windows-1251, koi8-u, cp866 (default: guessed, and told)."`
	Sheet     string            `placeholder:"NAME" help:"Of a workbook (default: the first that has something in it)."`
	Report    string            `placeholder:"FILE" help:"Write every refused line there as JSON, one a line (default: as text on standard error)."`
	Refused   string            `placeholder:"FILE" help:"Write the refused lines there as they stand in the list, under its header."`
	JSON      bool              `name:"json" help:"The sums as JSON."`
}

// Help is what --help adds.
func (Import) Help() string {
	return "Refused lines are told with their reasons, and the rest is imported. A list that cannot be read to its end, and a lost " +
		"database, take everything back: the list may be imported again. Exit code 1 when nothing of the list could be used."
}

// options turns the flags into what the reader takes.
func (i Import) options(c *campaigns.Campaign) (lists.Options, error) {
	o := lists.Options{Region: c.Region, Mapping: i.Map, Encoding: i.Encoding, Sheet: i.Sheet}
	if i.Format != "auto" {
		o.Format = lists.Format(i.Format)
	}
	switch i.Delimiter {
	case "":
	case `\t`:
		o.Delimiter = '\t'
	default:
		if len(i.Delimiter) != 1 || !strings.Contains(",;\t|", i.Delimiter) {
			return o, config.Errorf(`--delimiter %q: want one of , ; | \t`, i.Delimiter)
		}
		o.Delimiter = i.Delimiter[0]
	}
	return o, nil
}

// Run imports.
func (i Import) Run(ctx context.Context, c Console) error {
	say, err := i.Book()
	if err != nil {
		return err
	}
	if err := i.run(ctx, c, say); err != nil {
		return told{err, say}
	}
	return nil
}

func (i Import) run(ctx context.Context, c Console, say *phrasebook.Book) error {
	list, size, err := i.open(c)
	if err != nil {
		return config.Errorf("%w", err)
	}
	defer list.Close()
	refusals, err := i.openReport(c, say)
	if err != nil {
		return config.Errorf("%w", err)
	}
	return i.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		campaign, err := findCampaign(ctx, s, i.Campaign)
		if err != nil {
			return err
		}
		options, err := i.options(campaign)
		if err != nil {
			return err
		}
		counted := &countingReader{from: list}
		list, err := lists.Open(counted, options)
		if err != nil {
			return errors.Join(err, refusals.close())
		}
		defer list.Close()
		tellColumns(c.Err, say, list.About())
		if err := refusals.keepRaw(i.Refused, list.About()); err != nil {
			return errors.Join(config.Errorf("%w", err), refusals.close())
		}
		progress := startProgress(c.Err, counted, size)
		report, err := s.Contacts.ImportContacts(ctx, campaign.ID, telling(list.Lines(), refusals), recordNow(ctx, s))
		progress.end()
		if err := errors.Join(err, refusals.close()); err != nil {
			return err
		}
		if err := audit(ctx, s, "campaign.import", fmt.Sprintf("campaign/%d", campaign.ID), fmt.Sprintf("%d accepted", report.Accepted)); err != nil {
			return err
		}
		return i.tell(c, say, report)
	})
}

// tellColumns says what the list is taken for, so that a wrong guess is seen.
func tellColumns(w io.Writer, say *phrasebook.Book, about lists.About) {
	fmt.Fprintf(w, "%s", strings.ToUpper(string(about.Format)))
	if about.Encoding != "" {
		fmt.Fprintf(w, ", %s", about.Encoding)
		if about.Guessed {
			fmt.Fprint(w, " (guessed)")
		}
	}
	if about.Sheet != "" {
		fmt.Fprintf(w, ", sheet %q", about.Sheet)
	}
	fmt.Fprintln(w)
	for n, column := range about.Columns {
		name := column.Name
		if name == "" {
			name = fmt.Sprintf("column %d", n+1)
		}
		fmt.Fprintf(w, "  %s → %s", name, column.Field)
		if !column.Note.IsZero() {
			fmt.Fprintf(w, " (%s)", say.Say(column.Note))
		}
		fmt.Fprintln(w)
	}
}

// tell writes the sums, and of the report what was not told on the way: duplicates, and what was left out.
func (i Import) tell(c Console, say *phrasebook.Book, r campaigns.ImportReport) error {
	for _, line := range r.Lines {
		if line.Status != campaigns.LineRefused {
			fmt.Fprintf(c.Err, "line %d: %s: %s\n", line.Line, line.Status, say.Say(line.Why))
		}
	}
	var err error
	if i.JSON {
		err = json.NewEncoder(c.Out).Encode(map[string]int{"accepted": r.Accepted, "duplicates": r.Duplicates, "refused": r.Refused})
	} else {
		_, err = fmt.Fprintf(c.Out, "%d accepted, %d duplicates, %d refused\n", r.Accepted, r.Duplicates, r.Refused)
	}
	if err == nil && r.Refused > 0 && r.Accepted+r.Duplicates == 0 {
		return errors.New("no line of the list could be used")
	}
	return err
}

// open returns the list and its length; 0 when that is not known.
func (i Import) open(c Console) (io.ReadCloser, int64, error) {
	if i.File == "-" {
		return io.NopCloser(c.In), 0, nil
	}
	file, err := os.Open(i.File)
	if err != nil {
		return nil, 0, err
	}
	about, err := file.Stat()
	if err == nil && about.IsDir() {
		err = fmt.Errorf("%s is a folder", i.File)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, about.Size(), nil
}

// findCampaign goes by number, else by name or queue.
func findCampaign(ctx context.Context, s *store.Store, which string) (*campaigns.Campaign, error) {
	if id, err := strconv.ParseInt(which, 10, 64); err == nil {
		c, err := s.Campaigns.Campaign(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			err = fmt.Errorf("there is no campaign %d; ringmaster campaign list shows them", id)
		}
		return c, err
	}
	const page = 500
	for after := int64(0); ; {
		list, err := s.Campaigns.Campaigns(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if c.Name == which || c.Queue == which {
				return c, nil
			}
			after = c.ID
		}
		if len(list) < page {
			return nil, fmt.Errorf("no campaign has the name or queue %q; ringmaster campaign list shows them", which)
		}
	}
}

// refusals is where refused lines are told, each as it is met.
type refusals struct {
	say  *phrasebook.Book
	to   io.Writer
	file *os.File // nil: text on stderr
	raw  *os.File // for the lines themselves; nil: nobody asked for them
}

// keepRaw opens the file for the refused lines as the list has them: a list of its own, to be mended and imported.
func (r *refusals) keepRaw(path string, about lists.About) error {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	r.raw = file
	if about.Header != "" {
		_, err = fmt.Fprintln(file, about.Header)
	}
	return err
}

func (i Import) openReport(c Console, say *phrasebook.Book) (*refusals, error) {
	if i.Report == "" {
		return &refusals{say: say, to: c.Err}, nil
	}
	file, err := os.Create(i.Report)
	return &refusals{say: say, to: file, file: file}, err
}

func (r *refusals) tell(e *campaigns.LineError) error {
	if r.raw != nil {
		if _, err := fmt.Fprintln(r.raw, e.Raw); err != nil {
			return err
		}
	}
	if r.file == nil {
		_, err := fmt.Fprintf(r.to, "line %d: %s\n", e.Line, r.say.Say(e.Why))
		return err
	}
	return json.NewEncoder(r.to).Encode(map[string]any{"line": e.Line, "code": e.Code, "key": e.Why.Key(), "args": e.Why.Args(), "text": r.say.Say(e.Why)})
}

func (r *refusals) close() error {
	var raw error
	if r.raw != nil {
		raw = r.raw.Close()
	}
	if r.file == nil {
		return raw
	}
	return errors.Join(raw, r.file.Close())
}

// telling passes lines through and tells the refused ones. A report that cannot be written ends the import.
func telling(lines iter.Seq2[campaigns.Line, error], to *refusals) iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		for line, err := range lines {
			var refused *campaigns.LineError
			if errors.As(err, &refused) {
				if err := to.tell(refused); err != nil {
					yield(campaigns.Line{}, fmt.Errorf("report: %w", err))
					return
				}
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// countingReader knows how much was read, for the progress.
type countingReader struct {
	from io.Reader
	n    atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// progress tells how far a reader is, every second from the second one on.
type progress struct {
	stop, stopped chan struct{}
}

func startProgress(w io.Writer, r *countingReader, size int64) *progress {
	p := &progress{stop: make(chan struct{}), stopped: make(chan struct{})}
	go func() {
		defer close(p.stopped)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
				read := float64(r.n.Load())
				if size > 0 {
					fmt.Fprintf(w, "%.1f MB read, %.0f %%\n", read/1e6, 100*read/float64(size))
				} else {
					fmt.Fprintf(w, "%.1f MB read\n", read/1e6)
				}
			}
		}
	}()
	return p
}

func (p *progress) end() {
	close(p.stop)
	<-p.stopped
}
