package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// Person are the commands about who is who.
type Person struct {
	Show  personShowCmd  `cmd:"" help:"Show who the record takes a person to be: CRM ids, numbers, time zones, what bars calls."`
	Merge personMergeCmd `cmd:"" help:"Make CRM ids one person: restrictions and permissions are shared from now on."`
	Erase personEraseCmd `cmd:"" help:"Forget a person (GDPR, article 17): everything but what the law has kept and what keeps the person from being called."`
	Split personSplitCmd `cmd:"" help:"Take a CRM id out of the person that it was merged into."`
}

type personShowCmd struct {
	ConfigFlags
	Person string `arg:"" name:"crm-id" help:"A CRM id of the person."`
	JSON   bool   `name:"json" help:"As JSON, in one line."`
}

// Run shows one person.
func (p personShowCmd) Run(ctx context.Context, c Console) error {
	if err := checkCRMID("crm-id", p.Person); err != nil {
		return err
	}
	return p.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error { return showPerson(ctx, c, s, p.Person, p.JSON) })
}

func showPerson(ctx context.Context, c Console, s *store.Store, crmID string, asJSON bool) error {
	p, err := s.People.Person(ctx, crmID, recordNow(ctx, s))
	if err != nil {
		return err
	}
	barred := strings.Join(p.BarredNumbers, " ")
	if p.DoNotCall {
		barred = "the person"
	}
	t := newTable(c.Out, asJSON, "crm_ids", "numbers", "time_zones", "do_not_call")
	t.row(strings.Join(p.CRMIDs, " "), strings.Join(p.Numbers, " "), strings.Join(p.Zones, " "), barred)
	return t.close()
}

type personMergeCmd struct {
	ConfigFlags
	Into   string   `arg:"" help:"CRM id of the person that the others are."`
	CRMIDs []string `arg:"" name:"crm-id" help:"CRM ids of the others."`
	Reason string   `required:"" help:"Why they are one, for the audit."`
}

// Run merges people.
func (m personMergeCmd) Run(ctx context.Context, c Console) error {
	for _, id := range append([]string{m.Into}, m.CRMIDs...) {
		if err := checkCRMID("crm-id", id); err != nil {
			return err
		}
	}
	if slices.Contains(m.CRMIDs, m.Into) {
		return config.Errorf("crm-id %s: want others than the person that they are merged into", m.Into)
	}
	return m.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		if err := s.People.Merge(ctx, m.Into, m.CRMIDs, atShell, m.Reason, recordNow(ctx, s)); err != nil {
			return err
		}
		return showPerson(ctx, c, s, m.Into, false)
	})
}

type personEraseCmd struct {
	ConfigFlags
	Person string `arg:"" name:"crm-id" help:"A CRM id of the person."`
	Reason string `required:"" help:"Why, for the audit, without saying who it is."`
}

// Run erases a person.
func (p personEraseCmd) Run(ctx context.Context, c Console) error {
	if err := checkCRMID("crm-id", p.Person); err != nil {
		return err
	}
	return p.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		e, err := s.People.Erase(ctx, p.Person, 0, atShell, p.Reason, recordNow(ctx, s))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("nothing is known of %s", p.Person)
		case err != nil:
			return err
		}
		t := newTable(c.Out, false, "contacts", "attempts", "recordings_erased", "recordings_kept", "kept_until", "do_not_call")
		until := ""
		if !e.KeptUntil.IsZero() {
			until = e.KeptUntil.Format(time.RFC3339)
		}
		t.row(fmt.Sprint(e.Contacts), fmt.Sprint(e.Attempts), fmt.Sprint(e.RecordingsErased), fmt.Sprint(e.RecordingsKept), until,
			fmt.Sprint(e.DoNotCall))
		return t.close()
	})
}

type personSplitCmd struct {
	ConfigFlags
	Person string `arg:"" name:"crm-id" help:"The CRM id that is another person."`
	Reason string `required:"" help:"Why they are two, for the audit."`
}

// Run splits a person.
func (p personSplitCmd) Run(ctx context.Context, c Console) error {
	if err := checkCRMID("crm-id", p.Person); err != nil {
		return err
	}
	return p.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		switch err := s.People.Split(ctx, p.Person, atShell, p.Reason, recordNow(ctx, s)); {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("%s is merged with nobody; `ringmaster person show %[1]s` shows who it is", p.Person)
		case err != nil:
			return err
		}
		return showPerson(ctx, c, s, p.Person, false)
	})
}

// maxCRMID bounds a CRM id, as lists and the API do.
const maxCRMID = 100

func checkCRMID(name, id string) error {
	if id == "" || len(id) > maxCRMID {
		return config.Errorf("%s: want 1 to %d characters", name, maxCRMID)
	}
	return nil
}
