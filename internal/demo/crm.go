package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/web"
	"github.com/creditorro/ringmaster/webhook"
)

const (
	kept       = 1000      // events in memory
	shown      = 200       // of them, to a browser that comes
	maxWebhook = 256 << 10 // bytes of a request
)

// CRM is a small CRM: it gave the list of people, and knows of calls to them what the webhooks say. It serves the paths
// below /crm/.
type CRM struct {
	verifier *standardwebhooks.Webhook
	people   map[string]campaigns.Contact
	feed     feed
	mux      *http.ServeMux

	mu      sync.Mutex
	events  []*received // the latest, oldest first
	byID    map[string]*received
	total   int64
	refused int64
}

// received is one event as the CRM keeps it.
type received struct {
	Number int64           `json:"number"` // 1, 2, … in the order of arrival
	At     time.Time       `json:"at"`
	Times  int             `json:"times"` // how often it came; more than once is no fault
	Event  json.RawMessage `json:"event"`
	id     string
	person string
}

// PageData is what the demo's pages are told.
var PageData = map[string]string{"demo": "", "presence": PresencePath, "login": "agent01"}

// NewCRM makes a CRM that trusts requests signed with the endpoint's secret.
func NewCRM(secret string, people []campaigns.Contact) (*CRM, error) {
	if err := webhook.CheckSecret(secret); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("demo: making the CRM's verifier: %w", err)
	}
	c := &CRM{verifier: verifier, people: map[string]campaigns.Contact{}, byID: map[string]*received{}, mux: http.NewServeMux()}
	for _, p := range people {
		c.people[p.CRMID] = p
	}
	list, err := web.Page{Name: "crm", Data: PageData}.Handler()
	if err != nil {
		return nil, err
	}
	card, err := web.Page{Name: "card", Framed: true, Data: PageData}.Handler()
	if err != nil {
		return nil, err
	}
	c.mux.HandleFunc("POST /crm/webhook", c.receive)
	c.mux.Handle("GET /crm/{$}", list)
	c.mux.Handle("GET /crm/card/{person}", card)
	c.mux.HandleFunc("GET /crm/people/{person}", c.person)
	c.mux.HandleFunc("GET /crm/feed", c.watch)
	return c, nil
}

func (c *CRM) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Close lets the browsers that watch go: a server that stops waits for its streams.
func (c *CRM) Close() { c.feed.end() }

// Received counts the events that came, each once.
func (c *CRM) Received() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

func (c *CRM) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil {
		http.Error(w, "request too long or cut off", http.StatusRequestEntityTooLarge)
		return
	}
	if err := c.verifier.Verify(body, r.Header); err != nil {
		c.mu.Lock()
		c.refused++
		c.mu.Unlock()
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	var event webhook.Event
	if err := json.Unmarshal(body, &event); err != nil {
		http.Error(w, "not an event", http.StatusBadRequest)
		return
	}
	c.keep(r.Header.Get(standardwebhooks.HeaderWebhookID), event, body)
	w.WriteHeader(http.StatusNoContent)
}

func (c *CRM) keep(id string, event webhook.Event, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byID[id]
	if e != nil {
		e.Times++ // known by its webhook-id
		return
	}
	c.total++
	e = &received{Number: c.total, At: time.Now().UTC(), Times: 1, Event: body, id: id}
	if event.Data.Contact != nil {
		e.person = event.Data.Contact.CRMID
	}
	c.byID[id] = e
	c.events = append(c.events, e)
	if len(c.events) > kept {
		delete(c.byID, c.events[0].id)
		c.events = c.events[1:]
	}
	c.feed.publish(e.frame()) // within the lock: frames leave in the order of their numbers
}

// frame is the event as browsers get it. The body was parsed, so it is JSON; it may hold line breaks, which a frame may
// not, and Marshal takes them out.
func (e *received) frame() frame {
	data, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return frame{number: e.Number, data: data}
}

// watch sends events as they come: of one person when asked so, else of all.
func (c *CRM) watch(w http.ResponseWriter, r *http.Request) {
	person := r.URL.Query().Get("person")
	after, _ := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64) // none, or nonsense: from the beginning
	past := func() []frame {
		c.mu.Lock()
		defer c.mu.Unlock()
		var list []frame
		for _, e := range c.events {
			if e.Number > after && (person == "" || e.person == person) {
				list = append(list, e.frame())
			}
		}
		return list[max(0, len(list)-shown):]
	}
	keep := func(fr frame) bool {
		if person == "" {
			return true
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		i := len(c.events) - 1 - int(c.total-fr.number)
		return i >= 0 && c.events[i].person == person
	}
	c.feed.serve(w, r, past, keep)
}

// person answers what the CRM knows of one person without any call.
func (c *CRM) person(w http.ResponseWriter, r *http.Request) {
	p, ok := c.people[r.PathValue("person")]
	if !ok {
		http.Error(w, "no such person", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]any{"crm_id": p.CRMID, "name": p.Name, "phones": p.Phones, "payload": p.Payload})
}
