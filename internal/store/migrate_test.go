package store_test

import (
	"errors"
	"testing"

	"github.com/creditorro/ringmaster/internal/store"
)

// TestMigrationsBesideAFasterProcess: another process applies each step just before this one, or nobody gets any further.
func TestMigrationsBesideAFasterProcess(t *testing.T) {
	t.Parallel()
	lost := errors.New("duplicate column")
	have, runs := int64(0), 0
	version := func() (int64, error) { return have, nil }
	err := store.BesideOthers(version, func() error {
		runs++
		if have == 40 {
			return nil
		}
		have++ // by the other
		return lost
	})
	if err != nil || runs != 41 {
		t.Errorf("%v after %d runs, with the tables at %d", err, runs, have)
	}

	runs = 0
	if err = store.BesideOthers(version, func() error { runs++; return lost }); !errors.Is(err, lost) || runs > 10 {
		t.Errorf("a step that never works: %v after %d runs", err, runs)
	}
}
