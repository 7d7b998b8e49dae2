package sipua

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
)

// trunk is a way to customers with its moment's state.
type trunk struct {
	Trunk
	security *security // over TLS; nil: it is not called so
	pace     *pace
	found    chan struct{} // closed once the servers were looked up
	ask      chan struct{} // OPTIONS is to be sent now

	mu         sync.Mutex
	busy       int
	circuit    circuit
	checked    time.Time       // when OPTIONS last told
	fault      error           // what it told, when it was bad
	lookedUp   bool            // whether its servers are known
	unfound    error           // why there are none
	choices    []choice        // of servers, in order; none: its host is the server
	byIPv6     map[string]bool // of the servers that are names: those that are called by IPv6
	registered time.Time       // until when; zero: not
	// unregistered is why the last registration failed.
	unregistered error
	counts       trunkCounts
}

// paceWait is how long a call waits for its turn at a trunk's calls a second, before any phone rings; roomAhead is how far
// ahead calls are planned.
const (
	paceWait  = 2 * time.Second
	roomAhead = time.Second
)

func newTrunk(t Trunk) *trunk {
	made := &trunk{Trunk: t, pace: newPace(t.CPS), ask: make(chan struct{}, 1), found: make(chan struct{})}
	if t.Transport == "tls" || t.anyTransport {
		made.security = newSecurity(t.TLS, hostOf(t.Host))
		made.security.authorities = t.Authorities
	}
	if _, err := netip.ParseAddr(hostOf(t.Host)); err == nil {
		made.lookedUp = true
		close(made.found)
	}
	return made
}

// self is our address as the trunk is told it; empty: as all are.
func (t *trunk) self() string {
	if !t.Advertise.IsValid() {
		return ""
	}
	return t.Advertise.String()
}

// ErrNoTrunk says that no trunk could take a call now.
var ErrNoTrunk error = reason.New(reason.Unavailable, whyNoTrunk, "sipua: no trunk")

// slot is a place for one call on a trunk: a channel, and a turn of its pace. It is taken before any phone rings.
type slot struct {
	n     *Network
	t     *trunk
	probe bool // the call tries a trunk that failed before

	once    sync.Once
	decided bool // the trunk has heard what became of the call; guarded by t.mu
}

var _ dialer.Reservation = (*slot)(nil)

// Release implements [dialer.Reservation]. It may be repeated.
func (s *slot) Release() {
	s.once.Do(func() {
		s.t.mu.Lock()
		s.t.busy--
		s.t.mu.Unlock()
		s.tell(callUndecided)
	})
}

// tell notes what happened to the slot's call. That nothing is known counts only when nothing was told before.
func (s *slot) tell(what signal) {
	s.t.mu.Lock()
	if what == callUndecided && s.decided {
		s.t.mu.Unlock()
		return
	}
	s.decided = true
	s.t.mu.Unlock()
	s.n.note(s.t, func(c circuit, now time.Time) circuit { return c.after(what, s.probe, now) })
}

// told notes whether the trunk knew the number; true: what it says of numbers may be believed.
func (s *slot) told(unknown bool) (believed bool) {
	s.n.note(s.t, func(c circuit, now time.Time) circuit {
		c, believed = c.told(unknown, s.probe, now)
		return c
	})
	return believed
}

// reserve takes a place on the first trunk that is well, has one and is not passed over, waiting shortly for its turn.
// With noHiding it passes over those that hide the caller's number.
func (n *Network) reserve(ctx context.Context, hung <-chan struct{}, noHiding bool, passOver ...*trunk) (*slot, error) {
	reasons := make([]string, 0, len(n.trunks))
	for _, t := range n.trunks {
		if isOneOf(t, passOver) {
			reasons = append(reasons, t.Name+" has failed")
			continue
		}
		if noHiding && t.Privacy {
			reasons = append(reasons, t.Name+" hides the caller's number, which the campaign's profile forbids")
			continue
		}
		s, wait, reason := n.take(t)
		if s == nil {
			reasons = append(reasons, t.Name+" "+reason)
			continue
		}
		if err := waitFor(ctx, hung, wait); err != nil {
			s.Release()
			return nil, err
		}
		return s, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNoTrunk, strings.Join(reasons, ", "))
}

// Reserve implements [dialer.Limited].
func (n *Network) Reserve(ctx context.Context) (dialer.Reservation, error) {
	s, err := n.reserve(ctx, nil, false)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Room implements [dialer.Limited].
func (n *Network) Room() (calls int, why string) {
	var reasons []string
	now := time.Now()
	for _, t := range n.trunks {
		t.mu.Lock()
		s, free := t.stands(now), t.channels()
		t.mu.Unlock()
		switch {
		case !s.ok:
			reasons = append(reasons, t.Name+" "+s.why.text)
			continue
		case s.probe:
			free = min(free, 1)
		}
		calls = min(calls+min(free, t.pace.room(now, roomAhead)), unlimited)
	}
	if len(reasons) == len(n.trunks) {
		return 0, strings.Join(reasons, ", ")
	}
	return calls, ""
}

func isOneOf(t *trunk, list []*trunk) bool {
	for _, other := range list {
		if other == t {
			return true
		}
	}
	return false
}

// waitFor waits for d, at most until the hang-up or the end.
func waitFor(ctx context.Context, hung <-chan struct{}, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-hung:
		return errGivenUp
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take takes a place; without one it says why.
func (n *Network) take(t *trunk) (s *slot, wait time.Duration, refusal string) {
	now := time.Now()
	t.mu.Lock()
	stands := t.stands(now)
	ok, probe, refusal := stands.ok, stands.probe, stands.why.text
	if ok && t.channels() == 0 {
		ok, refusal = false, "has no channel free"
	}
	if ok {
		if wait, ok = t.pace.turn(now, paceWait); !ok {
			refusal = "is at its calls a second"
		}
	}
	if !ok {
		t.mu.Unlock()
		return nil, 0, refusal
	}
	t.busy++
	if probe {
		t.circuit = t.circuit.after(probeSent, true, now)
	}
	t.mu.Unlock()
	return &slot{n: n, t: t, probe: probe}, wait, ""
}

// channels counts those that are free. The caller holds t.mu.
func (t *trunk) channels() int {
	if t.Channels == 0 {
		return unlimited
	}
	return max(0, t.Channels-t.busy)
}

// still says whether a call may be sent on a slot that was taken a while ago.
func (s *slot) still() bool {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	probing := s.probe && s.t.circuit.state == circuitProbing && !s.t.circuit.down
	return probing || s.t.stands(time.Now()).ok
}

// withPort adds the transport's default port where there is none.
func withPort(addr, transport string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return hostPort(addr, sip.DefaultPort(transport))
}

func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port)
	return n
}

// userPart keeps what may stand before the @ of a SIP address unescaped; numbers and extensions have nothing else.
func userPart(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("+-_.!*#", r) {
			return r
		}
		return -1
	}, s)
}
