package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// checkTimeout bounds one OPTIONS; a trunk that is down is asked again each downCheck.
const (
	checkTimeout = 4 * time.Second
	downCheck    = 5 * time.Second
)

// watch asks a trunk each Check whether it lives, and at once when its calls say that it does not.
func (n *Network) watch(ctx context.Context, t *trunk) {
	for t.Check > 0 {
		began := time.Now()
		_, err := n.OptionsPing(ctx, t.Name)
		if ctx.Err() != nil {
			return
		}
		pause, s := jitter(t.Check), optionsGood
		if err != nil {
			s = optionsBad
			pause = min(pause, downCheck-time.Since(began)) // the next one begins 5 s after this one did
		}
		t.mu.Lock()
		t.checked, t.fault = time.Now(), ""
		if err != nil {
			t.fault = err.Error()
		}
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
// call brought it, OPTIONS, or the mere passing of time.
func (n *Network) tendTrunks(ctx context.Context) {
	was := make([]string, len(n.trunks)) // why a trunk could not be used; empty: it could
	out := false
	for {
		now, next := time.Now(), time.Time{}
		var reasons []string
		for i, t := range n.trunks {
			t.mu.Lock()
			ok, _, why := t.usable(now)
			at := t.circuit.change(now)
			t.mu.Unlock()
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
			n.figures.trunkUp(t.Name, ok)
			if !ok {
				reasons = append(reasons, t.Name+" "+why)
			}
			if (why == "") != (was[i] == "") {
				n.log.Warn("trunk changed", "trunk", t.Name, "usable", ok, "because", why)
			}
			was[i] = why
		}
		none := len(n.trunks) > 0 && len(reasons) == len(n.trunks)
		n.figures.noTrunk(none)
		switch {
		case none && !out:
			n.log.Error("no trunk can take a call: nobody is dialed until one can", "because", strings.Join(reasons, ", "))
		case !none && out:
			n.log.Warn("a trunk can take calls again: dialing goes on")
		}
		out = none
		if !none && n.opts.TrunksChanged != nil {
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

// OptionsPing asks a trunk for a sign of life and answers how long it took.
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

// askServers asks a trunk's servers, one after the other, until one gives a sign of life.
func (n *Network) askServers(ctx context.Context, t *trunk) (err error) {
	select {
	case <-t.found:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, h := range t.hops() {
		if err = n.options(ctx, h, sip.Uri{Scheme: "sip", Host: hostOf(t.Host), Port: portOf(t.Host)}); err == nil {
			return nil
		}
	}
	return err
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
	req.AppendHeader(n.endpoint.contact(h.transport, h))
	req.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	return req
}

func (e *endpoint) freshCall() string { return sip.GenerateTagN(24) + "@" + e.host }
