package sipua

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisAhead is how far Redis' clock is ahead of this process's. Moments lie in Redis by its clock, so that a node whose own
// clock is wrong neither shows phones longer than they are there nor hides others'; whoever writes or reads them puts them right
// by this.
func redisAhead(ctx context.Context, client redis.Cmdable) (time.Duration, error) {
	asked := time.Now()
	now, err := client.Time(ctx).Result()
	if err != nil {
		return 0, err
	}
	return now.Sub(asked.Add(time.Since(asked) / 2)), nil
}

// moved are moments by another clock, which is ahead by so much. Zero stays zero.
func moved(ahead time.Duration, moments ...*time.Time) {
	for _, m := range moments {
		if !m.IsZero() {
			*m = m.Add(ahead)
		}
	}
}

func (b *Binding) move(ahead time.Duration) { moved(ahead, &b.Expires, &b.Since) }

func (t *NodeTrunk) move(ahead time.Duration) {
	moved(ahead, &t.At, &t.Until, &t.Checked, &t.RegisteredUntil)
}
