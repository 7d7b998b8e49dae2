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

// Quality is how well one side's sound was received (RFC 3550), and how well that side said that it hears us.
type Quality struct {
	Packets   uint64        `json:"packets"`
	Lost      uint64        `json:"lost"` // by gaps in the sequence numbers
	Jitter    time.Duration `json:"jitter"`
	RTT       time.Duration `json:"rtt,omitempty"`      // round trip by RTCP; zero: the far end's reports do not tell
	MOS       float64       `json:"mos,omitempty"`      // estimate of how well it was understood, 1 to 4.4; zero: nothing came
	FarLost   uint64        `json:"far_lost,omitempty"` // of what we sent, as the far end reported
	FarJitter time.Duration `json:"far_jitter,omitempty"`
}
