package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/internal/reason/field"
	"github.com/creditorro/ringmaster/webhook"
)

func (a *api) eventRoutes() {
	const tag = "Webhooks"
	route(a, integrators, a.listEvents, op(tag, "list-events", "GET /events", "List events, the oldest first",
		says("Every event of the last 30 days, in the order in which it was written, whatever was delivered. Keep the cursor of "+
			"the last "+
			"item: passed later, it answers what has happened since, with nothing left out.")))
	route(a, integrators, a.getEvent, op(tag, "get-event", "GET /events/{id}", "Read an event", refuses(http.StatusNotFound)))
	route(a, integrators, a.allDeliveries, op(tag, "list-all-deliveries", "GET /deliveries",
		"List deliveries of all endpoints, the oldest first",
		says("In the order of their events, with what was or will be sent. A delivery's state changes: read it again by state.")))
}

// Chosen is what a list of events or deliveries is narrowed by.
type Chosen struct {
	Paging
	Type     webhook.Type `query:"type" maxLength:"64" doc:"Only of this type" example:"call.completed"`
	Campaign int64        `query:"campaign" minimum:"1" doc:"Only of the campaign with this id"`
	Contact  int64        `query:"contact" minimum:"1" doc:"Only of the contact with this id"`
	Since    time.Time    `query:"since" doc:"Happened at this moment or later"`
	Until    time.Time    `query:"until" doc:"Happened before this moment"`
}

// filter checks what cannot be said by types; places is how many numbers the cursor has.
func (c Chosen) filter(places int) (webhook.Filter, error) {
	f := webhook.Filter{Type: c.Type, CampaignID: c.Campaign, ContactID: c.Contact, Since: c.Since, Until: c.Until}
	at, err := c.position(places)
	if err != nil {
		return f, err
	}
	if f.After = at[0]; places > 1 {
		f.AfterDelivery = at[1]
	}
	if c.Type != "" && !known(c.Type) {
		return f, refuseField("query.type", field.OneOf(typeNames(eventTypes)))
	}
	if !c.Since.IsZero() && !c.Until.IsZero() && !c.Since.Before(c.Until) {
		return f, refuseField("query.until", whyAfterSince("since"))
	}
	return f, nil
}

// Event is an event as it was written.
type Event struct {
	ID        string          `json:"id" doc:"The webhook-id"`
	Type      webhook.Type    `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Cursor    string          `json:"cursor" doc:"Pass it as ?cursor= to read on after this event"`
	Payload   json.RawMessage `json:"payload" doc:"The body, as endpoints are sent it"`
}

func cursorOf(numbers ...any) string {
	text := fmt.Sprint(numbers...)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func showEvent(e webhook.Entry) Event {
	return Event{ID: e.ID, Type: e.Type, Timestamp: e.At.UTC(), Cursor: cursorOf(e.Position), Payload: e.Body}
}

func (a *api) listEvents(ctx context.Context, in *struct{ Chosen }) (*reply[page[Event]], error) {
	f, err := in.filter(1)
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Events(ctx, f, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showEvent, func(e webhook.Entry) []int64 { return []int64{e.Position} }), nil
}

func (a *api) getEvent(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64" example:"evt_0197f0c47d52a8e94b6b9f1d3c2a7e60"`
}) (*reply[Event], error) {
	e, err := a.Store.Event(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(showEvent(e)), nil
}

// FullDelivery is a delivery with what it carries.
type FullDelivery struct {
	Delivery
	EndpointID int64           `json:"endpoint_id"`
	Cursor     string          `json:"cursor" doc:"Pass it as ?cursor= to read on after this delivery"`
	Payload    json.RawMessage `json:"payload" doc:"The body"`
}

func (a *api) allDeliveries(ctx context.Context, in *struct {
	Chosen
	Endpoint int64                 `query:"endpoint" minimum:"1" doc:"Only to the endpoint with this id"`
	State    webhook.DeliveryState `query:"state" enum:"pending,delivered,failed" doc:"Only those"`
}) (*reply[page[FullDelivery]], error) {
	f, err := in.filter(2)
	if err != nil {
		return nil, err
	}
	f.EndpointID, f.State = in.Endpoint, in.State
	list, err := a.Store.AllDeliveries(ctx, f, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, func(d webhook.Delivery) FullDelivery {
		return FullDelivery{Delivery: showDelivery(d), EndpointID: d.EndpointID, Cursor: cursorOf(d.Position, " ", d.ID),
			Payload: d.Body}
	}, func(d webhook.Delivery) []int64 { return []int64{d.Position, d.ID} }), nil
}
