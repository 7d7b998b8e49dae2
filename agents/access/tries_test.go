package access

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

// eachTries runs a test on tries that are counted in Redis, and in this process.
func eachTries(t *testing.T, test func(t *testing.T, tries *Tries, shared bool)) {
	t.Run("redis", func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: testdeps.Redis(t)})
		t.Cleanup(func() { _ = rdb.Close() })
		test(t, NewTries(rdb, "test", nil, func() time.Time { return now }), true)
	})
	t.Run("process", func(t *testing.T) { test(t, NewTries(nil, "", nil, func() time.Time { return now }), false) })
}

func refusedTry(err error) bool {
	var tooMany *TooManyError
	return errors.As(err, &tooMany) && tooMany.RetryAfter > 0
}

func TestGuessingOneNameAtOneAddress(t *testing.T) {
	eachTries(t, func(t *testing.T, tries *Tries, _ bool) {
		for i := range 5 {
			if err := tries.Allow(t.Context(), "boss", "192.0.2.1", "boss"); err != nil {
				t.Fatal(i, err)
			}
		}
		if err := tries.Allow(t.Context(), "boss", "::ffff:192.0.2.1", "boss"); !refusedTry(err) {
			t.Errorf("guessing goes on: %v", err)
		}
		if err := tries.Allow(t.Context(), "boss", "192.0.2.2", "boss"); err != nil {
			t.Errorf("its owner elsewhere: %v", err)
		}
		for range 5 {
			_ = tries.Allow(t.Context(), "boss", "2001:db8::1", "boss")
		}
		if err := tries.Allow(t.Context(), "boss", "2001:db8::ffff:2", "boss"); !refusedTry(err) {
			t.Errorf("another address of the same line: %v", err)
		}
	})
}

func TestGuessingManyNamesAtOneAddress(t *testing.T) {
	eachTries(t, func(t *testing.T, tries *Tries, shared bool) {
		tries.Succeeded(t.Context(), "crm", "192.0.2.1", "crm")
		for i := range 200 {
			name := fmt.Sprint("name", i)
			if err := tries.Allow(t.Context(), name, "192.0.2.1", name); err != nil {
				t.Fatal(i, err)
			}
		}
		if err := tries.Allow(t.Context(), "another", "192.0.2.1", "another"); !refusedTry(err) {
			t.Errorf("guessing goes on: %v", err)
		}
		if err := tries.Allow(t.Context(), "crm", "192.0.2.1", "crm"); shared && err != nil {
			t.Errorf("who has been let in here before: %v", err)
		}
	})
}

// TestAnOfficeMayLogIn: who knows the password takes no tries away from the others at the same address.
func TestAnOfficeMayLogIn(t *testing.T) {
	eachTries(t, func(t *testing.T, tries *Tries, _ bool) {
		for i := range 500 {
			name := fmt.Sprint("name", i)
			if err := tries.Allow(t.Context(), name, "192.0.2.1", name); err != nil {
				t.Fatalf("login %d: %v", i, err)
			}
			tries.Succeeded(t.Context(), name, "192.0.2.1", name)
		}
	})
}

// TestGuessingOneNameEverywhere: it is slowed down, by no more than two seconds; nobody is refused, and where the owner has been
// let in before nothing is slow. Two nodes count together.
func TestGuessingOneNameEverywhere(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: testdeps.Redis(t)})
	t.Cleanup(func() { _ = rdb.Close() })
	clock := func() time.Time { return now }
	one, other := NewTries(rdb, "test", nil, clock), NewTries(rdb, "test", nil, clock)
	one.Succeeded(t.Context(), "boss", "198.51.100.1", "boss")
	for i := range 20 {
		if err := []*Tries{one, other}[i%2].Allow(t.Context(), "boss", fmt.Sprint("192.0.2.", i), "boss"); err != nil {
			t.Fatal(i, err)
		}
	}
	// A context that has ended tells waiting from not waiting.
	slow := func(tries *Tries, address string) bool {
		ctx, cancel := context.WithCancel(t.Context())
		var waited atomic.Bool
		done := make(chan error, 1)
		go func() { done <- tries.Allow(ctx, "boss", address, "boss") }()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", address, err)
			}
		case <-time.After(200 * time.Millisecond):
			waited.Store(true)
			cancel()
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", address, err)
			}
		}
		cancel()
		return waited.Load()
	}
	waits := 0
	for waits < 3 && slow(one, "198.51.100.1") { // once it may be the machine that is slow
		waits++
	}
	if waits == 3 {
		t.Error("the owner waits where the name was let in before")
	}
	if !slow(other, "203.0.113.1") {
		t.Error("guesses from everywhere are as fast as ever")
	}
	for i := range 3 {
		if err := one.Allow(t.Context(), "boss", fmt.Sprint("203.0.113.", 10+i), "boss"); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
}

// TestTriesWithoutRedis: they go on to be bounded, by this process.
func TestTriesWithoutRedis(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	tries := NewTries(rdb, "test", nil, func() time.Time { return now })
	for i := range 5 {
		if err := tries.Allow(t.Context(), "boss", "192.0.2.1", "boss"); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := tries.Allow(t.Context(), "boss", "192.0.2.1", "boss"); !refusedTry(err) {
		t.Errorf("guessing goes on: %v", err)
	}
}

func TestTriesAreBounded(t *testing.T) {
	tries := NewTries(nil, "", nil, func() time.Time { return now })
	for i := range maxKeys + 100 {
		_ = tries.Allow(t.Context(), fmt.Sprint(i), fmt.Sprint(i), "")
	}
	if len(tries.pairs.of) > maxKeys || len(tries.addresses.of) > maxKeys {
		t.Errorf("%d names, %d addresses", len(tries.pairs.of), len(tries.addresses.of))
	}
}
