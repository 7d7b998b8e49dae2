package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// patience is for one thing to happen on a busy machine.
const patience = 2 * time.Minute

// state is what a tab is told, in the words of the protocol.
type state map[string]any

// tab is an agent's tab by the official client, in a process of its own.
type tab struct {
	t      *testing.T
	states chan state
	stdin  io.WriteCloser
	last   state
}

func newTab(t *testing.T, url, cookie string) *tab {
	t.Helper()
	modules := testdeps.NPM(t, "../../agents/gateway/testdata/client")
	cmd := exec.CommandContext(t.Context(), "node", "testdata/e2e/tab.js", url, cookie)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{t: t, states: make(chan state, 1000)}
	if b.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var s state
			if err := json.Unmarshal(lines.Bytes(), &s); err == nil {
				b.states <- s
			}
		}
	}()
	t.Cleanup(func() {
		b.stdin.Close()
		<-read
		_ = cmd.Wait() // it may have been ended with the test
		if complaints.Len() > 0 {
			t.Logf("tab: %s", complaints.Bytes())
		}
	})
	return b
}

func (b *tab) send(command string) {
	b.t.Helper()
	if _, err := io.WriteString(b.stdin, command+"\n"); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a whole state that is as wanted.
func (b *tab) until(what string, is func(state) bool) state {
	b.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case b.last = <-b.states:
			if is(b.last) {
				return b.last
			}
		case <-deadline:
			b.t.Fatalf("waited in vain for %s; the last state was %+v", what, b.last)
		}
	}
}

// receiver is a CRM: it verifies each webhook's signature by the scheme's own library, and keeps what came.
type receiver struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	signer *standardwebhooks.Webhook
	events []webhook.Event
	came   chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	c := &receiver{t: t, came: make(chan struct{}, 1)}
	c.Server = httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(c.Close)
	return c
}

func (c *receiver) trust(secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.signer, err = standardwebhooks.NewWebhook(secret); err != nil {
		c.t.Fatal(err)
	}
}

func (c *receiver) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	var e webhook.Event
	if err == nil {
		err = c.signer.Verify(body, r.Header)
	}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil || r.Header.Get("webhook-id") != e.ID {
		c.t.Errorf("webhook not to be trusted: %v: %s", err, body)
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	c.events = append(c.events, e)
	select {
	case c.came <- struct{}{}:
	default:
	}
}

// event waits for an event of the type that is as wanted.
func (c *receiver) event(kind webhook.Type, is func(webhook.Event) bool) webhook.Event {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		for _, e := range c.events {
			if e.Type == kind && is(e) {
				c.mu.Unlock()
				return e
			}
		}
		c.mu.Unlock()
		select {
		case <-c.came:
		case <-deadline:
			c.t.Fatalf("%s did not come; these did: %+v", kind, c.events)
		}
	}
}
