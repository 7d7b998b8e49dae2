package api

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/webhook"
)

func (a *api) overviewRoutes() {
	route(a, supervisors, a.overview, op("Overview", "overview", "GET /overview", "See what is wrong, and why nobody is called",
		says("Everything that keeps calls from being made, or the CRM from hearing of them: no phone network, trunks, endpoints, "+
			"nobody there "+
			"to talk. With a campaign, what keeps that one from calling, too. An empty list of troubles is good news. Agents are counted "+
			"at most once a second.")))
}

// Overview is how everything stands at one moment.
type Overview struct {
	At        time.Time        `json:"at"`
	Troubles  []Trouble        `json:"troubles" nullable:"false" doc:"The gravest first"`
	Agents    map[string]int   `json:"agents" doc:"Who is logged on, by state; free: may be given an automatic call now"`
	Campaigns map[string]int   `json:"campaigns" doc:"By status"`
	Campaign  *CampaignOutlook `json:"campaign" doc:"The one that was asked for"`
}

// CampaignOutlook is one campaign: how far it is, and what keeps it from calling.
type CampaignOutlook struct {
	Campaign Campaign      `json:"campaign"`
	Stats    CampaignStats `json:"stats"`
	Why      []Trouble     `json:"why" nullable:"false" doc:"What keeps it from calling now; empty: nothing that we know of"`
}

// What keeps calls of every campaign from being made, or the CRM from hearing of them.
var (
	toldNoNetwork     = reason.Plain("trouble.no_network")
	toldNoCampaign    = reason.Plain("trouble.no_campaign")
	toldTrunkDown     = reason.With3[string, string, reason.Reason]("trouble.trunk_down", "trunk", "node", "cause")
	toldTrunkRests    = reason.With3[string, string, reason.Reason]("trouble.trunk_resting", "trunk", "node", "cause")
	toldEndpointFails = reason.With2[string, string]("trouble.endpoint_failing", "endpoint", "cause")
	toldEndpointOff   = reason.With2[string, reason.Reason]("trouble.endpoint_disabled", "endpoint", "cause")
)

// Trouble is something that somebody should mend or know.
type Trouble struct {
	Kind  string         `json:"kind" enum:"no_network,trunk_down,trunk_resting,endpoint_failing,endpoint_disabled,no_campaign,nobody_on,nobody_auto,nobody_free,nobody_reachable,not_running,no_contacts,window_closed,not_due,by_hand"`
	Args  map[string]any `json:"args" nullable:"false" doc:"What the text is made with, such as a trunk's name"`
	Text  string         `json:"text" doc:"In the language that Accept-Language asks for: English, Ukrainian or Russian"`
	Since *time.Time     `json:"since"`
	Until *time.Time     `json:"until" doc:"When it is tried again, or over by itself"`
}

// trouble is one in the words of the request. Its kind is the last part of its reason's key.
func trouble(ctx context.Context, why reason.Reason) Trouble {
	_, kind, _ := strings.Cut(why.Key(), ".")
	return Trouble{Kind: kind, Text: bookOf(ctx).Sentence(why), Args: argsOf(why)}
}

const (
	countAge      = time.Second // how old a count of agents may be
	agentsAtOnce  = 500
	mostAgents    = 20_000 // that are counted
	mostCampaigns = 5_000  // that are counted
)

// census is the count of agents, kept for all who watch.
type census struct {
	mu   sync.Mutex
	at   time.Time
	list []agents.Live
}

// loggedOn are all agents who are logged on.
func (a *api) loggedOn(ctx context.Context) ([]agents.Live, error) {
	c := &a.census
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || time.Since(c.at) >= countAge { // by our own clock: it is the age that matters
		var list []agents.Live
		for after := int64(0); len(list) < mostAgents; {
			some, err := a.Roster.List(ctx, after, agentsAtOnce)
			if err != nil {
				return nil, err
			}
			list = append(list, some...)
			if len(some) < agentsAtOnce {
				break
			}
			after = some[len(some)-1].AgentID
		}
		c.list, c.at = list, time.Now()
	}
	return c.list, nil
}

type overviewInput struct {
	Campaign int64 `query:"campaign" minimum:"1" doc:"Id of a campaign to look at more closely"`
}

func (a *api) overview(ctx context.Context, in *overviewInput) (*reply[Overview], error) {
	v := Overview{At: a.Now().UTC(), Troubles: []Trouble{}, Agents: map[string]int{"free": 0}, Campaigns: map[string]int{}}
	on, err := a.loggedOn(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range on {
		v.Agents[string(l.State)]++
		if l.Free() {
			v.Agents["free"]++
		}
	}
	if err := a.countCampaigns(ctx, v.Campaigns); err != nil {
		return nil, err
	}
	if a.NoNetwork != "" {
		v.Troubles = append(v.Troubles, trouble(ctx, toldNoNetwork))
	}
	for _, look := range []func(context.Context) ([]Trouble, error){a.troubledTrunks, a.troubledEndpoints} {
		found, err := look(ctx)
		if err != nil {
			return nil, err
		}
		v.Troubles = append(v.Troubles, found...)
	}
	if v.Campaigns[string(campaigns.Running)] == 0 {
		v.Troubles = append(v.Troubles, trouble(ctx, toldNoCampaign))
	}
	if in.Campaign != 0 {
		if v.Campaign, err = a.outlook(ctx, in.Campaign, on); err != nil {
			return nil, err
		}
	}
	return answer(v), nil
}

func (a *api) countCampaigns(ctx context.Context, byStatus map[string]int) error {
	for after, n := int64(0), 0; n < mostCampaigns; {
		list, err := a.Store.Campaigns(ctx, after, agentsAtOnce)
		if err != nil {
			return err
		}
		for _, c := range list {
			byStatus[string(c.Status)]++
			after = c.ID
		}
		if n += len(list); len(list) < agentsAtOnce {
			return nil
		}
	}
	return nil
}

func (a *api) troubledTrunks(ctx context.Context) (list []Trouble, err error) {
	if a.Trunks == nil {
		return nil, nil
	}
	trunks, err := a.Trunks(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range trunks {
		var t Trouble
		switch k.State {
		case "down":
			t = trouble(ctx, toldTrunkDown(k.Name, k.Node, k.Why))
		case "resting", "trying":
			t = trouble(ctx, toldTrunkRests(k.Name, k.Node, k.Why))
		default:
			continue
		}
		t.Until = k.Until
		list = append(list, t)
	}
	return list, nil
}

func (a *api) troubledEndpoints(ctx context.Context) (list []Trouble, err error) {
	endpoints, err := a.Store.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		place := withoutQuery(e.URL)
		var t Trouble
		switch e.Health(a.Now()) {
		case webhook.Failing, webhook.Warned:
			t = trouble(ctx, toldEndpointFails(place, e.Error))
			t.Until = moment(e.DisabledAt())
		case webhook.Disabled:
			t = trouble(ctx, toldEndpointOff(place, e.Reason))
		default:
			continue
		}
		t.Since = moment(e.FailingAt)
		list = append(list, t)
	}
	return list, nil
}

// outlook is one campaign with what keeps it from calling.
func (a *api) outlook(ctx context.Context, id int64, on []agents.Live) (*CampaignOutlook, error) {
	c, err := a.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	s, err := a.Store.Stats(ctx, id)
	if err != nil {
		return nil, err
	}
	o := &CampaignOutlook{Campaign: showCampaign(c), Stats: showStats(c, s, a.Now()), Why: []Trouble{}}
	o.Why = append(o.Why, a.waitsFor(ctx, c, s, o.Stats)...)
	if why := nobodyFor(c, on); !why.IsZero() {
		o.Why = append(o.Why, trouble(ctx, why))
	}
	return o, nil
}

// waitsFor is what the campaign itself waits for.
func (a *api) waitsFor(ctx context.Context, c *campaigns.Campaign, s campaigns.Stats, shown CampaignStats) (list []Trouble) {
	if c.Status != campaigns.Running {
		return []Trouble{trouble(ctx, whyNotRunning(c.Status.Word()))}
	}
	if c.Mode == campaigns.Manual {
		list = append(list, trouble(ctx, whyHands))
	}
	if s.Contacts[campaigns.Waiting] == 0 {
		list = append(list, trouble(ctx, whyNoContacts))
	}
	if !shown.WindowOpen {
		t := trouble(ctx, whyClosed)
		if closed, ok := campaigns.ClosedBy(c, a.Now()); ok {
			t.Text, t.Args = bookOf(ctx).Sentence(closed), argsOf(closed)
		}
		t.Until = shown.WindowUntil
		list = append(list, t)
	}
	if s.Contacts[campaigns.Waiting] > 0 && s.NextDue.After(a.Now()) {
		t := trouble(ctx, whyInRetry(s.NextDue))
		t.Until = moment(s.NextDue)
		list = append(list, t)
	}
	return list
}

// nobodyFor says why no agent can be given the campaign's calls; zero where one can, or talks already.
func nobodyFor(c *campaigns.Campaign, on []agents.Live) reason.Reason {
	var ofQueue, auto, reachable int
	for _, l := range on {
		serves := false
		for _, q := range l.Queues {
			serves = serves || q == c.Queue
		}
		switch {
		case !serves:
			continue
		case l.Free() || l.State.InCall() || l.State == agents.Clerical:
			return reason.Reason{}
		}
		ofQueue++
		if l.AutoCall {
			auto++
		}
		if l.Reachable {
			reachable++
		}
	}
	switch {
	case ofQueue == 0:
		return whyNobodyOn(c.Queue)
	case auto == 0 && c.Mode != campaigns.Manual:
		return whyNobodyAuto(c.Queue)
	case reachable == 0:
		return whyNobodyCan(c.Queue)
	}
	return whyNobodyFree(c.Queue)
}
