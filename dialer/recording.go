package dialer

import "time"

// Recording is what a phone network has kept of a call.
type Recording struct {
	CallTraceID        string
	StartedAt, EndedAt time.Time
	Bytes              int64
	Agent, Customer    Quality
	Problem            string // why there is less than there should be; empty: it is whole
}

// Quality is how well one side's sound was received (RFC 3550).
type Quality struct {
	Packets uint64        `json:"packets"`
	Lost    uint64        `json:"lost"` // by gaps in the sequence numbers
	Jitter  time.Duration `json:"jitter"`
}
