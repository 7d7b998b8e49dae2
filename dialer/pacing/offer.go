package pacing

import "time"

// LeastOffer is how long an agent's phone rings for an answered customer at least, where as much of the patience is left.
const LeastOffer = 700 * time.Millisecond

// OfferLimit is how long it may ring before the next agent is tried: half of the patience that is left, and no longer than that.
func OfferLimit(left time.Duration) time.Duration { return min(max(left/2, LeastOffer), left) }
