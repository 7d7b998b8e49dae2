// Package gateway is where agents' tabs come in: a Socket.IO server that speaks Mediatel's agent protocol.
//
// A tab is one browser page of an agent; all tabs of one agent on this node share a seat, which holds the agent's present
// state. Commands become inputs of the agents' state machine or orders to the agent's call; whatever is stored, by whomever,
// comes back from the roster and is shown to the seat's tabs as a whole snapshot. A command that is malformed or not allowed
// now changes nothing: it is logged and replied to with the present state.
//
// When Redis has lost an agent's state, the gateway that holds the agent's tab enters the agent again, from the record and
// from what it last saw.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/limits"
	"github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/socketio"
	"github.com/creditorro/ringmaster/internal/telemetry"
)

// Path is where the gateway is mounted.
const Path = "/mediatel/socket.io/"

// Calls are the orders that a tab may give about calls. Each has an answer within a few seconds; an error says that the order
// was not carried out, and its text is for the log.
type Calls interface {
	// MakeCall orders a call by the agent's hand. Whoever refuses it may say why by agents.Refused; otherwise the gateway does.
	MakeCall(ctx context.Context, agentID int64, number, queue string) error
	// Skip lets go of the contact that the agent is shown, for a reason that the record keeps.
	Skip(ctx context.Context, agentID int64, why string) error
	Hangup(ctx context.Context, agentID int64) error
	Hold(ctx context.Context, agentID int64) error
	Retrieve(ctx context.Context, agentID int64) error
	Mute(ctx context.Context, agentID int64, on bool) error
	// SetCode sets the call code of the present or, in Clerical, the last call, if that is the attempt still; callbackAt is zero
	// unless one was agreed.
	SetCode(ctx context.Context, agentID int64, attemptID, codeID string, callbackAt time.Time) error
	// Reachable says whether the agent's phone could be called now; the error is a reason for people.
	Reachable(ctx context.Context, agentID int64) error
}

// Roster is the moment's state of all agents; package roster has it.
type Roster interface {
	Node() string
	Get(ctx context.Context, agentID int64) (agents.Live, error)
	Apply(ctx context.Context, agentID int64, in agents.Input) (agents.Live, error)
	List(ctx context.Context, after int64, limit int) ([]agents.Live, error)
	Versions(ctx context.Context, agentIDs []int64) ([]int64, error)
	OfUser(ctx context.Context, user string) (int64, error)
	Gone(ctx context.Context, before time.Time, limit int) ([]int64, error)
	Home(ctx context.Context) (string, error)
	Watch(wants func(agentID int64) bool, changed func(agents.Live), missed func())
}

// Cookies say whose request it is, by VouchCookie; access.Gate does. A refusal is an fs.ErrPermission; any other error means that
// nobody could be asked.
type Cookies interface {
	Check(r *http.Request) (username, userID string, err error)
}

// Passwords check an agent's password against its hash, an empty hash as slowly as a real one; access.Passwords does.
type Passwords interface {
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// Tokens are one-time passwords, which the single sign-on hands out in place of the agent's own.
type Tokens interface {
	// Redeem uses up a token of the agent. False: it is none, another agent's, used or expired.
	Redeem(ctx context.Context, agentID int64, token string) (bool, error)
}

// Tries bound the guessing of passwords; access.Tries does.
type Tries interface {
	Allow(ctx context.Context, name, address, account string) error
	Succeeded(ctx context.Context, name, address, account string)
}

// Deps is what a gateway works with. All but the last fields are needed.
type Deps struct {
	Store     agents.Store
	Roster    Roster
	Calls     Calls
	Cookies   Cookies
	Passwords Passwords
	Tries     Tries

	// an agent has logged in by password; nil: nobody is told
	Entered func(ctx context.Context, agentID int64, user, address string)
	Tokens  Tokens   // nil: agents have their passwords alone
	Origins []string // web origins whose pages may connect, besides our own
	// judges a request's origin in their place; nil: they do
	Allows func(r *http.Request) bool
	// this host's name as tabs are told it; empty: the node's
	Host string
	Port int // its port, 0 if nobody cares
	// whether agents may place calls in a queue; nil: in all of their own
	MayCall func(queue string) bool
	// the client's address, for Tries; nil: the connection's
	Address func(r *http.Request) string
	// of agents who have none: "en", "uk" or "ru"; empty: English
	Language string
	Location *time.Location // of the times that tabs are shown; nil: time.Local
	// how calls stand when an agent is entered again; nil: as they were last seen
	Record Record
	// file that keeps the live states, for a Redis that forgets them with the process; empty: none
	Memory string
	// bytes that all tabs together may leave unread; 0: [limits.TabMemory]
	SendMemory int
	Grace      time.Duration      // for a lost tab to come back; 0: [limits.TabGrace]
	Log        *slog.Logger       // nil: slog.Default()
	Metrics    *telemetry.Metrics // nil: nothing is counted
	Now        func() time.Time   // nil: time.Now
}

const (
	maxEvent     = 1_000_000        // bytes of one message; above it the transport closes, as Mediatel's does
	inbox        = 32               // commands of one tab that wait
	commandLimit = 5 * time.Second  // for one command, whoever it has to ask
	pauseListAge = 30 * time.Second // how old the list of pauses may be
)

// Gateway serves the tabs of one node. It is an http.Handler to mount at Path.
type Gateway struct {
	Deps
	server *socketio.Server
	log    *slog.Logger
	memory *memory // nil: Redis remembers
	pauses atomic.Pointer[[]mediatelwire.Pause]
	lost   chan struct{} // a signal that changes may have been missed

	mu    sync.Mutex
	seats map[int64]*seat
	done  bool           // no more work is begun
	work  sync.WaitGroup // goroutines that outlive their handler

	running context.Context
	stop    context.CancelFunc
}

// New makes a gateway. Make it before the roster runs; [Gateway.Run] must run while it serves.
func New(d Deps) (*Gateway, error) {
	if d.Store == nil || d.Roster == nil || d.Calls == nil || d.Cookies == nil || d.Passwords == nil || d.Tries == nil {
		return nil, errors.New("gateway: a store, a roster, calls, cookies, passwords and tries are needed")
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Location == nil {
		d.Location = time.Local
	}
	if d.Grace == 0 {
		d.Grace = limits.TabGrace
	}
	if d.SendMemory == 0 {
		d.SendMemory = limits.TabMemory
	}
	if d.Host == "" {
		d.Host = d.Roster.Node()
	}
	if d.Address == nil {
		d.Address = peerAddress
	}
	if d.MayCall == nil {
		d.MayCall = func(string) bool { return true }
	}
	g := &Gateway{Deps: d, log: d.Log, lost: make(chan struct{}, 1), seats: map[int64]*seat{}}
	g.running, g.stop = context.WithCancel(context.Background())
	g.pauses.Store(&[]mediatelwire.Pause{})

	var err error
	g.server, err = socketio.NewServer(socketio.ServerOptions{
		Path:         Path,
		MaxPayload:   maxEvent,
		Inbox:        inbox,
		CORS:         socketio.CORSOptions{Origins: d.Origins, Allow: d.Allows, Credentials: true},
		CheckRequest: g.admit,
		SendMemory:   d.SendMemory,
		SlowReader:   d.Metrics.SlowTab,
		Logger:       d.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	ns := g.server.Of("/")
	ns.OnConnect(g.connected)
	ns.On(mediatelwire.EventData, g.command)
	ns.On("beat", func(_ *socketio.Socket, ev *socketio.Event) { // a page asks whether this very connection still works
		if ev.NeedsAck() {
			_ = ev.Ack()
		}
	})
	d.Roster.Watch(g.shows, g.changed, g.missed)
	if d.Memory != "" {
		g.memory = newMemory(d.Memory)
		d.Roster.Watch(func(int64) bool { return true }, g.memory.note, func() {})
	}
	return g, nil
}

// ServeHTTP replies to the tabs' requests.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.server.ServeHTTP(w, r) }

// admit answers 403 to whoever has no valid cookie, and 503 while nobody can be asked, before there is a session.
func (g *Gateway) admit(r *http.Request) error {
	_, _, err := g.Cookies.Check(r)
	switch {
	case errors.Is(err, fs.ErrPermission):
		g.log.Debug("tab refused", slog.Any("error", err))
		return &socketio.HTTPError{Status: http.StatusForbidden, Message: "Forbidden"}
	case err != nil:
		g.log.Warn("whether a tab may come in cannot be asked", slog.Any("error", err))
		return &socketio.HTTPError{Status: http.StatusServiceUnavailable, Message: "Try again in a moment"}
	}
	return nil
}

// Close refuses new tabs and disconnects the others; their agents have the grace period to come back at another node. It
// returns when all that was under way has ended, or when ctx ends.
func (g *Gateway) Close(ctx context.Context) error {
	err := g.server.Close(ctx)
	g.mu.Lock()
	g.done = true
	g.mu.Unlock()
	done := make(chan struct{})
	go func() { g.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		g.stop() // what still waits for a neighbour gives up
		<-done
		err = errors.Join(err, ctx.Err())
	}
	g.stop()
	return err
}

// background runs work that a handler does not wait for; Close does.
func (g *Gateway) background(do func(ctx context.Context)) {
	g.spawn(func() {
		ctx, cancel := context.WithTimeout(g.running, commandLimit)
		defer cancel()
		do(ctx)
	})
}

func (g *Gateway) spawn(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.done {
		g.work.Go(do)
	}
}

// missed has the seats compared with what Redis holds.
func (g *Gateway) missed() {
	select {
	case g.lost <- struct{}{}:
	default:
	}
}

// shows says whether a seat of this node shows the agent.
func (g *Gateway) shows(agentID int64) bool { return g.seatOf(agentID) != nil }

// changed shows a state that was stored somewhere.
func (g *Gateway) changed(l agents.Live) {
	if s := g.seatOf(l.AgentID); s != nil {
		s.update(l)
	}
}

func (g *Gateway) seatOf(agentID int64) *seat {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seats[agentID]
}

// held is a copy of the list of seats.
func (g *Gateway) held() []*seat {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]*seat, 0, len(g.seats))
	for _, s := range g.seats {
		list = append(list, s)
	}
	return list
}
