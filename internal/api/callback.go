package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

func (a *api) callbackRoutes() {
	const tag = "Callbacks"
	route(a, readers, a.promise, op(tag, "promise-callback", "POST /callbacks", "Promise to call a contact back", created,
		says("At the agreed moment the contact is due before others, whatever its attempts; law and settings hold for it as for "+
			"any call. A callback agreed before is replaced."), refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, readers, a.listCallbacks, op(tag, "list-callbacks", "GET /callbacks", "List promised callbacks, by time"))
	route(a, anyone, a.moveCallback, op(tag, "move-callback", "PATCH /callbacks/{id}",
		"Agree on another moment for a promised callback",
		says("By the contact's id. An agent may move the own promises, and those that are anybody's."),
		refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, supervisors, a.cancelCallback, op(tag, "cancel-callback", "DELETE /callbacks/{id}", "Take a promised callback back",
		empty,
		says("By the contact's id. The contact goes on as if nothing had been promised."),
		refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, readers, a.promises, op(tag, "read-promises", "GET /callbacks/figures", "See how promised callbacks are kept",
		says("Of those that were promised for the time given. In time is dialed within five minutes of the agreed moment.")))
}

// Callback is a promise to call a contact at an agreed moment.
type Callback struct {
	ContactID  int64     `json:"contact_id"`
	CampaignID int64     `json:"campaign_id"`
	At         time.Time `json:"at"`
	AgentID    *int64    `json:"agent_id" doc:"Who promised; null: any agent may call"`
	MadeBy     string    `json:"made_by"`
	ConsentID  *int64    `json:"consent_id" doc:"The person's recorded wish that it rests on; null: none"`

	OpenAt      *time.Time `json:"open_at" doc:"From then on any agent may keep it; null: any may at once"`
	PermittedAt *time.Time `json:"permitted_at" doc:"When law and settings allow the call, if nothing happens until then; null: never, as things stand"`
	CalledAt    *time.Time `json:"called_at" doc:"When it was tried first; null: not yet"`
	LateAt      *time.Time `json:"late_at" doc:"When callback.late told that it is late; null: it did not"`
}

func showCallback(c campaigns.Callback) Callback {
	return Callback{ContactID: c.ContactID, CampaignID: c.CampaignID, At: c.At.UTC(), AgentID: some(c.AgentID), MadeBy: c.MadeBy,
		ConsentID: some(c.ConsentID),
		OpenAt:    moment(c.OpenAt), PermittedAt: moment(c.PermittedAt), CalledAt: moment(c.CalledAt), LateAt: moment(c.LateAt)}
}

type promiseInput struct {
	Body struct {
		ContactID int64     `json:"contact_id" minimum:"1"`
		At        time.Time `json:"at" doc:"Within a year"`
		AgentID   int64     `json:"agent_id" required:"false" minimum:"1" doc:"Who promised; any agent when left out"`
		Fallback  *Duration `json:"fallback" required:"false" doc:"With agent_id: how long after at only that agent may call, up to 168h; of the campaign's callbacks.fallback when left out" example:"10m"`
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
	c := campaigns.Callback{ContactID: in.Body.ContactID, At: in.Body.At, AgentID: in.Body.AgentID, MadeBy: userOf(ctx).Login,
		Wish: in.Body.Wish}
	var err error
	if c.Fallback, err = a.fallback(ctx, c.ContactID, in.Body.Fallback); err != nil {
		return nil, err
	}
	if _, err = a.Store.Promise(ctx, c, a.Now()); err != nil {
		return nil, err
	}
	a.audit(ctx, "callback.promise", fmt.Sprintf("contact/%d", c.ContactID), c.At.UTC().Format(time.RFC3339))
	a.wakeDialer()
	return a.callback(ctx, c.ContactID)
}

// longestFallback is how long an agent may have a promise alone.
const longestFallback = 7 * 24 * time.Hour

// fallback is how long after the agreed moment only the agent who promised may call.
func (a *api) fallback(ctx context.Context, contactID int64, asked *Duration) (time.Duration, error) {
	if asked != nil {
		if d := time.Duration(*asked); d < 0 || d > longestFallback {
			return 0, refuseField("body.fallback", field.Lasts(0, longestFallback))
		}
		return time.Duration(*asked), nil
	}
	contact, err := a.Store.Contact(ctx, contactID)
	if err != nil {
		return 0, err
	}
	c, err := a.Store.Campaign(ctx, contact.CampaignID)
	if err != nil {
		return 0, err
	}
	return c.Callbacks.OrDefaults().Fallback, nil
}

// callback shows what is promised to a contact by now.
func (a *api) callback(ctx context.Context, contactID int64) (*reply[Callback], error) {
	c, err := a.Store.Callback(ctx, contactID)
	if err != nil {
		return nil, err
	}
	list := []campaigns.Callback{c}
	if err := a.Store.PermitCallbacks(ctx, list, a.Now()); err != nil {
		return nil, err
	}
	return answer(showCallback(list[0])), nil
}

type moveCallbackInput struct {
	ByID
	Body struct {
		At       time.Time `json:"at" doc:"Within a year"`
		AgentID  *int64    `json:"agent_id" required:"false" minimum:"0" doc:"Who answers for it; 0: any agent; as it was when left out"`
		Fallback *Duration `json:"fallback" required:"false" doc:"How long after at only that agent may call, up to 168h"`
	}
}

func (a *api) moveCallback(ctx context.Context, in *moveCallbackInput) (*reply[Callback], error) {
	if err := a.checkCallback("body.at", in.Body.At); err != nil {
		return nil, err
	}
	c, err := a.Store.Callback(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.AgentID != nil && *in.Body.AgentID != c.AgentID {
		if *in.Body.AgentID != 0 {
			if _, err := a.Store.Agent(ctx, *in.Body.AgentID); err != nil {
				return nil, err
			}
		}
		c.AgentID = *in.Body.AgentID
	}
	if u := userOf(ctx); u.Role == access.RoleAgent {
		was, err := a.Store.Callback(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if was.AgentID != 0 && was.AgentID != u.AgentID || c.AgentID != 0 && c.AgentID != u.AgentID {
			return nil, refuse(http.StatusForbidden, whyOwnCallback)
		}
	}
	if c.Fallback, err = a.fallback(ctx, in.ID, in.Body.Fallback); err != nil {
		return nil, err
	}
	c.At, c.MadeBy = in.Body.At, userOf(ctx).Login
	if _, err := a.Store.MoveCallback(ctx, c, a.Now()); err != nil {
		return nil, err
	}
	a.wakeDialer()
	return a.callback(ctx, in.ID)
}

type cancelCallbackInput struct {
	ByID
	Reason string `query:"reason" maxLength:"200" doc:"For the audit"`
}

func (a *api) cancelCallback(ctx context.Context, in *cancelCallbackInput) (*struct{}, error) {
	if _, err := a.Store.CancelCallback(ctx, in.ID, userOf(ctx).Login, "reason: "+in.Reason, a.Now()); err != nil {
		return nil, err
	}
	a.wakeDialer()
	return &struct{}{}, nil
}

type promisesInput struct {
	CampaignID int64     `query:"campaign_id" minimum:"1"`
	From       time.Time `query:"from" doc:"The last 24 hours when left out"`
}

// PromiseFigures say how promised callbacks are kept.
type PromiseFigures struct {
	Due     int     `json:"due" doc:"Promised for the time asked about; those that were moved or cancelled before they were dialed left out"`
	InTime  int     `json:"in_time" doc:"Dialed within five minutes of the agreed moment"`
	Late    int     `json:"late" doc:"Dialed later"`
	Missed  int     `json:"missed" doc:"Given up without having been dialed"`
	Waiting int     `json:"waiting" doc:"Not dialed yet, and not late"`
	Overdue int     `json:"overdue" doc:"Not dialed yet, and late"`
	Share   float64 `json:"share" doc:"Part that was kept in time, of all but the waiting; 1 where there is none"`
}

func (a *api) promises(ctx context.Context, in *promisesInput) (*reply[PromiseFigures], error) {
	now := a.Now()
	if in.From.IsZero() {
		in.From = now.Add(-24 * time.Hour)
	}
	p, err := a.Store.Promises(ctx, in.CampaignID, in.From, now)
	if err != nil {
		return nil, err
	}
	return answer(PromiseFigures{p.Due, p.InTime, p.Late, p.Missed, p.Waiting, p.Overdue, p.Share()}), nil
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
	list, err := a.Store.Callbacks(ctx, campaignID, agentID, after, at[1], p.Limit)
	if err != nil {
		return nil, err
	}
	return list, a.Store.PermitCallbacks(ctx, list, a.Now())
}

func callbackPosition(c campaigns.Callback) []int64 { return []int64{c.At.UnixMilli(), c.ContactID} }
