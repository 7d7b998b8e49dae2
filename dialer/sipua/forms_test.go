package sipua

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps/forms"
)

// TestStoredForms: how nodes see each other's phones and trunks in Redis, and what is kept of a talk in SQL.
func TestStoredForms(t *testing.T) {
	forms.Check[[]Binding](t, "phones")
	forms.Check[[]NodeTrunk](t, "trunks")
	forms.Check[keptTalk](t, "kept_talk")
}
