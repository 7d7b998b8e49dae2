package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) templateRoutes() {
	const tag = "Campaigns"
	gone := refuses(http.StatusNotFound)
	route(a, readers, a.listTemplates, op(tag, "list-templates", "GET /templates", "List campaigns' templates, by name"))
	route(a, readers, a.getTemplate, op(tag, "get-template", "GET /templates/{id}", "Read a template", gone))
	route(a, supervisors, a.saveTemplate, op(tag, "save-template", "POST /templates",
		"Save a campaign's settings as a template", created, refuses(http.StatusNotFound, http.StatusConflict),
		says("All settings and call codes, as they are now; later changes of the campaign do not change the template.")))
	route(a, supervisors, a.useTemplate, op(tag, "use-template", "POST /templates/{id}/campaign", "Make a campaign from a template",
		created, refuses(http.StatusNotFound, http.StatusConflict),
		says("A draft without contacts. The rules are judged as of a new campaign: what only an admin may make only an admin may make "+
			"from a template, with a reason.")))
	route(a, supervisors, a.deleteTemplate, op(tag, "delete-template", "DELETE /templates/{id}", "Forget a template", empty, gone,
		says("Campaigns that were made from it stay as they are.")))
}

// Template is a campaign's settings under a name.
type Template struct {
	ID        int64            `json:"id"`
	Name      string           `json:"name"`
	Settings  CampaignSettings `json:"settings" doc:"Without name and queue, which are each campaign's own"`
	MadeBy    string           `json:"made_by"`
	UpdatedAt time.Time        `json:"updated_at"`
}

func showTemplate(t campaigns.Template) Template {
	return Template{t.ID, t.Name, settingsOf(&t.Settings), t.MadeBy, t.UpdatedAt.UTC()}
}

type templateList struct {
	Items []Template `json:"items" nullable:"false"`
}

func (a *api) listTemplates(ctx context.Context, _ *struct{}) (*reply[templateList], error) {
	list, err := a.Store.Templates(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]Template, len(list))
	for i, t := range list {
		items[i] = showTemplate(t)
	}
	return answer(templateList{items}), nil
}

func (a *api) getTemplate(ctx context.Context, in *ByID) (*reply[Template], error) {
	t, err := a.Store.Template(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(showTemplate(t)), nil
}

type saveTemplateInput struct {
	Body struct {
		Name       string `json:"name" minLength:"1" maxLength:"100" doc:"Unique"`
		CampaignID int64  `json:"campaign_id" minimum:"1" doc:"Whose settings"`
		Replace    bool   `json:"replace" required:"false" doc:"In the place of the template of this name, if there is one"`
	}
}

func (a *api) saveTemplate(ctx context.Context, in *saveTemplateInput) (*reply[Template], error) {
	c, err := a.Store.Campaign(ctx, in.Body.CampaignID)
	if err != nil {
		return nil, err
	}
	saved, err := a.Store.SaveTemplate(ctx, campaigns.Template{Name: in.Body.Name, Settings: *c, MadeBy: userOf(ctx).Login},
		in.Body.Replace, fmt.Sprintf("%s, of %s", in.Body.Name, campaignObject(c.ID)), a.Now())
	if err != nil {
		return nil, err
	}
	return answer(showTemplate(saved)), nil
}

type useTemplateInput struct {
	ByID
	Body struct {
		Name   string `json:"name" minLength:"1" maxLength:"100" doc:"Of the campaign"`
		Queue  string `json:"queue" required:"false" maxLength:"100" doc:"The line's name as agents see it; the name when left out"`
		Reason string `json:"reason" required:"false" maxLength:"500" doc:"Who decided it and why, where an admin's word is needed"`
	}
}

func (a *api) useTemplate(ctx context.Context, in *useTemplateInput) (*reply[Campaign], error) {
	t, err := a.Store.Template(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.makeCampaign(ctx, "campaign.from_template", t.Make(in.Body.Name, in.Body.Queue), in.Body.Reason,
		fmt.Sprintf("of template/%d, %s", t.ID, t.Name))
}

// makeCampaign stores a campaign that is made like something else, judged as any new one.
func (a *api) makeCampaign(ctx context.Context, deed string, c campaigns.Campaign, why, of string) (*reply[Campaign], error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	law, err := campaigns.CheckLaw(nil, &c, userOf(ctx).Role == access.RoleAdmin, why)
	if err != nil {
		return nil, err
	}
	made, err := a.Store.CreateCampaign(ctx, c, a.Now())
	if err != nil {
		return nil, err
	}
	a.audit(ctx, deed, campaignObject(made.ID), joined(made.Name+", "+of, law))
	return answer(showCampaign(made)), nil
}

func (a *api) deleteTemplate(ctx context.Context, in *ByID) (*struct{}, error) {
	if err := a.Store.DeleteTemplate(ctx, in.ID, userOf(ctx).Login, a.Now()); err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}
