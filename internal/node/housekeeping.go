package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	foldEvery  = 5 * time.Second
	purgeEvery = time.Hour
	purgeBatch = 1000 // attempts of a campaign in one transaction
	purgeMost  = 100  // such transactions an hour
)

// keepHouse adds up the record's counts, and forgets what no law has kept any more, until ctx ends.
func (n *Node) keepHouse(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		retry.OnBeat(ctx, foldEvery, nil, func(ctx context.Context) { n.tidied(ctx, n.Store.FoldTallies(ctx)) })
	})
	all.Go(func() { retry.OnBeat(ctx, purgeEvery, nil, func(ctx context.Context) { n.tidied(ctx, n.purge(ctx)) }) })
}

func (n *Node) tidied(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		n.Log.Warn("record not tidied: it is tried again", slog.Any("error", err))
	}
}

func (n *Node) purge(ctx context.Context) error {
	total := 0
	for range purgeMost {
		gone, err := n.Store.Recordings.Purge(ctx, n.Clocks.SQL(), purgeBatch)
		if total += gone; err != nil {
			return err
		}
		if gone == 0 {
			break
		}
	}
	if total > 0 {
		n.Log.Info("attempts beyond their retention are gone", slog.Int("count", total))
	}
	return nil
}
