package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/webhook"
)

// Delivery is the journey of one event to one endpoint.
type Delivery struct {
	ID        int64                 `json:"id"`
	EventID   string                `json:"event_id" doc:"The webhook-id"`
	Type      webhook.Type          `json:"type"`
	State     webhook.DeliveryState `json:"state" enum:"pending,delivered,failed"`
	Tries     int                   `json:"tries" doc:"Since the event or the last replay"`
	NextTryAt *time.Time            `json:"next_try_at" doc:"When pending"`
	Key       string                `json:"key" doc:"The contact or number whose events it belongs to"`
	Sequence  int64                 `json:"sequence"`
	CreatedAt time.Time             `json:"created_at"`
}

func showDelivery(d webhook.Delivery) Delivery {
	v := Delivery{ID: d.ID, EventID: d.EventID, Type: d.Type, State: d.State, Tries: d.Tries, Key: d.Key, Sequence: d.Sequence,
		CreatedAt: d.CreatedAt.UTC()}
	if d.State == webhook.Pending {
		v.NextTryAt = moment(d.NextAt)
	}
	return v
}

type deliveriesInput struct {
	ByID
	Paging
	State webhook.DeliveryState `query:"state" enum:"pending,delivered,failed" doc:"Only those"`
}

func (a *api) listDeliveries(ctx context.Context, in *deliveriesInput) (*reply[page[Delivery]], error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	if _, err := a.Store.Endpoint(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := a.Store.Deliveries(ctx, in.ID, in.State, before, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showDelivery, func(d webhook.Delivery) []int64 { return []int64{d.ID} }), nil
}

func (a *api) listTries(ctx context.Context, in *ByID) (*reply[page[Try]], error) {
	list, err := a.Store.Tries(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return pageOf(list, len(list)+1, showTry, nil), nil // bounded by the retry schedule
}

type replayInput struct {
	ByID
	Body struct {
		DeliveryID int64     `json:"delivery_id" required:"false" minimum:"1" doc:"This one alone"`
		OnlyFailed bool      `json:"only_failed" required:"false" doc:"Those that did not arrive, given up or waiting; else delivered ones too"`
		From       time.Time `json:"from" required:"false" doc:"Made at this moment or later"`
		To         time.Time `json:"to" required:"false" doc:"Made before this moment"`
	}
}

// Replayed says how many deliveries are sent again.
type Replayed struct {
	Replayed int `json:"replayed"`
}

func (a *api) replay(ctx context.Context, in *replayInput) (*reply[Replayed], error) {
	b := in.Body
	switch {
	case b.DeliveryID != 0 && (b.OnlyFailed || !b.From.IsZero() || !b.To.IsZero()):
		return nil, refuseField("body.delivery_id", whyNotBoth)
	case b.DeliveryID == 0 && !b.OnlyFailed && b.From.IsZero():
		return nil, refuseField("body", whyNeither)
	case !b.To.IsZero() && !b.From.Before(b.To):
		return nil, refuseField("body.to", whyAfterSince("from"))
	}
	if _, err := a.Store.Endpoint(ctx, in.ID); err != nil {
		return nil, err
	}
	n, err := a.Webhooks.Replay(ctx, in.ID, webhook.Selection{DeliveryID: b.DeliveryID, OnlyFailed: b.OnlyFailed, From: b.From,
		To: b.To})
	if err != nil {
		return nil, err
	}
	if n == 0 && b.DeliveryID != 0 {
		if list, err := a.Store.Deliveries(ctx, in.ID, "", b.DeliveryID+1, 1); err == nil && len(list) == 1 &&
			list[0].ID == b.DeliveryID {
			return nil, refuse(http.StatusConflict, whyBeingSent)
		}
		return nil, refuse(http.StatusNotFound, whyNoDelivery)
	}
	a.audit(ctx, "webhook.replay", webhookObject(in.ID), fmt.Sprintf("%d deliveries", n))
	return answer(Replayed{n}), nil
}
