package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// TestSimulator: the command serves the protocol until it is stopped, and refuses variants that are none.
func TestSimulator(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"mediatel-simulator", "--listen", "127.0.0.1:0", "--agents", "3", "--variant", "slow,misspelt",
			"--auto", "50ms"}, console{Out: in, Err: io.Discard})
	}()
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	_, url, _ := strings.Cut(strings.TrimSpace(first), ": ")
	answer, err := http.Get(url + "/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), `0{"sid"`) {
		t.Errorf("%s answered %s: %s", url, answer.Status, body)
	}
	if call := simulatedCall(t, url); call.CallType != "3" || call.QueueName != "AUTO_1" || call.CallCustomerID == "" ||
		call.Card == "" {
		t.Errorf("--auto gave %+v", call)
	}
	stop()
	if code := <-ended; code != exitWell {
		t.Errorf("exit code %d", code)
	}
	for _, wrong := range []string{"--variant=elephant", "--auto=-1s"} {
		if code := run(t.Context(), []string{"mediatel-simulator", wrong},
			console{Out: io.Discard, Err: io.Discard}); code != exitUsage {
			t.Errorf("%s: exit code %d, want %d", wrong, code, exitUsage)
		}
	}
}

// simulatedCall logs an agent in, turns the flag On, and returns the first state of a call.
func simulatedCall(t *testing.T, url string) wire.State {
	t.Helper()
	page, err := socketio.NewClient(url, socketio.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	states := make(chan wire.State, 100)
	page.On(wire.EventData, func(ev *socketio.Event) {
		var state wire.State
		if err := state.UnmarshalJSON(ev.Args[0]); err != nil {
			t.Error(err)
		}
		states <- state
	})
	if err := page.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []wire.Command{{Type: wire.Login, User: "mt_agent1", Password: "mediatel", Extension: "3444"},
		{Type: wire.Predictive}} {
		if err := page.Emit(wire.EventData, c); err != nil {
			t.Fatal(err)
		}
	}
	for limit := time.After(patience); ; {
		select {
		case state := <-states:
			if state.State == wire.StateOrdered {
				return state
			}
		case <-limit:
			t.Fatal("no automatic call")
		}
	}
}
