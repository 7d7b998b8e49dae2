package command

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// Lists are the commands about those who came into a campaign by one list.
type Lists struct {
	List    listsListCmd    `cmd:"" help:"List a campaign's lists of contacts."`
	Show    listsShowCmd    `cmd:"" help:"Say what the contacts of a list have come to."`
	Export  listsExportCmd  `cmd:"" help:"Write who came by a list as CSV."`
	Set     listsSetCmd     `cmd:"" help:"Say how a list shares the calls of its campaign."`
	Close   listsCloseCmd   `cmd:"" help:"Call nobody any more who came by a list."`
	Reopen  listsReopenCmd  `cmd:"" help:"Call those again whom the close of a list has finished."`
	Recycle listsRecycleCmd `cmd:"" help:"Call finished contacts of a list once more."`
	Move    listsMoveCmd    `cmd:"" help:"Move who came by a list to another campaign."`
}

type listsListCmd struct {
	ConfigFlags
	Campaign string `arg:"" help:"Number, name or queue of the campaign."`
	JSON     bool   `name:"json" help:"As JSON, one list a line."`
}

// Run lists all of them.
func (l listsListCmd) Run(ctx context.Context, c Console) error {
	return l.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		campaign, err := findCampaign(ctx, s, l.Campaign)
		if err != nil {
			return err
		}
		t := newTable(c.Out, l.JSON, "id", "name", "weight", "quota", "made_by", "created_at", "closed_at", "closed_by")
		for after := int64(0); ; {
			all, err := s.Imports.Lists(ctx, campaign.ID, after, page)
			if err != nil {
				return err
			}
			for _, k := range all {
				t.row(k.ID, k.Name, k.Weight, k.Quota, k.MadeBy, k.CreatedAt.Format(time.RFC3339), someTime(k.ClosedAt), k.ClosedBy)
				after = k.ID
			}
			if len(all) < page {
				return t.close()
			}
		}
	})
}

// oneList names a list.
type oneList struct {
	ConfigFlags
	ID int64 `arg:"" help:"Number of the list; ringmaster lists list CAMPAIGN shows them."`
}

// named says which list is not there.
func (o oneList) named(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no list %d; ringmaster lists list CAMPAIGN shows them", o.ID)
	}
	return err
}

type listsShowCmd struct {
	oneList
	JSON bool `name:"json" help:"As JSON, one count a line."`
}

// Run shows one.
func (o listsShowCmd) Run(ctx context.Context, c Console) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		l, err := s.Imports.List(ctx, o.ID)
		if err != nil {
			return o.named(err)
		}
		is := "open"
		if !l.ClosedAt.IsZero() {
			is = fmt.Sprintf("closed at %s by %s", l.ClosedAt.Format(time.RFC3339), l.ClosedBy)
		}
		fmt.Fprintf(c.Err, "list %d, %q of campaign %d, %s, %s\n", l.ID, l.Name, l.CampaignID, is, share(l))
		t := newTable(c.Out, o.JSON, "state", "reason", "contacts")
		for _, state := range slices.Sorted(maps.Keys(l.Contacts)) {
			if state != campaigns.Complete {
				t.row(state, "", l.Contacts[state])
			}
		}
		for _, why := range slices.Sorted(maps.Keys(l.Reasons)) {
			t.row(campaigns.Complete, why, l.Reasons[why])
		}
		return t.close()
	})
}

type listsSetCmd struct {
	oneList
	Weight *int `placeholder:"N" help:"Its part in the calls to those whom nobody has called yet: with 3 it has three times as many as a list with 1 (1 to 100)."`
	Quota  *int `placeholder:"N" help:"At most so many of these calls a day, by the clock of the campaign's zone; 0: no limit."`
}

// Run changes one.
func (o listsSetCmd) Run(ctx context.Context, c Console) error {
	if o.Weight == nil && o.Quota == nil {
		return config.Errorf("say what to change: --weight, --quota or both")
	}
	set := campaigns.ListSetting{Weight: o.Weight, Quota: o.Quota}
	if err := set.Validate(); err != nil {
		return config.Errorf("want --weight 1 to %d and --quota 0 to %d: %w", campaigns.MaxWeight, campaigns.MaxListQuota, err)
	}
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		now := recordNow(ctx, s)
		l, err := s.Imports.SetList(ctx, o.ID, set, atShell, now)
		if err != nil {
			return o.named(err)
		}
		today, err := s.Imports.ListToday(ctx, l, now)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "list %d: %s, %d today\n", l.ID, share(l), today)
		return err
	})
}

// share says how a list shares the calls of its campaign.
func share(l campaigns.List) string {
	if l.Quota == 0 {
		return fmt.Sprintf("weight %d, no limit of first calls a day", l.Weight)
	}
	return fmt.Sprintf("weight %d, at most %d first calls a day", l.Weight, l.Quota)
}

type listsExportCmd struct {
	oneList
	Out string `short:"o" placeholder:"FILE" help:"Where to (default: standard output)."`
}

// Run writes the CSV. Nothing in it runs in a spreadsheet.
func (o listsExportCmd) Run(ctx context.Context, c Console) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		if _, err := s.Imports.List(ctx, o.ID); err != nil {
			return o.named(err)
		}
		if err := audit(ctx, s, "list.export", fmt.Sprintf("list/%d", o.ID), ""); err != nil {
			return err
		}
		return writeTo(c, o.Out, func(w io.Writer) error {
			out := csv.NewWriter(w)
			_ = out.Write(api.ListColumns()) // the error stays, and Flush's tells it
			for after := int64(0); ; {
				people, err := s.Imports.ListContacts(ctx, o.ID, after, page)
				if err != nil {
					return err
				}
				for _, k := range people {
					_ = out.Write(api.Row(api.ListCells(k)...))
					after = k.ID
				}
				if out.Flush(); out.Error() != nil || len(people) < page {
					return out.Error()
				}
			}
		})
	})
}

// forAudit is why something is done.
type forAudit struct {
	Reason string `required:"" help:"For the audit."`
}

type listsCloseCmd struct {
	oneList
	forAudit
}

// Run closes one. It may be repeated.
func (o listsCloseCmd) Run(ctx context.Context, c Console) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		n, err := s.Imports.CloseList(ctx, o.ID, atShell, o.Reason, recordNow(ctx, s))
		return o.tell(c, n, "finished", err)
	})
}

func (o oneList) tell(c Console, n int, what string, err error) error {
	if err != nil {
		return o.named(err)
	}
	_, err = fmt.Fprintf(c.Out, "list %d: %d contacts %s\n", o.ID, n, what)
	return err
}

type listsReopenCmd struct {
	oneList
	forAudit
}

// Run reopens one.
func (o listsReopenCmd) Run(ctx context.Context, c Console) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		n, err := s.Imports.ReopenList(ctx, o.ID, atShell, o.Reason, recordNow(ctx, s))
		return o.tell(c, n, "are called again", err)
	})
}

type listsRecycleCmd struct {
	oneList
	Finished      []string  `placeholder:"WHY" help:"Those who are finished for one of these reasons, such as max_attempts; repeatable (default, when no code is given: max_attempts and no_number)."`
	Code          []string  `placeholder:"ID" help:"Those whom one of these call codes has finished; repeatable."`
	CalledBefore  time.Time `placeholder:"MOMENT" help:"Not called since, such as 2026-11-28T15:00:00Z."`
	MaxAttempts   int       `placeholder:"N" help:"Called at most so often (default: however often)."`
	ResetAttempts bool      `help:"The campaign's limit of attempts counts anew, without which those who have used it up stay finished; what the law counts goes on."`
}

// Run has them called once more.
func (o listsRecycleCmd) Run(ctx context.Context, c Console) error {
	if o.MaxAttempts < 0 {
		return config.Errorf("--max-attempts %d: want 0 or more", o.MaxAttempts)
	}
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		r := campaigns.Recycling{Reasons: trimmed(o.Finished), Codes: trimmed(o.Code), CalledBefore: o.CalledBefore,
			MaxAttempts: o.MaxAttempts, ResetAttempts: o.ResetAttempts}
		n, err := s.Imports.RecycleList(ctx, o.ID, r, atShell, recordNow(ctx, s))
		if err == nil && n == 0 && !o.ResetAttempts {
			return o.tell(c, n, "are called again (those who have used up the campaign's attempts: only with --reset-attempts)", nil)
		}
		return o.tell(c, n, "are called again", err)
	})
}

func trimmed(list []string) []string {
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

type listsMoveCmd struct {
	oneList
	To       string                 `arg:"" help:"Number, name or queue of the other campaign."`
	State    campaigns.ContactState `enum:"waiting,finished," default:"" help:"Only those: waiting or finished."`
	Finished []string               `placeholder:"WHY" help:"Only those who are finished for one of these reasons, such as max_attempts; repeatable."`
	forAudit
}

// Run moves them.
func (o listsMoveCmd) Run(ctx context.Context, c Console) error {
	return o.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		to, err := findCampaign(ctx, s, o.To)
		if err != nil {
			return err
		}
		if _, err := s.Imports.List(ctx, o.ID); err != nil {
			return o.named(err)
		}
		r, err := s.Contacts.MoveContacts(ctx, campaigns.Moving{To: to.ID, ListID: o.ID, State: o.State, Finish: trimmed(o.Finished)},
			o.Reason, atShell, recordNow(ctx, s))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "list %d: %d contacts moved to campaign %d; %d stay in a call, %d are there already\n", o.ID,
			r.Moved, to.ID, r.InCall, r.There)
		return err
	})
}
