package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

const templateColumns = `id, name, settings, made_by, updated_at`

func scanTemplate(row scanner) (t campaigns.Template, err error) {
	var text string
	if err = row.Scan(&t.ID, &t.Name, &text, &t.MadeBy, moment{&t.UpdatedAt}); err != nil {
		return t, err
	}
	t.Settings, err = readTemplate(text)
	return t, err
}

// templateText is the stored form of a template's settings.
func templateText(c campaigns.Campaign) (string, error) {
	c.ID, c.Name, c.Queue, c.Status, c.CreatedAt, c.UpdatedAt = 0, "", "", "", time.Time{}, time.Time{}
	text, err := json.Marshal(c)
	return string(text), err
}

func readTemplate(text string) (c campaigns.Campaign, err error) {
	if err = json.Unmarshal([]byte(text), &c); err != nil {
		err = fmt.Errorf("store: settings of a template: %w", err)
	}
	return c, err
}

// Templates lists all templates, by name.
func (s Campaigns) Templates(ctx context.Context) ([]campaigns.Template, error) {
	list, err := all(ctx, s, scanTemplate, `SELECT `+templateColumns+` FROM campaign_templates ORDER BY name, id`)
	if err != nil {
		return nil, fmt.Errorf("store: templates: %w", err)
	}
	return list, nil
}

// Template reads one.
func (s Campaigns) Template(ctx context.Context, id int64) (campaigns.Template, error) {
	t, err := one(ctx, s, scanTemplate, `SELECT `+templateColumns+` FROM campaign_templates WHERE id = $1`, id)
	if err != nil {
		return t, fmt.Errorf("store: template %d: %w", id, err)
	}
	return t, nil
}

// SaveTemplate stores a template under its name; replace says that it may take the place of one that is there. ErrConflict: it
// may not, and there is one. It is audited under MadeBy.
func (s Campaigns) SaveTemplate(ctx context.Context, k campaigns.Template, replace bool, detail string, now time.Time) (
	campaigns.Template, error) {
	text, err := templateText(k.Settings)
	if err != nil {
		return k, err
	}
	err = s.inTx(ctx, func(t *tx) error {
		known, err := all(ctx, t, scanTemplate, `SELECT `+templateColumns+` FROM campaign_templates WHERE name = $1`, k.Name)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			if !replace {
				return contradiction(whyTemplateInUse(k.Name))
			}
			k.ID = known[0].ID
			t.later(`UPDATE campaign_templates SET settings = $2, made_by = $3, updated_at = $4 WHERE id = $1`, k.ID, text, k.MadeBy,
				at(now))
		} else if k.ID, err = one(ctx, t, scanID, `INSERT INTO campaign_templates (name, settings, made_by, updated_at)
			VALUES ($1, $2, $3, $4) RETURNING id`, k.Name, text, k.MadeBy, at(now)); err != nil {
			return err
		}
		t.audit(k.MadeBy, "template.save", templateObject(k.ID), detail, now)
		return nil
	})
	if err != nil {
		return k, s.conflict(err, whyTemplateInUse(k.Name), "template %q", k.Name)
	}
	return s.Template(ctx, k.ID)
}

// DeleteTemplate forgets a template; campaigns that were made from it stay. It is audited under who.
func (s Campaigns) DeleteTemplate(ctx context.Context, id int64, who string, now time.Time) error {
	return s.inTx(ctx, func(t *tx) error {
		k, err := one(ctx, t, scanTemplate, `DELETE FROM campaign_templates WHERE id = $1 RETURNING `+templateColumns, id)
		if err != nil {
			return fmt.Errorf("store: template %d: %w", id, err)
		}
		t.audit(who, "template.delete", templateObject(id), k.Name, now)
		return nil
	})
}

func templateObject(id int64) string { return fmt.Sprintf("template/%d", id) }
