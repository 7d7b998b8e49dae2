package access

import (
	"fmt"
	"sync"
	"time"
)

// TooManyError says that a name or an address has tried too often.
type TooManyError struct{ RetryAfter time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("access: too many tries: again after %v", e.RetryAfter.Round(time.Second))
}

// Bounds of wrong tries: a handful at once, then one each so often.
const (
	nameBurst    = 5
	nameEvery    = 30 * time.Second
	addressBurst = 200 // an office, or a proxy, may be one address
	addressEvery = time.Second
	maxKeys      = 20_000
)

// Tries bounds how fast passwords can be guessed, by name and by address. The zero value is ready. It knows only this
// process: with n gateways a guesser has n times as many tries.
type Tries struct {
	mu        sync.Mutex
	names     buckets
	addresses buckets
}

// Allow takes a try of the name and the address, or answers a *TooManyError.
func (t *Tries) Allow(name, address string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names.of == nil {
		t.names = buckets{map[string]*bucket{}, nameBurst, nameEvery}
		t.addresses = buckets{map[string]*bucket{}, addressBurst, addressEvery}
	}
	if err := t.addresses.take(address, now); err != nil {
		return err
	}
	return t.names.take(name, now)
}

// Succeeded gives back what the try took, and forgets the wrong ones of the name: its owner is here.
func (t *Tries) Succeeded(name, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.names.of, name)
	if b := t.addresses.of[address]; b != nil {
		b.tries = min(b.tries+1, addressBurst)
	}
}

// buckets are the tries left to each key.
type buckets struct {
	of    map[string]*bucket
	burst float64
	every time.Duration
}

type bucket struct {
	tries float64
	at    time.Time
}

func (b *buckets) take(key string, now time.Time) error {
	one := b.of[key]
	if one == nil {
		if len(b.of) >= maxKeys {
			b.forget(now)
		}
		one = &bucket{b.burst, now}
		b.of[key] = one
	}
	b.refill(one, now)
	if one.tries < 1 {
		return &TooManyError{RetryAfter: time.Duration((1 - one.tries) * float64(b.every))}
	}
	one.tries--
	return nil
}

func (b *buckets) refill(one *bucket, now time.Time) {
	if passed := now.Sub(one.at); passed > 0 {
		one.tries, one.at = min(one.tries+float64(passed)/float64(b.every), b.burst), now
	}
}

// forget makes room: keys that have all their tries back, and else a tenth, whichever come first.
func (b *buckets) forget(now time.Time) {
	for key, one := range b.of {
		if b.refill(one, now); one.tries >= b.burst {
			delete(b.of, key)
		}
	}
	for key := range b.of {
		if len(b.of) < maxKeys*9/10 {
			return
		}
		delete(b.of, key)
	}
}
