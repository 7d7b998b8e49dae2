package lists

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps/forms"
)

// TestStoredForms: how a kept file is to be read, and what it was taken for.
func TestStoredForms(t *testing.T) {
	forms.Check[Options](t, "import_reading")
	forms.Check[About](t, "import_about")
}
