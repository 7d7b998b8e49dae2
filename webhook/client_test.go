package webhook

import (
	"errors"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// lockedSealer has another key.
type lockedSealer struct{ plainSealer }

func (lockedSealer) Open([]byte) ([]byte, error) {
	return nil, errors.New("cipher: message authentication failed")
}

// A node with another key leaves what it cannot send to those that can, and does not blame the endpoint.
func TestOtherKey(t *testing.T) {
	store, secret := newMemStore(), NewSecret()
	crm := newReceiver(t, secret, nil)
	e, err := Endpoint{ID: 1, URL: crm.URL, Secret: secret,
		Private: Private{Headers: map[string]string{"X-Tenant": "7"}}}.Seal(plainSealer{})
	if err != nil {
		t.Fatal(err)
	}
	e.Private = Private{}
	store.put(e)
	delivery := store.add(1, "c", 1, "{}")
	without, stop := start(t, Deps{Store: store, Sealer: lockedSealer{}})
	without.Wake(1)
	testdeps.Eventually(t, "the node without the key to have looked twice", func() bool {
		store.mu.Lock()
		defer store.mu.Unlock()
		return store.dueCalls > 1
	})
	if _, err := without.Test(t.Context(), 1); !errors.Is(err, ErrOtherKey) {
		t.Errorf("test: %v", err)
	}
	stop()
	if kept, tries := store.get(delivery.ID); kept.State != Pending || len(tries) != 0 || !store.endpoints[1].FailingAt.IsZero() {
		t.Errorf("%+v after %+v", kept, tries)
	}
	with, _ := start(t, Deps{Store: store, Sealer: plainSealer{}})
	with.Wake(1)
	if try := store.waitTries(t, 1)[0]; try.Error != "" {
		t.Errorf("%+v", try)
	}
	if closed := Closed([]Endpoint{{ID: 1}, {ID: 2, Sealed: []byte("{}")}}, nil); len(closed) != 1 || closed[0] != 2 {
		t.Errorf("closed %v", closed)
	}
}
