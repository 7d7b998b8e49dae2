package roster

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// clockScript asks the server that holds the agents' keys, which in a Redis Cluster is one of many.
var clockScript = redis.NewScript(`return redis.call('TIME')`)

// Clock is what Redis' clock shows.
func (r *Roster) Clock(ctx context.Context) (time.Time, error) {
	parts, err := clockScript.Run(ctx, r.rdb, []string{r.keys.all()}).Int64Slice() // seconds, microseconds
	if err != nil || len(parts) != 2 {
		return time.Time{}, fmt.Errorf("roster: clock of Redis: %w", err)
	}
	return time.Unix(parts[0], parts[1]*1000), nil
}
