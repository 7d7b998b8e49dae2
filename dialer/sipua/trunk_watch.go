package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/retry"
)

// checkTimeout bounds one OPTIONS, and all that go to one trunk's servers at a time; a trunk that is down is asked again each
// downCheck.
const (
	checkTimeout = 4 * time.Second
	downCheck    = 5 * time.Second
	// nextServer is when the next server of a trunk is asked while the ones before are silent.
	nextServer = 500 * time.Millisecond
)

// watch asks a trunk each Check whether it lives, and at once when its calls say that it does not.
func (n *Network) watch(ctx context.Context, t *trunk) {
	for t.Check > 0 {
		began := time.Now()
		err := n.askServers(ctx, t)
		if ctx.Err() != nil {
			return
		}
		pause, s := retry.Spread(t.Check, 0.1), optionsGood
		if err != nil {
			s = optionsBad
			pause = min(pause, downCheck-time.Since(began)) // the next one begins 5 s after this one did
		}
		t.mu.Lock()
		t.checked, t.fault = time.Now(), err
		t.mu.Unlock()
		n.note(t, func(c circuit, now time.Time) circuit { return c.after(s, false, now) })
		timer := time.NewTimer(max(pause, 100*time.Millisecond))
		select {
		case <-timer.C:
		case <-t.ask:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// note changes what is known of a trunk, and tells who has to know.
func (n *Network) note(t *trunk, change func(c circuit, now time.Time) circuit) {
	now := time.Now()
	t.mu.Lock()
	before := t.circuit
	t.circuit = change(before, now)
	after := t.circuit
	t.mu.Unlock()
	if after.state == circuitOpen && before.state != circuitOpen {
		select { // does it still live?
		case t.ask <- struct{}{}:
		default:
		}
	}
	if after.state != before.state || after.down != before.down || after.rest != before.rest || after.until != before.until {
		n.poke()
	}
}

// poke has tendTrunks look again.
func (n *Network) poke() {
	select {
	case n.noted <- struct{}{}:
	default:
	}
}

// tendTrunks says in the log, in the metrics and to who plans calls what becomes of the trunks: once for each change, whether a
// call brought it, OPTIONS, or the mere passing of time. That one call tries a trunk is no change: it has not worked yet.
func (n *Network) tendTrunks(ctx context.Context) {
	was := make([]TrunkState, len(n.trunks))
	for i := range was {
		was[i] = TrunkStarting
	}
	out := false
	for {
		now, next := time.Now(), time.Time{}
		var reasons []string
		room, starting := false, false
		for i, t := range n.trunks {
			t.mu.Lock()
			s := t.stands(now)
			at := t.circuit.change(now)
			t.mu.Unlock()
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
			n.figures.trunkUp(t.Name, s.state == TrunkUp)
			room, starting = room || s.ok, starting || s.state == TrunkStarting
			switch s.state {
			case TrunkUp:
				if was[i] != TrunkUp && was[i] != TrunkStarting {
					n.log.Warn("trunk is in use again", "trunk", t.Name)
				}
				was[i] = s.state
			default:
				reasons = append(reasons, t.Name+" "+s.why.text)
				if was[i] != TrunkDown && was[i] != TrunkResting && s.state != TrunkStarting {
					n.log.Warn("trunk is out of use", "trunk", t.Name, "state", s.state, "because", s.why.text)
					was[i] = TrunkResting
				}
			}
		}
		none := len(n.trunks) > 0 && len(reasons) == len(n.trunks)
		n.figures.noTrunk(none && (out || !starting))
		switch {
		case none && !out && !starting:
			n.log.Error("no trunk can take a call: nobody is dialed until one can", "because", strings.Join(reasons, ", "))
			out = true
		case !none && out:
			n.log.Warn("a trunk can take calls again: dialing goes on")
			out = false
		}
		if room && n.opts.TrunksChanged != nil {
			n.opts.TrunksChanged()
		}
		if !n.awaitTrunks(ctx, next) {
			return
		}
	}
}

// awaitTrunks waits for the next change of a trunk; false: ctx has ended.
func (n *Network) awaitTrunks(ctx context.Context, next time.Time) bool {
	pause := time.Minute
	if !next.IsZero() {
		pause = min(pause, time.Until(next)+time.Millisecond)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-n.noted:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

var errOptionsUnanswered error = reason.New(reason.Unavailable, whyNoAnswer, "sipua: OPTIONS is not answered")

// OptionsPing asks a trunk for a sign of life and returns how long it took.
func (n *Network) OptionsPing(ctx context.Context, name string) (time.Duration, error) {
	for _, t := range n.trunks {
		if t.Name == name {
			began := time.Now()
			err := n.askServers(ctx, t)
			return time.Since(began), err
		}
	}
	return 0, fmt.Errorf("sipua: no trunk is named %q", name)
}

// askServers asks a trunk's servers until one gives a sign of life: each a little after the one before, so that silent ones do
// not use up the time of the others.
func (n *Network) askServers(ctx context.Context, t *trunk) error {
	select {
	case <-t.found:
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, stop := context.WithTimeout(ctx, checkTimeout)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()
	hops := t.hops()
	answers := make(chan error, len(hops))
	said := make([]error, 0, len(hops))
	for _, h := range hops {
		asking.Go(func() {
			answers <- n.options(ctx, h, sip.Uri{Scheme: "sip", Host: hostOf(t.Host), Port: portOf(t.Host)})
		})
		next := time.NewTimer(nextServer)
		select {
		case err := <-answers:
			next.Stop()
			if err == nil {
				return nil
			}
			said = append(said, err)
		case <-next.C:
		}
	}
	for len(said) < len(hops) {
		err := <-answers // ctx bounds each
		if err == nil {
			return nil
		}
		said = append(said, err)
	}
	return said[0]
}

// Ping asks a trunk for a sign of life from sockets of its own on our addresses, for when no network runs, as in doctor.
func Ping(ctx context.Context, t Trunk, ip string, ip6 netip.Addr) (time.Duration, error) {
	t.Register, t.Check = false, -1
	n, err := New(Options{Node: "ping", Advertise: ip, Advertise6: ip6, Listen: Listen{UDP: net.JoinHostPort(ip, "0")},
		Secret: make([]byte, 32),
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
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sip.ErrTransactionTimeout) {
		return h.security.because(errOptionsUnanswered)
	}
	if err != nil {
		return fmt.Errorf("sipua: OPTIONS: %w", err)
	}
	if res.StatusCode >= 500 {
		return statusError("OPTIONS", res)
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
	req.AppendHeader(n.endpoint.contact(h))
	req.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	return req
}

func (e *endpoint) freshCall() string { return sip.GenerateTagN(24) + "@" + e.ours[ipv4].host }
