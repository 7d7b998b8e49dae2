package api

import (
	"context"
	"net/http"

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
	c = campaigns.Template{Settings: c}.Make(in.Body.Name, in.Body.Queue)
	return a.makeCampaign(ctx, "campaign.copy", c, in.Body.Reason, "of "+campaignObject(in.ID))
}
