package access

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/retry"
)

// watched is a connection that somebody has opened, for as long as it is open.
type watched struct {
	id    Identity                    // of who came by a cookie
	again func(context.Context) error // asks whether the user may still be here; nil: id says it
	close func()                      // ends the request, and the connection if it was taken over
}

// Watch ends what a cookie has opened (sockets, long polls, downloads) once its user may not enter any more. Whether the request
// is let in at all is for the handler to say.
func (g *Gate) Watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := g.Identify(r)
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		g.watch(w, r, next, &watched{id: id})
	})
}

// Watch ends what somebody has opened, by bearer or cookie, once the user may not enter any more: downloads and long replies.
// Whether the request is let in at all is for the handler to say.
func (a *Authenticator) Watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask, err := a.credentials(r)
		if err != nil || a.gate == nil {
			next.ServeHTTP(w, r)
			return
		}
		a.gate.watch(w, r, next, &watched{again: func(ctx context.Context) error {
			_, err := ask(ctx)
			return err
		}})
	})
}

func (g *Gate) watch(w http.ResponseWriter, r *http.Request, next http.Handler, one *watched) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	taken := &takeover{ResponseWriter: w}
	one.close = func() { cancel(); taken.end() }
	g.mu.Lock()
	g.open[one] = struct{}{}
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		delete(g.open, one)
		g.mu.Unlock()
	}
	taken.closed = forget
	defer func() { // also when next panics, as who cuts a reply short does
		if !taken.isTaken() {
			forget()
		}
	}()
	next.ServeHTTP(taken, r.WithContext(ctx))
}

// Run looks at what is open every other second, until ctx ends.
func (g *Gate) Run(ctx context.Context) {
	retry.OnBeat(ctx, verdictAge, nil, func(ctx context.Context) {
		if err := g.sweep(ctx); err != nil && ctx.Err() == nil {
			g.log.WarnContext(ctx, "whether those who are connected may still be cannot be asked", slog.Any("error", err))
		}
	})
}

// sweep asks the record about everybody who is connected, and ends what is open of those who may not be.
func (g *Gate) sweep(ctx context.Context) error {
	g.mu.Lock()
	list := make([]*watched, 0, len(g.open))
	var others []*watched
	for one := range g.open {
		if one.again == nil {
			list = append(list, one)
		} else {
			others = append(others, one)
		}
	}
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	defer cancel()
	var unknown error
	for _, one := range others {
		if err := one.again(ctx); errors.Is(err, ErrDenied) {
			g.finish(ctx, one, err)
		} else if err != nil {
			unknown = err
		}
	}
	for some := range slices.Chunk(list, 500) {
		var logins, sessions []string
		for _, one := range some {
			logins = append(logins, one.id.Username)
			sessions = append(sessions, one.id.hash, one.id.Session)
		}
		users, ended, err := g.store.Standing(ctx, logins, sessions)
		if err != nil {
			return err
		}
		for _, one := range some {
			// Who is connected when the cookie runs out stays so: only a new connection needs a new cookie.
			if err := one.id.standing(users, ended); err != nil {
				g.finish(ctx, one, err)
			}
		}
	}
	return unknown
}

func (g *Gate) finish(ctx context.Context, one *watched, why error) {
	g.mu.Lock()
	_, open := g.open[one]
	delete(g.open, one)
	delete(g.known, one.id.hash)
	g.mu.Unlock()
	if open {
		g.log.InfoContext(ctx, "connection ended", slog.Any("error", why))
		one.close()
	}
}

// takeover is a reply whose connection may be taken over, as WebSocket does; then it is ended by closing the connection.
type takeover struct {
	http.ResponseWriter
	closed func()

	mu   sync.Mutex
	conn net.Conn
	over bool // ended already
}

// Hijack hands the connection over.
func (t *takeover) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		_ = conn.Close()
		return nil, nil, errGone
	}
	t.conn = conn
	return &watchedConn{Conn: conn, closed: t.closed}, rw, nil
}

// Write stops what is read too slowly, or too fast, for the request's end to be noticed.
func (t *takeover) Write(b []byte) (int, error) {
	t.mu.Lock()
	over := t.over
	t.mu.Unlock()
	if over {
		return 0, errGone
	}
	return t.ResponseWriter.Write(b)
}

var errGone = errors.New("access: the user may not enter any more")

// Flush and Unwrap leave the rest as it is.
func (t *takeover) Flush()                      { _ = http.NewResponseController(t.ResponseWriter).Flush() }
func (t *takeover) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *takeover) isTaken() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn != nil
}

func (t *takeover) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.conn != nil {
		_ = t.conn.Close()
		return
	}
	// ends a write that waits; tests' may have none
	_ = http.NewResponseController(t.ResponseWriter).SetWriteDeadline(time.Unix(1, 0))
}

// watchedConn is forgotten by the gate when it is closed.
type watchedConn struct {
	net.Conn
	closed func()
}

// NetConn is the connection itself.
func (c *watchedConn) NetConn() net.Conn { return c.Conn }

// Close closes the connection.
func (c *watchedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}
