package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// Consent are the commands about what people permit and wish.
type Consent struct {
	Add      consentAddCmd      `cmd:"" help:"Note what a person permits or wishes."`
	List     consentListCmd     `cmd:"" help:"List a person's consents, the latest first."`
	Withdraw consentWithdrawCmd `cmd:"" help:"The person takes a consent back."`
}

type consentAddCmd struct {
	ConfigFlags
	Person  string        `arg:"" name:"crm-id" help:"The CRM's id of the person."`
	Kind    string        `arg:"" enum:"calls,times,callback,not_number" help:"calls, times, callback or not_number."`
	Source  string        `required:"" help:"Where it is recorded, such as 'letter of 3 June'."`
	Number  string        `placeholder:"NUMBER" help:"Calls to this number alone, E.164; needed for not_number."`
	From    time.Duration `help:"Of times: after midnight of the person's, such as 20h."`
	To      time.Duration `help:"Of times: until when."`
	Day     []int         `placeholder:"N" help:"Of times: 0 is Sunday, 6 Saturday; repeatable (default: every day)."`
	At      time.Time     `placeholder:"MOMENT" help:"Of callback: the wished moment, such as 2026-11-28T15:00:00Z."`
	Expires time.Time     `placeholder:"MOMENT" help:"Until when it holds (default: not by itself)."`
}

// Run notes one consent.
func (a consentAddCmd) Run(ctx context.Context, c Console) error {
	return a.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		now := recordNow(ctx, s)
		consent := campaigns.Consent{CRMID: a.Person, Kind: campaigns.ConsentKind(a.Kind), Source: a.Source, From: a.From, To: a.To,
			At:      a.At,
			GivenAt: now, ExpiresAt: a.Expires, MadeBy: atShell}
		for _, d := range a.Day {
			if d < 0 || d > 6 {
				return config.Errorf("--day %d: want 0 (Sunday) to 6 (Saturday)", d)
			}
			consent.Days = append(consent.Days, time.Weekday(d))
		}
		if a.Number != "" {
			var err error
			if consent.Number, err = campaigns.NormalizeNumber(a.Number, ""); err != nil {
				return config.Errorf("--number: %v", err)
			}
		}
		if err := consent.Validate(now); err != nil {
			return asUsage(err)
		}
		noted, err := s.People.Consent(ctx, consent, now)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "consent %d: %s of %s\n", noted.ID, noted.Kind, noted.CRMID)
		return nil
	})
}

type consentListCmd struct {
	ConfigFlags
	Person string `arg:"" name:"crm-id" help:"The CRM's id of the person."`
	JSON   bool   `name:"json" help:"As JSON, one consent a line."`
}

// Run lists the latest ones.
func (l consentListCmd) Run(ctx context.Context, c Console) error {
	return l.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.People.Consents(ctx, l.Person, 0, 500)
		if err != nil {
			return err
		}
		now := recordNow(ctx, s)
		t := newTable(c.Out, l.JSON, "id", "kind", "when", "number", "given", "expires", "source", "state")
		for _, k := range list {
			t.row(k.ID, k.Kind, whenOf(k), k.Number, k.GivenAt.Format(time.RFC3339), someTime(k.ExpiresAt), k.Source, stateOf(k, now))
		}
		return t.close()
	})
}

// whenOf is the time that a consent is about: a moment, or hours of days; empty: any.
func whenOf(k campaigns.Consent) string {
	if !k.At.IsZero() {
		return k.At.Format(time.RFC3339)
	}
	if k.From == k.To {
		return ""
	}
	midnight := time.Time{}
	hours := midnight.Add(k.From).Format("15:04") + "-" + midnight.Add(k.To).Format("15:04")
	days := make([]string, len(k.Days))
	for i, d := range k.Days {
		days[i] = d.String()[:3]
	}
	return strings.TrimSpace(strings.Join(days, ",") + " " + hours)
}

func stateOf(k campaigns.Consent, now time.Time) string {
	switch {
	case !k.WithdrawnAt.IsZero():
		return "withdrawn by " + k.WithdrawnBy
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "expired"
	}
	return "in force"
}

type consentWithdrawCmd struct {
	ConfigFlags
	ID     int64  `arg:"" help:"Number of the consent."`
	Reason string `help:"For the audit."`
}

// Run takes one back.
func (w consentWithdrawCmd) Run(ctx context.Context, c Console) error {
	return w.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		switch err := s.People.Withdraw(ctx, w.ID, atShell, w.Reason, recordNow(ctx, s)); {
		case errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("there is no consent %d; `ringmaster consent list CRM-ID` shows a person's", w.ID)
		case err != nil:
			return err
		}
		fmt.Fprintf(c.Out, "consent %d is withdrawn\n", w.ID)
		return nil
	})
}
