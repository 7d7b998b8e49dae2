package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/api"
)

// liveEvent is one event of a stream.
type liveEvent struct {
	name  string
	items []api.LiveItem
}

// watch opens a stream as a role; the channel is closed with it.
func (h *house) watch(ctx context.Context, role access.Role) <-chan liveEvent {
	h.t.Helper()
	return h.watchAt(ctx, role, "/api/v1/live")
}

func (h *house) watchAt(ctx context.Context, role access.Role, path string) <-chan liveEvent {
	h.t.Helper()
	r := h.request(role, "GET", path, "").WithContext(ctx)
	reply, err := http.DefaultClient.Do(r)
	h.must(err)
	if kind := reply.Header.Get("Content-Type"); reply.StatusCode != http.StatusOK || kind != "text/event-stream" {
		h.t.Fatalf("%d, %s", reply.StatusCode, kind)
	}
	events := make(chan liveEvent)
	go func() {
		defer close(events)
		defer reply.Body.Close()
		lines := bufio.NewReader(reply.Body)
		var e liveEvent
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				e.name = strings.TrimSpace(name)
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				var body struct{ Items []api.LiveItem }
				if json.Unmarshal([]byte(data), &body) != nil {
					return
				}
				e.items = body.Items
				select {
				case events <- e:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return events
}

// next waits for an event with an item of the kind.
func nextOf(t *testing.T, events <-chan liveEvent, kind string) api.LiveItem {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatal("the stream has ended")
			}
			for _, item := range e.items {
				if item.Kind == kind {
					return item
				}
			}
		case <-late:
			t.Fatalf("nothing of %s", kind)
		}
	}
}

// TestLiveStream: first everything, then what changes, and null for what is no more.
func TestLiveStream(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	_, err := h.store.Agents.CreateExtension(ctx, agents.Extension{Name: "101", Network: "sip", Number: "101"})
	h.must(err)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := h.watch(ctx, supervisor)
	first := <-events
	kinds := map[string]int{}
	for _, item := range first.items {
		kinds[item.Kind]++
	}
	if first.name != "snapshot" || kinds["campaign"] != 1 || kinds["overview"] != 1 || kinds["agent"] != 0 {
		t.Errorf("%s: %v", first.name, kinds)
	}
	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/start", c.ID), "").want(http.StatusOK, nil)
	if item := nextOf(t, events, "campaign"); !strings.Contains(string(item.Value), `"status":"running"`) {
		t.Errorf("%s", item.Value)
	}
	h.logOn()
	if item := nextOf(t, events, "agent"); item.ID != fmt.Sprint(h.agent.ID) || !strings.Contains(string(item.Value),
		`"state":"available"`) {
		t.Errorf("%+v", item)
	}
	h.must(h.roster.Logout(ctx, h.agent.ID))
	item := nextOf(t, events, "agent")
	for string(item.Value) != "null" && item.Value != nil { // what has become of the agent before may have been told by itself
		item = nextOf(t, events, "agent")
	}
	if item.ID != fmt.Sprint(h.agent.ID) {
		t.Errorf("of one who is off: %+v", item)
	}
}

// TestLiveStreamOfCampaign: the figures of those that are named, and nothing of one that is not there.
func TestLiveStreamOfCampaign(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	other := h.campaign("Spring")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := h.watchAt(ctx, supervisor, fmt.Sprintf("/api/v1/live?campaign=%d&campaign=999", c.ID))
	item := nextOf(t, events, "outlook")
	if item.ID != fmt.Sprint(c.ID) || !strings.Contains(string(item.Value), `"contacts":{}`) {
		t.Errorf("%s: %s", item.ID, item.Value)
	}
	h.contact(other.ID, "6", "+447700900122")
	h.contact(c.ID, "7", "+447700900123")
	for item = nextOf(t, events, "outlook"); !strings.Contains(string(item.Value), `"waiting":1`); {
		item = nextOf(t, events, "outlook")
	}
	if item.ID != fmt.Sprint(c.ID) {
		t.Errorf("of another campaign: %s", item.ID)
	}
}

// TestLiveStreamOfPacing: how far a named campaign's calls run ahead comes by the stream, as the page's own request has it.
func TestLiveStreamOfPacing(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	h.campaign("Spring")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	item := nextOf(t, h.watchAt(ctx, supervisor, fmt.Sprintf("/api/v1/live?campaign=%d&campaign=999", c.ID)), "pacing")
	var streamed, asked api.Pacing
	h.must(json.Unmarshal(item.Value, &streamed))
	h.do("GET", fmt.Sprintf("/api/v1/campaigns/%d/pacing", c.ID), "").want(http.StatusOK, &asked)
	if item.ID != fmt.Sprint(c.ID) || asked.Cap == 0 || !reflect.DeepEqual(streamed, asked) {
		t.Errorf("of %s: %+v, want %+v", item.ID, streamed, asked)
	}
}

// TestLiveStreamOfAgent: an agent sees itself alone, and the stream ends when the node stops.
func TestLiveStreamOfAgent(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	id := h.contact(c.ID, "7", "+447700900123")
	h.do("POST", "/api/v1/callbacks", fmt.Sprintf(`{"contact_id": %d, "at": "2026-03-04T09:00:00Z", "agent_id": %d}`, id,
		h.agent.ID)).want(http.StatusCreated, nil)
	events := h.watch(ctx, agent)
	first := <-events
	if len(first.items) != 2 || first.items[0].Kind != "me" || first.items[1].Kind != "callback" {
		t.Errorf("%+v", first.items)
	}
	h.api.EndStreams()
	h.api.EndStreams() // a listener each may say so
	for range events {
	}
}

// TestLiveStreamsAreFew: one user cannot take all of them.
func TestLiveStreamsAreFew(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	open := func() int {
		reply, err := http.DefaultClient.Do(h.request(supervisor, "GET", "/api/v1/live", "").WithContext(ctx))
		h.must(err)
		if reply.StatusCode != http.StatusOK {
			_, _ = io.Copy(io.Discard, reply.Body)
			_ = reply.Body.Close()
		}
		return reply.StatusCode
	}
	for range 20 {
		if status := open(); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	if status := open(); status != http.StatusTooManyRequests {
		t.Errorf("one more: status %d", status)
	}
}

// TestSettings are those that the node tells, and an admin's alone.
func TestSettings(t *testing.T) {
	h := newHouse(t, func(d *api.Deps) {
		d.Settings = func() []api.Setting { return []api.Setting{{Key: "listen", Value: ":8080", Source: "default"}} }
	})
	var list struct{ Items []api.Setting }
	h.do("GET", "/api/v1/settings", "").want(http.StatusOK, &list)
	if len(list.Items) != 1 || list.Items[0].Key != "listen" {
		t.Errorf("%+v", list)
	}
}
