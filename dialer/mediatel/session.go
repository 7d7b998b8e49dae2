package mediatel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// Bounds of what a server may send. A state of Mediatel is about 3 kB.
const (
	maxState  = 256 << 10 // bytes of one message
	maxWait   = 16        // messages that wait to be read; then TCP holds the server up
	maxRate   = 200       // states a second that are read; a storm of more waits in line, order and all
	maxQueued = 64 << 10  // bytes that wait to be sent
)

// session is one agent at Mediatel: the connection, one after the other, and what it shows.
type session struct {
	n       *Network
	agentID int64
	ext     agents.Extension
	stop    context.CancelFunc
	leaving atomic.Bool   // the agent has logged off with us
	absent  int           // looks in a row that have not found the agent; only Network.Run touches it
	left    chan struct{} // closed when Mediatel, too, has the agent logged off
	anew    chan struct{} // the connection is to be made anew: what was asked was not answered

	mu         sync.Mutex
	client     *socketio.Client // nil: not connected
	begun      bool             // there has been a connection, or it could not be had
	seen       *wire.State      // the newest state of this connection; nil: not known
	turn       chan struct{}    // closed at the next change of what is below or above
	wanted     agents.Live      // our own agent's state, as far as it was told
	login      Login
	logins     int         // tries in a row without success
	loginAfter time.Time   // none before
	trouble    string      // why there is no connection or no login
	unanswered *time.Timer // runs while a command waits for a state
	stale      *time.Timer // runs while watched
	watched    bool
	tried      wire.Command // the last command that a state asked for
	triedAt    time.Time    // and when it was sent
	toggledAt  time.Time    // when Mediatel's flag was toggled; zero: it has been seen to follow
	looked     bool         // Mediatel's agent has been seen logged in by this session
	pausedHere bool         // the pause in force there was ours
	call       *call        // ordered, in the making or up; or one that we did not order
	owed       *coding      // the last call's code, until Mediatel has it
	asked      *inquiry     // of the record, for the code of a Clerical that is owed none
	former     string       // calltraceid of the call before
	unseen     string       // calltraceid of the call before, if it was given up with the connection and may go on there
	untaken    string       // number of the last order, if Mediatel did not take it
	untakenAt  time.Time    // and since when that is thought
	leftover   bool         // a call given up here may still be up there
	unwanted   bool         // the session ends, or will when its call does
	ready      bool         // as Reachable was last told
	second     time.Time    // of counting
	count      int          // states in this second
}

func newSession(n *Network, l agents.Live, stop context.CancelFunc) *session {
	s := &session{n: n, agentID: l.AgentID, ext: l.Extension, stop: stop, wanted: l,
		left: make(chan struct{}), anew: make(chan struct{}, 1), turn: make(chan struct{})}
	s.unanswered = time.AfterFunc(time.Hour, s.connectAnew)
	s.unanswered.Stop()
	s.stale = time.AfterFunc(time.Hour, s.connectAnew)
	s.stale.Stop()
	return s
}

// run keeps the session connected until ctx ends.
func (s *session) run(ctx context.Context) {
	defer s.unanswered.Stop()
	defer s.stale.Stop()
	for failures := 0; ctx.Err() == nil; {
		began := s.n.Now()
		err := s.connection(ctx)
		if ctx.Err() != nil {
			return
		}
		failures++
		if s.n.Now().Sub(began) > time.Minute {
			failures = 0
		}
		s.n.Log.Warn("no connection to Mediatel", append(s.n.attrs(s), slog.Any("error", err))...)
		retry.Sleep(ctx, s.n.again().After(failures))
	}
}

// abandon gives up what the session leaves behind at its end.
func (s *session) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call != nil {
		s.call.abandon()
	}
	s.disown()
}

// again is how a Mediatel that cannot be reached, or refuses, is tried again.
func (n *Network) again() retry.Pause { return retry.Pause{First: n.Limits.Retry, Last: time.Minute} }

var (
	errLost   = errors.New("mediatel: connection lost")
	errAnew   = errors.New("mediatel: a command was not answered: connected anew")
	errNoRoom = errors.New("mediatel: no agent process is free there")
)

// connection is one connection from its beginning to its end.
func (s *session) connection(ctx context.Context) error {
	client, lost, err := s.dial(ctx)
	if err != nil {
		s.noteTrouble(err)
		return err
	}
	defer s.lost(ctx, client)
	defer client.Close() // what it has received is read first
	select {
	case reason := <-lost:
		err = errors.Join(errLost, errors.New(reason))
	case <-s.anew:
		err = errAnew
	case <-s.left:
		return nil
	case <-ctx.Done():
		if s.leaving.Load() {
			s.logout()
		}
		err = ctx.Err()
	}
	s.noteTrouble(err)
	return err
}

func (s *session) dial(ctx context.Context) (*socketio.Client, <-chan string, error) {
	ask, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	login, err := s.n.Credentials.Login(ask, s.agentID)
	if err != nil {
		return nil, nil, err
	}
	if login.Extension == "" {
		login.Extension = s.ext.Name
	}
	options := clientOptions(&http.Client{Transport: edge{s.n, s.agentID}, CheckRedirect: notFollowed})
	options.Logger = s.n.Log
	client, err := socketio.NewClient(s.n.URL, options)
	if err != nil {
		return nil, nil, err
	}
	lost := make(chan string, 2)
	client.OnConnect(func() { s.connected(client, login) })
	client.OnDisconnect(func(reason string) { s.lost(ctx, client); lost <- reason })
	client.On(wire.EventData, func(ev *socketio.Event) { s.data(ctx, client, ev) })
	client.On(wire.EventUnavailable, func(*socketio.Event) {
		select {
		case lost <- errNoRoom.Error():
		default:
		}
	})
	if err := client.Connect(ask); err != nil {
		_ = client.Close() // there is nothing to lose
		s.lost(ctx, client)
		return nil, nil, err
	}
	return client, lost, nil
}

// edge lets the requests of one agent's connection through Mediatel's edge: each with a cookie minted for it.
type edge struct {
	n       *Network
	agentID int64
}

func (e edge) RoundTrip(r *http.Request) (*http.Response, error) {
	if e.n.Cookies != nil {
		cookie, err := e.n.Cookies.Cookie(r.Context(), e.agentID)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.AddCookie(cookie)
	}
	return e.n.transport.RoundTrip(r)
}

// notFollowed ends a request that is sent elsewhere, as an edge does with a cookie that it does not take: ours is for Mediatel
// alone.
func notFollowed(to *http.Request, _ []*http.Request) error {
	return fmt.Errorf("mediatel: sent on to %s: Mediatel's edge refuses our cookie, or its address is another", to.URL.Host)
}

func (s *session) noteTrouble(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.trouble = true, err.Error()
	s.turned()
}

// turned wakes those who wait for a change. It is called with s.mu held.
func (s *session) turned() {
	close(s.turn)
	s.turn = make(chan struct{})
	if ready := s.reason() == nil; ready != s.ready {
		s.ready = ready
		s.n.PhoneChanged(s.ext.Name)
	}
	s.watchStale()
}

// watchStale has an agent looked at again whom Mediatel keeps busy without a call of ours: the state that ends it may be lost,
// and nobody would ask for it. It is called with s.mu held.
func (s *session) watchStale() {
	state := ""
	if s.seen != nil {
		state = stateOf(s.seen)
	}
	idle := state == wire.StateIdle || state == wire.StatePause || state == wire.StateLogout
	watch := s.seen != nil && s.call == nil && !idle
	if watch && !s.watched {
		s.stale.Reset(s.n.Limits.Stale)
	}
	if !watch && s.watched {
		s.stale.Stop()
	}
	s.watched = watch
}

// await waits until is returns true; it is asked with s.mu held, now and after each change.
func (s *session) await(ctx context.Context, is func() bool) error {
	for {
		s.mu.Lock()
		ok, turn := is(), s.turn
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *session) connected(client *socketio.Client, login Login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client, s.seen, s.login, s.begun = client, nil, login, true
	s.toggledAt, s.loginAfter, s.tried = time.Time{}, time.Time{}, wire.Command{}
	s.unanswered.Reset(s.n.Limits.Answer) // a server tells the state on connecting
	s.turned()
}

// lost forgets what a connection showed: the agent's state is unknown from now on. An agent without a call is told to be out of
// reach at once, before contacts are spent; one with a call gets no other, and may still have both when the connection is back.
func (s *session) lost(ctx context.Context, client *socketio.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != client {
		return
	}
	s.client, s.seen = nil, nil
	s.unanswered.Stop()
	s.stale.Stop()
	switch {
	case s.call != nil:
		s.call.cutOff()
	case ctx.Err() == nil && !s.leaving.Load():
		s.n.sessions.Go(s.away)
	}
	if s.owed != nil {
		s.owed.sent = false
	}
	s.turned()
}

func (s *session) connectAnew() {
	select {
	case s.anew <- struct{}{}:
	default:
	}
}

// data reads one state. States are read in their order, at a bounded rate.
func (s *session) data(ctx context.Context, client *socketio.Client, ev *socketio.Event) {
	if len(ev.Args) == 0 || !s.paced(ctx) {
		return
	}
	state := new(wire.State)
	if err := state.UnmarshalJSON(ev.Args[0]); err != nil {
		s.n.Log.Warn("state of Mediatel's cannot be read", append(s.n.attrs(s), slog.Any("error", err))...)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != client {
		return
	}
	s.seen = state
	s.unanswered.Stop()
	if !inCall(state) {
		s.callOver(stateOf(state))
	}
	s.follow(state)
	s.align()
	s.turned()
}

// callOver forgets that a call which was given up here may go on there: the state shows none. It is called with s.mu held.
func (s *session) callOver(state string) {
	s.leftover = false
	if s.unseen != "" && state != "" && state != wire.StateLogout { // in which a server may not know us yet
		s.former, s.unseen = s.unseen, ""
	}
}

// paced holds up a storm of states; false: the session ends.
func (s *session) paced(ctx context.Context) bool {
	now := s.n.Now()
	if now.Sub(s.second) >= time.Second {
		s.second, s.count = now, 0
	}
	if s.count++; s.count <= maxRate {
		return true
	}
	select {
	case <-time.After(s.second.Add(time.Second).Sub(now)):
		return true
	case <-ctx.Done():
		return false
	}
}

// follow gives the state to the call that it speaks of, which may be one that we did not order. It is called with s.mu held.
func (s *session) follow(state *wire.State) {
	switch {
	case s.call != nil:
		s.call.see(state)
	case !inCall(state) || s.leftover || state.CallTraceID != "" && state.CallTraceID == s.former:
	case stateOf(state) == wire.StateOrdered && !s.late(state):
	default:
		s.takeExternal(state)
	}
}

// send gives Mediatel a command. It is called with s.mu held, and never waits; what no state answers has the session connect
// anew.
func (s *session) send(c wire.Command) error { return s.sendIf(nil, c) }

// sendIf is send of a command that is left out if it may not be written when its turn has come.
func (s *session) sendIf(may func() error, c wire.Command) error {
	if s.client == nil {
		return errNoState
	}
	if err := s.client.EmitIf(may, wire.EventData, c); err != nil {
		return err
	}
	s.unanswered.Reset(s.n.Limits.Answer)
	return nil
}

// note takes our own agent's new state; one that is not sure to be new is compared with what is known.
func (s *session) note(l agents.Live, sure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwanted = false
	if l.Version < s.wanted.Version && !sure {
		return
	}
	s.wanted = l
	s.align()
	s.turned()
}

// reason says why no call can be given to the agent now; nil: one can, or our own agent is busy with the last one's code. It
// is called with s.mu held.
func (s *session) reason() error {
	switch {
	case s.client == nil || s.seen == nil:
		if s.trouble != "" {
			return errors.Join(errNoState, errors.New(s.trouble))
		}
		return errNoState
	case s.call != nil && s.call.ordered():
		return nil
	case s.call != nil:
		return errBusy
	}
	switch state := stateOf(s.seen); {
	case state == wire.StateLogout && s.seen.LoginError != "":
		return notFree(whyLogin(s.seen.LoginError))
	case state == wire.StateLogout:
		return notFree(whyLoggingIn)
	case !s.theirs():
		return errNotTheirs
	case state == wire.StateIdle || state == wire.StateFailed:
		return nil
	case state == wire.StateClerical && s.wanted.State == agents.Clerical:
		return nil
	case s.seen.CallError != "":
		return notFree(whyNotFree(s.seen.CallError))
	default:
		return notFree(whyNotFree(s.seen.State))
	}
}

// theirs reports whether the session is of our agent's login and extension there, as far as the state tells.
func (s *session) theirs() bool {
	return (s.seen.AgentName == "" || strings.EqualFold(s.seen.AgentName, s.login.User)) &&
		(s.seen.AgentExt == "" || s.seen.AgentExt == s.login.Extension)
}

// idle reports whether Mediatel would take makeCall now. It is called with s.mu held.
func (s *session) idle() bool {
	return s.client != nil && s.seen != nil && stateOf(s.seen) == wire.StateIdle && s.theirs()
}

// unreachable has our agent get no further call until the extension is found reachable again: told before a call's end, so
// that the end frees nobody for whom Mediatel has no line.
func (s *session) unreachable(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	in := agents.Input{Kind: agents.ReachableChanged, At: s.n.Now(), Reachable: false}
	if _, err := s.n.Roster.Apply(ctx, s.agentID, in); err != nil {
		s.n.Log.Warn("agent's phone not told to be out of reach", append(s.n.attrs(s), slog.Any("error", err))...)
	}
}

// away tells that the connection is lost. One that is back before that is looked at again.
func (s *session) away() {
	s.unreachable(context.Background())
	s.mu.Lock()
	back := s.ready
	s.mu.Unlock()
	if back {
		s.n.PhoneChanged(s.ext.Name)
	}
}

func (s *session) loggedIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen != nil && stateOf(s.seen) != wire.StateLogout && stateOf(s.seen) != ""
}

// reachable waits for a session that is just beginning, and returns why the agent could not be called.
func (s *session) reachable(ctx context.Context) error {
	_ = s.await(ctx, func() bool {
		return s.begun && s.client == nil || s.seen != nil && (stateOf(s.seen) != wire.StateLogout || s.seen.LoginError != "")
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason()
}
