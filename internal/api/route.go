package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/agents/access"
)

// op describes one operation: its group in the documentation, its stable id, method and path, and what it does.
func op(tag, id, pattern, summary string, more ...func(*huma.Operation)) huma.Operation {
	method, path, _ := strings.Cut(pattern, " ")
	o := huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary}
	for _, f := range more {
		f(&o)
	}
	return o
}

// says adds a description.
func says(text string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Description = text }
}

// refuses adds statuses, beside those that every route may have.
func refuses(statuses ...int) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Errors = append(o.Errors, statuses...) }
}

func created(o *huma.Operation) { o.DefaultStatus = http.StatusCreated }
func empty(o *huma.Operation)   { o.DefaultStatus = http.StatusNoContent }

// route registers an operation for the roles given; none means that everybody may use it. Errors of the handler become
// problems.
func route[I, O any](a *api, roles []access.Role, handle func(context.Context, *I) (*O, error), o huma.Operation) {
	describe(&o, roles)
	o.MaxBodyBytes = maxBody
	o.Errors = append(o.Errors, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusServiceUnavailable)
	if roles != nil {
		o.Middlewares = append(o.Middlewares, a.gate(roles))
	}
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// describe completes what the document says of an operation.
func describe(o *huma.Operation, roles []access.Role) {
	o.Path = prefix + o.Path
	if roles == nil && o.Security != nil {
		return // the route says by itself who may use it
	}
	if roles == nil {
		o.Description = strings.TrimSpace(o.Description + "\n\nNeeds no credentials.")
		return
	}
	o.Description = strings.TrimSpace(o.Description + "\n\nRoles: " + strings.Join(namesOf(roles), ", ") + ".")
	o.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusForbidden)
	if o.Method == http.MethodPost {
		o.Errors = append(o.Errors, http.StatusConflict) // the first one is still under way
		o.Parameters = append(o.Parameters, &huma.Param{
			Name: idempotencyKey, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "1 to 200 characters of the client's choice: a repeat within a day is answered as the first one was.",
		})
	}
}
