package sipua

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"
)

// gatekeeper decides, before anything is parsed, what may come in over UDP: sipgo remembers every address that was let
// through, for ever. Known are trunks, telephony servers, phones that proved themselves, and whoever we sent something to. A
// stranger may send nothing but REGISTER, and few of them; anything else is dropped unanswered. The challenge is given at the
// gate, without memory: only who answers it is let in, so that the address is nobody's invention.
type gatekeeper struct {
	strangers *buckets
	dropped   func(reason string)
	// answers a REGISTER, unless it answers a challenge itself; nil: it is let in
	challenge func(data []byte, from net.Addr) (answers bool)

	mu       sync.RWMutex
	known    map[netip.Addr]time.Time // until when
	networks []netip.Prefix
}

const (
	knownFor        = 2 * time.Hour // beyond the longest registration
	strangerRate    = rate.Limit(2) // REGISTERs a second an address
	strangerBurst   = 20
	maxRememberedIP = 10_000
)

func newGatekeeper(dropped func(string)) *gatekeeper {
	return &gatekeeper{strangers: newBuckets(strangerRate, strangerBurst), dropped: dropped, known: map[netip.Addr]time.Time{}}
}

// filter is sipgo's read filter.
func (g *gatekeeper) filter(info sip.TransportReadProps, data []byte) ([]byte, error) {
	if info.Transport != "UDP" { // connections are limited where they are accepted
		return data, nil
	}
	from := addrOf(info.RemoteAddr.String())
	switch {
	case g.knows(from):
		return data, nil
	case !bytes.HasPrefix(data, []byte("REGISTER ")):
		g.dropped("stranger")
		return nil, nil
	case !g.strangers.allow(from.String(), time.Now()):
		g.dropped("flood")
		return nil, nil
	case g.challenge != nil && !g.challenge(data, info.RemoteAddr):
		return nil, nil
	}
	return data, nil
}

func (g *gatekeeper) knows(a netip.Addr) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if until, ok := g.known[a]; ok && time.Now().Before(until) {
		return true
	}
	for _, p := range g.networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// admit lets an address in for a while.
func (g *gatekeeper) admit(a netip.Addr) {
	if !a.IsValid() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if until, ok := g.known[a]; ok && until.Sub(now) > knownFor/2 {
		return
	}
	if len(g.known) >= maxRememberedIP {
		for old, until := range g.known {
			if now.After(until) {
				delete(g.known, old)
			}
		}
	}
	g.known[a] = now.Add(knownFor)
}

// buckets are token buckets, one a source, for at most maxRememberedIP of them.
type buckets struct {
	rate  rate.Limit
	burst int
	mu    sync.Mutex
	by    map[string]*rate.Limiter
}

func newBuckets(r rate.Limit, burst int) *buckets {
	return &buckets{rate: r, burst: burst, by: map[string]*rate.Limiter{}}
}

func (l *buckets) of(a string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lim, ok := l.by[a]; ok {
		return lim
	}
	if len(l.by) >= maxRememberedIP {
		for old, lim := range l.by {
			if lim.TokensAt(now) >= float64(l.burst) {
				delete(l.by, old)
			}
		}
		if len(l.by) >= maxRememberedIP { // a flood from everywhere: strangers share one bucket
			a = "anybody"
			if lim, ok := l.by[a]; ok {
				return lim
			}
		}
	}
	lim := rate.NewLimiter(l.rate, l.burst)
	l.by[a] = lim
	return lim
}

func (l *buckets) allow(a string, now time.Time) bool { return l.of(a, now).AllowN(now, 1) }

// failures counts wrong passwords a source: ten at once, then one each six seconds.
type failures struct{ *buckets }

func newFailures() failures { return failures{newBuckets(rate.Every(6*time.Second), 10)} }

// sourceOf is who failed: an address; or, for browsers, one connection, since behind a proxy or an office's NAT all of them
// share an address, and each had to show its cookie before.
func sourceOf(req *sip.Request) string {
	if t := sip.ASCIIToUpper(req.Transport()); t == "WS" || t == "WSS" {
		return req.Source()
	}
	return addrOf(req.Source()).String()
}

func (f failures) blocked(source string, now time.Time) bool {
	return f.of(source, now).TokensAt(now) < 1
}

func (f failures) add(source string, now time.Time) { f.of(source, now).AllowN(now, 1) }

// trust forgets the failures of a source that proved itself.
func (f failures) trust(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.by, source)
}
