package agents

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps/forms"
)

// TestStoredForm: the live state is in Redis, in messages between nodes, and in the data folder's live.json.
func TestStoredForm(t *testing.T) { forms.Check[Live](t, "live") }
