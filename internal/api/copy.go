package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) copyRoutes() {
	route(a, supervisors, a.copyCampaign, op("Campaigns", "copy-campaign", "POST /campaigns/{id}/copy",
		"Make a campaign like another one", created,
		says("All settings and call codes, no contacts; it begins as a draft. The rules are judged as of a new campaign: what only "+
			"an admin may make only an admin may copy, with a reason."),
		refuses(http.StatusNotFound, http.StatusConflict)))
}

type copyInput struct {
	ByID
	Body struct {
		Name   string `json:"name" minLength:"1" maxLength:"100" doc:"Of the new one"`
		Queue  string `json:"queue" required:"false" maxLength:"100" doc:"The line's name as agents see it; the name when left out"`
		Reason string `json:"reason" required:"false" maxLength:"500" doc:"Who decided it and why, where an admin's word is needed"`
	}
}

func (a *api) copyCampaign(ctx context.Context, in *copyInput) (*reply[Campaign], error) {
	from, err := a.Store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c := settingsOf(from).Apply(campaigns.Campaign{})
	c.Name, c.Queue, c.Status = in.Body.Name, in.Body.Queue, campaigns.Draft
	if c.Queue == "" {
		c.Queue = c.Name
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	law, err := campaigns.CheckLaw(nil, &c, userOf(ctx).Role == access.RoleAdmin, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	made, err := a.Store.CreateCampaign(ctx, c, a.Now())
	if err != nil {
		return nil, err
	}
	a.audit(ctx, "campaign.copy", campaignObject(made.ID), joined(fmt.Sprintf("%s, of %s", made.Name, campaignObject(in.ID)), law))
	return answer(showCampaign(made)), nil
}
