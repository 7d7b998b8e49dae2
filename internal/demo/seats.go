package demo

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
)

// ErrNotIn says that a request's cookie names nobody.
var ErrNotIn = errors.New("demo: not let in")

// comesBack is how long a seat is kept for a visitor whose tab is gone: a reload must not wake the simulated agent.
const comesBack = 5 * time.Second

// Where the demo's pages find the seats.
const (
	SeatsPath    = "/demo/seats"    // who of the agents is a visitor, as {"taken": [login, …]}
	PresencePath = "/demo/presence" // a stream that says nothing. While it is open, a visitor sits in the agent's seat
)

// Seats serves what the pages need besides the product: for as long as a visitor has the desk open, the seat of the simulated
// agent.
type Seats struct {
	who    func(r *http.Request) (login string, err error)
	agents *Agents
	mux    *http.ServeMux
}

// NewSeats makes the seats of the given agents. who answers the login behind a request's cookie, or ErrNotIn.
func NewSeats(who func(r *http.Request) (login string, err error), agents *Agents) *Seats {
	s := &Seats{who: who, agents: agents, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET "+SeatsPath, s.taken)
	s.mux.HandleFunc("GET "+PresencePath, s.presence)
	return s
}

func (s *Seats) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Seats) taken(w http.ResponseWriter, _ *http.Request) {
	list := []string{}
	for login := range s.agents.seats {
		if s.agents.taken(login) {
			list = append(list, login)
		}
	}
	slices.Sort(list)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string][]string{"taken": list}) // the browser went away
}

func (s *Seats) presence(w http.ResponseWriter, r *http.Request) {
	login, err := s.who(r)
	if err != nil {
		http.Error(w, "sign in first", http.StatusForbidden)
		return
	}
	giveBack, ok := s.agents.TakeOver(login)
	if !ok {
		http.Error(w, "no simulated agent has this login", http.StatusNotFound)
		return
	}
	defer time.AfterFunc(comesBack, giveBack)
	stream := newStream(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for stream.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-s.agents.over:
			return
		case <-beat.C:
			stream.beat()
		}
	}
}
