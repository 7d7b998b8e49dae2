// Package simulator is a small Mediatel server: the agents' protocol as it is known, with phones and customers that are
// played. Tests drive dialer/mediatel against it, and `ringmaster mediatel-simulator` lets people who write a CRM's front end
// try theirs.
//
// It keeps its own idea of the protocol's states, apart from package agents, so that one mistake is not made twice. Variants
// make it as slow, forgetful and careless as real servers are found to be; all chance follows from one seed.
package simulator

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// Path is where the server expects to be mounted.
const Path = "/mediatel/socket.io/"

// Agent is a login that the server knows.
type Agent struct {
	ID       string
	Login    string
	Password string
	Queues   []string
}

// Fate is what becomes of a call to a customer.
type Fate struct {
	Error string        // "Busy", "No Answer", …: the customer is not reached; empty: answers
	After time.Duration // until the customer answers, or the error is known
	Talk  time.Duration // until the customer hangs up; zero: never
}

// Options of a Server. Zero fields take their defaults.
type Options struct {
	Agents  []Agent
	Codes   []wire.Code
	Pauses  []wire.Pause
	Variant Variant
	Seed    uint64

	Identify func(*http.Request) (username string, err error) // by the cookie; nil: a connection is nobody's until it logs in
	Fate     func(number string) Fate                         // nil: everybody answers after 20 ms and talks on
	Rings    time.Duration                                    // until an extension rings; 5 ms
	Answers  time.Duration                                    // until it answers; 20 ms
	GivesUp  time.Duration                                    // on an extension that does not; 200 ms
	WrapUp   time.Duration                                    // until Clerical ends by itself; zero: never
	Auto     time.Duration                                    // until an agent, idle with the flag On, is given a call; zero: never
	Now      func() time.Time
	Log      *slog.Logger
	Carry    func(*Server) (Carrier, error) // makes the Socket.IO server below; nil: our own
}

// Server is a Mediatel server. It is an http.Handler to mount at Path.
type Server struct {
	Options
	io Carrier

	mu       sync.Mutex
	rng      *rand.Rand
	desks    map[string]*desk // by login
	silent   map[string]bool  // extensions that do not answer
	refuse   bool
	unable   int // connections yet to be told agentUnavailable
	deaf     bool
	declined map[string]int // commands yet to be answered with the present state, by type
	trace    int64
	given    int // calls of the server's own, but for those that a test gives
	placed   []Placed
	coded    map[string]string // call codes, by calltraceid
	counts   map[string]int    // commands taken, by type
	sent     int               // states
	closed   bool
	timers   map[*time.Timer]bool
	line     []delayed // what the slow variant holds back
	work     sync.WaitGroup
}

// delayed is something that happens late.
type delayed struct {
	due time.Time
	do  func()
}

// Placed is a call that a makeCall has brought about.
type Placed struct{ Agent, Number, Queue, CallTraceID string }

// New makes a server.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Rings == 0 {
		o.Rings = 5 * time.Millisecond
	}
	if o.Answers == 0 {
		o.Answers = 20 * time.Millisecond
	}
	if o.GivesUp == 0 {
		o.GivesUp = 200 * time.Millisecond
	}
	if o.Fate == nil {
		o.Fate = func(string) Fate { return Fate{After: 20 * time.Millisecond} }
	}
	if o.Codes == nil {
		o.Codes = []wire.Code{{ID: "4", Name: "10. Promise to pay", ActionFlag: "0"}, {ID: "7", Name: "20. No answer", ActionFlag: "2"}}
	}
	if o.Pauses == nil {
		o.Pauses = []wire.Pause{{ID: "1", Name: "Technical Break"}, {ID: "4", Name: "Meeting"}}
	}
	s := &Server{
		Options: o, rng: rand.New(rand.NewPCG(o.Seed, 1)), desks: map[string]*desk{}, silent: map[string]bool{},
		declined: map[string]int{},
		trace:    1_000_000_000, counts: map[string]int{}, coded: map[string]string{}, timers: map[*time.Timer]bool{},
	}
	for _, a := range o.Agents {
		if a.Login == "" || s.desks[a.Login] != nil {
			return nil, errors.New("simulator: agents want logins, each its own")
		}
		s.desks[a.Login] = &desk{s: s, agent: a, sockets: map[Socket]bool{}, state: wire.StateLogout, error: noError}
	}
	var err error
	if o.Carry == nil {
		o.Carry = carry
	}
	s.io, err = o.Carry(s)
	return s, err
}

// ServeHTTP answers agents' connections.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.io.ServeHTTP(w, r) }

// Admit says whether a request may become a connection; the error is a *socketio.HTTPError.
func (s *Server) Admit(r *http.Request) error {
	s.mu.Lock()
	refuse := s.refuse
	s.mu.Unlock()
	if refuse {
		return &socketio.HTTPError{Status: http.StatusServiceUnavailable, Message: "away"}
	}
	if s.Identify == nil {
		return nil
	}
	if _, err := s.Identify(r); err != nil {
		return &socketio.HTTPError{Status: http.StatusForbidden, Message: "Forbidden"}
	}
	return nil
}

// Connected finds the agent by the cookie, and shows the state.
func (s *Server) Connected(socket Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = socket.Emit(wire.EventRemoteConnect, wire.RemoteConnect{Host: "MTAgentFarm-01", Port: 1})
	socket.OnDisconnect(func(string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d := deskOf(socket); d != nil {
			delete(d.sockets, socket)
		}
	})
	if s.unable > 0 {
		s.unable--
		_ = socket.Emit(wire.EventUnavailable)
		return
	}
	if s.Identify != nil {
		user, _ := s.Identify(socket.Request()) // it was let in
		if d := s.desks[user]; d != nil {
			d.seat(socket)
		}
	}
	s.show(socket)
}

func deskOf(socket Socket) *desk {
	d, _ := socket.Data().(*desk)
	return d
}

// show sends one connection its agent's state. Like all below it is called with s.mu held.
func (s *Server) show(socket Socket) {
	s.emit(socket, s.stateAt(socket))
}

func (s *Server) stateAt(socket Socket) wire.State {
	if d := deskOf(socket); d != nil {
		return d.snapshot()
	}
	return wire.State{State: wire.StateLogout, Status: wire.StatusOffline, Commands: []string{wire.CmdLogin}, Available: true,
		Pauses: s.Pauses, ServerTime: s.Now()}
}

// emit sends a state as the variant would: late, twice, or not at all.
func (s *Server) emit(socket Socket, state wire.State) {
	if s.deaf || s.rng.Float64() < s.Variant.Lossy {
		return
	}
	text := s.Variant.encode(&state, s.rng)
	for range 1 + s.Variant.Repeat {
		s.sent++
		s.later(func() { _ = socket.Emit(wire.EventData, json.RawMessage(text)) })
	}
}

// later does something after the variant's wait, in order.
func (s *Server) later(do func()) {
	if s.Variant.Slow == 0 {
		do()
		return
	}
	s.line = append(s.line, delayed{s.Now().Add(s.Variant.Slow), do})
	if len(s.line) == 1 {
		s.serveLine()
	}
}

// serveLine does the first in the line when it is due, and then the next.
func (s *Server) serveLine() {
	s.after(s.line[0].due.Sub(s.Now()), func() {
		s.line[0].do()
		if s.line = s.line[1:]; len(s.line) > 0 {
			s.serveLine()
		}
	})
}

// after does something later, with s.mu held, unless the server is closed by then.
func (s *Server) after(d time.Duration, do func()) {
	if s.closed {
		return
	}
	var timer *time.Timer
	s.work.Add(1)
	timer = time.AfterFunc(d, func() {
		defer s.work.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.timers, timer)
		if !s.closed {
			do()
		}
	})
	s.timers[timer] = true
}

// Command carries out what a connection asks for. What is not allowed now is answered with the present state.
func (s *Server) Command(socket Socket, args []json.RawMessage) {
	var c wire.Command
	if len(args) == 0 || c.UnmarshalJSON(args[0]) != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.show(socket)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return
	}
	s.counts[c.Type]++
	s.Log.Info("command", slog.Any("command", c))
	if s.rng.Float64() < s.Variant.Crash {
		if d := deskOf(socket); d != nil {
			d.crash()
		}
		socket.Disconnect(true)
		return
	}
	if s.declined[c.Type] > 0 {
		s.declined[c.Type]--
		s.show(socket)
		return
	}
	if c.Type == wire.Login {
		s.login(socket, c)
		return
	}
	d := deskOf(socket)
	if d == nil || !d.obey(c) {
		s.show(socket)
	}
}

// login is not allowed where somebody is logged in. One that is refused shows why, and all that the logged-off state shows.
func (s *Server) login(socket Socket, c wire.Command) {
	if d := deskOf(socket); d != nil && d.state != wire.StateLogout {
		s.show(socket)
		return
	}
	d := s.desks[c.User]
	if d == nil || d.agent.Password != c.Password {
		state := s.stateAt(socket)
		state.LoginErrorID, state.LoginError, state.LoginAttempt = "-1", "Wrong login or password", 1
		s.emit(socket, state)
		return
	}
	d.seat(socket)
	if d.state == wire.StateLogout {
		d.extension = c.Extension
		d.move(wire.StateIdle)
		return
	}
	s.show(socket)
}

// nextTrace numbers a call.
func (s *Server) nextTrace() string {
	s.trace++
	return strconv.FormatInt(s.trace, 10)
}
