package sipua

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/retry"
)

// A nailed-up leg that no call has is on no record, so Redis keeps by what the next life of a killed process can hang it up.

// nailedKey holds a node's nailed-up legs: a hash by Call-ID.
func (l *locations) nailedKey() string { return l.installation.Key("sip:nailed:" + l.node) }

// keepLeg keeps a leg; "": it is over.
func (l *locations) keepLeg(callID, kept string) {
	if l.redis == nil {
		return
	}
	write := func(ctx context.Context) error { return l.redis.HDel(ctx, l.nailedKey(), callID).Err() }
	if kept != "" {
		write = func(ctx context.Context) error { return l.redis.HSet(ctx, l.nailedKey(), callID, kept).Err() }
	}
	select {
	case l.write <- write:
	default: // the phone notices that nothing is heard any more
		l.log.Warn("a nailed-up leg is not kept for the next life of this process: Redis is slow")
	}
}

// outlives reports whether the phone knows the leg when this process is lost: a connection that we would have to open anew, a
// browser's above all, is gone with it.
func (l *leg) outlives() bool {
	h := l.currentHop()
	return l.browser == nil && !(h.flow && h.reliable())
}

// keep describes the leg for the next life of the process. The caller holds k.mu.
func (k *nailed) keep() {
	if !k.leg.outlives() || k.kept == k.leg.callID {
		return
	}
	d := k.leg.dialog.keep()
	d.Server = k.ext.Server
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers
	}
	k.forget()
	k.kept = k.leg.callID
	k.n.locations.keepLeg(k.kept, string(text))
}

// forget is called when the leg that is kept has ended. The caller holds k.mu.
func (k *nailed) forget() {
	if k.kept != "" {
		k.n.locations.keepLeg(k.kept, "")
		k.kept = ""
	}
}

// endFormerLegs hangs up the nailed-up legs that a former life of this process has left.
func (n *Network) endFormerLegs(ctx context.Context) {
	l := n.locations
	if l.redis == nil {
		return
	}
	for range (retry.Pause{First: time.Second, Last: 10 * time.Second}).Tries(ctx) {
		asking, stop := context.WithTimeout(ctx, 2*time.Second)
		legs, err := l.redis.HGetAll(asking, l.nailedKey()).Result()
		stop()
		if err != nil {
			l.log.Warn("nailed-up legs of a former life are not known", "error", err)
			continue
		}
		var ending sync.WaitGroup // a phone that does not reply keeps nobody waiting
		for callID, text := range legs {
			ending.Go(func() { n.endFormerLeg(ctx, callID, text) })
		}
		ending.Wait()
		return
	}
}

func (n *Network) endFormerLeg(ctx context.Context, callID, text string) {
	var k keptDialog
	if json.Unmarshal([]byte(text), &k) == nil {
		if n.endpoint.find(k.CallID, k.Tag) != nil {
			return // of this life
		}
		if d, err := n.restore(k); err == nil {
			asking, stop := context.WithTimeout(ctx, keptAsk)
			_, err = d.request(asking, sip.BYE)
			stop()
			if err != nil {
				n.log.Warn("a nailed-up leg of a former life is not hung up: its phone does not reply", "error", err)
			} else {
				n.log.Info("a nailed-up leg of a former life is hung up")
			}
		}
	}
	n.locations.keepLeg(callID, "")
}
