package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
	"github.com/creditorro/ringmaster/webhook"
)

func (a *api) webhookRoutes() {
	const tag = "Webhooks"
	found := refuses(http.StatusNotFound)
	route(a, integrators, a.createWebhook, op(tag, "create-webhook", "POST /webhooks", "Create an endpoint", created,
		says("The answer holds the secret that signs its requests (Standard Webhooks); it is shown this once.")))
	route(a, integrators, a.listWebhooks, op(tag, "list-webhooks", "GET /webhooks", "List endpoints"))
	route(a, integrators, a.getWebhook, op(tag, "get-webhook", "GET /webhooks/{id}", "Read an endpoint", found))
	route(a, integrators, a.changeWebhook, op(tag, "change-webhook", "PATCH /webhooks/{id}", "Change, disable or enable an endpoint",
		says("Fields that are left out stay. Enabled again, it is sent what has waited."), found))
	route(a, integrators, a.deleteWebhook, op(tag, "delete-webhook", "DELETE /webhooks/{id}",
		"Delete an endpoint and its deliveries",
		empty, found))
	route(a, integrators, a.rotateSecret, op(tag, "rotate-webhook-secret", "POST /webhooks/{id}/rotate",
		"Give an endpoint a new secret",
		says("It is shown this once. The one before it signs too for 24 hours, and those before that to their ends."),
		refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, integrators, a.listSecrets, op(tag, "list-webhook-secrets", "GET /webhooks/{id}/secrets",
		"List the secrets that sign an endpoint's requests", says("The present one first, without what they are."), found))
	route(a, integrators, a.endSecret, op(tag, "end-webhook-secret", "DELETE /webhooks/{id}/secrets/{secret_id}",
		"End a former secret early", empty, refuses(http.StatusNotFound, http.StatusConflict)))
	route(a, integrators, a.testWebhook, op(tag, "test-webhook", "POST /webhooks/{id}/test", "Send a ping, and see what comes of it",
		says("The ping is signed like any event; it is neither stored nor repeated."), found))
	route(a, integrators, a.listDeliveries, op(tag, "list-deliveries", "GET /webhooks/{id}/deliveries",
		"List an endpoint's deliveries, latest first", found))
	route(a, integrators, a.listTries, op(tag, "list-tries", "GET /deliveries/{id}/tries", "List a delivery's tries"))
	route(a, integrators, a.replay, op(tag, "replay", "POST /webhooks/{id}/replay", "Send deliveries again",
		says("One by delivery_id, or all that were made in a span, or those of them that have failed. Each keeps its webhook-id "+
			"and its body."), found))
}

// Webhook is a CRM's address for events.
type Webhook struct {
	ID           int64          `json:"id"`
	URL          string         `json:"url"`
	Types        []webhook.Type `json:"types" nullable:"false" doc:"None: every type but agent.state_changed"`
	Ordered      bool           `json:"ordered"`
	Rate         int            `json:"rate"`
	Concurrent   int            `json:"concurrent"`
	Disabled     bool           `json:"disabled"`
	Reason       string         `json:"reason,omitempty" doc:"Why it is disabled"`
	DisabledWhy  *Why           `json:"disabled_reason,omitempty" doc:"Why it is disabled; reason is its text"`
	Health       webhook.Health `json:"health"`
	FailingSince *time.Time     `json:"failing_since" doc:"null: the last try did not fail"`
	DisabledAt   *time.Time     `json:"disabled_at,omitempty" doc:"While it fails: when it will be disabled unless it works again"`
	Error        string         `json:"error,omitempty" doc:"While it fails: the last try's"`
	Campaigns    []int64        `json:"campaigns" nullable:"false" doc:"None: events of every campaign"`
	Version      int            `json:"payload_version"`
	HeaderNames  []string       `json:"header_names" nullable:"false" doc:"Headers of its own, without their values"`
	OwnCA        bool           `json:"own_ca" doc:"Its certificate is signed by an authority of its own"`
	OurCert      bool           `json:"client_certificate" doc:"We show it a certificate"`
	CreatedAt    time.Time      `json:"created_at"`
}

// WebhookWithSecret is an endpoint at the moment at which its secret is shown.
type WebhookWithSecret struct {
	Webhook
	Secret string `json:"secret" doc:"whsec_… — keep it: it is not shown again"`
}

func (a *api) showWebhook(ctx context.Context, e webhook.Endpoint) Webhook {
	if opened, err := e.Open(a.Sealer); err == nil { // else its deliveries say what is wrong
		e = opened
	}
	return Webhook{
		DisabledAt: moment(e.DisabledAt()), Error: e.Error, Campaigns: append([]int64{}, e.Campaigns...), Version: max(1, e.Version),
		HeaderNames: append([]string{}, slices.Sorted(maps.Keys(e.Headers))...), OwnCA: e.CA != "", OurCert: e.Certificate != "",
		ID: e.ID, URL: e.URL, Types: append([]webhook.Type{}, e.Types...), Ordered: e.Ordered, Rate: e.Rate, Concurrent: e.Concurrent,
		Disabled: e.Disabled, Reason: bookOf(ctx).Say(e.Reason), DisabledWhy: whyOf(ctx, e.Reason), Health: e.Health(a.Now()),
		FailingSince: moment(e.FailingAt), CreatedAt: e.CreatedAt.UTC(),
	}
}

// WebhookSettings is what a CRM decides of its endpoint.
type WebhookSettings struct {
	URL        string         `json:"url" required:"false" doc:"https; what is private or http must be on the server's allow-list" example:"https://crm.example.com/ringmaster"`
	Types      []webhook.Type `json:"types" required:"false" nullable:"false" doc:"None: every type but agent.state_changed"`
	Ordered    bool           `json:"ordered" required:"false" doc:"Strict order of a contact's events: the next one waits for the one before"`
	Rate       int            `json:"rate" required:"false" minimum:"0" maximum:"1000" doc:"Requests a second; 0: 200"`
	Concurrent int            `json:"concurrent" required:"false" minimum:"0" maximum:"64" doc:"Requests at once; 0: 16"`
	Disabled   bool           `json:"disabled" required:"false" doc:"Events wait meanwhile"`

	Campaigns   []int64           `json:"campaigns" required:"false" nullable:"false" maxItems:"100" doc:"Ids: only events of these campaigns, and events of none. Empty: of all"`
	Secret      string            `json:"secret" required:"false" maxLength:"128" doc:"At the making: one that you have, whsec_ and base64 of 24 to 64 bytes; else one is made. Later: rotate"`
	Version     int               `json:"payload_version" required:"false" minimum:"0" doc:"Of the bodies; 0: the present one, which the endpoint keeps"`
	Headers     map[string]string `json:"headers" required:"false" doc:"Sent with each request, at most 20; kept encrypted, and never shown. Given again, they replace all"`
	CA          *string           `json:"ca" required:"false" maxLength:"65536" doc:"PEM: the authority of the endpoint's certificate; empty: the public ones"`
	Certificate *string           `json:"certificate" required:"false" maxLength:"65536" doc:"PEM: ours, with its chain; empty: none"`
	Key         *string           `json:"key" required:"false" maxLength:"65536" doc:"PEM: of our certificate; kept encrypted, and never shown"`
}

// eventTypes are the events that an endpoint may ask for.
var eventTypes = []webhook.Type{webhook.CallAnswered, webhook.CallCompleted, webhook.CallCodeSet, webhook.RecordingReady,
	webhook.ContactFinished,
	webhook.CallbackLate, webhook.CampaignFinished, webhook.AgentStateChanged, webhook.EndpointFailing, webhook.EndpointDisabled,
	webhook.EndpointRecovered}

func known(t webhook.Type) bool { return slices.Contains(eventTypes, t) }

// apply puts the settings into an endpoint, or says what cannot be accepted of them.
func (a *api) apply(s WebhookSettings, e webhook.Endpoint) (webhook.Endpoint, error) {
	if _, err := webhook.ParseURL(s.URL, a.Allow); err != nil {
		return e, refuseField("body.url", reason.OrUnspecific(err))
	}
	for i, t := range s.Types {
		if !slices.Contains(eventTypes, t) {
			return e, refuseField(fmt.Sprintf("body.types[%d]", i), field.OneOf(typeNames(eventTypes)))
		}
	}
	if s.Version < 0 || s.Version > webhook.PayloadVersion {
		return e, refuseField("body.payload_version", field.Between(1, webhook.PayloadVersion))
	}
	for i, id := range s.Campaigns {
		if id < 1 {
			return e, refuseField(fmt.Sprintf("body.campaigns[%d]", i), whyCampaignID)
		}
	}
	if s.Headers != nil {
		e.Headers = s.Headers
	}
	for to, given := range map[*string]*string{&e.CA: s.CA, &e.Certificate: s.Certificate, &e.Key: s.Key} {
		if given != nil {
			*to = *given
		}
	}
	if err := e.Private.Check(a.Now()); err != nil {
		return e, refuseField("body", reason.OrUnspecific(err))
	}
	var err error
	if e, err = e.Seal(a.Sealer); err != nil {
		return e, refuseField("body", reason.OrUnspecific(err))
	}
	slices.Sort(s.Campaigns)
	e.Campaigns = slices.Compact(s.Campaigns)
	if e.Version = s.Version; e.Version == 0 {
		e.Version = webhook.PayloadVersion
	}
	if s.Disabled && !e.Disabled {
		e.Reason = webhook.WhyByHand
	}
	slices.Sort(s.Types)
	e.URL, e.Types, e.Ordered, e.Rate, e.Concurrent, e.Disabled = s.URL, slices.Compact(s.Types), s.Ordered, s.Rate, s.Concurrent,
		s.Disabled
	return e, nil
}

func typeNames(types []webhook.Type) []string {
	s := make([]string, len(types))
	for i, t := range types {
		s[i] = string(t)
	}
	return s
}

func (a *api) createWebhook(ctx context.Context, in *struct{ Body WebhookSettings }) (*reply[WebhookWithSecret], error) {
	secret := in.Body.Secret
	if secret == "" {
		secret = webhook.NewSecret()
	} else if err := webhook.CheckSecret(secret); err != nil {
		return nil, refuseField("body.secret", reason.OrUnspecific(err))
	}
	e, err := a.apply(in.Body, webhook.Endpoint{Secret: secret, CreatedAt: a.Now()})
	if err != nil {
		return nil, err
	}
	if err := a.sharesKey(ctx, e); err != nil {
		return nil, err
	}
	if e, err = a.Store.CreateEndpoint(ctx, e); err != nil {
		return nil, err
	}
	a.audit(ctx, "webhook.create", webhookObject(e.ID), withoutQuery(e.URL))
	return answer(WebhookWithSecret{a.showWebhook(ctx, e), secret}), nil
}

// sharesKey refuses to keep an endpoint's headers and certificates under another key than those of the other endpoints: no node
// could open them all.
func (a *api) sharesKey(ctx context.Context, e webhook.Endpoint) error {
	if len(e.Sealed) == 0 {
		return nil
	}
	list, err := a.Store.Endpoints(ctx)
	if err != nil {
		return err
	}
	for _, id := range webhook.Closed(list, a.Sealer) {
		if id != e.ID {
			return refuse(http.StatusConflict, whyEndpointKey(strconv.FormatInt(id, 10)))
		}
	}
	return nil
}

func (a *api) listWebhooks(ctx context.Context, _ *struct{}) (*reply[page[Webhook]], error) {
	list, err := a.Store.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	show := func(e webhook.Endpoint) Webhook { return a.showWebhook(ctx, e) }
	return pageOf(list, len(list)+1, show, nil), nil // there are a handful
}

func (a *api) getWebhook(ctx context.Context, in *ByID) (*reply[Webhook], error) {
	e, err := a.Store.Endpoint(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(a.showWebhook(ctx, e)), nil
}

func (a *api) changeWebhook(ctx context.Context, in *changeInput[WebhookSettings]) (*reply[Webhook], error) {
	e, err := a.Store.Endpoint(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s := WebhookSettings{URL: e.URL, Types: e.Types, Ordered: e.Ordered, Rate: e.Rate, Concurrent: e.Concurrent,
		Disabled: e.Disabled, Campaigns: e.Campaigns, Version: e.Version}
	if err := json.Unmarshal(in.RawBody, &s); err != nil {
		return nil, refuseField("body", whyHuma(err.Error()))
	}
	if s.Secret != "" {
		return nil, refuseField("body.secret", whyRotate)
	}
	if opened, err := e.Open(a.Sealer); err == nil {
		e = opened
	} else if s.Headers == nil || s.CA == nil || s.Certificate == nil || s.Key == nil {
		return nil, refuse(http.StatusConflict, whyHeadersAnew)
	}
	if e, err = a.apply(s, e); err != nil {
		return nil, err
	}
	if err := a.sharesKey(ctx, e); err != nil {
		return nil, err
	}
	if e, err = a.Store.UpdateEndpoint(ctx, e); err != nil {
		return nil, err
	}
	a.audit(ctx, "webhook.change", webhookObject(e.ID), fieldNames(in.RawBody))
	a.Webhooks.Wake(e.ID)
	return answer(a.showWebhook(ctx, e)), nil
}

func (a *api) deleteWebhook(ctx context.Context, in *ByID) (*struct{}, error) {
	if err := a.Store.DeleteEndpoint(ctx, in.ID); err != nil {
		return nil, err
	}
	a.audit(ctx, "webhook.delete", webhookObject(in.ID), "")
	return &struct{}{}, nil
}

// Try is one HTTP request to an endpoint.
type Try struct {
	Number   int       `json:"number,omitempty" doc:"1, 2, … of the delivery"`
	At       time.Time `json:"at"`
	Duration Duration  `json:"duration"`
	Status   *int      `json:"status" doc:"HTTP status; null: there was none"`
	Error    string    `json:"error,omitempty" doc:"Why the try failed"`
	Reply    string    `json:"reply,omitempty" doc:"The first 1,024 bytes"`
}

func showTry(t webhook.Try) Try {
	return Try{Number: t.Number, At: t.At.UTC(), Duration: Duration(t.Duration.Round(time.Millisecond)), Status: some(t.Status),
		Error: t.Error, Reply: t.Reply}
}

func (a *api) testWebhook(ctx context.Context, in *ByID) (*reply[Try], error) {
	t, err := a.Webhooks.Test(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(showTry(t)), nil
}

// withoutQuery is an address without what may be secret in it.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery, u.Fragment, u.User, u.ForceQuery = "", "", nil, false
	return u.String()
}

func webhookObject(id int64) string { return fmt.Sprintf("webhook/%d", id) }
