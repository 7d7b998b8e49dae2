package sipua

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/time/rate"
)

// trunk is a way to customers with its moment's state.
type trunk struct {
	Trunk
	limiter *rate.Limiter

	mu         sync.Mutex
	busy       int
	health     health
	registered time.Time // until when; zero: not
	silences   int       // INVITEs in a row without any response
}

// health is what the last check said.
type health struct {
	down  bool
	at    time.Time
	cause string
}

// checkTimeout bounds one OPTIONS; a trunk that is down is asked again each downCheck.
const (
	checkTimeout = 4 * time.Second
	downCheck    = 5 * time.Second
	// paceWait is how long a call waits for its turn at a trunk's calls a second.
	paceWait = 2 * time.Second
)

func newTrunk(t Trunk) *trunk {
	limit := rate.Inf
	if t.CPS > 0 {
		limit = rate.Limit(t.CPS)
	}
	return &trunk{Trunk: t, limiter: rate.NewLimiter(limit, max(1, int(t.CPS)))}
}

func (t *trunk) hop() hop {
	return hop{transport: sip.ASCIIToUpper(t.Transport), addr: withPort(t.Host, t.Transport)}
}

// ErrNoTrunk says that no trunk could take a call now.
var ErrNoTrunk = errors.New("sipua: no trunk")

// pickTrunk takes a channel of the first trunk that is well and has one, waiting shortly for its pace. The failover happens
// here, before the INVITE, and never after it. release gives the channel back.
func (n *Network) pickTrunk(ctx context.Context, hung <-chan struct{}) (t *trunk, release func(), err error) {
	reasons := make([]string, 0, len(n.trunks))
	for _, t := range n.trunks {
		if reason := t.take(); reason != "" {
			reasons = append(reasons, t.Name+" "+reason)
			continue
		}
		turn := t.limiter.Reserve()
		wait := turn.Delay()
		if wait > paceWait {
			turn.Cancel()
			t.give()
			reasons = append(reasons, t.Name+" is at its calls a second")
			continue
		}
		if wait > 0 {
			select {
			case <-time.After(wait):
			case <-hung:
				turn.Cancel()
				t.give()
				return nil, nil, errGivenUp
			case <-ctx.Done():
				t.give()
				return nil, nil, ctx.Err()
			}
		}
		return t, sync.OnceFunc(t.give), nil
	}
	return nil, nil, fmt.Errorf("%w: %s", ErrNoTrunk, strings.Join(reasons, ", "))
}

func (t *trunk) take() (refusal string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.health.down:
		return "is down: " + t.health.cause
	case t.Register && time.Now().After(t.registered):
		return "is not registered"
	case t.Channels > 0 && t.busy >= t.Channels:
		return "has no channel free"
	}
	t.busy++
	return ""
}

func (t *trunk) give() {
	t.mu.Lock()
	t.busy--
	t.mu.Unlock()
}

// heard notes whether an INVITE was answered by anything: two by nothing, in a row, and the trunk is held to be down until
// a check says otherwise.
func (t *trunk) heard(something bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if something {
		t.silences = 0
		return
	}
	if t.silences++; t.silences >= 2 && t.Check > 0 {
		t.health = health{down: true, at: time.Now(), cause: "no response to INVITE"}
	}
}

func (t *trunk) status() TrunkStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return TrunkStatus{Name: t.Name, Up: !t.health.down && (!t.Register || time.Now().Before(t.registered)), Cause: t.health.cause,
		Checked: t.health.at, Calls: t.busy, Channels: t.Channels, RegisteredUntil: t.registered}
}

// TrunkStatus is how a trunk stands.
type TrunkStatus struct {
	Name            string
	Up              bool
	Cause           string    // why it is down
	Checked         time.Time // when OPTIONS last told; zero: not yet, it is presumed up
	Calls, Channels int       // Channels zero: no limit
	RegisteredUntil time.Time // zero: not, or not wanted
}

// TrunkStatus tells how the trunks stand, in the order of preference.
func (n *Network) TrunkStatus() []TrunkStatus {
	all := make([]TrunkStatus, len(n.trunks))
	for i, t := range n.trunks {
		all[i] = t.status()
	}
	return all
}

// OptionsPing asks a trunk for a sign of life and answers how long it took.
func (n *Network) OptionsPing(ctx context.Context, name string) (time.Duration, error) {
	for _, t := range n.trunks {
		if t.Name == name {
			began := time.Now()
			err := n.options(ctx, t.hop(), sip.Uri{Scheme: "sip", Host: hostOf(t.Host), Port: portOf(t.Host)})
			return time.Since(began), err
		}
	}
	return 0, fmt.Errorf("sipua: no trunk is named %q", name)
}

// Ping asks a trunk for a sign of life from a socket of its own on ip, for when no network runs, as in doctor.
func Ping(ctx context.Context, t Trunk, ip string) (time.Duration, error) {
	t.Register, t.Check = false, -1
	n, err := New(Options{Node: "ping", Advertise: ip, Listen: Listen{UDP: net.JoinHostPort(ip, "0")}, Secret: make([]byte, 32),
		Trunks: []Trunk{t}})
	if err != nil {
		return 0, err
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- n.Run(run) }()
	defer func() { stop(); <-done }()
	select {
	case <-n.ready:
		return n.OptionsPing(ctx, t.Name)
	case err := <-done:
		done <- err
		return 0, errors.Join(errClosed, err)
	}
}

// options sends an OPTIONS. Any answer below 500 is a sign of life: whether it likes OPTIONS does not matter.
func (n *Network) options(ctx context.Context, h hop, to sip.Uri) error {
	ctx, stop := context.WithTimeout(ctx, checkTimeout)
	defer stop()
	res, err := n.endpoint.do(ctx, n.outside(sip.OPTIONS, to, to, h, n.endpoint.freshCall(), 1), h)
	if err != nil {
		return fmt.Errorf("sipua: OPTIONS: %w", err)
	}
	if res.StatusCode >= 500 {
		return fmt.Errorf("sipua: OPTIONS: %d %s", res.StatusCode, clean(res.Reason))
	}
	return nil
}

// outside makes a request that belongs to no dialog.
func (n *Network) outside(method sip.RequestMethod, to, from sip.Uri, h hop, callID string, cseq uint32) *sip.Request {
	req := n.endpoint.request(method, to, h)
	f := &sip.FromHeader{Address: from}
	f.Params.Add("tag", sip.GenerateTagN(16))
	id := sip.CallIDHeader(callID)
	req.AppendHeader(f)
	req.AppendHeader(&sip.ToHeader{Address: from})
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: cseq, MethodName: method})
	req.AppendHeader(n.endpoint.contact(h.transport))
	req.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	return req
}

func (e *endpoint) freshCall() string { return sip.GenerateTagN(24) + "@" + e.host }

// watch asks a trunk each Check whether it lives.
func (n *Network) watch(ctx context.Context, t *trunk) {
	for t.Check > 0 {
		_, err := n.OptionsPing(ctx, t.Name)
		if ctx.Err() != nil {
			return
		}
		pause := t.Check
		t.mu.Lock()
		was := t.health.down
		t.health = health{down: err != nil, at: time.Now()}
		if err != nil {
			t.health.cause = err.Error()
			pause = min(pause, downCheck)
		} else {
			t.silences = 0
		}
		t.mu.Unlock()
		if was != (err != nil) {
			n.log.Warn("trunk changed", "trunk", t.Name, "up", err == nil, "error", err)
		}
		n.figures.trunkUp(t.Name, err == nil)
		if !sleep(ctx, jitter(pause)) {
			return
		}
	}
}

const (
	registerFor   = time.Hour
	registerRetry = 30 * time.Second
)

// keepRegistered registers us at a trunk that wants it, again before it expires.
func (n *Network) keepRegistered(ctx context.Context, t *trunk) {
	callID, cseq := n.endpoint.freshCall(), uint32(0)
	failures := 0
	for {
		granted, err := n.register(ctx, t, callID, &cseq, registerFor)
		if ctx.Err() != nil {
			ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			_, _ = n.register(ctx, t, callID, &cseq, 0) // goodbye
			return
		}
		pause := granted * 4 / 5
		if err != nil {
			failures++
			pause = jitter(min(registerRetry<<min(failures-1, 5), 10*time.Minute))
			n.log.Warn("trunk does not register us", "trunk", t.Name, "error", err, "retry_in", pause)
		} else {
			failures = 0
			t.mu.Lock()
			t.registered = time.Now().Add(granted)
			t.mu.Unlock()
		}
		sleep(ctx, pause)
	}
}

func (n *Network) register(ctx context.Context, t *trunk, callID string, cseq *uint32, expires time.Duration) (time.Duration,
	error) {
	domain := sip.Uri{Scheme: "sip", Host: t.FromDomain}
	self := sip.Uri{Scheme: "sip", User: t.Username, Host: t.FromDomain}
	auth := authorization{cred: &credentials{t.Username, t.Password}}
	seconds := strconv.Itoa(int(expires / time.Second))
	for {
		*cseq++
		req := n.outside(sip.REGISTER, domain, self, t.hop(), callID, *cseq)
		req.AppendHeader(sip.NewHeader("Expires", seconds))
		for _, h := range auth.headers() {
			req.AppendHeader(h)
		}
		wait, stop := context.WithTimeout(ctx, checkTimeout)
		res, err := n.endpoint.do(wait, req, t.hop())
		stop()
		switch {
		case err != nil:
			return 0, fmt.Errorf("sipua: REGISTER: %w", err)
		case res.IsSuccess():
			return granted(res, expires), nil
		case auth.answer(req, res):
			continue
		}
		return 0, fmt.Errorf("sipua: REGISTER: %d %s", res.StatusCode, clean(res.Reason))
	}
}

// granted is how long a registration holds: what our Contact says, else Expires, else what we asked; at least a minute.
func granted(res *sip.Response, asked time.Duration) time.Duration {
	value := ""
	if h := res.GetHeader("Expires"); h != nil {
		value = h.Value()
	}
	if c := res.Contact(); c != nil {
		value = c.Params.GetOr("expires", value)
	}
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && seconds > 0 {
		asked = min(asked, time.Duration(seconds)*time.Second)
	}
	return max(asked, time.Minute)
}

// jitter spreads a pause over ±10 %.
func jitter(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5+1) }

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// withPort adds the transport's default port where there is none.
func withPort(addr, transport string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	return net.JoinHostPort(addr, strconv.Itoa(sip.DefaultPort(transport)))
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
