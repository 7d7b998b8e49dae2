package sipua

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/retry"
)

const (
	// natExpires is the longest registration of a UDP phone behind NAT: when its router forgets the way, it comes back soon.
	natExpires = time.Minute
	// A router keeps a UDP way open for about 30 s without a packet, so each keepAlive the phone is asked something. It answers, be
	// it by a refusal (405, 481). Three questions in a row that nobody answers, and it is gone.
	askTimeout = 5 * time.Second
	maxUnheard = 3
)

// behindNAT reports whether a phone names another address than the one that it sends from.
func behindNAT(contact sip.Uri, source string) bool {
	from, err := netip.ParseAddrPort(source)
	if err != nil {
		return true
	}
	host, err := netip.ParseAddr(strings.Trim(contact.Host, "[]"))
	port := contact.Port
	if port == 0 {
		port = sip.DefaultUdpPort
	}
	return err != nil || host.Unmap() != from.Addr().Unmap() || port != int(from.Port())
}

// knock is what is known of a phone behind NAT between its registrations.
type knock struct {
	asking  atomic.Bool
	next    atomic.Int64 // when it is asked again, in Unix nanoseconds
	unheard atomic.Int32 // questions in a row
}

func newKnock(now time.Time) *knock {
	p := &knock{}
	p.next.Store(now.Add(keepAlive).UnixNano())
	return p
}

// tendNATs keeps the ways to UDP phones behind NAT open, and forgets phones that do not answer.
func (n *Network) tendNATs(ctx context.Context) {
	for retry.Sleep(ctx, time.Second) {
		now := time.Now().UnixNano()
		for _, b := range n.locations.behindNAT() {
			if b.knock.next.Load() <= now && b.knock.asking.CompareAndSwap(false, true) {
				n.endpoint.job(func() { n.ask(ctx, b) })
			}
		}
	}
}

func (n *Network) ask(ctx context.Context, b Binding) {
	defer b.knock.asking.Store(false)
	asked := time.Now()
	ctx, stop := context.WithTimeout(ctx, askTimeout)
	defer stop()
	self := sip.Uri{Scheme: "sip", User: "ringmaster", Host: n.opts.Realm}
	h := b.hop()
	if _, err := n.endpoint.do(ctx, n.outside(sip.OPTIONS, b.uri, self, h, n.endpoint.freshCall(), 1), h); err == nil {
		b.knock.unheard.Store(0)
		b.knock.next.Store(asked.Add(keepAlive).UnixNano())
		return
	}
	if b.knock.unheard.Add(1) >= maxUnheard {
		n.log.Info("a phone behind NAT does not answer any more", "extension", b.Extension)
		n.forgetPhone(b)
	}
}
