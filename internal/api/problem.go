package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/webhook"
)

// problem turns an error into what the client is told. What is not foreseen is logged, and told as an internal error.
func (a *api) problem(ctx context.Context, err error) error {
	var told huma.StatusError
	var invalid campaigns.ValidationError
	var law *campaigns.LawError
	switch {
	case errors.As(err, &told):
		return err
	case errors.As(err, &invalid):
		return refuseFields(invalid)
	case errors.As(err, &law):
		return huma.Error403Forbidden(upper(law.Told()) + ".")
	case errors.Is(err, a.NotFound), errors.Is(err, agents.ErrNoAgent), errors.Is(err, webhook.ErrNoEndpoint),
		errors.Is(err, access.ErrNoUser), errors.Is(err, access.ErrNoToken):
		c, _ := ctx.Value(callerKey{}).(caller)
		return huma.Error404NotFound(noSuch(c.path, err))
	case errors.Is(err, a.Conflict):
		text := "It contradicts what is stored"
		if words := Words(err); words != "" {
			text += ": " + words
		} else {
			a.Logger.WarnContext(ctx, "a contradiction that nobody has put into words", slog.Any("error", err))
		}
		return huma.Error409Conflict(text + ".")
	case errors.Is(err, context.DeadlineExceeded):
		a.Logger.WarnContext(ctx, "request took too long", slog.Any("error", err))
		return huma.Error503ServiceUnavailable("It took too long; nothing may be concluded about whether it happened. Ask again.")
	case errors.Is(err, context.Canceled):
		return huma.NewError(499, "The client went away.")
	}
	a.Logger.ErrorContext(ctx, "request failed", slog.Any("error", err))
	return huma.Error500InternalServerError("Internal error; the log says more.")
}

// refuseFields is a 422 that names every bad field of the body.
func refuseFields(invalid campaigns.ValidationError) error {
	details := make([]error, len(invalid))
	for i, f := range invalid {
		details[i] = &huma.ErrorDetail{Location: "body." + f.Field, Message: f.Problem}
	}
	return huma.Error422UnprocessableEntity("The fields listed under errors cannot be accepted.", details...)
}

// refuseField is a 422 about one place, such as "body.number".
func refuseField(location, message string) error {
	return huma.Error422UnprocessableEntity("The field listed under errors cannot be accepted.",
		&huma.ErrorDetail{Location: location, Message: message})
}

// withoutValues takes the offending values out of validation errors, for one may be a password, and the program's words.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok {
		for _, e := range p.Errors {
			e.Value, e.Message = nil, readable(e.Message)
		}
	}
	return v, nil
}

// writeProblem answers a problem where huma has no part in it.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, status, &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
}

// writeError answers a problem that was made by huma's constructors.
func writeError(w http.ResponseWriter, err error) {
	var p *huma.ErrorModel
	if !errors.As(err, &p) {
		writeProblem(w, http.StatusInternalServerError, "Internal error.")
		return
	}
	writeJSON(w, p.Status, p)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	kind := "application/json"
	if status >= 400 {
		kind = "application/problem+json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // the client went away
}
