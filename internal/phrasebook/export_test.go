package phrasebook

import (
	"encoding/json"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Argument is an argument as the language writes it, from the form in which reasons carry it.
func (b *Book) Argument(t reason.Type, raw json.RawMessage) string {
	return b.value(t, raw, maxNesting)
}
