package store

import (
	"fmt"

	"github.com/creditorro/ringmaster/internal/reason"
)

// contradiction is an [ErrConflict] that says with what.
func contradiction(why reason.Reason) error { return reason.Wrap(reason.Conflict, why, ErrConflict) }

// conflicts is a room's refusal as an [ErrConflict].
func conflicts(err error) error { return fmt.Errorf("%w (%w)", err, ErrConflict) }
