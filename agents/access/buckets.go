package access

import "time"

// maxKeys bounds what this process remembers of tries.
const maxKeys = 20_000

func (t *Tries) allowHere(name, address string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if err := t.addresses.take(address, now); err != nil {
		return err
	}
	return t.pairs.take(digest(name, address), now)
}

func (t *Tries) succeededHere(name, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pairs.of, digest(name, address))
	if b := t.addresses.of[address]; b != nil {
		b.tries = min(b.tries+1, addressBound.burst)
	}
}

// buckets are the tries left to each key.
type buckets struct {
	of map[string]*bucket
	bound
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
