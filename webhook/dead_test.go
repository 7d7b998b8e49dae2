package webhook

import (
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// relay is the network between us and a CRM. It can swallow everything on the connections that there are, without a word,
// while new ones work: a firewall that has forgotten them, a load balancer that has lost a member.
type relay struct {
	net.Listener
	to string

	mu    sync.Mutex
	dead  []*atomic.Bool
	count int
}

// plainSealer encrypts nothing.
type plainSealer struct{}

func (plainSealer) Seal(plain []byte) []byte           { return plain }
func (plainSealer) Open(sealed []byte) ([]byte, error) { return sealed, nil }

func newRelay(t *testing.T, to string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, to: to}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.carry(c)
		}
	}()
	return r
}

func (r *relay) carry(ours net.Conn) {
	defer ours.Close()
	theirs, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer theirs.Close()
	dead := &atomic.Bool{}
	r.mu.Lock()
	r.dead = append(r.dead, dead)
	r.count++
	r.mu.Unlock()
	copied := func(to io.Writer, from io.Reader) {
		buffer := make([]byte, 4096)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			if !dead.Load() {
				to.Write(buffer[:n])
			}
		}
	}
	go copied(ours, theirs)
	copied(theirs, ours)
}

func (r *relay) killAll() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, dead := range r.dead {
		dead.Store(true)
	}
	return r.count
}

// A connection that dies without a word costs one try, and the next one connects anew, over HTTP/2 as over HTTP/1.1 with many
// idle connections. The tries say how long: an HTTP/2 one is given up by its ping, well before the timeout.
func TestSilentlyDeadConnections(t *testing.T) {
	for _, protocol := range []string{"HTTP/2.0", "HTTP/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			var spoken atomic.Value
			var under sync.WaitGroup
			under.Add(8)
			var first atomic.Int64
			crm := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				spoken.Store(r.Proto)
				if r.Header.Get("X-Tenant") != "7" {
					t.Errorf("headers %v", r.Header)
				}
				io.Copy(io.Discard, r.Body)
				if first.Add(1) <= 8 { // at once, so that HTTP/1.1 has eight connections
					under.Done()
					under.Wait()
				}
			}))
			crm.EnableHTTP2 = protocol == "HTTP/2.0"
			crm.StartTLS()
			t.Cleanup(crm.Close)
			relay := newRelay(t, crm.Listener.Addr().String())

			store := newMemStore()
			ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crm.Certificate().Raw})
			sealed := plainSealer{}.Seal([]byte(fmt.Sprintf(`{"headers":{"X-Tenant":"7"},"identity":{"CA":%q}}`, ca)))
			store.put(Endpoint{ID: 1, URL: "https://" + relay.Addr().String(), Secret: NewSecret(), Sealed: sealed})
			d, _ := start(t, Deps{Store: store, Sealer: plainSealer{}})
			for n := range 8 {
				store.add(1, fmt.Sprint("c", n), 1, "{}")
			}
			d.Wake(1)
			for _, try := range store.waitTries(t, 8) {
				if try.Error != "" {
					t.Fatalf("before: %+v", try)
				}
			}
			if spoken.Load() != protocol {
				t.Fatalf("spoke %v", spoken.Load())
			}
			before := relay.killAll()
			last := store.add(1, "c", 2, "{}")
			d.Wake(1)
			lost := store.waitTries(t, 1)[0]
			if lost.Error == "" {
				t.Fatalf("nothing was dead: %+v", lost)
			}
			if late := strings.Contains(lost.Error, "no answer within"); late == (protocol == "HTTP/2.0") {
				t.Errorf("given up after %v: %s", lost.Duration, lost.Error)
			}
			again := store.waitTries(t, 1)[0]
			if delivery, tries := store.get(last.ID); delivery.State != Delivered || again.Error != "" || len(tries) != 2 {
				t.Errorf("%s after %+v", delivery.State, tries)
			}
			relay.mu.Lock()
			defer relay.mu.Unlock()
			if relay.count <= before {
				t.Error("no new connection")
			}
		})
	}
}
