package seal

import (
	"bytes"
	"testing"
)

// TestSealer: a password opens for its owner alone, and by its key alone.
func TestSealer(t *testing.T) {
	t.Parallel()
	ours, err := New("one secret", "p")
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := New("another secret", "p")
	sealed := ours.Seal("there", 7)
	if got, err := ours.Open(sealed, 7); err != nil || got != "there" {
		t.Errorf("opened %q: %v", got, err)
	}
	if _, err := ours.Open(sealed, 8); err == nil {
		t.Error("opened for another agent")
	}
	if _, err := theirs.Open(sealed, 7); err == nil {
		t.Error("opened by another key")
	}
	if _, err := ours.Open(nil, 7); err == nil || bytes.Contains(sealed, []byte("there")) {
		t.Error("nothing opened, or nothing sealed")
	}
}
