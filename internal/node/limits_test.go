package node

import (
	"testing"

	"github.com/creditorro/ringmaster/internal/limits"
	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// TestTabMemoryIsSocketIOs: the Socket.IO server stands alone and has a default of its own, which is to be the same.
func TestTabMemoryIsSocketIOs(t *testing.T) {
	if limits.TabMemory != engineio.DefaultSendMemory {
		t.Errorf("tabs may leave %d bytes unread, Socket.IO's clients %d", limits.TabMemory, engineio.DefaultSendMemory)
	}
}
