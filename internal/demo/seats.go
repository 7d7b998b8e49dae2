package demo

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrNotIn says that a request's cookie names nobody.
var ErrNotIn = errors.New("demo: not let in")

// comesBack is how long a seat is kept for a visitor whose tab is gone: a reload must not wake the simulated agent.
const comesBack = 5 * time.Second

// Where the demo's pages find the seats.
const (
	SeatsPath    = "/demo/seats"    // who of the agents is a visitor, as {"taken": [login, …]}
	RobotsPath   = "/demo/robots"   // takes {"login": …, "mood": …}: how a simulated agent's phone misbehaves
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
	s.mux.HandleFunc("POST "+RobotsPath, s.behave)
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
	_ = json.NewEncoder(w).Encode(map[string]any{"taken": list, "moods": s.agents.moods()}) // the browser went away
}

// behave has a simulated agent misbehave. Only our own pages may ask: the type of the body keeps foreign forms out.
func (s *Seats) behave(w http.ResponseWriter, r *http.Request) {
	var wish struct {
		Login string `json:"login"`
		Mood  string `json:"mood"`
	}
	switch kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); {
	case kind != "application/json":
		http.Error(w, "send application/json", http.StatusUnsupportedMediaType)
	case json.NewDecoder(http.MaxBytesReader(w, r.Body, 1024)).Decode(&wish) != nil:
		http.Error(w, `send {"login": …, "mood": …}`, http.StatusBadRequest)
	case !s.agents.Behave(wish.Login, wish.Mood):
		http.Error(w, "no such simulated agent or mood: want well, silent, no_microphone or slow", http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
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
