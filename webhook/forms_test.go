package webhook

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps/forms"
)

// TestStoredForms: an endpoint's private part is stored encrypted; an event's body is stored, signed, sent and repeated for ever.
func TestStoredForms(t *testing.T) {
	forms.Check[Private](t, "endpoint_private")
	forms.Check[Event](t, "event")
}
