package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

type Campaign struct {
	Add   campaignAddCmd   `cmd:"" help:"Add a campaign, as a draft."`
	List  campaignListCmd  `cmd:"" help:"List campaigns."`
	Start campaignStartCmd `cmd:"" help:"Start a campaign: calls are made whenever a window is open."`
	Pause campaignPauseCmd `cmd:"" help:"Pause a campaign: no new call is dialed, calls that are up go on."`
	Stop  campaignStopCmd  `cmd:"" help:"Stop a campaign: as pause, but for good."`

	Template campaignTemplates `cmd:"" help:"Campaigns' settings under names, from which campaigns are made."`
}

type campaignAddCmd struct {
	ConfigFlags
	Name     string   `arg:"" help:"Unique among the campaigns."`
	Queue    string   `help:"The line's name as agents see it (default: the name)."`
	Mode     string   `enum:"manual,preview,progressive,predictive," default:"" help:"How calls begin: manual, preview, progressive, predictive (default progressive)."`
	Priority *int     `placeholder:"N" help:"-100 to 100; of campaigns that share agents the higher one comes first (default 0)."`
	Weight   *int     `placeholder:"N" help:"1 to 100; campaigns of one priority share the agents that they contend for in this proportion (default 1)."`
	Region   string   `placeholder:"CODE" help:"ISO 3166 code by which national numbers are read, such as UA; needed to start."`
	TimeZone string   `placeholder:"ZONE" help:"IANA name, such as Europe/Kyiv (default: the region's, if it has only one)."`
	Profile  string   `help:"Legal rules: ua-1349-IX, uk-ofcom, us-reg-f or none (default: the region's, if we know its law)."`
	Window   []string `sep:"none" placeholder:"CRON=TIME" help:"When calls may be made, such as '0 9 * * 1-5=11h'; repeatable (default: whenever the profile allows)."`
	Code     []string `sep:"none" placeholder:"ID=NAME:ACTION" help:"A call code, such as '4=Promise to pay:finish' or '2=No answer:retry_after:2h'; repeatable."`
	Own      []string `name:"own-number" sep:"none" placeholder:"NUMBER" help:"One of own numbers, E.164, of which each customer is shown the nearest by country and area code; repeatable."`
	CallerID string   `placeholder:"NUMBER" help:"The number shown to customers, E.164 (default: the trunk's)."`
	CardLink string   `placeholder:"TEMPLATE" help:"The page pushed with a call, such as 'https://crm.example.com/card/{crm_id}'."`
	Reason   string   `help:"Who decided it and why, for the audit; must be given with profile none, or another one than the region's."`
	Settings string   `placeholder:"FILE" help:"Further settings, JSON as POST /api/v1/campaigns takes it; - is standard input. Flags win."`
}

// maxSettings bounds a file of settings.
const maxSettings = 1 << 20

// settings reads the file, and lays the flags over it.
func (a campaignAddCmd) settings(c Console) (s api.CampaignSettings, err error) {
	if a.Settings != "" {
		in := c.In
		if a.Settings != "-" {
			file, err := os.Open(a.Settings)
			if err != nil {
				return s, config.Errorf("--settings: %w", err)
			}
			defer file.Close()
			in = file
		}
		text, err := io.ReadAll(io.LimitReader(in, maxSettings+1))
		if err != nil {
			return s, err
		}
		if len(text) > maxSettings {
			return s, config.Errorf("--settings %s: want at most %d bytes", a.Settings, maxSettings)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&s); err != nil {
			return s, config.Errorf("--settings %s: %w", a.Settings, err)
		}
	}
	s.Name = a.Name
	for field, flag := range map[*string]string{&s.Queue: a.Queue, &s.Region: a.Region, &s.TimeZone: a.TimeZone,
		&s.Profile:  a.Profile,
		&s.CallerID: a.CallerID, &s.CardLink: a.CardLink} {
		if flag != "" {
			*field = flag
		}
	}
	if a.Mode != "" {
		s.Mode = campaigns.Mode(a.Mode)
	}
	for field, flag := range map[*int]*int{&s.Priority: a.Priority, &s.Weight: a.Weight} {
		if flag != nil {
			*field = *flag
		}
	}
	if len(a.Window) > 0 {
		s.Windows = nil
	}
	for _, text := range a.Window {
		cron, length, ok := strings.Cut(text, "=")
		d, err := time.ParseDuration(length)
		if !ok || err != nil {
			return s, config.Errorf("--window %q: want CRON=TIME, such as '0 9 * * 1-5=11h'", text)
		}
		s.Windows = append(s.Windows, api.CampaignWindow{Cron: strings.TrimSpace(cron), Duration: api.Duration(d)})
	}
	if len(a.Own) > 0 {
		s.CallerIDs = a.Own
	}
	if len(a.Code) > 0 {
		s.CallCodes = nil
	}
	for _, text := range a.Code {
		code, err := parseCode(text)
		if err != nil {
			return s, err
		}
		s.CallCodes = append(s.CallCodes, code)
	}
	return s, nil
}

// parseCode reads ID=NAME:ACTION, and :TIME behind it where the action has one; the name may hold colons.
func parseCode(text string) (code api.CallCode, err error) {
	id, rest, ok := strings.Cut(text, "=")
	parts := strings.Split(rest, ":")
	if last := len(parts) - 1; ok && last > 1 {
		if d, notTime := time.ParseDuration(parts[last]); notTime == nil {
			code.After, parts = api.Duration(d), parts[:last]
		}
	}
	if !ok || len(parts) < 2 {
		return code, config.Errorf("--code %q: want ID=NAME:ACTION, such as '4=Promise to pay:finish'", text)
	}
	code.ID, code.Name, code.Action = id, strings.Join(parts[:len(parts)-1], ":"), campaigns.Action(parts[len(parts)-1])
	return code, nil
}

// Run adds one campaign.
func (a campaignAddCmd) Run(ctx context.Context, c Console) error {
	s, err := a.settings(c)
	if err != nil {
		return err
	}
	return a.withNewRecord(ctx, c, func(cfg *config.Config, record *store.Store) error {
		campaign := s.Apply(campaigns.Campaign{})
		campaign.SetDefaults()
		return addCampaign(ctx, c, cfg, record, campaign, "campaign.create", "", a.Reason)
	})
}

// addCampaign stores a new campaign, judged as the API judges it, and says what it lacks; of is what it was made of, for the
// audit.
func addCampaign(ctx context.Context, c Console, cfg *config.Config, record *store.Store, campaign campaigns.Campaign,
	deed, of, why string) error {
	if err := campaign.Validate(); err != nil {
		return asUsage(err)
	}
	law, err := campaigns.CheckLaw(nil, &campaign, true, why) // whoever has a shell on the record is an administrator
	if err != nil {
		return asUsage(err)
	}
	made, err := record.Campaigns.CreateCampaign(ctx, campaign, recordNow(ctx, record))
	if err != nil {
		return err
	}
	detail := made.Name
	if of != "" {
		detail += ", " + of
	}
	if law != "" {
		detail += "; " + law
	}
	if err := audit(ctx, record, deed, fmt.Sprintf("campaign/%d", made.ID), detail); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "campaign %d: %s, a draft\n", made.ID, made.Name)
	if err := made.MayStart(means(cfg)); err != nil {
		fmt.Fprintf(c.Err, "before it can be started: %v\n", asUsage(err))
	}
	return nil
}

// asUsage tells refused fields as the command line does.
func asUsage(err error) error {
	var refused campaigns.ValidationError
	if !errors.As(err, &refused) {
		return err
	}
	say, lines := localBook(), make([]string, len(refused))
	for i, f := range refused {
		lines[i] = f.Field + ": " + say.Say(f.Why)
	}
	return config.Errorf("%s", strings.Join(lines, "\n           "))
}

type campaignListCmd struct {
	ConfigFlags
	JSON bool `name:"json" help:"As JSON, one campaign a line."`
}

// Run lists all campaigns.
func (l campaignListCmd) Run(ctx context.Context, c Console) error {
	return l.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		t := newTable(c.Out, l.JSON, "id", "name", "queue", "mode", "status", "region", "time_zone", "profile")
		for after := int64(0); ; {
			list, err := s.Campaigns.Campaigns(ctx, after, 200)
			if err != nil {
				return err
			}
			for _, k := range list {
				t.row(k.ID, k.Name, k.Queue, k.Mode, k.Status, k.Region, k.TimeZone, k.Profile)
				after = k.ID
			}
			if len(list) < 200 {
				return t.close()
			}
		}
	})
}

// oneCampaign names a campaign, for the orders.
type oneCampaign struct {
	ConfigFlags
	Campaign string `arg:"" help:"Name or number of the campaign."`
}

// order gives a campaign an order as the API does. Nodes see it within a second or two.
func (o oneCampaign) order(ctx context.Context, c Console, order api.StatusChange) error {
	return o.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		campaign, err := findCampaign(ctx, s, o.Campaign)
		if err != nil {
			return err
		}
		if order.To == campaigns.Running {
			if err := campaign.MayStart(means(cfg)); err != nil {
				return asUsage(err)
			}
		}
		changed, err := s.Campaigns.SetStatus(ctx, campaign.ID, order.To, order.From, recordNow(ctx, s))
		if errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("%s is %s", campaign.Name, campaign.Status)
		}
		if err != nil {
			return err
		}
		if err := audit(ctx, s, "campaign."+order.Verb, fmt.Sprintf("campaign/%d", changed.ID), changed.Name); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "campaign %d: %s, %s\n", changed.ID, changed.Name, changed.Status)
		return err
	})
}

type campaignStartCmd struct{ oneCampaign }

// Run starts it.
func (s campaignStartCmd) Run(ctx context.Context, c Console) error {
	return s.order(ctx, c, api.StartCampaign)
}

type campaignPauseCmd struct{ oneCampaign }

// Run pauses it.
func (p campaignPauseCmd) Run(ctx context.Context, c Console) error {
	return p.order(ctx, c, api.PauseCampaign)
}

type campaignStopCmd struct{ oneCampaign }

// Run stops it.
func (s campaignStopCmd) Run(ctx context.Context, c Console) error {
	return s.order(ctx, c, api.StopCampaign)
}

// means are what the configuration calls customers with.
func means(cfg *config.Config) campaigns.Means {
	return campaigns.Means{AllHide: cfg.AllHide(), NoMessage: cfg.NoMessage(), NoMachine: cfg.NoMachineMessage()}
}
