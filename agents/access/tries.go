package access

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
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
	addressBurst = 50 // an office may share one
	addressEvery = 5 * time.Second
	maxKeys      = 20_000
)

// Tries bounds how fast passwords can be guessed, by name and by address. The zero value is ready. It knows only this
// process: with n gateways a guesser has n times as many tries.
type Tries struct {
	mu        sync.Mutex
	names     map[string]*rate.Limiter
	addresses map[string]*rate.Limiter
}

// Allow takes a try of the name and the address, or answers a *TooManyError.
func (t *Tries) Allow(name, address string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.names, t.addresses = map[string]*rate.Limiter{}, map[string]*rate.Limiter{}
	}
	if err := take(t.addresses, address, addressBurst, addressEvery, now); err != nil {
		return err
	}
	return take(t.names, name, nameBurst, nameEvery, now)
}

// Succeeded forgets the wrong tries of a name: its owner is here.
func (t *Tries) Succeeded(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.names, name)
}

func take(limits map[string]*rate.Limiter, key string, burst int, every time.Duration, now time.Time) error {
	l := limits[key]
	if l == nil {
		if len(limits) >= maxKeys {
			forget(limits, burst, now)
		}
		l = rate.NewLimiter(rate.Every(every), burst)
		limits[key] = l
	}
	if l.AllowN(now, 1) {
		return nil
	}
	missing := 1 - l.TokensAt(now)
	return &TooManyError{RetryAfter: time.Duration(missing * float64(every))}
}

// forget makes room: keys that have all their tries back, and else a tenth, whichever come first.
func forget(limits map[string]*rate.Limiter, burst int, now time.Time) {
	for key, l := range limits {
		if l.TokensAt(now) >= float64(burst) {
			delete(limits, key)
		}
	}
	for key := range limits {
		if len(limits) < maxKeys*9/10 {
			return
		}
		delete(limits, key)
	}
}
