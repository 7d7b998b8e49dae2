package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/webhook"
)

// always are the fields of data that events of a type have beside contact and code, which all have.
var always = map[webhook.Type][]string{
	webhook.CallAnswered:      {"call", "campaign"},
	webhook.CallCompleted:     {"call", "campaign"},
	webhook.CallCodeSet:       {"call", "campaign", "reason"},
	webhook.RecordingReady:    {"call", "campaign"},
	webhook.ContactFinished:   {"campaign", "reason"},
	webhook.CallbackLate:      {"campaign", "callback"},
	webhook.CampaignFinished:  {"campaign"},
	webhook.AgentStateChanged: {"agent"},
	webhook.EndpointFailing:   {"endpoint"},
	webhook.EndpointDisabled:  {"endpoint", "reason"},
	webhook.EndpointRecovered: {"endpoint"},
	webhook.Ping:              {},
}

func (a *api) schemaRoutes() {
	const tag = "Webhooks"
	route(a, nil, a.listSchemas, op(tag, "list-event-schemas", "GET /event-schemas", "List the JSON Schemas of events"))
	route(a, nil, a.getSchema, op(tag, "get-event-schema", "GET /event-schemas/{type}", "Read the JSON Schema of an event",
		says("Of its body, as endpoints are sent it: JSON Schema 2020-12. Fields may be added to events, so other ones are allowed."),
		refuses(http.StatusNotFound)))
}

// EventSchema is where an event's schema is found.
type EventSchema struct {
	Type webhook.Type `json:"type"`
	Href string       `json:"href"`
}

func (a *api) listSchemas(context.Context, *struct{}) (*reply[page[EventSchema]], error) {
	types := append([]webhook.Type{webhook.Ping}, eventTypes...)
	return pageOf(types, len(types)+1, func(t webhook.Type) EventSchema {
		return EventSchema{Type: t, Href: prefix + "/event-schemas/" + string(t)}
	}, nil), nil
}

func (a *api) getSchema(_ context.Context, in *struct {
	Type webhook.Type `path:"type" maxLength:"64" example:"call.completed"`
}) (*reply[json.RawMessage], error) {
	if _, is := always[in.Type]; !is {
		return nil, refuse(http.StatusNotFound, whyNoType(string(in.Type)))
	}
	text, err := EventSchemaOf(in.Type)
	if err != nil {
		return nil, err
	}
	return answer(json.RawMessage(text)), nil
}

// EventSchemaOf makes the JSON Schema of an event's body from its Go types.
func EventSchemaOf(t webhook.Type) ([]byte, error) {
	registry := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	registry.Schema(reflect.TypeFor[webhook.Event](), true, "Event")
	text, err := json.Marshal(registry.Map())
	if err != nil {
		return nil, err
	}
	var defs map[string]map[string]any
	if err := json.Unmarshal(text, &defs); err != nil {
		return nil, err
	}
	for name, def := range defs {
		delete(def, "additionalProperties") // fields may be added
		if of, ok := eventParts[name]; ok {
			allowNull(def, of)
		}
	}
	return json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   string(t),
		"$defs":   defs,
		"$ref":    "#/$defs/Event",
		"properties": map[string]any{
			"type": map[string]any{"const": string(t)},
			"data": map[string]any{"required": always[t]},
		},
	}, "", "  ")
}

var eventParts = map[string]reflect.Type{"Data": reflect.TypeFor[webhook.Data](), "Call": reflect.TypeFor[webhook.Call](),
	"Contact": reflect.TypeFor[webhook.Contact](), "Agent": reflect.TypeFor[webhook.Agent](),
	"Failure": reflect.TypeFor[webhook.Failure]()}

// allowNull lets pointers that are always there be null: OpenAPI has no words for that where they point to an object.
func allowNull(def map[string]any, of reflect.Type) {
	properties, _ := def["properties"].(map[string]any)
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, _ := properties[name].(map[string]any)
		if ref, ok := property["$ref"]; ok && field.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omitempty") {
			properties[name] = map[string]any{"anyOf": []any{map[string]any{"$ref": ref}, map[string]any{"type": "null"}}}
		}
	}
}
