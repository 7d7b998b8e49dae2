package api

import (
	"context"
	"encoding/json"

	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Why is a reason as clients get it: the key and its arguments for programs, the text for people.
type Why struct {
	Key  string         `json:"key" doc:"Stable: what programs tell cases apart by" example:"policy.per_day"`
	Args map[string]any `json:"args" nullable:"false" doc:"What the text is made with, by name; which there are follows from the key"`
	Text string         `json:"text" doc:"In the language that Accept-Language asks for: English, Ukrainian or Russian"`
}

// whyOf is nil for no reason.
func whyOf(ctx context.Context, r reason.Reason) *Why {
	if r.IsZero() {
		return nil
	}
	return &Why{Key: r.Key(), Args: argsOf(r), Text: bookOf(ctx).Say(r)}
}

func argsOf(r reason.Reason) map[string]any {
	args := map[string]any{}
	if raw := r.Args(); raw != nil {
		_ = json.Unmarshal(raw, &args) // it is an object
	}
	return args
}

type bookKey struct{}

// bookOf is the words that the request asks for.
func bookOf(ctx context.Context) *phrasebook.Book {
	if b, ok := ctx.Value(bookKey{}).(*phrasebook.Book); ok {
		return b
	}
	return phrasebook.For("")
}
