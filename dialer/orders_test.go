package dialer

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestOrdersCarryADuration has no order name a moment: the clock of the node that hears it may be another one.
func TestOrdersCarryADuration(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: testdeps.Redis(t)})
	t.Cleanup(func() { _ = rdb.Close() })
	ctx, stop := context.WithCancel(t.Context())
	type obeyed struct {
		order
		left time.Duration
	}
	heard := make(chan obeyed, 10)
	home := newOrders(Deps{Installation: "test", Node: "home", Redis: rdb, Log: slog.New(slog.DiscardHandler)},
		func(ctx context.Context, o order) error {
			end, _ := ctx.Deadline()
			heard <- obeyed{o, time.Until(end)}
			return nil
		})
	ended := make(chan struct{})
	go func() { defer close(ended); home.run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	spy := rdb.Subscribe(ctx, home.channel("home"))
	t.Cleanup(func() { _ = spy.Close() })
	if _, err := spy.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	away := newOrders(Deps{Installation: "test", Node: "away", Redis: rdb, Log: slog.New(slog.DiscardHandler)}, nil)
	for away.send(ctx, "home", order{Kind: orderHangup, Agent: 7}) != nil { // until it listens
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	if o := <-heard; o.Agent != 7 || o.Patience <= 0 || o.Patience > orderLimit || o.left <= 0 || o.left > orderLimit {
		t.Errorf("%+v", o)
	}
	m, err := spy.ReceiveMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`\d{4}-\d\d-\d\dT`).MatchString(m.Payload) {
		t.Errorf("the order names a moment: %s", m.Payload)
	}

	// One for which nobody waits any more is not obeyed, however it says; the next one is.
	late, err := json.Marshal(order{ID: "late", Kind: orderHangup, Agent: 8, Patience: time.Hour})
	if err == nil {
		err = rdb.Publish(ctx, home.channel("home"), late).Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := away.send(ctx, "home", order{Kind: orderHold, Agent: 9}); err != nil {
		t.Fatal(err)
	}
	stop()
	<-ended // whoever was in hand is done
	close(heard)
	for o := range heard {
		if o.Agent != 9 {
			t.Errorf("obeyed: %+v", o)
		}
	}
}
