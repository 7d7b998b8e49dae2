package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Name is the network's name in agents.Extension.Network.
const Name = "sip"

// Network is our own telephony. It implements [dialer.PhoneNetwork].
type Network struct {
	opts      Options
	log       *slog.Logger
	endpoint  *endpoint
	rtp       *media.Ports
	browsers  *media.Browsers // nil: none are served
	secrets   secrets
	nonces    *nonces
	gate      *gatekeeper
	failures  failures
	locations *locations
	trunks    []*trunk
	noted     chan struct{} // a trunk has changed
	figures   *figures
	ringback  media.Clip

	sockets [2]sockets // by family
	ws, wss *doors
	flows   *flows
	tabs    sync.WaitGroup // browsers' connections

	mu       sync.Mutex
	calls    map[*call]struct{}
	nailed   map[string]*nailed // by extension
	checked  map[string]check   // external telephony servers' extensions
	closed   bool
	ready    chan struct{} // closed when Run serves
	stopping chan struct{}
	running  sync.WaitGroup // of calls and nailed-up legs
}

// check is what OPTIONS last said of an extension on an external server.
type check struct {
	at  time.Time
	err error
}

var (
	_ dialer.PhoneNetwork = (*Network)(nil)
	_ dialer.LiveCall     = (*call)(nil)
)

// New opens the sockets; Run serves them. An error names the option that is wrong, or what could not be opened.
func New(opts Options) (n *Network, err error) {
	if err := opts.defaults(); err != nil {
		return nil, err
	}
	n = &Network{
		opts: opts, log: opts.Log, secrets: newSecrets(opts.Secret), failures: newFailures(),
		locations: newLocations(opts.Installation, opts.Node, opts.Redis, opts.Log), ringback: media.Ringback(),
		calls: map[*call]struct{}{}, nailed: map[string]*nailed{}, checked: map[string]check{}, noted: make(chan struct{}, 1),
		ready:    make(chan struct{}),
		stopping: make(chan struct{}),
	}
	n.gate = newGatekeeper(func(reason string) { n.figures.refused(reason) })
	n.nonces = newNonces(n.secrets.nonces, opts.Node+" "+opts.Realm, time.Now())
	n.flows = newFlows(func(reason string) { n.figures.refused(reason) }, n.locations.flows)
	for _, t := range opts.Trunks {
		n.trunks = append(n.trunks, newTrunk(t))
		n.gate.networks = append(n.gate.networks, t.Sources...)
	}
	if n.figures, err = newFigures(opts.Registerer, n.countCalls, n.countNailed,
		func() float64 { return float64(len(n.locations.all())) }); err != nil {
		return nil, fmt.Errorf("sipua: metrics: %w", err)
	}
	ip := net.ParseIP(opts.Advertise)
	if n.rtp, err = media.NewPorts(opts.RTPLow, opts.RTPHigh); err != nil {
		return nil, err
	}
	if n.endpoint, err = newEndpoint(opts.Resolver, opts.Log, n.gate.filter); err != nil {
		return nil, err
	}
	n.endpoint.sending = n.gate.admit
	n.endpoint.tp.OnMessage(n.noteFlow)
	n.gate.challenge = n.challengeStranger
	if err := n.listen(ip); err != nil {
		n.closeSockets()
		return nil, err
	}
	return n, nil
}

func (n *Network) listen(ip net.IP) (err error) {
	for f, ours := range n.opts.addresses() {
		if ours.IsValid() {
			if err := n.listenOver(family(f), ours); err != nil {
				return err
			}
		}
	}
	if addr := n.opts.Listen.Media; addr != "" {
		if n.browsers, err = media.NewBrowsers(addr, ip); err != nil {
			return err
		}
	}
	nowhere := &net.TCPAddr{IP: ip, Port: n.endpoint.ours[ipv4].udp.Port}
	n.ws, n.wss, n.endpoint.secured.door = newDoors(nowhere), newDoors(nowhere), newDoors(nowhere)
	return nil
}

// Run serves until ctx ends; then every call is hung up.
func (n *Network) Run(ctx context.Context) error {
	srv, err := sipgo.NewServer(n.endpoint.ua)
	if err != nil {
		return fmt.Errorf("sipua: %w", err)
	}
	n.endpoint.serve(srv)
	srv.OnRegister(requiring(n.onRegister))

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var serving sync.WaitGroup
	failed := make(chan error, 9)
	serve := func(what string, f func() error) {
		serving.Go(func() {
			if err := f(); err != nil && ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				failed <- fmt.Errorf("sipua: %s: %w", what, err)
			}
		})
	}
	tp := n.endpoint.tp
	for _, s := range n.sockets {
		if s.udp != nil {
			serve("UDP", func() error { return tp.ServeUDP(fencedSocket{s.udp, &n.endpoint.fences}) })
		}
	}
	switch err := n.endpoint.awaitUDP(ctx); {
	case err == nil:
		close(n.ready)
	case ctx.Err() == nil: // else it is to end before it has begun
		failed <- err
	}
	serve("TLS to trunks", func() error { return tp.ServeTLS(n.endpoint.secured.door) })
	serve("WS", func() error { return tp.ServeWS(n.ws) })
	serve("WSS", func() error { return tp.ServeWSS(n.wss) })
	for _, s := range n.sockets {
		if s.tcp != nil {
			serve("TCP", func() error { return tp.ServeTCP(phones{s.tcp, n, "TCP"}) })
		}
		if s.tls != nil {
			serve("TLS", func() error { return tp.ServeTLS(phones{s.tls, n, "TLS"}) })
		}
	}
	work := func(f func(context.Context)) { serving.Go(func() { f(ctx) }) }
	work(n.locations.run)
	work(n.endFormerLegs)
	work(n.tend)
	work(n.tendNATs)
	work(n.watchOwners)
	work(n.tendTrunks)
	work(n.shareTrunks)
	for _, t := range n.trunks {
		work(func(ctx context.Context) { n.tendServers(ctx, t) })
		work(func(ctx context.Context) { n.watch(ctx, t) })
		if t.Register {
			work(func(ctx context.Context) { n.keepRegistered(ctx, t) })
		}
	}
	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	n.hangUpAll()
	stop()
	n.endpoint.close()
	n.closeSockets()
	n.rtp.Close()
	serving.Wait()
	n.tabs.Wait()
	return err
}

// tend looks after phones: keep-alives to their connections, and those that did not refresh.
func (n *Network) tend(ctx context.Context) {
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			for _, extension := range n.locations.expire(now) {
				n.phoneChanged(extension)
			}
			for _, b := range n.locations.all() {
				n.endpoint.keepAlive(b.hop())
			}
			n.endpoint.keepDoors()
		case <-ctx.Done():
			return
		}
	}
}

func (n *Network) closeSockets() {
	for _, s := range n.sockets {
		s.close()
	}
	if n.ws != nil {
		_ = n.ws.Close()
		_ = n.wss.Close()
		_ = n.endpoint.secured.door.Close()
	}
	if n.browsers != nil {
		_ = n.browsers.Close()
	}
}

// hangUpAll ends the calls, and waits until each is closed and its recording finished.
func (n *Network) hangUpAll() {
	n.mu.Lock()
	n.closed = true
	close(n.stopping)
	for c := range n.calls {
		c.Hangup("system")
	}
	n.mu.Unlock()
	n.running.Wait()
}

// Name implements [dialer.PhoneNetwork].
func (n *Network) Name() string { return Name }

// UnknownRest implements [dialer.Rester]: that of any trunk, for an attempt may go on to the next one.
func (n *Network) UnknownRest() (rest time.Duration) {
	for _, t := range n.trunks {
		rest = max(rest, t.UnknownRest)
	}
	return rest
}

// Testify implements [dialer.Witness]. Dialogs are this process's alone: of others' calls it knows nothing.
func (n *Network) Testify(_ context.Context, id dialer.AttemptID) (up bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.calls {
		if c.order.AttemptID == id {
			return true, nil
		}
	}
	return false, errNoDialog
}

var errNoDialog = errors.New("sipua: no dialog of this process is of the call")

// Place implements [dialer.PhoneNetwork].
func (n *Network) Place(ctx context.Context, order dialer.Call) (live dialer.LiveCall, err error) {
	defer func() {
		if err != nil && order.Reserved != nil {
			order.Reserved.Release()
		}
	}()
	select {
	case <-n.ready:
	case <-ctx.Done():
		return nil, fmt.Errorf("sipua: the network does not run yet: %w", ctx.Err())
	}
	if len(order.Customer) < 2 || userPart(order.Customer) != order.Customer {
		return nil, fmt.Errorf("sipua: number %q: want E.164", clean(order.Customer))
	}
	if len(n.trunks) == 0 {
		return nil, ErrNoTrunk
	}
	c := n.newCall(order)
	if order.Agent != nil {
		c.extension = *order.Agent
		if _, err := n.wayTo(c.extension); err != nil {
			c.stop()
			return nil, n.whereElse(ctx, c.extension, err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		c.stop()
		return nil, errClosed
	}
	n.calls[c] = struct{}{}
	n.running.Go(c.run)
	return c, nil
}

func (n *Network) drop(c *call) {
	n.mu.Lock()
	delete(n.calls, c)
	n.mu.Unlock()
}

func (n *Network) countCalls() float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return float64(len(n.calls))
}

// reachTimeout and checkAge are what [dialer.PhoneNetwork] and the design ask for.
const (
	reachTimeout = 2 * time.Second
	checkAge     = 30 * time.Second
)

// Reachable implements [dialer.PhoneNetwork]: a live binding here; or, on an external server, 2xx to OPTIONS, asked at most
// each 30 s while it is well. A server that does not answer OPTIONS (Extension.Options off) is presumed well.
func (n *Network) Reachable(ctx context.Context, ext agents.Extension) error {
	w, err := n.wayTo(ext)
	if err != nil {
		return n.whereElse(ctx, ext, err)
	}
	if ext.Server == "" {
		if !n.endpoint.reachable(w.hop) {
			return fmt.Errorf("%w: %w", errFlowLost, dialer.ErrNotRegistered)
		}
		return nil
	}
	if !ext.Options {
		return nil
	}
	key := ext.Number + "@" + ext.Server
	n.mu.Lock()
	last, ok := n.checked[key]
	n.mu.Unlock()
	if ok && last.err == nil && time.Since(last.at) < checkAge {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, reachTimeout)
	defer stop()
	err = n.optionsOK(ctx, w)
	n.mu.Lock()
	n.checked[key] = check{time.Now(), err}
	n.mu.Unlock()
	return err
}

// whereElse says when the phone is registered at another node.
func (n *Network) whereElse(ctx context.Context, ext agents.Extension, err error) error {
	if ext.Server != "" {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, reachTimeout)
	defer stop()
	others, redisErr := n.locations.elsewhere(ctx, ext.Name)
	others = slices.DeleteFunc(others, func(b Binding) bool { return !b.rings(ext.OwnerID) })
	if redisErr != nil || len(others) == 0 {
		return err
	}
	node := others[0].Node
	return &dialer.ElsewhereError{Node: node, Err: reason.New(reason.Unavailable, whyElsewhere(node),
		fmt.Sprintf("sipua: extension %s is registered at node %s", ext.Name, node))}
}

func (n *Network) optionsOK(ctx context.Context, w way) error {
	self := sip.Uri{Scheme: "sip", User: "ringmaster", Host: n.opts.Realm}
	req := n.outside(sip.OPTIONS, w.to, self, w.hop, n.endpoint.freshCall(), 1)
	res, err := n.endpoint.do(ctx, req, w.hop)
	if err != nil {
		return reason.Wrap(reason.Unavailable, whySilent, fmt.Errorf("sipua: extension's server does not answer: %w", err))
	}
	if !res.IsSuccess() {
		status := fmt.Sprintf("%d %s", res.StatusCode, clean(res.Reason))
		return reason.New(reason.Unavailable, whySays(status), "sipua: extension's server says "+status)
	}
	return nil
}

// Bindings lists the phones registered at any node.
func (n *Network) Bindings(ctx context.Context) ([]Binding, error) {
	return n.locations.everywhere(ctx)
}

// RecordingHandler serves the recordings; see recording.Library.Handler.
func (n *Network) RecordingHandler(allow func(r *http.Request, trace string) error) http.Handler {
	if n.opts.Recordings == nil {
		return http.NotFoundHandler()
	}
	return n.opts.Recordings.Handler(allow)
}

// phoneRegistered tells who waits for a phone: those who ask for reachability, and a call whose agent's tab was reloaded.
func (n *Network) phoneRegistered(b Binding) {
	if b.Transport == "UDP" {
		n.gate.admit(addrOf(b.Source))
	}
	n.phoneChanged(b.Extension)
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := n.nailed[b.Extension]; k != nil && k.ext.Server == "" && b.rings(k.ext.OwnerID) {
		n.endpoint.job(func() { k.phoneBack(b) })
	}
	for c := range n.calls {
		if c.extension.Name == b.Extension && c.extension.Server == "" && b.rings(c.extension.OwnerID) {
			select {
			case c.back <- b:
			default:
			}
		}
	}
}

func (n *Network) phoneChanged(extension string) {
	if f := n.opts.PhoneChanged; f != nil {
		f(extension, len(n.locations.of(extension)) > 0)
	}
}

// flowLost forgets the phones behind a connection that has ended.
func (n *Network) flowLost(f *flow) {
	n.flows.leave(f)
	for _, extension := range n.locations.lost(f.transport, f.remote) {
		n.phoneChanged(extension)
	}
}

// server is what is configured of an external telephony server.
func (n *Network) server(addr string) Server {
	for _, s := range n.opts.Servers {
		if strings.EqualFold(s.Host, hostOf(addr)) {
			setDefault(&s.Transport, "udp")
			return s
		}
	}
	return Server{Transport: "udp"}
}

func (n *Network) newDialog(callID, tag string, w way) *dialog {
	return &dialog{e: n.endpoint, callID: callID, tag: tag, cred: w.cred, to: w.to, hop: w.hop,
		early: make(chan *sip.Response, 32), late: make(chan *sip.Response, 1), quit: make(chan struct{}), gone: make(chan struct{}),
		owner: nobody{}}
}

// newLegTo opens the sound of a phone's leg.
func (n *Network) newLegTo(side media.Side, d *dialog, w way, codecs []media.Codec, told func(*leg, event)) (*leg, error) {
	if w.browser {
		if n.browsers == nil {
			return nil, errors.New("sipua: browsers are not served: Listen.Media is empty")
		}
		b, offer, err := n.browsers.Offer(codecs[0])
		if err != nil {
			return nil, err
		}
		l := newBrowserLeg(side, d, b, offer, told)
		l.binding = w.binding
		return l, nil
	}
	ip := n.ourIP(w.hop)
	udp, err := n.rtp.Open(ip)
	if err != nil {
		return nil, err
	}
	l := newLeg(side, d, udp, ip, codecs, false, told)
	l.binding = w.binding
	return l, nil
}
