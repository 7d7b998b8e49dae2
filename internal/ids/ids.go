// Package ids makes the decimal, time-ordered ids of attempts.
package ids

import (
	"math/rand/v2"
	"sync"
	"time"
)

// epoch is where the ids' milliseconds begin; 41 bits of them last until 2094.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// tail is the number of bits below the milliseconds.
const tail = 12

// Generator makes ids that grow with time, above 0 and below 2^53, unique in one process. Between processes two ids
// may, rarely, be equal: the primary key refuses the second one, and its contact is planned anew.
type Generator struct {
	mu   sync.Mutex
	last int64
}

// Next returns a new id, larger than all before it.
func (g *Generator) Next(now time.Time) int64 {
	id := now.Sub(epoch).Milliseconds()<<tail | rand.Int64N(1<<tail)
	g.mu.Lock()
	defer g.mu.Unlock()
	if id <= g.last {
		id = g.last + 1
	}
	g.last = id
	return id
}

// Least is an id below all that were made at the moment or later, but for processes whose clocks are an hour behind.
func Least(at time.Time) int64 { return max(0, at.Add(-time.Hour).Sub(epoch).Milliseconds()<<tail) }
