package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Problem is a refusal as clients get it: an RFC 9457 problem document, with a code and arguments for programs and a text for
// people. It is made without words; they are added when it is written, in the language of the request.
type Problem struct {
	Type   string         `json:"type,omitempty" format:"uri" doc:"Left out: about:blank. Programs tell problems apart by code"`
	Status int            `json:"status" example:"409" doc:"The HTTP status"`
	Title  string         `json:"title" example:"Conflict" doc:"The status in English words"`
	Code   string         `json:"code" example:"store.campaign_in_use" doc:"Stable: what programs tell problems apart by. docs/problems.md lists the codes"`
	Args   map[string]any `json:"args" nullable:"false" doc:"What the text is made with, by name; which there are follows from the code"`
	Detail string         `json:"detail" doc:"In the language that Accept-Language asks for: English, Ukrainian or Russian"`
	Errors []FieldProblem `json:"errors,omitempty" doc:"Each field or parameter that cannot be accepted"`

	why    reason.Reason
	header http.Header // sent with it
}

// FieldProblem is one field or parameter that cannot be accepted.
type FieldProblem struct {
	Location string         `json:"location" example:"body.windows[1].cron" doc:"Where it stands: begins with body, path, query or header"`
	Code     string         `json:"code" example:"field.between" doc:"Stable, as the problem's"`
	Args     map[string]any `json:"args" nullable:"false"`
	Message  string         `json:"message" doc:"What would be right, in the language of detail"`

	why reason.Reason
}

// Error is for the log.
func (p *Problem) Error() string { return http.StatusText(p.Status) + ": " + p.why.String() }

// GetStatus and ContentType are what huma asks of a problem.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are sent with it.
func (p *Problem) GetHeaders() http.Header { return p.header }

// Why and Class make it an error that has a reason.
func (p *Problem) Why() reason.Reason { return p.why }

// refuse is a problem of a status, for a reason.
func refuse(status int, why reason.Reason, fields ...FieldProblem) *Problem {
	return &Problem{Status: status, Title: titleOf(status), why: why, Errors: fields}
}

func titleOf(status int) string {
	if status == statusGone {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}

// refuseField is a 422 about one place, such as "body.number".
func refuseField(location string, why reason.Reason) *Problem {
	return refuse(http.StatusUnprocessableEntity, whyFields, FieldProblem{Location: location, why: why})
}

// refuseFields is a 422 that names every bad field of the body.
func refuseFields(invalid campaigns.ValidationError) *Problem {
	fields := make([]FieldProblem, len(invalid))
	for i, f := range invalid {
		fields[i] = FieldProblem{Location: "body." + f.Field, why: f.Why}
	}
	return refuse(http.StatusUnprocessableEntity, whyFields, fields...)
}

// inWords is the problem as it is sent. The original stays as it is: some are told to everybody.
func (p *Problem) inWords(say *phrasebook.Book) *Problem {
	told := *p
	told.Code, told.Args, told.Detail = p.why.Key(), argsOf(p.why), say.Sentence(p.why)
	told.Errors = make([]FieldProblem, len(p.Errors))
	for i, f := range p.Errors {
		told.Errors[i] = FieldProblem{Location: f.Location, Code: f.why.Key(), Args: argsOf(f.why), Message: say.Say(f.why), why: f.why}
	}
	return &told
}

// wordsOfProblems is the last step of a problem's way through huma.
func wordsOfProblems(ctx huma.Context, _ string, v any) (any, error) {
	p, is := v.(*Problem)
	if !is {
		return v, nil
	}
	say := bookOf(ctx.Context())
	ctx.SetHeader("Content-Language", say.Language())
	return p.inWords(say), nil
}

// statusGone is what is told, to nobody, when the client went away.
const statusGone = 499

// problem turns an error into what the client is told. What is not foreseen is logged, and told as an internal error.
func (a *api) problem(ctx context.Context, err error) *Problem {
	var told *Problem
	var invalid campaigns.ValidationError
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &invalid):
		return refuseFields(invalid)
	}
	why := reason.Of(err)
	switch reason.ClassOf(err) {
	case reason.Missing:
		if why.IsZero() {
			c, _ := ctx.Value(callerKey{}).(caller)
			why = noSuch(c.path)
		}
		return refuse(http.StatusNotFound, why)
	case reason.Conflict:
		if why.IsZero() {
			a.Logger.WarnContext(ctx, "a contradiction that nobody has put into words", slog.Any("error", err))
			why = whyContradiction
		}
		return refuse(http.StatusConflict, why)
	case reason.Invalid:
		if !why.IsZero() {
			return refuse(http.StatusUnprocessableEntity, why)
		}
	case reason.Denied:
		if !why.IsZero() {
			return refuse(http.StatusForbidden, why)
		}
	case reason.Unavailable:
		if !why.IsZero() {
			return refuse(http.StatusServiceUnavailable, why)
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		a.Logger.WarnContext(ctx, "request took too long", slog.Any("error", err))
		return refuse(http.StatusServiceUnavailable, whyTooLong)
	case errors.Is(err, context.Canceled):
		return refuse(statusGone, whyGone)
	}
	a.Logger.ErrorContext(ctx, "request failed", slog.Any("error", err))
	return refuse(http.StatusInternalServerError, whyFailed)
}

// noSuch is what is not there, of a request for a path.
func noSuch(path string) reason.Reason {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, prefix+"/"), "/")
	if why, known := missing[first]; known {
		return why
	}
	return whyNoThing
}

// write sends a problem where huma has no part in it.
func (p *Problem) write(w http.ResponseWriter, r *http.Request) {
	say := bookOf(r.Context())
	w.Header().Set("Content-Language", say.Language())
	for name, values := range p.header {
		w.Header()[name] = values
	}
	writeJSON(w, p.Status, p.inWords(say))
}

// writeTo sends a problem from a middleware of huma's.
func (a *api) writeTo(ctx huma.Context, p *Problem) {
	r, w := humago.Unwrap(ctx)
	p.write(w, r)
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

// retryAfter has the client told when to ask again.
func (p *Problem) retryAfter(wait time.Duration) *Problem {
	told := *p
	told.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	return &told
}
