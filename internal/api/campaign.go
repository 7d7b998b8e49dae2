package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) campaignRoutes() {
	const tag = "Campaigns"
	route(a, readers, a.listCampaigns, op(tag, "list-campaigns", "GET /campaigns", "List campaigns"))
	route(a, supervisors, a.createCampaign, op(tag, "create-campaign", "POST /campaigns", "Create a campaign", created,
		says("It begins as a draft; start it to call. A profile other than the region's, and profile none, are an admin's, with "+
			"a reason."),
		refuses(http.StatusConflict)))
	route(a, readers, a.getCampaign, op(tag, "get-campaign", "GET /campaigns/{id}", "Read a campaign", refuses(http.StatusNotFound)))
	route(a, supervisors, a.changeCampaign, op(tag, "change-campaign", "PATCH /campaigns/{id}", "Change a campaign",
		says("Fields that are left out stay; lists are replaced as a whole. Calls that are planned already go by the old settings. "+
			"Whatever loosens the rules by which people are called (another profile, none, a wider limit, a holiday taken away) is "+
			"an admin's, with a reason; the audit says from what to what."),
		refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, readers, a.campaignStats, op(tag, "campaign-stats", "GET /campaigns/{id}/stats", "Count contacts, attempts and codes",
		refuses(http.StatusNotFound)))
	a.pacingRoutes()
	a.whatIfRoutes()
	a.shadowRoutes()
	route(a, readers, a.listProfiles, op(tag, "list-profiles", "GET /profiles", "List the legal profiles that a campaign may name",
		says("Their numbers are defaults that a deployer must check with counsel.")))
	for _, s := range []StatusChange{StartCampaign, PauseCampaign, StopCampaign} {
		route(a, supervisors, func(ctx context.Context, in *ByID) (*reply[Campaign], error) { return a.setStatus(ctx, in.ID, s) },
			op(tag, s.Verb+"-campaign", "POST /campaigns/{id}/"+s.Verb, s.summary, says(s.description),
				refuses(http.StatusNotFound, http.StatusConflict)))
	}
}

// StatusChange is one of the orders start, pause and stop. Each may be repeated.
type StatusChange struct {
	Verb string
	To   campaigns.Status
	From []campaigns.Status

	summary, description string
}

// The orders that a campaign obeys.
var (
	StartCampaign = StatusChange{"start", campaigns.Running,
		[]campaigns.Status{campaigns.Draft, campaigns.Paused, campaigns.Stopped, campaigns.Finished, campaigns.Running},
		"Start a campaign", "From any status; calls are made whenever a window is open. Refused with all that is missing as long " +
			"as region, time zone or profile are not said, or while every trunk hides the caller's number and the profile forbids that."}
	PauseCampaign = StatusChange{"pause", campaigns.Paused, []campaigns.Status{campaigns.Running, campaigns.Paused},
		"Pause a campaign", "Once this has answered, no new call is dialed. Calls that are up go on."}
	StopCampaign = StatusChange{"stop", campaigns.Stopped,
		[]campaigns.Status{campaigns.Draft, campaigns.Running, campaigns.Paused, campaigns.Finished, campaigns.Stopped},
		"Stop a campaign", "As pause, but for good."}
)

func (a *api) listCampaigns(ctx context.Context, in *Paging) (*reply[page[Campaign]], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Campaigns(ctx, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showCampaign, func(c *campaigns.Campaign) []int64 { return []int64{c.ID} }), nil
}

// CampaignInput is what a request says of a campaign.
type CampaignInput struct {
	CampaignSettings
	Reason string `json:"reason" required:"false" maxLength:"500" doc:"Who decided it and why, for the audit; must be given when the rules by which people are called are loosened"`
}

func (a *api) createCampaign(ctx context.Context, in *struct{ Body CampaignInput }) (*reply[Campaign], error) {
	c := in.Body.Apply(campaigns.Campaign{})
	c.SetDefaults()
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
	a.audit(ctx, "campaign.create", campaignObject(made.ID), joined(made.Name, law))
	return answer(showCampaign(made)), nil
}

func (a *api) getCampaign(ctx context.Context, in *ByID) (*reply[Campaign], error) {
	c, err := a.Store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(showCampaign(c)), nil
}

// changeInput has the body twice: described and validated, and as it came, since only that tells what was left out.
type changeInput[T any] struct {
	ByID
	Body    T
	RawBody []byte
}

func (a *api) changeCampaign(ctx context.Context, in *changeInput[CampaignInput]) (*reply[Campaign], error) {
	c, err := a.Store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	settings := CampaignInput{CampaignSettings: settingsOf(c)}
	if err := json.Unmarshal(in.RawBody, &settings); err != nil {
		return nil, refuseField("body", whyHuma(err.Error()))
	}
	changed := settings.Apply(*c)
	if err := changed.Validate(); err != nil {
		return nil, err
	}
	law, err := campaigns.CheckLaw(c, &changed, userOf(ctx).Role == access.RoleAdmin, settings.Reason)
	if err != nil {
		return nil, err
	}
	if changed.Status == campaigns.Running {
		if err := changed.MayStart(a.means(ctx)); err != nil {
			return nil, err
		}
	}
	was, is := difference(settingsOf(c), settingsOf(&changed))
	if c, err = a.Store.UpdateCampaign(ctx, changed, a.Now()); err != nil {
		return nil, err
	}
	a.auditChange(ctx, "campaign.change", campaignObject(c.ID), joined(fieldNames(in.RawBody), law), was, is)
	a.wakeDialer()
	return answer(showCampaign(c)), nil
}

// fieldNames lists what a change named, for the audit: its values may be long.
func fieldNames(body []byte) string {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(body, &fields) // it has been read before
	keys := make([]string, 0, len(fields))
	for k := range fields {
		keys = append(keys, k)
	}
	return joinSorted(keys)
}

// joined is an audit's detail with what it says of the law, if anything.
func joined(detail, law string) string {
	if law == "" {
		return detail
	}
	return detail + "; " + law
}

func (a *api) setStatus(ctx context.Context, id int64, s StatusChange) (*reply[Campaign], error) {
	if s.To == campaigns.Running {
		c, err := a.Store.Campaign(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := c.MayStart(a.means(ctx)); err != nil {
			return nil, err
		}
	}
	c, err := a.Store.SetStatus(ctx, id, s.To, s.From, a.Now())
	if err != nil {
		return nil, err
	}
	a.audit(ctx, "campaign."+s.Verb, campaignObject(id), c.Name)
	if s.To == campaigns.Running {
		a.wakeDialer()
	}
	return answer(showCampaign(c)), nil
}

func (a *api) campaignStats(ctx context.Context, in *ByID) (*reply[CampaignStats], error) {
	c, err := a.Store.Campaign(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s, err := a.Store.Stats(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(showStats(c, s, a.Now())), nil
}

// Profile is a named set of legal rules.
type Profile struct {
	Name             string            `json:"name"`
	Title            string            `json:"title" doc:"Whose rules they are, in the language of the request"`
	From             string            `json:"from,omitempty" doc:"Calls are allowed from, the person's time"`
	To               string            `json:"to,omitempty"`
	NoWeekends       bool              `json:"no_weekends,omitempty"`
	NoHolidays       bool              `json:"no_holidays,omitempty" doc:"The campaign's holidays are law"`
	NoHiding         bool              `json:"no_hiding,omitempty" doc:"The caller's number must be shown: trunks that hide it take no call"`
	MeaningfulPerDay int               `json:"meaningful_per_day,omitempty"`
	AutoDialing      Duration          `json:"auto_dialing,omitempty"`
	PerPeriod        int               `json:"per_period,omitempty"`
	Period           Duration          `json:"period,omitempty"`
	ConversationRest Duration          `json:"conversation_rest,omitempty"`
	AbandonedRest    Duration          `json:"abandoned_rest,omitempty"`
	AbandonedCap     float64           `json:"abandoned_cap,omitempty" doc:"Abandoned calls over answered ones, at most"`
	AbandonedPeriod  Duration          `json:"abandoned_period,omitempty"`
	Message          bool              `json:"message,omitempty" doc:"An abandoned customer must hear a message: without one no predictive campaign starts"`
	MinimumRing      Duration          `json:"minimum_ring,omitempty"`
	Retention        Duration          `json:"retention,omitempty" doc:"Attempts and recordings are kept for so long, then purged"`
	Sources          map[string]string `json:"sources,omitempty" doc:"Rule and what it rests on, in the language of the request"`
	Duties           []string          `json:"duties,omitempty" doc:"What the dialer cannot see to, in the language of the request"`
}

func (a *api) listProfiles(ctx context.Context, _ *struct{}) (*reply[page[Profile]], error) {
	return pageOf(campaigns.Profiles, len(campaigns.Profiles)+1, func(p campaigns.Profile) Profile {
		v := Profile{
			Name: p.Name, Title: bookOf(ctx).Say(p.Title), NoWeekends: p.NoWeekends, NoHolidays: p.NoHolidays, NoHiding: p.NoHiding,
			MeaningfulPerDay: p.MeaningfulPerDay,
			AutoDialing:      Duration(p.AutoDialing), PerPeriod: p.PerPeriod, Period: Duration(p.Period),
			ConversationRest: Duration(p.ConversationRest),
			AbandonedRest:    Duration(p.AbandonedRest), AbandonedCap: p.AbandonedCap, AbandonedPeriod: Duration(p.AbandonedPeriod),
			Message:     p.Message,
			MinimumRing: Duration(p.MinimumRing), Retention: Duration(p.Retention), Sources: make(map[string]string, len(p.Sources)),
		}
		for rule, source := range p.Sources {
			v.Sources[rule] = bookOf(ctx).Say(source)
		}
		for _, duty := range p.Duties {
			v.Duties = append(v.Duties, bookOf(ctx).Sentence(duty))
		}
		if p.To > 0 {
			v.From, v.To = clock(Duration(p.From)), clock(Duration(p.To))
		}
		return v
	}, nil), nil
}

func (a *api) means(ctx context.Context) campaigns.Means {
	return campaigns.Means{AllHide: a.AllHide != nil && a.AllHide(ctx), NoMessage: a.NoMessage, NoMachine: a.NoMachine}
}

func (a *api) wakeDialer() {
	if a.Dialer != nil {
		a.Dialer.Wake()
	}
}

func campaignObject(id int64) string { return fmt.Sprintf("campaign/%d", id) }
