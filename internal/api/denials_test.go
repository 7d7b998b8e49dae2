package api

import (
	"strconv"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
)

// TestDenialsDoNotFillTheLog: a user is noted once an hour, and only so many users are.
func TestDenialsDoNotFillTheLog(t *testing.T) {
	var d denials
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	noted := 0
	for i := range 3 * maxDenials {
		id := access.Identity{Username: "eve", UserID: strconv.Itoa(i)}
		for range 2 {
			if d.first(id, now) {
				noted++
			}
		}
	}
	if noted != maxDenials || len(d.last) != maxDenials {
		t.Errorf("%d entries, %d remembered, want %d", noted, len(d.last), maxDenials)
	}
	id := access.Identity{Username: "eve", UserID: "0"}
	if d.first(id, now.Add(denialAgain-time.Second)) || !d.first(id, now.Add(denialAgain)) || len(d.last) != 1 {
		t.Error("once an hour")
	}
}
