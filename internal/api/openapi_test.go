package api_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestDescriptionLints: the OpenAPI document is one that the field's usual linter has nothing against.
func TestDescriptionLints(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	const folder = "testdata/redocly"
	modules := testdeps.NPM(t, folder)
	h := newHouse(t)
	document := filepath.Join(t.TempDir(), "openapi.json")
	r := h.send(h.request("", "GET", "/openapi.json", "")).want(http.StatusOK, nil)
	if err := os.WriteFile(document, r.body, 0o600); err != nil {
		t.Fatal(err)
	}
	lint := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin", "redocly"), "lint", "--config",
		filepath.Join(folder, "redocly.yaml"),
		"--max-problems", "300", "--format", "stylish", document)
	lint.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "NO_COLOR=1")
	if said, err := lint.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
