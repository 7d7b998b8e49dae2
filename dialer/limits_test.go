package dialer

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/config"
)

// TestLimitsAreTheConfigurations: a dialer that is told nothing is one with the configuration's defaults.
func TestLimitsAreTheConfigurations(t *testing.T) {
	is, want := Limits{}.withDefaults(), config.Default().Limits
	if is.MaxCalls != want.MaxCalls || is.Lease != want.Lease || is.Drain != want.DrainTimeout {
		t.Errorf("%+v, the configuration has %+v", is, want)
	}
}
