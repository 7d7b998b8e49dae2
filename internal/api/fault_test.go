package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// broken is a store whose next methods do what a test says.
type broken struct {
	api.CampaignStore
	api.ImportStore
	campaigns func() error
	waits     bool          // lists of campaigns come when the request's time is over
	long      bool          // they are many megabytes long
	entered   chan struct{} // imports tell it, and then wait for release
	release   chan struct{}
}

func (b *broken) Campaigns(ctx context.Context, after int64, limit int) ([]*campaigns.Campaign, error) {
	if b.campaigns != nil {
		return nil, b.campaigns()
	}
	if b.waits {
		<-ctx.Done()
		return nil, fmt.Errorf("store: campaigns: %w", ctx.Err())
	}
	if b.long {
		long := &campaigns.Campaign{ID: 1, CardLink: strings.Repeat("x", 64<<10)}
		return slices.Repeat([]*campaigns.Campaign{long}, limit), nil
	}
	return b.CampaignStore.Campaigns(ctx, after, limit)
}

func (b *broken) BeginImport(ctx context.Context, im campaigns.Import, now time.Time) (campaigns.Import, error) {
	if b.entered != nil {
		close(b.entered)
		<-b.release
	}
	return b.ImportStore.BeginImport(ctx, im, now)
}

// stands puts b before what there is.
func (b *broken) stands(before *api.Store) {
	b.CampaignStore, b.ImportStore = before.CampaignStore, before.ImportStore
	before.CampaignStore, before.ImportStore = b, b
}

func newBrokenHouse(t *testing.T) (*house, *broken) {
	b := &broken{}
	h := newHouse(t, func(d *api.Deps) {
		b.stands(&d.Store)
	})
	return h, b
}

// TestStoreFails: what the client is told, and that the log alone knows more.
func TestStoreFails(t *testing.T) {
	h, b := newBrokenHouse(t)
	for _, tt := range []struct {
		err    error
		status int
	}{
		{errors.New("store: password of pg is hunter2"), http.StatusInternalServerError},
		{fmt.Errorf("store: campaigns: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		{fmt.Errorf("%w: campaign 7 is stopped", store.ErrConflict), http.StatusConflict},
		{fmt.Errorf("store: campaign 7: %w", store.ErrNotFound), http.StatusNotFound},
	} {
		b.campaigns = func() error { return tt.err }
		h.do("GET", "/api/v1/campaigns", "").refused(tt.status)
		if r := h.do("GET", "/api/v1/campaigns", ""); strings.Contains(string(r.body), "hunter2") {
			t.Errorf("told: %s", r.body)
		}
	}
	if !strings.Contains(h.log.String(), "hunter2") {
		t.Error("the log does not know what happened")
	}
}

// TestNobodyCanBeAsked: without the record nobody is admitted, and the client learns that it is not its fault.
func TestNobodyCanBeAsked(t *testing.T) {
	h := newHouse(t)
	h.disconnect()
	h.do("GET", "/api/v1/campaigns", "").refused(http.StatusServiceUnavailable, "ask again")
	h.send(h.request("", "POST", "/api/v1/login", login("admin", password))).refused(http.StatusInternalServerError)
}

// TestRepeatWhileUnderWay: the second of two equal requests is told to wait, and afterwards gets the first one's answer.
func TestRepeatWhileUnderWay(t *testing.T) {
	h, b := newBrokenHouse(t)
	c := h.campaign("Winter")
	b.entered, b.release = make(chan struct{}), make(chan struct{})
	request := func() *http.Request {
		r := h.request(access.RoleCRM, "POST", fmt.Sprintf("/api/v1/campaigns/%d/contacts", c.ID),
			`[{"crm_id": "1", "phone": "+447700900001"}]`)
		r.Header.Set("Idempotency-Key", "once")
		return r
	}
	replies := make(chan *http.Response, 1)
	go func() {
		reply, err := http.DefaultClient.Do(request())
		if err != nil {
			t.Error(err)
		}
		replies <- reply
	}()
	<-b.entered
	second := h.send(request())
	second.refused(http.StatusConflict, "under way")
	if second.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(b.release)
	first := <-replies
	defer first.Body.Close()
	body, err := io.ReadAll(first.Body)
	h.must(err)
	third := h.send(request()).want(http.StatusOK, nil)
	if string(body) != string(third.body) || third.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("first %s, third %s", body, third.body)
	}
}

// TestSlowStore: a request ends in time, though the store does not.
func TestSlowStore(t *testing.T) {
	b := &broken{}
	h := newHouse(t, func(d *api.Deps) {
		b.stands(&d.Store)
		d.RequestTime = 2 * time.Second // who asks is found out within it, too
	})
	b.waits = true
	h.do("GET", "/api/v1/campaigns", "").refused(http.StatusServiceUnavailable, "too long")
}

// TestClientDoesNotRead: a reply that nobody takes ends with its time, and holds no handler for ever.
func TestClientDoesNotRead(t *testing.T) {
	served := make(chan struct{})
	b := &broken{}
	h := newHouse(t, func(d *api.Deps) {
		b.stands(&d.Store)
		d.RequestTime = 200 * time.Millisecond
	})
	b.long = true
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	h.must(err)
	defer conn.Close()
	h.must(conn.(*net.TCPConn).SetReadBuffer(4096))
	_, err = fmt.Fprintf(conn, "GET /api/v1/campaigns?limit=500 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
		h.tokens[access.RoleAdmin])
	h.must(err)
	go func() {
		defer close(served)
		h.server.Close() // waits for its requests
	}()
	select {
	case <-served:
	case <-time.After(2 * time.Minute):
		t.Fatal("the handler is held by a client that does not read")
	}
	if strings.Contains(h.log.String(), "panicked") {
		t.Errorf("logged as a mistake of ours: %s", h.log)
	}
}

// TestPanic: a mistake of ours is logged with its place, and the process lives on.
func TestPanic(t *testing.T) {
	h, b := newBrokenHouse(t)
	var mended atomic.Bool
	b.campaigns = func() error {
		if !mended.Load() {
			panic("oh no")
		}
		return nil
	}
	if reply, err := http.DefaultClient.Do(h.request(admin, "GET", "/api/v1/campaigns", "")); err == nil {
		reply.Body.Close()
		t.Errorf("answered %d", reply.StatusCode)
	}
	mended.Store(true)
	h.do("GET", "/api/v1/campaigns", "").want(http.StatusOK, nil)
	if !strings.Contains(h.log.String(), "oh no") || !strings.Contains(h.log.String(), "fault_test.go") {
		t.Errorf("log: %s", h.log)
	}
}

// TestClientVanishes: a list whose sender goes away in the middle leaves what was accepted, and no request hangs.
func TestClientVanishes(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	h.must(err)
	_, err = fmt.Fprintf(conn,
		"POST /api/v1/campaigns/%d/contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: "+
			"text/csv\r\nContent-Length: 1000000\r\n\r\n"+
			"crm_id,phone\n1,+447700900001\n", c.ID, h.tokens[access.RoleCRM])
	h.must(err)
	h.must(conn.Close())
	// The import is over once it is on the audit log.
	done := testdeps.Seen(t, "the import to end", func() (last store.AuditEntry) {
		log, err := h.store.Audits.AuditLog(ctx, 0, 1)
		h.must(err)
		if len(log) > 0 {
			last = log[0]
		}
		return last
	}, func(last store.AuditEntry) bool { return last.What == "contacts.import" })
	if !strings.Contains(done.Detail, ": 1 accepted") {
		t.Errorf("%+v", done)
	}
	contacts, err := h.store.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
	h.must(err)
	if len(contacts) != 1 {
		t.Errorf("%d contacts", len(contacts))
	}
}
