package socketio

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNamespaceOrder lets sockets come and go: a broadcast finds each that is there, and each once.
func TestNamespaceOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newNamespace(&Server{}, "/")
		there := map[*Socket]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"come": func(*rapid.T) {
				s := newSocket(&connection{}, n, nil)
				n.index(s)
				there[s] = true
			},
			"go": func(t *rapid.T) {
				all := n.all()
				if len(all) == 0 {
					t.Skip("nobody is there")
				}
				s := rapid.SampledFrom(all).Draw(t, "who")
				n.exit(s, ReasonServerDisconnect)
				n.exit(s, ReasonServerDisconnect) // a second time changes nothing
				delete(there, s)
			},
			"": func(t *rapid.T) {
				found := map[*Socket]bool{}
				for _, s := range n.all() {
					if found[s] || !there[s] {
						t.Fatalf("socket %s: found twice %t, there %t", s.id, found[s], there[s])
					}
					found[s] = true
				}
				if len(found) != len(there) || n.Len() != len(there) {
					t.Fatalf("%d found and %d counted of %d", len(found), n.Len(), len(there))
				}
			},
		})
	})
}

// TestExitIsOneStep stops an exit where it is about to mark the socket: until that is done nobody may find the
// namespace without it, or a join would put it back for ever.
func TestExitIsOneStep(t *testing.T) {
	t.Parallel()
	n := newNamespace(&Server{}, "/")
	s := newSocket(&connection{}, n, nil)
	n.index(s)
	s.mu.Lock()
	done := make(chan struct{})
	go func() {
		n.exit(s, ReasonServerDisconnect)
		close(done)
	}()
	for deadline := time.Now().Add(20 * time.Millisecond); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		if !n.mu.TryRLock() {
			continue
		}
		taken := n.sockets[s.id] == nil
		n.mu.RUnlock()
		if taken {
			t.Error("out of the namespace, but not gone")
			break
		}
	}
	s.mu.Unlock()
	receive(t, done)
	if !s.gone {
		t.Error("not gone")
	}
}

// TestJoinAndLeaveAtOnce has sockets come, join, leave and go, all at the same time: nothing of them stays.
func TestJoinAndLeaveAtOnce(t *testing.T) {
	t.Parallel()
	n := newNamespace(&Server{}, "/")
	for range 1000 {
		s := newSocket(&connection{}, n, nil)
		s.rooms = []string{"first"}
		var wg sync.WaitGroup
		wg.Go(func() { n.index(s) })
		wg.Go(func() { s.Join("a", "b", "a") })
		wg.Go(func() { s.Leave("a") })
		wg.Go(func() { s.Join("c") })
		wg.Go(func() { n.exit(s, ReasonTransportClose) })
		wg.Wait()
		s.Join("late")
		n.index(s)
		if len(n.sockets) != 0 || len(n.order) != 0 || len(n.rooms) != 0 || len(s.rooms) != 0 {
			t.Fatalf("%d sockets, %d in order, %d rooms, %v left", len(n.sockets), len(n.order), len(n.rooms), s.rooms)
		}
	}
}
