package dialer

import "testing"

// TestNoHiding: whose campaigns show the caller's number. In doubt it is shown.
func TestNoHiding(t *testing.T) {
	for profile, want := range map[string]bool{"ua-1349-IX": true, "none": false, "unheard-of": true, "": true} {
		if got := noHiding(profile); got != want {
			t.Errorf("%q: %v", profile, got)
		}
	}
}
