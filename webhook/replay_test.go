package webhook

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// Ten thousand events come again within a minute, at the limits that an endpoint has when nobody sets any.
func TestTenThousandReplayedInAMinute(t *testing.T) {
	const events = 10_000
	crm := func(http.ResponseWriter, *http.Request) { testdeps.Lasts(50 * time.Millisecond) }
	bubble(t, map[string]http.HandlerFunc{"crm": crm}, func(store *memStore, stop func()) {
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret(), Disabled: true})
		for n := range events {
			store.add(1, fmt.Sprint("c", n), 1, "{}")
		}
		began := time.Now()
		store.put(Endpoint{ID: 1, URL: "http://crm/", Secret: NewSecret()})
		for range events {
			<-store.recorded
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%d events took %v", events, took)
		}
		stop()
	})
}
