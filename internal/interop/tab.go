package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// Tab is an agent's page, played by the prescribed client over a WebSocket. Each wait of it is bounded: some of the client's
// connects hang. By polling it is of no use here: what it emits right after an event has come may stay with it, at npm's server
// too.
type Tab struct {
	client *socket.Socket
	states chan wire.State
	faults chan error
	last   wire.State
}

// tries is how often a tab connects anew when a connect hangs, each for connectTime.
const (
	tries       = 5
	connectTime = 10 * time.Second
)

// OpenTab connects a page to the server at an address with its path.
func OpenTab(ctx context.Context, address string, header http.Header) (*Tab, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	for range tries {
		t := &Tab{states: make(chan wire.State, 1000), faults: make(chan error, 10)}
		if err = t.connect(ctx, u, header); err == nil {
			return t, nil
		}
		t.Close()
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("interop: connect: %w", err)
}

func (t *Tab) connect(ctx context.Context, u *url.URL, header http.Header) (err error) {
	o := socket.DefaultOptions()
	o.SetPath(u.Path)
	o.SetExtraHeaders(header)
	o.SetTransports(types.NewSet(socket.WebSocket))
	o.SetForceNew(true)
	o.SetReconnection(false)
	o.SetAutoConnect(false) // the listeners come first
	if t.client, err = socket.Connect(u.Scheme+"://"+u.Host, o); err != nil {
		return err
	}
	connected := make(chan error, 10)
	for event, do := range map[string]func(args []any){
		"connect":       func([]any) { connected <- nil },
		"connect_error": func(args []any) { connected <- fmt.Errorf("refused: %v", args) },
		wire.EventData:  t.take,
	} {
		if err := t.client.On(types.EventName(event), func(args ...any) { do(args) }); err != nil {
			return err
		}
	}
	t.client.Connect()
	select {
	case err = <-connected:
		return err
	case <-time.After(connectTime):
		return fmt.Errorf("the client has said nothing for %v", connectTime)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Tab) take(args []any) {
	var state wire.State
	text, err := json.Marshal(args[0])
	if err == nil {
		err = state.UnmarshalJSON(text)
	}
	if err != nil {
		t.faults <- err
		return
	}
	t.states <- state
}

// Send sends a command.
func (t *Tab) Send(c wire.Command) error {
	var plain map[string]any
	text, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		return err
	}
	return t.client.Emit(wire.EventData, plain)
}

// Wait returns the first state from now on that is as wanted.
func (t *Tab) Wait(ctx context.Context, what string, is func(wire.State) bool) (wire.State, error) {
	for {
		select {
		case t.last = <-t.states:
			if is(t.last) {
				return t.last, nil
			}
		case err := <-t.faults:
			return t.last, err
		case <-ctx.Done():
			return t.last, fmt.Errorf("interop: waited in vain for %s; the last state: %+v", what, t.last)
		}
	}
}

// Close ends the connection; it waits for nothing.
func (t *Tab) Close() {
	if t.client != nil {
		go t.client.Disconnect() // which may hang
	}
}
