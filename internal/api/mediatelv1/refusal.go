package mediatelv1

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Details of a refusal, as Mediatel numbers them.
const (
	invalidParameters = 100
	invalidName       = 101
	nameInUse         = 102
	noPermission      = 103
	otherError        = 105
	objectInUse       = 106
)

// refusal is what a caller is told.
type refusal struct {
	status, details int
	message         string
}

func (r refusal) Error() string { return "mediatelv1: " + r.message }

// invalid refuses a value; the text says what would be right, and never repeats a password.
func invalid(format string, args ...any) refusal {
	return refusal{http.StatusBadRequest, invalidParameters, fmt.Sprintf(format, args...)}
}

func badName(format string, args ...any) refusal {
	return refusal{http.StatusBadRequest, invalidName, fmt.Sprintf(format, args...)}
}

// refuse tells of an error. What is not foreseen is logged, and told as an internal error.
func (a *administration) refuse(w http.ResponseWriter, r *http.Request, err error) {
	told := a.told(r.Context(), err)
	if told.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	answer(w, envelope{Error: status{told.status, told.details, told.message}, Result: []any{}})
}

func (a *administration) told(ctx context.Context, err error) refusal {
	var told refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &tooLarge):
		return refusal{http.StatusRequestEntityTooLarge, invalidParameters, fmt.Sprintf("the body is larger than %d bytes", maxBody)}
	case errors.Is(err, agents.ErrNoAgent), errors.Is(err, agents.ErrNoExtension):
		return refusal{http.StatusNotFound, invalidParameters, words(err)}
	case errors.Is(err, agents.ErrNameTaken):
		return refusal{http.StatusConflict, nameInUse, words(err)}
	case errors.Is(err, agents.ErrExtensionIsOwned):
		return refusal{http.StatusConflict, objectInUse, words(err) + ": an agent is logged on with it"}
	case reason.ClassOf(err) == reason.Conflict:
		return refusal{http.StatusConflict, objectInUse, cmp.Or(words(err), "it contradicts what is stored")}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refusal{http.StatusServiceUnavailable, otherError, "it took too long; whether it happened is not known: ask again"}
	}
	a.Logger.ErrorContext(ctx, "request failed", slog.Any("error", err))
	return refusal{http.StatusInternalServerError, otherError, "internal error; the log says more"}
}

// words are what an error says to people, in English as all of this administration; empty: nothing of it is for them.
func words(err error) string { return phrasebook.For("en").Say(reason.Of(err)) }
