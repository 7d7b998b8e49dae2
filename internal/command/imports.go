package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// Imports are the commands about lists on their way into campaigns, those of the API and the console too.
type Imports struct {
	List    importsListCmd    `cmd:"" help:"List a campaign's imports, the latest first."`
	Show    importsShowCmd    `cmd:"" help:"Say how far an import is, and what became of its lines."`
	Commit  importsCommitCmd  `cmd:"" help:"Store the contacts of a list that was checked, or go on where an import broke off."`
	Discard importsDiscardCmd `cmd:"" help:"Forget a list that was checked, and its file."`
	Refused importsRefusedCmd `cmd:"" help:"Write an import's refused lines as they stand in the list, with the reasons."`
}

// aboutOf is what an import's file is taken for.
func aboutOf(im campaigns.Import) (about lists.About) {
	_ = json.Unmarshal(im.About, &about) // ours; {} until it was opened
	return about
}

const page = 500 // rows that are read at once

type importsListCmd struct {
	ConfigFlags
	Campaign string `arg:"" help:"Number, name or queue of the campaign."`
	JSON     bool   `name:"json" help:"As JSON, one import a line."`
}

// Run lists all of them.
func (l importsListCmd) Run(ctx context.Context, c Console) error {
	return l.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		campaign, err := findCampaign(ctx, s, l.Campaign)
		if err != nil {
			return err
		}
		now := recordNow(ctx, s)
		t := newTable(c.Out, l.JSON, "id", "list", "choice", "state", "committable", "accepted", "updated", "duplicates", "refused",
			"made_by", "created_at")
		for before := int64(0); ; {
			list, err := s.Imports.Imports(ctx, campaign.ID, before, page)
			if err != nil {
				return err
			}
			for _, im := range list {
				im = im.At(now)
				t.row(im.ID, im.List, im.Choice, im.State, im.Committable(), im.Report.Accepted, im.Report.Updated, im.Report.Duplicates,
					im.Report.Refused, im.MadeBy,
					im.CreatedAt.Format(time.RFC3339))
				before = im.ID
			}
			if len(list) < page {
				return t.close()
			}
		}
	})
}

// oneImport names an import.
type oneImport struct {
	ConfigFlags
	ID int64 `arg:"" help:"Number of the import; ringmaster imports list CAMPAIGN shows them."`
}

func (o oneImport) read(ctx context.Context, s *store.Store) (campaigns.Import, error) {
	im, err := s.Imports.ImportByID(ctx, o.ID)
	return im, o.named(err)
}

// named says which import is not there.
func (o oneImport) named(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no import %d; ringmaster imports list CAMPAIGN shows them", o.ID)
	}
	return err
}

type importsShowCmd struct {
	oneImport
	LanguageFlag
	Follow bool `short:"f" help:"Say how far it is every second, until its end."`
	JSON   bool `name:"json" help:"The sums as JSON."`
}

// Run shows one.
func (o importsShowCmd) Run(ctx context.Context, c Console) error {
	say, err := o.Book()
	if err != nil {
		return err
	}
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		clock := recordClock(ctx, s)
		im, err := o.read(ctx, s)
		for im = im.At(clock()); err == nil && o.Follow && im.Underway(); im = im.At(clock()) {
			fmt.Fprintln(c.Err, howFar(im))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
			im, err = o.read(ctx, s)
		}
		if err != nil {
			return err
		}
		tellColumns(c.Err, say, aboutOf(im))
		tellReasons(c.Err, say, im.Report)
		if !im.Problem.IsZero() {
			fmt.Fprintln(c.Err, say.Say(im.Problem))
		}
		fmt.Fprintf(c.Err, "list %q, %s, %s\n", im.List, im.State, howFar(im))
		return tellSums(c.Out, o.JSON, im, im.Report)
	})
}

func howFar(im campaigns.Import) string {
	return fmt.Sprintf("line %d, %s", im.Lines, howMuch(im.Read, im.Bytes))
}

type importsCommitCmd struct {
	oneImport
	JSON bool `name:"json" help:"The sums as JSON."`
}

// Run commits one. Done twice it does nothing more.
func (o importsCommitCmd) Run(ctx context.Context, c Console) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		progress := startProgress(c.Err, func() string {
			im, err := s.Imports.ImportByID(ctx, o.ID)
			if err != nil {
				return InWords(err).Error()
			}
			return howFar(im)
		})
		im, err := lists.Desk{Record: s.Imports, Now: recordClock(ctx, s)}.Commit(ctx, o.ID)
		progress.end()
		if err != nil {
			return o.named(err)
		}
		if err := audit(ctx, s, "contacts.import", fmt.Sprintf("campaign/%d", im.CampaignID),
			fmt.Sprintf("import %d, list %q, %s: %d accepted, %d updated", im.ID, im.List,
				im.Choice, im.Report.Accepted, im.Report.Updated)); err != nil {
			return err
		}
		return tellSums(c.Out, o.JSON, im, im.Report)
	})
}

type importsDiscardCmd struct{ oneImport }

// Run forgets one.
func (o importsDiscardCmd) Run(ctx context.Context, c Console) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		if err := s.Imports.DiscardImport(ctx, o.ID, recordNow(ctx, s)); err != nil {
			return o.named(err)
		}
		if err := audit(ctx, s, "import.discard", fmt.Sprintf("import/%d", o.ID), ""); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.Out, "import %d is forgotten\n", o.ID)
		return err
	})
}

type importsRefusedCmd struct {
	oneImport
	LanguageFlag
	Out string `short:"o" placeholder:"FILE" help:"Where to (default: standard output)."`
}

// Run writes the lines.
func (o importsRefusedCmd) Run(ctx context.Context, c Console) error {
	say, err := o.Book()
	if err != nil {
		return err
	}
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		im, err := o.read(ctx, s)
		if err != nil {
			return err
		}
		return writeTo(c, o.Out, func(w io.Writer) error {
			refused, err := lists.NewRefused(w, aboutOf(im), say.Say)
			if err != nil {
				return err
			}
			return eachRefused(ctx, s, o.ID, refused.Write)
		})
	})
}

// eachRefused reads an import's refused lines in their order.
func eachRefused(ctx context.Context, s *store.Store, id int64, do func(campaigns.RefusedLine) error) error {
	for after := 0; ; {
		list, err := s.Imports.Refusals(ctx, id, after, page)
		if err != nil {
			return err
		}
		for _, l := range list {
			if err := do(l); err != nil {
				return err
			}
			after = l.Line
		}
		if len(list) < page {
			return nil
		}
	}
}

// writeTo writes a file, or standard output when it has no name.
func writeTo(c Console, path string, write func(io.Writer) error) error {
	to, closed := c.Out, func() error { return nil }
	if path != "" && path != "-" {
		file, err := os.Create(path)
		if err != nil {
			return config.Errorf("%w", err)
		}
		to, closed = file, file.Close
	}
	buffer := bufio.NewWriter(to)
	return errors.Join(write(buffer), buffer.Flush(), closed())
}
