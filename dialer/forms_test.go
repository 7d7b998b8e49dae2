package dialer

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps/forms"
)

// TestStoredForms: what waits in task queues, and what nodes send each other.
func TestStoredForms(t *testing.T) {
	forms.Check[task](t, "task")
	forms.Check[order](t, "order")
	forms.Check[answer](t, "answer")
}
