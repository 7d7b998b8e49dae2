// Package limits has the defaults of a node's limits: of its settings, and of the rooms for whoever makes one without settings.
// Each stands here alone.
package limits

import "time"

const (
	Calls = 500              // in the making or up at once, of one node
	Lease = 30 * time.Second // of an attempt without renewal: how long a lost node holds its calls
	Drain = 10 * time.Minute // for running calls at the end, before they are hung up

	Request = 30 * time.Second // for one request to the API, the reply included

	TabGrace  = 10 * time.Second // for a lost tab to come back
	TabMemory = 64 << 20         // bytes that all tabs together may leave unread

	RTPLow       = 20000            // the first UDP port of trunks' and desk phones' sound
	RTPHigh      = 29999            // and the last
	MediaTimeout = 30 * time.Second // a side unheard for so long ends the call
	ReloadGrace  = 15 * time.Second // for a reloaded tab to come back into its call
)
