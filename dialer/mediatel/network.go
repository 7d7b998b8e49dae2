package mediatel

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	neturl "net/url"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/tcplimit"
)

// Name is what agents.Extension.Network says of Mediatel's extensions.
const Name = "mediatel"

// ErrNoLogin says that an agent has no login at Mediatel.
var ErrNoLogin = errors.New("mediatel: the agent has no login at Mediatel")

// Reasons not to place a call. Nothing has rung then.
var (
	errNoSession        = errors.New("mediatel: no session of this extension is on this node")
	errNoState    error = reason.New(reason.Unavailable, whyNotConnected, "mediatel: not connected: the agent's state is not known")
	errBusy       error = reason.New(reason.Unavailable, whyInCall, "mediatel: the agent is in a call")
	errNotTheirs  error = reason.New(reason.Unavailable, whyOthers, "mediatel: the session belongs to another login or extension")
	errNoCustomer       = errors.New("mediatel: calls begin at the agent's phone: there is no calling the customer first")
)

// Login is how one agent enters Mediatel.
type Login struct {
	User      string
	Password  string
	Extension string // empty: the name of the agent's extension here
}

// Credentials are the agents' logins at Mediatel. ErrNoLogin: the agent has none.
type Credentials interface {
	Login(ctx context.Context, agentID int64) (Login, error)
}

// Cookies mint the cookie that lets an agent's connection through Mediatel's edge; nil: there is none.
type Cookies interface {
	Cookie(ctx context.Context, agentID int64) (*http.Cookie, error)
}

// Roster is the moment's state of our agents; dialer.Roster is one.
type Roster interface {
	Apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error)
	List(ctx context.Context, after int64, limit int) ([]agents.Live, error)
	Watch(wants func(agentID int64) bool, changed func(agents.Live), missed func())
}

// CodeOf returns the record's call code of the agent's call with that calltraceid. Awaited: the call is on record and its code is
// not set yet. An empty code that is not awaited: the record knows of no such talk, or of no code for it.
type CodeOf func(ctx context.Context, agentID int64, callTraceID string) (code string, awaited bool, err error)

// Options of a Network. The last fields may be left out.
type Options struct {
	URL         string // of the Socket.IO server: https://mt.example.com/mediatel/socket.io
	Node        string // this process among the nodes: agents whose home it is have their sessions here
	Roster      Roster
	Credentials Credentials

	Cookies Cookies           // nil: no cookie is sent
	HTTP    http.RoundTripper // nil: one of our own; shared by all sessions
	// call code that ends Mediatel's Clerical where no code of ours is known there; empty: Mediatel's own time limit does
	EndCode      string
	OwnCampaigns bool // Mediatel runs campaigns of its own: its auto-call flag follows ours
	PhoneChanged func(extension string)
	CodeOf       CodeOf                    // the record's word on a call's code; nil: it is not asked
	External     func(dialer.ExternalCall) // told of a call that we did not order; it must not wait; nil: nobody minds
	Limits       Limits
	Log          *slog.Logger
	Now          func() time.Time
}

// Limits are how long the network waits. Zero fields take their defaults.
type Limits struct {
	Answer time.Duration // for a state that answers a command, before connecting anew; 10 s
	Settle time.Duration // for Mediatel's agent to be free before a call is given up; 3 s
	Resync time.Duration // for a lost connection to come back to a call; 20 s, below the lease of attempts
	Stale  time.Duration // for news of an agent whom Mediatel keeps busy without a call of ours, before connecting anew; 1 min
	Retry  time.Duration // before the second try to connect or log in, doubled up to 60 s; 1 s
}

func (l Limits) withDefaults() Limits {
	for d, def := range map[*time.Duration]time.Duration{
		&l.Answer: 10 * time.Second, &l.Stale: time.Minute, &l.Settle: 3 * time.Second, &l.Resync: 20 * time.Second,
		&l.Retry: time.Second,
	} {
		if *d <= 0 {
			*d = def
		}
	}
	return l
}

// Network is one Mediatel server as a phone network. It implements dialer.PhoneNetwork, dialer.CodeSetter, dialer.Reviver and
// dialer.Restarter.
type Network struct {
	Options
	transport http.RoundTripper

	mu       sync.Mutex
	byAgent  map[int64]*session
	byName   map[string]*session // by the extension's name
	leaving  map[int64]*session  // those that are over, but for logging off at Mediatel
	changed  map[int64]agents.Live
	wake     chan struct{} // there is something in changed, or all agents are to be looked at
	lookAll  bool
	sessions sync.WaitGroup
}

// New makes a network. Make it before the roster runs; Run holds the sessions.
func New(o Options) (*Network, error) {
	u, err := neturl.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("mediatel: url: want http:// or https://, a host and a path")
	}
	if o.Node == "" || o.Roster == nil || o.Credentials == nil {
		return nil, errors.New("mediatel: a node's name, a roster and credentials are needed")
	}
	o.Limits = o.Limits.withDefaults()
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PhoneChanged == nil {
		o.PhoneChanged = func(string) {}
	}
	n := &Network{
		Options: o, transport: o.HTTP, byAgent: map[int64]*session{}, byName: map[string]*session{}, leaving: map[int64]*session{},
		changed: map[int64]agents.Live{}, wake: make(chan struct{}, 1),
	}
	if n.transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DialContext = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second,
			Control: tcplimit.Control(unacknowledged)}).DialContext
		n.transport = own
	}
	o.Roster.Watch(func(int64) bool { return true }, n.note, n.missed)
	return n, nil
}

// Name is "mediatel".
func (n *Network) Name() string { return Name }

// NumbersCalls implements [dialer.Numberer].
func (n *Network) NumbersCalls() {}

// note takes an agent's stored state; it never waits.
func (n *Network) note(l agents.Live) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byAgent[l.AgentID] == nil && l.Extension.Network != Name {
		return
	}
	n.changed[l.AgentID] = l
	n.signal()
}

// missed has all agents looked at: changes may have been lost.
func (n *Network) missed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookAll = true
	n.signal()
}

func (n *Network) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// unacknowledged is how long what we have sent may go unacknowledged before the connection is dropped: an order must not arrive
// when the lease behind it, which ends for us with a margin of 5 s, is over.
const unacknowledged = 4 * time.Second

// lookEvery is how often the sessions are compared with who is logged on.
const lookEvery = 30 * time.Second

// Run holds the sessions of this node's agents until ctx ends, and returns when all are closed. Agents stay logged in at
// Mediatel then: another node, or this one's next life, goes on with them.
func (n *Network) Run(ctx context.Context) {
	all, stop := context.WithCancel(ctx)
	defer n.sessions.Wait()
	defer stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	n.lookAtAll(all)
	for {
		select {
		case <-n.wake:
			n.mu.Lock()
			changed, lookAll := n.changed, n.lookAll
			n.changed, n.lookAll = map[int64]agents.Live{}, false
			n.mu.Unlock()
			for _, l := range changed {
				n.attend(all, l, false)
			}
			if lookAll {
				n.lookAtAll(all)
			}
		case <-look.C:
			n.lookAtAll(all)
		case <-ctx.Done():
			return
		}
	}
}

// lookAtAll compares the sessions with the roster; where it does not answer, everything stays as it is.
func (n *Network) lookAtAll(ctx context.Context) {
	here := map[int64]bool{}
	for after := int64(0); ; {
		ask, cancel := context.WithTimeout(ctx, 5*time.Second)
		list, err := n.Roster.List(ask, after, 500)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				n.Log.Warn("agents not listed: sessions at Mediatel stay as they are", slog.Any("error", err))
			}
			return
		}
		for _, l := range list {
			after = l.AgentID
			here[l.AgentID] = true
			n.attend(ctx, l, true)
		}
		if len(list) == 0 {
			break
		}
	}
	for _, s := range n.all() {
		if here[s.agentID] {
			continue
		}
		if s.absent++; s.absent >= maxAbsent {
			n.letGo(s, true)
		}
	}
}

// maxAbsent is how many looks in a row may miss an agent: a Redis that is back empty knows nobody until the gateways have entered
// their agents again.
const maxAbsent = 2

func (n *Network) all() []*session {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]*session, 0, len(n.byAgent))
	for _, s := range n.byAgent {
		list = append(list, s)
	}
	return list
}

// attend begins, keeps or ends the agent's session, as the agent's state wants it. A listed state has just been read; one that
// was told may be older than what is known.
func (n *Network) attend(ctx context.Context, l agents.Live, listed bool) {
	n.mu.Lock()
	s := n.byAgent[l.AgentID]
	n.mu.Unlock()
	off := l.State == agents.LoggedOff || l.State == ""
	wanted := !off && l.Node == n.Node && l.Extension.Network == Name
	if !off && l.Extension.Network == Name {
		n.stay(l.AgentID)
	}
	if s != nil && wanted && s.ext.Name == l.Extension.Name {
		s.note(l, listed || s.absent > 0) // whom Redis had forgotten, it counts from the beginning
		s.absent = 0
		return
	}
	if s != nil && !n.letGo(s, off || l.Node == n.Node && !wanted) {
		return
	}
	if wanted {
		n.begin(ctx, l)
	}
}

func (n *Network) begin(ctx context.Context, l agents.Live) {
	own, stop := context.WithCancel(ctx)
	s := newSession(n, l, stop)
	n.mu.Lock()
	n.byAgent[l.AgentID], n.byName[l.Extension.Name] = s, s
	n.mu.Unlock()
	n.sessions.Go(func() {
		s.run(own)
		s.leave(ctx)
		s.abandon()
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.leaving[s.agentID] == s {
			delete(n.leaving, s.agentID)
		}
	})
}

// stay has nobody log off any more who is logged on again, here or at another node.
func (n *Network) stay(agentID int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.leaving[agentID]; s != nil {
		s.leaving.Store(false)
		delete(n.leaving, agentID)
	}
}

// letGo ends a session that is not wanted any more; with logout the agent leaves Mediatel too. A session with a call stays: the
// call goes on, and at its end everybody is looked at again. False: it stays.
func (n *Network) letGo(s *session, logout bool) bool {
	s.mu.Lock()
	s.unwanted = true
	stays := s.call != nil
	s.mu.Unlock()
	if stays {
		return false
	}
	n.mu.Lock()
	delete(n.byAgent, s.agentID)
	if n.byName[s.ext.Name] == s {
		delete(n.byName, s.ext.Name)
	}
	if logout {
		s.leaving.Store(true)
		n.leaving[s.agentID] = s
	}
	n.mu.Unlock()
	s.stop()
	return true
}

func (n *Network) sessionOf(extension string) *session {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byName[extension]
}

// Place orders a call at the agent's session. See dialer.PhoneNetwork.
func (n *Network) Place(ctx context.Context, call dialer.Call) (dialer.LiveCall, error) {
	if call.Agent == nil {
		return nil, errNoCustomer
	}
	s := n.sessionOf(call.Agent.Name)
	if s == nil {
		return nil, errNoSession
	}
	c, err := s.take(call)
	if err != nil {
		return nil, err
	}
	n.sessions.Go(func() { c.run(context.WithoutCancel(ctx)) })
	return c, nil
}

// Reachable says whether Mediatel shows the extension's agent free. A session that has just begun is waited for.
func (n *Network) Reachable(ctx context.Context, ext agents.Extension) error {
	s := n.sessionOf(ext.Name)
	if s == nil {
		return errNoSession
	}
	return s.reachable(ctx)
}

// Revive ends Mediatel's Force Pause. See dialer.Reviver.
func (n *Network) Revive(ctx context.Context, ext agents.Extension) error {
	s := n.sessionOf(ext.Name)
	if s == nil {
		return errNoSession
	}
	return s.revive(ctx)
}

// Restart has Mediatel restart the process of the extension's agent. See dialer.Restarter.
func (n *Network) Restart(ctx context.Context, ext agents.Extension) error {
	s := n.sessionOf(ext.Name)
	if s == nil {
		return errNoSession
	}
	return s.restart(ctx)
}

// SetCode sets the call code at Mediatel, and waits until its agent is free. See dialer.CodeSetter.
func (n *Network) SetCode(ctx context.Context, ext agents.Extension, callTraceID, codeID string) error {
	s := n.sessionOf(ext.Name)
	if s == nil {
		return errNoSession
	}
	return s.setCode(ctx, callTraceID, codeID)
}

// Sessions counts the sessions, and those whose agent is logged in at Mediatel.
func (n *Network) Sessions() (held, loggedIn int) {
	list := n.all()
	for _, s := range list {
		if s.loggedIn() {
			loggedIn++
		}
	}
	return len(list), loggedIn
}

func (n *Network) attrs(s *session) []any {
	return []any{slog.Int64("agent", s.agentID), slog.String("extension", s.ext.Name)}
}

var (
	_ dialer.PhoneNetwork = (*Network)(nil)
	_ dialer.CodeSetter   = (*Network)(nil)
	_ dialer.Reviver      = (*Network)(nil)
	_ dialer.Restarter    = (*Network)(nil)
)

func notFree(why reason.Reason) error {
	return reason.New(reason.Unavailable, why, "mediatel: the agent is not free there: "+why.String())
}
