package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
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
	File      string            `arg:"" help:"List of contacts, CSV, JSON, XLSX or ODS, gzipped or not; - is standard input."`
	Format    string            `enum:"auto,csv,json,xlsx,ods" default:"auto" help:"${enum}; auto goes by what is in the file (default ${default})."`
	Map       map[string]string `placeholder:"COLUMN=FIELD" help:"What a column is, where it is not recognised: crm_id, name, phone, country, time_zone, priority, payload, payload.KEY, ignore and others; repeatable."`
	Delimiter string            `placeholder:"CHAR" help:"Of CSV: comma, semicolon, tab or bar, as a character (default: found in the first line)."`
	Encoding  string            `placeholder:"NAME" help:"Of text, such as utf-8, windows-1251, koi8-u, cp866 (default: guessed, and told)."`
	Sheet     string            `placeholder:"NAME" help:"Of a workbook (default: the first that has something in it)."`
	DryRun    bool              `help:"Keep the file and say what would become of its lines; nobody is stored before ringmaster imports commit."`
	List      string            `placeholder:"NAME" help:"The list's name; lists of one name are one (default: called after the import)."`
	Choice    string            `enum:"new,update,add_phones,replace" default:"new" help:"What becomes of people who are in the campaign by CRM id: ${enum}: left as they are, given what the line says, given numbers, or made what the line says (default ${default})."`
	Report    string            `placeholder:"FILE" help:"Write every refused line there as JSON, one a line (default: as text on standard error)."`
	Refused   string            `placeholder:"FILE" help:"Write the refused lines there as they stand in the list, under its header."`
	JSON      bool              `name:"json" help:"The sums as JSON."`
}

// Help is what --help adds.
func (Import) Help() string {
	return "Refused lines are told with their reasons, and the rest is imported. It is stored some thousand lines at once: what " +
		"was accepted stays when the " +
		"list, the process or the database breaks off, and the same list again stores the rest. Exit code 1 when nothing of the " +
		"list could be used."
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
	list, size, err := openFile(c, i.File)
	if err != nil {
		return config.Errorf("%w", err)
	}
	defer list.Close()
	return i.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		campaign, err := findCampaign(ctx, s, i.Campaign)
		if err != nil {
			return err
		}
		options, err := i.options(campaign)
		if err != nil {
			return err
		}
		im := campaigns.Import{CampaignID: campaign.ID, List: strings.TrimSpace(i.List), Choice: campaigns.Choice(i.Choice),
			MadeBy: atShell, Bytes: size}
		if !campaigns.ListNameFits(im.List) {
			return config.Errorf("--list: want at most 100 characters, none of them a control character")
		}
		desk := lists.Desk{Record: s.Imports, Now: recordClock(ctx, s)}
		if i.DryRun {
			return i.check(ctx, c, say, s, desk, im, options, list)
		}
		return i.store(ctx, c, say, s, desk, im, options, list)
	})
}

// check is a dry run: the file is kept for its commit, and nobody is stored.
func (i Import) check(ctx context.Context, c Console, say *phrasebook.Book, s *store.Store, desk lists.Desk, im campaigns.Import,
	o lists.Options, file io.Reader) error {
	counted, size := &lists.Counted{From: file}, im.Bytes
	progress := startProgress(c.Err, func() string { return howMuch(counted.Count(), size) })
	im, err := desk.Check(ctx, im, o, counted)
	progress.end()
	if err != nil {
		return err
	}
	if err := audit(ctx, s, "import.check", fmt.Sprintf("campaign/%d", im.CampaignID),
		fmt.Sprintf("import %d, list %q", im.ID, im.List)); err != nil {
		return err
	}
	tellColumns(c.Err, say, aboutOf(im))
	refusals, err := i.openReport(c, say)
	if err != nil {
		return config.Errorf("%w", err)
	}
	if err := refusals.keepRaw(i.Refused, aboutOf(im)); err != nil {
		return errors.Join(config.Errorf("%w", err), refusals.close())
	}
	if i.Report != "" || i.Refused != "" {
		err = eachRefused(ctx, s, im.ID, func(l campaigns.RefusedLine) error {
			return refusals.tell(&campaigns.LineError{Line: l.Line, Code: l.Code, Why: l.Why, Raw: l.Raw})
		})
	}
	if err := errors.Join(err, refusals.close()); err != nil {
		return err
	}
	tellReasons(c.Err, say, im.Report)
	fmt.Fprintf(c.Err, "nobody is stored; `ringmaster imports commit %d` stores them, until %s\n", im.ID,
		im.ExpiresAt.Format(time.RFC3339))
	return i.sums(c, im, im.Report)
}

// store stores whom the list names as it is read.
func (i Import) store(ctx context.Context, c Console, say *phrasebook.Book, s *store.Store, desk lists.Desk, im campaigns.Import,
	o lists.Options, file io.Reader) error {
	refusals, err := i.openReport(c, say)
	if err != nil {
		return config.Errorf("%w", err)
	}
	counted, size := &lists.Counted{From: file}, im.Bytes
	list, err := lists.Open(counted, o)
	if err != nil {
		return errors.Join(err, refusals.close())
	}
	defer list.Close()
	tellColumns(c.Err, say, list.About())
	if err := refusals.keepRaw(i.Refused, list.About()); err != nil {
		return errors.Join(config.Errorf("%w", err), refusals.close())
	}
	progress := startProgress(c.Err, func() string { return howMuch(counted.Count(), size) })
	im, report, err := desk.Import(ctx, im, o, list, telling(list.Lines(), refusals), counted)
	progress.end()
	if err := errors.Join(err, refusals.close()); err != nil {
		if im.ID > 0 {
			fmt.Fprintf(c.Err, "import %d broke off: %d accepted stay. The same list again stores the rest.\n", im.ID, report.Accepted)
		}
		return err
	}
	if err := audit(ctx, s, "campaign.import", fmt.Sprintf("campaign/%d", im.CampaignID),
		fmt.Sprintf("import %d, list %q, %s: %d accepted, %d updated", im.ID, im.List, im.Choice,
			report.Accepted, report.Updated)); err != nil {
		return err
	}
	tellLines(c.Err, say, report)
	return i.sums(c, im, report)
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

// tellLines says of the report what was not told on the way: duplicates, and what was left out.
func tellLines(w io.Writer, say *phrasebook.Book, r campaigns.ImportReport) {
	for _, line := range r.Lines {
		if line.Status != campaigns.LineRefused {
			fmt.Fprintf(w, "line %d: %s: %s\n", line.Line, line.Status, say.Say(line.Why))
		}
	}
}

// tellReasons says how many lines met with what, with the first of each.
func tellReasons(w io.Writer, say *phrasebook.Book, r campaigns.ImportReport) {
	for _, k := range r.Reasons {
		fmt.Fprintf(w, "%d %s, %s\n", k.Count, k.Status, k.Code)
		for _, e := range k.Examples {
			fmt.Fprintf(w, "  line %d: %s\n", e.Line, say.Say(e.Why))
		}
	}
}

// sums are written last, on standard output.
func (i Import) sums(c Console, im campaigns.Import, r campaigns.ImportReport) error {
	return tellSums(c.Out, i.JSON, im, r)
}

func tellSums(w io.Writer, asJSON bool, im campaigns.Import, r campaigns.ImportReport) error {
	var err error
	if asJSON {
		err = json.NewEncoder(w).Encode(map[string]any{"import_id": im.ID, "list": im.List, "accepted": r.Accepted,
			"updated": r.Updated, "unchanged": r.Unchanged,
			"duplicates": r.Duplicates, "refused": r.Refused})
	} else {
		known := ""
		if im.Choice != campaigns.NewOnly {
			known = fmt.Sprintf("%d updated, %d unchanged, ", r.Updated, r.Unchanged)
		}
		_, err = fmt.Fprintf(w, "import %d: %d accepted, %s%d duplicates, %d refused\n", im.ID, r.Accepted, known, r.Duplicates,
			r.Refused)
	}
	if err == nil && r.Refused > 0 && r.Accepted+r.Updated+r.Unchanged+r.Duplicates == 0 {
		return errors.New("no line of the list could be used")
	}
	return err
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
