package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/creditorro/ringmaster/web"
)

// ErrNotIn says that a name and password, or a cookie, let nobody in.
var ErrNotIn = errors.New("demo: not let in")

// Door is how people come in; cmd supplies it from package access.
type Door interface {
	// SignIn answers the cookie that a user's browser is to keep, or ErrNotIn.
	SignIn(ctx context.Context, login, password string) (*http.Cookie, error)
	// Who answers the login behind a request's cookie, or ErrNotIn.
	Who(r *http.Request) (login string, err error)
}

// comesBack is how long a seat is kept for a visitor whose tab is gone: a reload must not wake the simulated agent.
const comesBack = 5 * time.Second

// Desk serves the agent's desk and what it needs besides the gateway: signing in, and, for as long as the desk is
// open, the seat of the simulated agent. Its paths are /agent and those below.
type Desk struct {
	door   Door
	agents *Agents
	mux    *http.ServeMux
}

// NewDesk makes the desk of the given agents.
func NewDesk(door Door, agents *Agents) (*Desk, error) {
	page, err := web.Page{Name: "desk"}.Handler()
	if err != nil {
		return nil, err
	}
	d := &Desk{door: door, agents: agents, mux: http.NewServeMux()}
	sameOrigin := http.NewCrossOriginProtection() // the cookie must not be set by another site's form
	d.mux.Handle("GET /agent", page)
	d.mux.HandleFunc("GET /agent/session", d.hint)
	d.mux.Handle("POST /agent/session", sameOrigin.Handler(http.HandlerFunc(d.signIn)))
	d.mux.HandleFunc("GET /agent/presence", d.presence)
	return d, nil
}

func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// hint says whose seat a visitor may take; the password is on the terminal of whoever has started the demo.
func (d *Desk) hint(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"user":"agent01"}`+"\n")
}

// signIn reads {"user", "password"} and sets the cookie. Its answer tells the page where to be present.
func (d *Desk) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct {
		User     string `json:"user"`
		Password string `json:"password"`
	}
	body := http.MaxBytesReader(w, r.Body, 4096)
	if json.NewDecoder(body).Decode(&in) != nil || in.User == "" {
		http.Error(w, `want {"user": "…", "password": "…"}`, http.StatusBadRequest)
		return
	}
	cookie, err := d.door.SignIn(r.Context(), in.User, in.Password)
	switch {
	case errors.Is(err, ErrNotIn):
		http.Error(w, "no such user, or another password", http.StatusUnauthorized)
		return
	case err != nil:
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, cookie)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, `{"presence":"/agent/presence"}`+"\n")
}

// presence is a stream that says nothing. While it is open, a visitor sits in the agent's seat.
func (d *Desk) presence(w http.ResponseWriter, r *http.Request) {
	login, err := d.door.Who(r)
	if err != nil {
		http.Error(w, "sign in first", http.StatusForbidden)
		return
	}
	giveBack, ok := d.agents.TakeOver(login)
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
		case <-d.agents.over:
			return
		case <-beat.C:
			stream.beat()
		}
	}
}
