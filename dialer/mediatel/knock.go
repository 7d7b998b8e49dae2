package mediatel

import (
	"context"
	"errors"
	"net/http"
	"strings"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// Address is the URL of a Mediatel's Socket.IO, of its host's URL and its path as npm's socket.io knows it.
func Address(host, path string) string {
	return strings.TrimRight(host, "/") + "/" + strings.Trim(path, "/")
}

// A Refusal is what a server's HTTP says in place of a connection.
type Refusal struct {
	Status int
	err    error
}

func (r *Refusal) Error() string { return r.err.Error() }
func (r *Refusal) Unwrap() error { return r.err }

// Knock connects to a Mediatel as an agent's session does, waits for the state that a server tells on connecting, and leaves.
// A *Refusal: something is there that lets nobody in.
func Knock(ctx context.Context, url string, cookie *http.Cookie) error {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	asIs := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client, err := socketio.NewClient(url, clientOptions(&http.Client{Transport: visitor{transport, cookie}, CheckRedirect: asIs}))
	if err != nil {
		return err
	}
	defer client.Close()
	greeted := make(chan struct{}, 1)
	greet := func(*socketio.Event) {
		select {
		case greeted <- struct{}{}:
		default:
		}
	}
	client.On(wire.EventData, greet)
	client.On(wire.EventUnavailable, greet) // no room for one more: but it is a Mediatel, and let us in
	if err := client.Connect(ctx); err != nil {
		var status *socketio.StatusError
		if errors.As(err, &status) {
			return &Refusal{status.Status, err}
		}
		return err
	}
	select {
	case <-greeted:
		return nil
	case <-ctx.Done():
		return errSilent
	}
}

var errSilent = errors.New("mediatel: a Socket.IO server, which told no agent's state: no Mediatel, or one that hangs")

// visitor adds the one cookie to each request.
type visitor struct {
	http.RoundTripper
	cookie *http.Cookie
}

func (v visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.AddCookie(v.cookie)
	return v.RoundTripper.RoundTrip(r)
}

// clientOptions are those of every connection to Mediatel.
func clientOptions(over *http.Client) socketio.ClientOptions {
	return socketio.ClientOptions{
		HTTPClient: over, Reconnect: socketio.ReconnectOptions{Disabled: true},
		MaxPayload: maxState, Inbox: maxWait, SendQueue: maxQueued,
	}
}
