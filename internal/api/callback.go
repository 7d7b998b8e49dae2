package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) callbackRoutes() {
	const tag = "Callbacks"
	route(a, readers, a.promise, op(tag, "promise-callback", "POST /callbacks", "Promise to call a contact back", created,
		says("At the agreed moment the contact is due before others, whatever its attempts; law and settings hold for it as for "+
			"any call. A callback agreed before is replaced."), refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, readers, a.listCallbacks, op(tag, "list-callbacks", "GET /callbacks", "List promised callbacks, by time"))
}

// Callback is a promise to call a contact at an agreed moment.
type Callback struct {
	ContactID  int64     `json:"contact_id"`
	CampaignID int64     `json:"campaign_id"`
	At         time.Time `json:"at"`
	AgentID    *int64    `json:"agent_id" doc:"Who promised; null: any agent may call"`
	MadeBy     string    `json:"made_by"`
	ConsentID  *int64    `json:"consent_id" doc:"The person's recorded wish that it rests on; null: none"`
}

func showCallback(c campaigns.Callback) Callback {
	return Callback{ContactID: c.ContactID, CampaignID: c.CampaignID, At: c.At.UTC(), AgentID: some(c.AgentID), MadeBy: c.MadeBy, ConsentID: some(c.ConsentID)}
}

type promiseInput struct {
	Body struct {
		ContactID int64     `json:"contact_id" minimum:"1"`
		At        time.Time `json:"at" doc:"Within a year"`
		AgentID   int64     `json:"agent_id" required:"false" minimum:"1" doc:"Who promised; any agent when left out"`
		Wish      string    `json:"wish" required:"false" maxLength:"200" doc:"Where it is recorded that the person asked for it, such as a call or a letter; it becomes a consent of the kind callback"`
	}
}

// longestPromise is how far ahead a callback may be agreed.
const longestPromise = 366 * 24 * time.Hour

// checkCallback refuses moments that nobody can have meant.
func (a *api) checkCallback(where string, at time.Time) error {
	now := a.Now()
	if at.Before(now.Add(-time.Minute)) || at.After(now.Add(longestPromise)) {
		return refuseField(where, whyCallback)
	}
	return nil
}

func (a *api) promise(ctx context.Context, in *promiseInput) (*reply[Callback], error) {
	if err := a.checkCallback("body.at", in.Body.At); err != nil {
		return nil, err
	}
	if in.Body.AgentID != 0 {
		if _, err := a.Store.Agent(ctx, in.Body.AgentID); err != nil {
			return nil, err
		}
	}
	c := campaigns.Callback{ContactID: in.Body.ContactID, At: in.Body.At, AgentID: in.Body.AgentID, MadeBy: userOf(ctx).Login, Wish: in.Body.Wish}
	contact, err := a.Store.Promise(ctx, c, a.Now())
	if err != nil {
		return nil, err
	}
	c.CampaignID = contact.CampaignID
	a.audit(ctx, "callback.promise", fmt.Sprintf("contact/%d", c.ContactID), c.At.UTC().Format(time.RFC3339))
	a.wakeDialer()
	return answer(showCallback(c)), nil
}

type callbacksInput struct {
	Paging
	CampaignID int64 `query:"campaign_id" minimum:"1"`
	AgentID    int64 `query:"agent_id" minimum:"1"`
}

func (a *api) listCallbacks(ctx context.Context, in *callbacksInput) (*reply[page[Callback]], error) {
	list, err := a.callbacksAfter(ctx, in.Paging, in.CampaignID, in.AgentID)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showCallback, callbackPosition), nil
}

// callbacksAfter are those of the page that is asked for.
func (a *api) callbacksAfter(ctx context.Context, p Paging, campaignID, agentID int64) ([]campaigns.Callback, error) {
	at, err := p.position(2)
	if err != nil {
		return nil, err
	}
	var after time.Time
	if at[0] != 0 {
		after = time.UnixMilli(at[0])
	}
	return a.Store.Callbacks(ctx, campaignID, agentID, after, at[1], p.Limit)
}

func callbackPosition(c campaigns.Callback) []int64 { return []int64{c.At.UnixMilli(), c.ContactID} }
