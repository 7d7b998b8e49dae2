package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// campaignTemplates are the commands about campaigns' settings that are kept under names.
type campaignTemplates struct {
	List   templateListCmd   `cmd:"" help:"List templates."`
	Save   templateSaveCmd   `cmd:"" help:"Save a campaign's settings as a template."`
	Use    templateUseCmd    `cmd:"" help:"Make a campaign from a template, as a draft."`
	Delete templateDeleteCmd `cmd:"" help:"Forget a template; campaigns that were made from it stay."`
}

type templateListCmd struct {
	ConfigFlags
	JSON bool `name:"json" help:"As JSON, one template a line."`
}

// Run lists all of them.
func (l templateListCmd) Run(ctx context.Context, c Console) error {
	return l.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.Campaigns.Templates(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.Out, l.JSON, "id", "name", "mode", "region", "profile", "made_by", "updated_at")
		for _, k := range list {
			t.row(k.ID, k.Name, k.Settings.Mode, k.Settings.Region, k.Settings.Profile, k.MadeBy, k.UpdatedAt.Format(time.RFC3339))
		}
		return t.close()
	})
}

type templateSaveCmd struct {
	ConfigFlags
	Campaign string `arg:"" help:"Name or number of the campaign."`
	Name     string `arg:"" help:"Name of the template."`
	Replace  bool   `help:"In the place of the template of this name."`
}

// Run saves one.
func (w templateSaveCmd) Run(ctx context.Context, c Console) error {
	return w.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		campaign, err := findCampaign(ctx, s, w.Campaign)
		if err != nil {
			return err
		}
		if n := len([]rune(w.Name)); n < 1 || n > 100 {
			return config.Errorf("the template's name: want 1 to 100 characters")
		}
		saved, err := s.Campaigns.SaveTemplate(ctx, campaigns.Template{Name: w.Name, Settings: *campaign, MadeBy: atShell}, w.Replace,
			fmt.Sprintf("command line %s, of campaign/%d", w.Name, campaign.ID), recordNow(ctx, s))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "template %d: %s, of campaign %d\n", saved.ID, saved.Name, campaign.ID)
		return err
	})
}

type templateUseCmd struct {
	ConfigFlags
	Template string `arg:"" help:"Name or number of the template."`
	Name     string `arg:"" help:"Name of the campaign, unique among the campaigns."`
	Queue    string `help:"The line's name as agents see it (default: the name)."`
	Reason   string `help:"Who decided it and why, for the audit; must be given with profile none, or another one than the region's."`
}

// Run makes a campaign.
func (u templateUseCmd) Run(ctx context.Context, c Console) error {
	return u.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		t, err := findTemplate(ctx, s, u.Template)
		if err != nil {
			return err
		}
		return addCampaign(ctx, c, cfg, s, t.Make(u.Name, u.Queue), "campaign.from_template",
			fmt.Sprintf("of template/%d, %s", t.ID, t.Name), u.Reason)
	})
}

type templateDeleteCmd struct {
	ConfigFlags
	Template string `arg:"" help:"Name or number of the template."`
}

// Run forgets one.
func (d templateDeleteCmd) Run(ctx context.Context, c Console) error {
	return d.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		t, err := findTemplate(ctx, s, d.Template)
		if err != nil {
			return err
		}
		return s.Campaigns.DeleteTemplate(ctx, t.ID, atShell, recordNow(ctx, s))
	})
}

// findTemplate reads one by its name or number.
func findTemplate(ctx context.Context, s *store.Store, which string) (campaigns.Template, error) {
	list, err := s.Campaigns.Templates(ctx)
	if err != nil {
		return campaigns.Template{}, err
	}
	for _, t := range list {
		if t.Name == which || strconv.FormatInt(t.ID, 10) == which {
			return t, nil
		}
	}
	return campaigns.Template{}, fmt.Errorf("there is no template %s; ringmaster campaign template list shows them", which)
}
