package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// Commands of one tab: more are not carried out, and answered together.
const (
	commandsPerSecond = 10
	commandsAtOnce    = 30
	floodAnswer       = 250 * time.Millisecond
)

// resumeTries is how often a tab that came while Redis was away asks for its agent once Redis is back.
const resumeTries = 5

// tab is one browser page, by its connection.
type tab struct {
	g        *Gateway
	socket   *socketio.Socket
	username string
	userID   string
	limit    *rate.Limiter

	mu         sync.Mutex // taken after a seat's
	seat       *seat      // nil: not logged in
	gone       bool       // disconnected
	tries      int        // of logging in
	loginError loginError // why the last one failed
	flooding   bool       // a reply to commands too many is under way
	offSince   time.Time  // when it came, or its agent was last logged off

	owed        bool // a command has not been answered yet
	refused     told // why the last command was not carried out
	refusedOver told // the agent's own error that this is shown over
}

// connected greets a tab. Who reloads a page while the agent is logged on goes on without a second login.
func (g *Gateway) connected(s *socketio.Socket) {
	username, userID, err := g.Cookies.Check(s.Request())
	if err != nil { // it was valid a moment ago: it has just run out
		s.Disconnect(true)
		return
	}
	t := &tab{g: g, socket: s, username: username, userID: userID, offSince: g.Now(),
		limit: rate.NewLimiter(commandsPerSecond, commandsAtOnce)}
	s.SetData(t)
	s.OnDisconnect(func(string) { t.disconnected() })
	_ = s.Emit(mediatelwire.EventRemoteConnect, mediatelwire.RemoteConnect{Host: g.Host, Port: g.Port})
	ctx, cancel := context.WithTimeout(g.running, commandLimit)
	defer cancel()
	t.resume(ctx)
}

// user is how the roster knows the cookie's user: the name and the id, told apart.
func (t *tab) user() string { return url.QueryEscape(t.username) + "/" + url.QueryEscape(t.userID) }

// userOf is the name and the id of a user as the roster knows it.
func userOf(user string) (username, userID string) {
	username, userID, _ = strings.Cut(user, "/")
	username, _ = url.QueryUnescape(username)
	userID, _ = url.QueryUnescape(userID)
	return username, userID
}

// resume sits the tab down with the agent as whom its user is logged on, if any, and shows the state in either case.
func (t *tab) resume(ctx context.Context) {
	l, err := t.loggedOn(ctx)
	switch {
	case err == nil:
		t.g.sit(t, l).count(ctx)
	case errors.Is(err, agents.ErrNoAgent):
		t.answer()
	default:
		t.g.log.Warn("tab not served", slog.Any("error", err))
		_ = t.socket.Emit(mediatelwire.EventUnavailable)
		t.answer()
		t.g.spawn(t.resumeLater)
	}
}

// resumeLater tries again until the roster replies, the tab is gone or has logged in. A Redis that is back empty needs a moment
// until the agent's seat, here or elsewhere, has entered the agent again.
func (t *tab) resumeLater() {
	for unknown := 0; unknown < resumeTries; {
		select {
		case <-t.g.running.Done():
			return
		case <-t.socket.Context().Done():
			return
		case <-time.After(retry.Spread(reconcileEvery, 0.25)): // after an outage all tabs would come at once
		}
		if t.sitsOn() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.g.running, commandLimit)
		l, err := t.loggedOn(ctx)
		if err == nil {
			t.g.sit(t, l).count(ctx)
		}
		cancel()
		if err == nil {
			return
		}
		if errors.Is(err, agents.ErrNoAgent) {
			unknown++
		}
	}
}

func (t *tab) loggedOn(ctx context.Context) (agents.Live, error) {
	id, err := t.g.Roster.OfUser(ctx, t.user())
	if err != nil {
		return agents.Live{}, err
	}
	l, err := t.g.Roster.Get(ctx, id)
	if err == nil && (l.State == agents.LoggedOff || l.User != t.user()) {
		err = agents.ErrNoAgent
	}
	return l, err
}

func (t *tab) disconnected() {
	t.mu.Lock()
	t.gone = true
	s := t.seat
	t.mu.Unlock()
	if s != nil {
		s.leave(t)
	}
}

// sitOn reports false when the tab is gone, or sits elsewhere by now.
func (t *tab) sitOn(s *seat) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone || t.seat != nil {
		return false
	}
	t.seat, t.loginError = s, loginError{}
	return true
}

func (t *tab) standUp(s *seat) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seat == s {
		t.seat = nil
	}
}

// offFrom notes since when the tab has had no agent.
func (t *tab) offFrom(since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !since.IsZero() {
		t.offSince = since
	}
}

func (t *tab) sitsOn() *seat {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seat
}

// answer shows the tab the present state.
func (t *tab) answer() {
	if s := t.sitsOn(); s != nil {
		s.answer(t)
		return
	}
	say := t.book()
	t.mu.Lock()
	state := t.g.loggedOff(t.offSince, t.loginError, say)
	t.mu.Unlock()
	t.emit(state)
}

// book is the words of whoever reads the tab: the agent's, or, while it has none, those that its browser asks for.
func (t *tab) book() *phrasebook.Book {
	if s := t.sitsOn(); s != nil {
		return t.g.book(s.now().Language)
	}
	return phrasebook.Accepted(t.socket.Request().Header.Get("Accept-Language"), t.g.Language)
}

// emit queues a snapshot. A tab that does not read is closed by the server, and comes back as a new one.
func (t *tab) emit(state *mediatelwire.State) {
	snapshot := json.RawMessage(t.own(*state).AppendJSON(make([]byte, 0, 2048)))
	if err := t.socket.Emit(mediatelwire.EventData, snapshot); err != nil && !errors.Is(err, socketio.ErrClosed) {
		t.g.log.Warn("snapshot not sent", slog.Any("error", err))
	}
}

// throttled says that the tab sends too many commands; it is shown the state once for all of them.
func (t *tab) throttled() bool {
	if t.limit.Allow() {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.flooding {
		t.flooding = true
		t.g.log.Warn("too many commands", slog.String("user", t.username))
		t.g.spawn(func() {
			select {
			case <-time.After(floodAnswer):
			case <-t.g.running.Done():
			}
			t.mu.Lock()
			t.flooding = false
			t.mu.Unlock()
			t.refuse(errTooMany)
		})
	}
	return true
}

// peerAddress is the address of the connection, without its port.
func peerAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
