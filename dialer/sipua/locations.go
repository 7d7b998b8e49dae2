package sipua

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/installation"
)

// Binding is a phone that registered: where an extension's calls go until it expires.
type Binding struct {
	Extension string    `json:"extension"`
	AgentID   int64     `json:"agent_id,omitempty"` // whose tab it is in; 0: a desk phone, which is anybody's who has the extension
	Node      string    `json:"node"`               // that holds the phone's flow; only it can call
	Contact   string    `json:"contact"`
	Instance  string    `json:"instance,omitempty"` // +sip.instance (RFC 5626): the same phone over restarts
	Transport string    `json:"transport"`
	Source    string    `json:"source"` // ip:port of the phone's flow
	Expires   time.Time `json:"expires"`
	Since     time.Time `json:"since"` // last refreshed
	UserAgent string    `json:"user_agent,omitempty"`

	uri    sip.Uri
	params sip.HeaderParams
	user   string   // who registered it
	proof  [32]byte // fingerprint of the credentials that it was registered by
	nat    bool     // over UDP, from another address than the one it names
	knock  *knock   // of a phone behind NAT
}

// maxPhones is how many phones an extension may have registered at a node. Beyond it the one refreshed longest ago goes.
const maxPhones = 10

// key tells one phone of an extension from another. A page that is loaded anew makes a new instance and contact.
func (b Binding) key() string {
	if b.Instance != "" {
		return b.Instance + " " + b.uri.User
	}
	return b.uri.User + "@" + b.uri.Host
}

func (b Binding) hop() hop { return hop{transport: b.Transport, addr: b.Source, flow: true} }

func (b Binding) browser() bool { return b.Transport == "WS" || b.Transport == "WSS" }

// rings says whether the phone is one of this owner of its extension.
func (b Binding) rings(owner int64) bool { return b.AgentID == 0 || b.AgentID == owner }

// locations knows the phones whose flows this node holds, and shows them to the other nodes in Redis.
//
// Redis away: phones of this node are called as before, since their flows are here; the others' are not seen. Redis back:
// each phone is shown again at its next refresh.
type locations struct {
	installation installation.Name
	node         string
	redis        redis.UniversalClient // nil: no other nodes
	log          *slog.Logger
	write        chan func(context.Context) error

	mu     sync.Mutex
	phones map[string]map[string]Binding // by extension, then by key
}

func newLocations(of installation.Name, node string, client redis.UniversalClient, log *slog.Logger) *locations {
	return &locations{installation: of, node: node, redis: client, log: log, write: make(chan func(context.Context) error, 1024),
		phones: map[string]map[string]Binding{}}
}

// key holds an extension's phones: a hash by node.
func (l *locations) key(extension string) string {
	return l.installation.Key("sip:phones:" + extension)
}

// update adds, refreshes and removes bindings and returns the extension's live ones.
func (l *locations) update(extension string, bindings []Binding) []Binding {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	phones := l.phones[extension]
	for _, b := range bindings {
		if !b.Expires.After(now) {
			delete(phones, b.key())
			continue
		}
		if phones == nil {
			phones = map[string]Binding{}
			l.phones[extension] = phones
		}
		for key, old := range phones { // a flow carries one phone: a reloaded page reuses nothing, a re-registered one all
			if old.Source == b.Source && old.Transport == b.Transport && key != b.key() {
				delete(phones, key)
			}
		}
		if b.nat {
			b.knock = newKnock(now)
		}
		phones[b.key()] = b
		if len(phones) > maxPhones {
			delete(phones, slices.MinFunc(slices.Collect(maps.Values(phones)), bySince).key())
		}
	}
	return l.tidy(extension, now)
}

func bySince(a, b Binding) int { return cmp.Compare(a.Since.UnixNano(), b.Since.UnixNano()) }

// tidy forgets what expired and shows the rest. The caller holds l.mu.
func (l *locations) tidy(extension string, now time.Time) []Binding {
	phones := l.phones[extension]
	live := make([]Binding, 0, len(phones))
	for key, b := range phones {
		if b.Expires.After(now) {
			live = append(live, b)
		} else {
			delete(phones, key)
		}
	}
	if len(live) == 0 {
		delete(l.phones, extension)
	}
	slices.SortFunc(live, func(a, b Binding) int { return bySince(b, a) })
	l.show(extension, live)
	return live
}

// lost removes the phone behind a flow that broke, and returns whose it was.
func (l *locations) lost(transport, source string) (extensions []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for extension, phones := range l.phones {
		for key, b := range phones {
			if b.Source == source && b.Transport == transport {
				delete(phones, key)
				l.tidy(extension, time.Now())
				extensions = append(extensions, extension)
			}
		}
	}
	return extensions
}

// dropTabs removes the phones in browsers of others than an extension's owner, and returns whether there were any.
func (l *locations) dropTabs(extension string, owner int64) (dropped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, b := range l.phones[extension] {
		if !b.rings(owner) {
			delete(l.phones[extension], key)
			dropped = true
		}
	}
	if dropped {
		l.tidy(extension, time.Now())
	}
	return dropped
}

// drop removes a phone, unless it has registered anew meanwhile, and returns whether it did.
func (l *locations) drop(b Binding) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, ok := l.phones[b.Extension][b.key()]
	if !ok || !now.Since.Equal(b.Since) || now.Source != b.Source {
		return false
	}
	delete(l.phones[b.Extension], b.key())
	l.tidy(b.Extension, time.Now())
	return true
}

// flows are the connections that carry a phone.
func (l *locations) flows() map[string]bool {
	flows := map[string]bool{}
	for _, b := range l.all() {
		flows[flowKey(b.Transport, b.Source)] = true
	}
	return flows
}

// behindNAT are the phones of this node that have to be asked for signs of life.
func (l *locations) behindNAT() (some []Binding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, phones := range l.phones {
		for _, b := range phones {
			if b.knock != nil {
				some = append(some, b)
			}
		}
	}
	return some
}

// expire forgets phones that did not refresh, and returns the extensions that have none left.
func (l *locations) expire(now time.Time) (gone []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for extension, phones := range l.phones {
		before := len(phones)
		if len(l.tidyIfDue(extension, now)) == 0 && before > 0 {
			gone = append(gone, extension)
		}
	}
	return gone
}

func (l *locations) tidyIfDue(extension string, now time.Time) []Binding {
	for _, b := range l.phones[extension] {
		if !b.Expires.After(now) {
			return l.tidy(extension, now)
		}
	}
	return make([]Binding, 1) // nothing expired
}

func (l *locations) of(extension string) []Binding {
	l.mu.Lock()
	defer l.mu.Unlock()
	live := make([]Binding, 0, 1)
	for _, b := range l.phones[extension] {
		if b.Expires.After(time.Now()) {
			live = append(live, b)
		}
	}
	return live
}

// newest is the phone of the extension's owner on this node that registered last.
func (l *locations) newest(extension string, owner int64) (Binding, bool) {
	live := slices.DeleteFunc(l.of(extension), func(b Binding) bool { return !b.rings(owner) })
	if len(live) == 0 {
		return Binding{}, false
	}
	return slices.MaxFunc(live, bySince), true
}

// all are the phones of this node.
func (l *locations) all() []Binding {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Binding
	for _, phones := range l.phones {
		for _, b := range phones {
			all = append(all, b)
		}
	}
	return all
}

// show queues the write of an extension's phones to Redis; when Redis is so slow that the queue is full, the next refresh
// repeats it.
func (l *locations) show(extension string, live []Binding) {
	if l.redis == nil {
		return
	}
	select {
	case l.write <- func(ctx context.Context) error { return l.store(ctx, extension, live) }:
	default:
		l.log.Warn("phones are not shown to other nodes: Redis is slow", "extension", extension)
	}
}

func (l *locations) store(ctx context.Context, extension string, live []Binding) error {
	if len(live) == 0 {
		return l.redis.HDel(ctx, l.key(extension), l.node).Err()
	}
	ahead, err := redisAhead(ctx, l.redis)
	if err != nil {
		return err
	}
	shown := slices.Clone(live)
	for i := range shown {
		shown[i].move(ahead)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return err
	}
	pipe := l.redis.TxPipeline()
	pipe.HSet(ctx, l.key(extension), l.node, text)
	pipe.Expire(ctx, l.key(extension), maxExpires+time.Minute)
	_, err = pipe.Exec(ctx)
	return err
}

// run writes to Redis, in order, until ctx ends; then this node's phones are taken away, for they cannot be called any more.
func (l *locations) run(ctx context.Context) {
	if l.redis == nil {
		<-ctx.Done()
		return
	}
	attempt := func(ctx context.Context, f func(context.Context) error) {
		ctx, stop := context.WithTimeout(ctx, 2*time.Second)
		defer stop()
		if err := f(ctx); err != nil {
			l.log.Warn("phones cannot be shown to other nodes", "error", err)
		}
	}
	for {
		select {
		case f := <-l.write:
			attempt(ctx, f)
		case <-ctx.Done():
			attempt(context.WithoutCancel(ctx), l.leave)
			return
		}
	}
}

func (l *locations) leave(ctx context.Context) error {
	pipe := l.redis.Pipeline()
	pipe.Del(ctx, l.nailedKey()) // they were hung up
	for _, b := range l.all() {
		pipe.HDel(ctx, l.key(b.Extension), l.node)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// elsewhere lists an extension's live phones on all nodes.
func (l *locations) elsewhere(ctx context.Context, extension string) ([]Binding, error) {
	if l.redis == nil {
		return nil, nil
	}
	ahead, err := redisAhead(ctx, l.redis)
	if err != nil {
		return nil, fmt.Errorf("sipua: phones in Redis: %w", err)
	}
	nodes, err := l.redis.HGetAll(ctx, l.key(extension)).Result()
	if err != nil {
		return nil, fmt.Errorf("sipua: phones in Redis: %w", err)
	}
	return decode(nodes, ahead), nil
}

// decode reads the live phones of an extension, in Redis' time, as this process's clock has it.
func decode(nodes map[string]string, ahead time.Duration) []Binding {
	var live []Binding
	for _, text := range nodes {
		var bindings []Binding
		if json.Unmarshal([]byte(text), &bindings) != nil {
			continue
		}
		for _, b := range bindings {
			if b.move(-ahead); b.Expires.After(time.Now()) {
				live = append(live, b)
			}
		}
	}
	return live
}

// Phones lists the phones that are registered now at any node, as Redis shows them.
func Phones(ctx context.Context, client redis.UniversalClient, of installation.Name) ([]Binding, error) {
	return (&locations{installation: of, redis: client}).everywhere(ctx)
}

// everywhere lists the live phones of all extensions and nodes.
func (l *locations) everywhere(ctx context.Context) ([]Binding, error) {
	if l.redis == nil {
		return l.all(), nil
	}
	ahead, err := redisAhead(ctx, l.redis)
	if err != nil {
		return nil, fmt.Errorf("sipua: phones in Redis: %w", err)
	}
	var live []Binding
	scan := func(ctx context.Context, client redis.Cmdable) error {
		it := client.Scan(ctx, 0, l.key("*"), 500).Iterator()
		for it.Next(ctx) {
			nodes, err := l.redis.HGetAll(ctx, it.Val()).Result()
			if err != nil {
				return err
			}
			live = append(live, decode(nodes, ahead)...)
		}
		return it.Err()
	}
	if cluster, ok := l.redis.(*redis.ClusterClient); ok { // one slot, so one master has them all
		var master *redis.Client
		if master, err = cluster.MasterForKey(ctx, l.key("")); err == nil {
			err = scan(ctx, master)
		}
	} else {
		err = scan(ctx, l.redis)
	}
	if err != nil {
		return nil, fmt.Errorf("sipua: phones in Redis: %w", err)
	}
	slices.SortFunc(live, func(a, b Binding) int { return strings.Compare(a.Extension+a.Node, b.Extension+b.Node) })
	return live, nil
}
