package sipua

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/retry"
)

var (
	errFlowLost = errors.New("sipua: the phone's connection is lost")
	errGivenUp  = errors.New("sipua: given up")
	errClosed   = errors.New("sipua: closed")
)

const (
	userAgent = "Ringmaster"
	allow     = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"
	supported = "timer"
	// linger is how long an ended dialog still answers retransmissions: 64 × T1 (RFC 3261, section 17.1.1.2).
	linger = 32 * time.Second
	// connectTimeout bounds the name's look-up and the connection that a request needs.
	connectTimeout = 5 * time.Second
	// farewell is how long close lets calls say BYE.
	farewell = 2 * time.Second
)

// endpoint is our SIP stack: transports, transactions, and the dialogs that we began.
type endpoint struct {
	log   *slog.Logger
	names Resolver
	ua    *sipgo.UserAgent
	tp    *sip.TransportLayer
	tx    *sip.TransactionLayer
	ours  [2]ourFace // by family: what we are over IPv4, and over IPv6
	// fences stand at the write of customers' INVITEs.
	fences  fences
	secured secured
	// sending is told whom we send to over UDP, before it answers.
	sending func(netip.Addr)

	mu      sync.RWMutex
	dialogs map[dialogKey]*dialog
	closed  bool          // no dialog begins any more
	gone    chan struct{} // closed with shut
	shut    atomic.Bool   // nothing is sent any more: sipgo would open sockets of its own
	jobs    sync.WaitGroup
	active  atomic.Int64  // jobs
	idle    chan struct{} // told when there is none
}

// dialogKey names a dialog by what we chose of it.
type dialogKey struct{ callID, tag string }

// quiet keeps sipgo's own log away: it prints whole messages, with credentials, whenever a stranger sends garbage.
var quiet = sync.OnceFunc(func() {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	sip.SIPDebugTracer(tracer{})
	sip.SIPDebug = true // the tracer drops all while nobody watches
})

func newEndpoint(names Resolver, log *slog.Logger, filter sip.TransportReadFilter) (*endpoint, error) {
	quiet()
	e := &endpoint{names: names, log: log, dialogs: map[dialogKey]*dialog{}, idle: make(chan struct{}, 1), gone: make(chan struct{})}
	e.secured.plain, e.secured.by = newSecurity(nil, ""), map[string]*security{}
	var transports sip.TransportsConfig
	streams(&transports)
	ua, err := sipgo.NewUA(
		sipgo.WithUserAgentParser(sip.NewParser(sip.WithHeadersParsers(headerParsers()))),
		sipgo.WithUserAgent(userAgent), sipgo.WithUserAgentHostname("ringmaster.invalid"), sipgo.WithUserAgenTLSConfig(refuseTLS()),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerReadFilter(filter),
			func(l *sip.TransportLayer) { l.OnMessage(e.observe) }, // before the transaction layer
			sip.WithTransportLayerTransports(transports)),
		sipgo.WithUserAgentTransactionLayerOptions(
			sip.WithTransactionLayerUnhandledResponseHandler(func(*sip.Response) {}), // late ones are seen by observe
			sip.WithTransactionLayerTerminateOnConnClose()),
	)
	if err != nil {
		return nil, fmt.Errorf("sipua: %w", err)
	}
	e.ua, e.tp, e.tx = ua, ua.TransportLayer(), ua.TransactionLayer()
	return e, nil
}

// observe sees every message in the order of the wire, which the transaction layer does not keep, and before that layer. It must
// not block.
func (e *endpoint) observe(msg sip.Message) {
	switch msg := msg.(type) {
	case *sip.Request:
		if d := e.dialogOf(msg); d != nil {
			d.arrive(msg)
		}
	case *sip.Response:
		cseq, from, callID := msg.CSeq(), msg.From(), msg.CallID()
		if cseq == nil || from == nil || callID == nil || cseq.MethodName != sip.INVITE {
			return
		}
		if d := e.find(string(*callID), from.Params.GetOr("tag", "")); d != nil {
			d.observe(msg)
		}
	}
}

func (e *endpoint) find(callID, tag string) *dialog {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.dialogs[dialogKey{callID, tag}]
}

// add puts a dialog where its messages find it; false: the endpoint is closed, or the name is taken.
func (e *endpoint) add(d *dialog) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := dialogKey{d.callID, d.tag}
	if _, taken := e.dialogs[key]; taken || e.closed {
		return false
	}
	e.dialogs[key] = d
	return true
}

// forget drops a dialog that is over, once it has answered retransmissions for long enough.
func (e *endpoint) forget(d *dialog) {
	key := dialogKey{d.callID, d.tag}
	time.AfterFunc(linger, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.dialogs[key] == d { // not a fork of it
			delete(e.dialogs, key)
		}
	})
}

// keepDoors lets the far ends of running dialogs in, however long nothing is sent to them.
func (e *endpoint) keepDoors() {
	e.mu.RLock()
	all := slices.Collect(maps.Values(e.dialogs))
	e.mu.RUnlock()
	for _, d := range all {
		d.mu.Lock()
		source, up := d.source, d.state == confirmed && !d.hop.reliable()
		d.mu.Unlock()
		if up {
			e.sending(source)
		}
	}
}

// job runs f as a goroutine that close waits for. A job may begin others to the last: a CANCEL, a BYE to a late answer.
func (e *endpoint) job(f func()) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut.Load() {
		return
	}
	e.active.Add(1)
	e.jobs.Go(func() {
		defer func() {
			if e.active.Add(-1) == 0 {
				select {
				case e.idle <- struct{}{}:
				default:
				}
			}
		}()
		f()
	})
}

// hop is where a request goes.
type hop struct {
	transport string    // "UDP", "TCP", "TLS", "WS", "WSS"
	addr      string    // host:port
	ipv6      bool      // the host, where it is a name, is called by IPv6
	flow      bool      // an established connection of the far end: we cannot open another one
	self      string    // our address, as this far end is told it; empty: the one that all are told
	security  *security // of a trunk over TLS; nil: the system's authorities, no certificate of ours
}

// over is the family that the hop is reached by.
func (h hop) over() family {
	if a, err := netip.ParseAddr(hostOf(h.addr)); err == nil {
		return familyOf(a)
	}
	if h.ipv6 {
		return ipv6
	}
	return ipv4
}

func (h hop) reliable() bool { return h.transport != "UDP" }

// request makes a request to be sent to h, with what every request has (RFC 3261, section 8.1.1) except CSeq.
func (e *endpoint) request(method sip.RequestMethod, to sip.Uri, h hop) *sip.Request {
	req := sip.NewRequest(method, to)
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: h.transport, Host: e.self(h),
		Port: e.port(h)}
	via.Params.Add("branch", sip.GenerateBranch())
	via.Params.Add("rport", "")
	forwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(via)
	req.AppendHeader(&forwards)
	e.direct(req, h)
	return req
}

func (e *endpoint) direct(req *sip.Request, h hop) {
	req.SetTransport(h.transport)
	req.SetDestination(h.addr)
	if h.transport == "UDP" {
		req.Laddr = e.face(h).udp
	}
}

// self is our address as the far end of h is told it.
func (e *endpoint) self(h hop) string {
	if h.self != "" {
		return h.self
	}
	return e.face(h).host
}

// face is what the far end of h sees of us. A browser's way is its own, whatever addresses it has.
func (e *endpoint) face(h hop) *ourFace {
	if f := &e.ours[h.over()]; f.host != "" {
		return f
	}
	return &e.ours[ipv4]
}

// contact is our Contact header, a fresh one for each message: sipgo may change it in place.
func (e *endpoint) contact(h hop) *sip.ContactHeader {
	c := &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "ringmaster", Host: e.self(h), Port: e.port(h)}}
	if h.transport != "UDP" {
		c.Address.UriParams.Add("transport", strings.ToLower(h.transport))
	}
	return c
}

// port is ours for a transport. A WebSocket has none that anybody could call; any will do (RFC 7118, section 5).
func (e *endpoint) port(h hop) int {
	face := e.face(h)
	if p := face.ports[h.transport]; p != 0 {
		return p
	}
	return face.udp.Port
}

// reachable reports whether a flow still stands: sipgo would dial a browser's old port.
func (e *endpoint) reachable(h hop) bool {
	if !h.flow || h.transport == "UDP" {
		return true
	}
	c, err := e.tp.GetConnection(h.transport, h.addr)
	if err != nil {
		return false
	}
	_, _ = c.TryClose()
	return true
}

// refusedError says that the fence did not let a request be written; nothing was.
type refusedError struct{ error }

func (r refusedError) Unwrap() error { return r.error }

// begin writes a request and starts its transaction. before, which may be nil, is asked right before the writing, when the way is
// known and the connection stands.
func (e *endpoint) begin(ctx context.Context, req *sip.Request, h hop, before func() error) (sip.ClientTransaction, error) {
	if e.shut.Load() {
		return nil, unsentError{errClosed}
	}
	if !e.reachable(h) {
		return nil, unsentError{errFlowLost}
	}
	if req.ContentLength() == nil {
		req.SetBody(nil)
	}
	ctx, stop := context.WithTimeout(ctx, connectTimeout)
	defer stop()
	if err := e.resolve(ctx, req, h); err != nil {
		return nil, unsentError{err}
	}
	var standing sip.Connection
	if before != nil {
		// It may take its time, and sipgo panics when the connection of a transaction is lost that has not begun: so there is none yet.
		var err error
		if standing, err = e.tp.ClientRequestConnection(ctx, req); err != nil {
			return nil, unsentError{err}
		}
		defer func() { _, _ = standing.TryClose() }()
		if err := before(); err != nil {
			return nil, refusedError{err}
		}
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer stop()
		if err := e.resolve(ctx, req, h); err != nil {
			return nil, unsentError{err}
		}
	}
	tx, err := e.tx.NewClientTransaction(ctx, req)
	if err != nil {
		return nil, unsentError{err}
	}
	if before != nil && tx.Connection() != standing { // that one was lost meanwhile, and to open another one has taken time
		if err := before(); err != nil {
			tx.Terminate()
			return nil, refusedError{err}
		}
	}
	if err := tx.Init(); err != nil {
		if h.reliable() {
			_ = tx.Connection().Close() // half a message may be in it
		}
		tx.Terminate()
		return nil, err
	}
	return tx, nil
}

// do sends a request other than INVITE and waits for its final response.
func (e *endpoint) do(ctx context.Context, req *sip.Request, h hop) (*sip.Response, error) {
	tx, err := e.begin(ctx, req, h, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, h.security.because(errors.Join(sip.ErrTransactionTimeout, tx.Err()))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// write sends a message that has no transaction of its own.
func (e *endpoint) write(req *sip.Request, h hop) error {
	if e.shut.Load() {
		return errClosed
	}
	if !e.reachable(h) {
		return errFlowLost
	}
	ctx, stop := context.WithTimeout(context.Background(), connectTimeout)
	defer stop()
	if err := e.resolve(ctx, req, h); err != nil {
		return err
	}
	return e.tp.WriteMsg(req)
}

// resolve finds the address behind a name that we are about to send to. Over UDP its answers are let in; over TLS a connection is
// opened as the far end wants it.
func (e *endpoint) resolve(ctx context.Context, req *sip.Request, h hop) error {
	if h.transport != "UDP" && (h.transport != "TCP" && h.transport != "TLS" || h.flow) {
		return nil
	}
	addr, err := e.lookUp(ctx, hostOf(h.addr), h.over())
	if err != nil {
		return err
	}
	if face := e.ours[familyOf(addr)]; face.host == "" {
		return fmt.Errorf("sipua: %s cannot be called: this node has no %s address", addr, familyOf(addr))
	}
	target := net.JoinHostPort(addr.String(), strconv.Itoa(portOf(h.addr)))
	req.SetDestination(target)
	switch h.transport {
	case "TLS":
		return e.secure(ctx, target, h)
	case "UDP":
		e.sending(addr)
	}
	return nil
}

// keepAlive shows an idle connection that we are here, and makes the phone answer (RFC 5626, section 3.5.1).
func (e *endpoint) keepAlive(h hop) {
	if h.transport != "TCP" && h.transport != "TLS" { // others have means of their own
		return
	}
	c, err := e.tp.GetConnection(h.transport, h.addr)
	if err != nil {
		return
	}
	e.job(func() { // a full socket may block until its deadline
		if w, ok := c.(io.Writer); ok {
			_, _ = w.Write([]byte("\r\n\r\n"))
		}
		_, _ = c.TryClose()
	})
}

// listenUDP opens the SIP socket with a buffer that bursts of answers fit into.
func listenUDP(f family, addr string) (*net.UDPConn, error) {
	conn, err := net.ListenPacket("udp"+f.digit(), addr)
	if err != nil {
		return nil, fmt.Errorf("sipua: listen: %w", err)
	}
	udp := conn.(*net.UDPConn)
	_ = udp.SetReadBuffer(4 << 20) // best effort: the system's limit may be lower
	return udp, nil
}

// awaitUDP waits until sipgo serves our socket: before that it would open another one on the same port.
func (e *endpoint) awaitUDP(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, connectTimeout)
	defer stop()
	for _, face := range e.ours {
		for face.host != "" {
			if c, err := e.tp.GetConnection("udp", face.udp.String()); err == nil {
				_, _ = c.TryClose()
				break
			}
			if !retry.Sleep(ctx, time.Millisecond) {
				return fmt.Errorf("sipua: UDP is not served: %w", ctx.Err())
			}
		}
	}
	return nil
}

func listenTLS(f family, addr string, config *tls.Config) (net.Listener, error) {
	l, err := tls.Listen("tcp"+f.digit(), addr, config)
	if err != nil {
		return nil, fmt.Errorf("sipua: listen: %w", err)
	}
	return l, nil
}

func (e *endpoint) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	for patience := time.After(farewell); e.active.Load() > 0; {
		select {
		case <-e.idle:
			continue
		case <-patience:
		}
		break
	}
	e.mu.Lock()
	e.shut.Store(true)
	close(e.gone)
	e.mu.Unlock()
	_ = e.ua.Close() // ends every transaction, and so every job
	e.jobs.Wait()
}
