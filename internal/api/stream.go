package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) streamRoutes() {
	route(a, agentsAndSupervisors, a.stream, op("Overview", "live", "GET /live", "Watch what changes", streams("text/event-stream"),
		says("A stream of server-sent events (`text/event-stream`). The first, `snapshot`, has everything that one may see; each "+
			"`delta` after it has "+
			"what has changed since the last, once a second at most: `{\"items\": [{\"kind\", \"id\", \"value\"}]}`, and a value of "+
			"null is no more. "+
			"Kinds for supervisors: `agent` (as /agents/live), `call` (as /calls/live, by attempt), `campaign`, `trunk` (by node and "+
			"name), `overview` (troubles and counts), and of each campaign that is named `outlook` (figures, and why nobody is called) "+
			"and `pacing` (as /campaigns/{id}/pacing, every five seconds at most). "+
			"For an agent: `me` and `callback` (as /me/callbacks, by contact; the first 100). A comment comes every 15 s when nothing "+
			"changes. After a lost "+
			"connection a snapshot comes again. The stream ends when its user may not enter any more."),
		refuses(http.StatusTooManyRequests)))
}

const (
	streamPath    = prefix + "/live"
	streamBeat    = time.Second
	streamKeep    = 15 // beats without a change before a comment is sent
	streamWrite   = 10 * time.Second
	mostStreams   = 1000 // at a node
	streamsOfUser = 20
	mineEvery     = 5 // beats between looks at an agent's callbacks
)

// isStream reports whether a request is for what ends when its reader, its right or the node does.
func isStream(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == streamPath || isProgress(r)
}

// watchers are the open streams.
type watchers struct {
	mu     sync.Mutex
	all    int
	byUser map[int64]int
	over   chan struct{} // closed when the node stops
	end    sync.Once

	board    board
	outlooks outlooks
}

// enter counts one in; false: there are too many.
func (s *watchers) enter(user int64) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= mostStreams || s.byUser[user] >= streamsOfUser {
		return nil, false
	}
	s.all++
	if s.byUser == nil {
		s.byUser = map[int64]int{}
	}
	s.byUser[user]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.byUser[user]--; s.byUser[user] == 0 {
			delete(s.byUser, user)
		}
	}, true
}

// EndStreams ends what would not end by itself, for a server that stops.
func (h *Handler) EndStreams() {
	h.api.watchers.end.Do(func() { close(h.api.watchers.over) })
}

// LiveItem is one thing as it is now.
type LiveItem struct {
	Kind  string          `json:"kind"`
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value"`
}

type streamReply struct {
	ContentType string `header:"Content-Type"`
	Cache       string `header:"Cache-Control"`
	Buffering   string `header:"X-Accel-Buffering"`   // nginx must not wait for more
	Plain       string `header:"No-Gzip-Compression"` // ours neither; it takes the header away
	Body        func(huma.Context)
}

func (a *api) stream(ctx context.Context, in *liveInput) (*streamReply, error) {
	user := userOf(ctx)
	leave, ok := a.watchers.enter(user.ID)
	if !ok {
		return nil, refuse(http.StatusTooManyRequests, whyTooManyStreams)
	}
	look := a.boardWith(in.Campaign)
	if user.Role == access.RoleAgent {
		look = (&desk{a: a, agentID: user.AgentID}).items
	}
	return &streamReply{ContentType: "text/event-stream", Cache: "no-store", Buffering: "no", Plain: "1",
		Body: func(hc huma.Context) {
			defer leave()
			_, w := humago.Unwrap(hc)
			if err := a.tellChanges(ctx, w, look); err != nil && ctx.Err() == nil {
				a.Logger.InfoContext(ctx, "live stream ended", slog.Any("error", err))
			}
		}}, nil
}

// tellChanges sends what look returns, and then what differs, until the request ends.
func (a *api) tellChanges(ctx context.Context, w http.ResponseWriter, look func(context.Context) ([]LiveItem, error)) error {
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	told := map[[2]string]json.RawMessage{}
	name, quiet := "snapshot", 0
	for number := 1; ; {
		items, err := a.lookInTime(ctx, look)
		if err != nil {
			return err // the page comes again, and is told everything anew
		}
		changed := changesOf(told, items)
		var out bytes.Buffer
		switch {
		case len(changed) > 0 || name == "snapshot":
			body, err := json.Marshal(map[string]any{"at": a.Now().UTC(), "items": changed})
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "id: %d\nevent: %s\ndata: %s\n\n", number, name, body)
			number, name, quiet = number+1, "delta", 0
		case quiet >= streamKeep:
			out.WriteString(": nothing new\n\n")
			quiet = 0
		default:
			quiet++
		}
		if out.Len() > 0 {
			if err := writeStream(w, out.Bytes()); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.watchers.over:
			return nil
		case <-beat.C:
		}
	}
}

// lookInTime bounds a look: a record that does not reply must not keep the stream.
func (a *api) lookInTime(ctx context.Context, look func(context.Context) ([]LiveItem, error)) ([]LiveItem, error) {
	ctx, cancel := context.WithTimeout(ctx, a.RequestTime)
	defer cancel()
	return look(ctx)
}

// writeStream sends at once, to a client that reads.
func writeStream(w http.ResponseWriter, b []byte) error {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(streamWrite)) // connections without deadlines are tests'
	if _, err := w.Write(b); err != nil {
		return err
	}
	return control.Flush()
}

// changesOf are the items that were not told so, and those that are no more; told becomes what is.
func changesOf(told map[[2]string]json.RawMessage, items []LiveItem) []LiveItem {
	changed, there := []LiveItem{}, make(map[[2]string]bool, len(items))
	for _, item := range items {
		key := [2]string{item.Kind, item.ID}
		there[key] = true
		if !bytes.Equal(told[key], item.Value) {
			told[key] = item.Value
			changed = append(changed, item)
		}
	}
	for key := range told {
		if !there[key] {
			delete(told, key)
			changed = append(changed, LiveItem{Kind: key[0], ID: key[1]})
		}
	}
	return changed
}

func itemOf(kind, id string, v any) LiveItem { return LiveItem{kind, id, asJSON(v)} }

// board is what supervisors see, made once a beat for all who watch, in each language.
type board struct {
	mu   sync.Mutex
	made map[string]boardPage
}

type boardPage struct {
	at    time.Time // by our own clock: it is the age that matters
	items []LiveItem
}

func (a *api) boardOf(ctx context.Context) ([]LiveItem, error) {
	b, language := &a.watchers.board, bookOf(ctx).Language()
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, there := b.made[language]; there && time.Since(p.at) < streamBeat*9/10 {
		return p.items, nil
	}
	items, err := a.makeBoard(ctx)
	if err != nil {
		return nil, err
	}
	if b.made == nil {
		b.made = map[string]boardPage{}
	}
	b.made[language] = boardPage{time.Now(), items}
	return items, nil
}

// LiveCampaign is a campaign on the stream.
type LiveCampaign struct {
	ID         int64            `json:"id"`
	Name       string           `json:"name"`
	Queue      string           `json:"queue"`
	Mode       campaigns.Mode   `json:"mode"`
	Status     campaigns.Status `json:"status"`
	WindowOpen bool             `json:"window_open"`
}

func (a *api) makeBoard(ctx context.Context) (items []LiveItem, err error) {
	on, err := a.loggedOn(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range on {
		items = append(items, itemOf("agent", strconv.FormatInt(l.AgentID, 10), showLive(ctx, l)))
	}
	calls, err := a.Store.OpenCalls(ctx, 0, 0, mostAgents)
	if err != nil {
		return nil, err
	}
	show, err := a.showOpenCalls(ctx, calls)
	if err != nil {
		return nil, err
	}
	for _, t := range calls {
		items = append(items, itemOf("call", t.ID.String(), show(t)))
	}
	for after := int64(0); ; {
		list, err := a.Store.Campaigns(ctx, after, agentsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			items = append(items, itemOf("campaign", strconv.FormatInt(c.ID, 10),
				LiveCampaign{c.ID, c.Name, c.Queue, c.Mode, c.Status, campaigns.OpeningAt(c, a.Now()).Open()}))
			after = c.ID
		}
		if len(list) < agentsAtOnce || after > mostCampaigns {
			break
		}
	}
	if a.Trunks != nil {
		trunks, err := a.Trunks(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range trunks {
			k.At = time.Time{} // of the report: it alone is no change
			items = append(items, itemOf("trunk", k.Node+"/"+k.Name, k))
		}
	}
	o, err := a.overview(ctx, &overviewInput{})
	if err != nil {
		return nil, err
	}
	o.Body.At = time.Time{}
	return append(items, itemOf("overview", "", o.Body)), nil
}

// desk is what an agent sees of the own matters.
type desk struct {
	a         *api
	agentID   int64
	beat      int
	callbacks []LiveItem
}

func (d *desk) items(ctx context.Context) ([]LiveItem, error) {
	list, err := d.a.Roster.List(ctx, d.agentID-1, 1)
	if err != nil {
		return nil, err
	}
	me := agents.Off(d.agentID)
	if len(list) > 0 && list[0].AgentID == d.agentID {
		me = list[0]
	}
	if d.beat%mineEvery == 0 {
		page, err := d.a.myCallbacks(ctx, &Paging{Limit: 100})
		if err != nil {
			return nil, err
		}
		d.callbacks = d.callbacks[:0]
		for _, c := range page.Body.Items {
			d.callbacks = append(d.callbacks, itemOf("callback", strconv.FormatInt(c.ContactID, 10), c))
		}
	}
	d.beat++
	return append([]LiveItem{itemOf("me", strconv.FormatInt(d.agentID, 10), showLive(ctx, me))}, d.callbacks...), nil
}
