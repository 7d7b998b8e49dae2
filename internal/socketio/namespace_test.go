package socketio

import (
	"testing"

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
