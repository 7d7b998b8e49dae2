package sipua

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// record says whose extension 3444 is.
type record struct {
	owner atomic.Int64
	away  atomic.Bool
}

func (r *record) who(_ context.Context, extension string) (int64, error) {
	if r.away.Load() {
		return 0, errors.New("SQL is away")
	}
	if extension != "3444" {
		return 0, nil
	}
	return r.owner.Load(), nil
}

// TestFormerOwnersTab: a tab that was left open neither rings for the next owner of its extension nor registers again.
func TestFormerOwnersTab(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: testdeps.Redis(t)})
	defer client.Close()
	var r record
	changes := make(chan bool, 10)
	n := startNetwork(t, func(o *Options) {
		o.Installation, o.Owner, o.Redis, o.Registerer = "test", r.who, client, prometheus.NewRegistry()
		o.Trunks = []Trunk{{Name: "t", Host: "127.0.0.1:9"}}
		o.PhoneChanged = func(_ string, up bool) { changes <- up }
	})
	other := startNetwork(t, func(o *Options) { o.Installation, o.Node, o.Redis = "test", "n2", client })
	ofAnn, ofBob := agents.Extension{Name: "3444", OwnerID: 1}, agents.Extension{Name: "3444", OwnerID: 2}
	ann, bob := dialDesk(t, "tcp", n), dialDesk(t, "tcp", n)
	register := func(d *desk, x agents.Extension, want int) {
		t.Helper()
		login := n.BrowserLogin(x, time.Hour)
		if res := d.register(login.Username, login.Password, "MD5", "Expires: 300\r\n"); res == nil || int(res.StatusCode) != want {
			t.Fatalf("agent %d's tab: %v, want %d", x.OwnerID, res, want)
		} else if contacts := len(res.GetHeaders("Contact")); want == 200 && contacts != 1 {
			t.Errorf("agent %d's tab is told of %d phones", x.OwnerID, contacts)
		}
	}
	register(ann, ofAnn, 403) // nobody has it yet
	r.owner.Store(1)
	register(ann, ofAnn, 200)
	<-changes
	if err := n.Reachable(t.Context(), ofAnn); err != nil {
		t.Error(err)
	}
	testdeps.Eventually(t, "the other node sees the tab", func() bool {
		err := other.Reachable(t.Context(), ofAnn)
		return err != nil && strings.Contains(err.Error(), "node n1")
	})

	r.owner.Store(2) // Ann's tab is still registered
	for _, node := range []*Network{n, other} {
		if err := node.Reachable(t.Context(), ofBob); err == nil || strings.Contains(err.Error(), "node n1") {
			t.Errorf("the next owner is reached in the former one's tab: %v", err)
		}
	}
	order := orderTo(nil)
	order.Agent = &ofBob
	if _, err := n.Place(t.Context(), order); err == nil {
		t.Error("a call of the next owner was placed")
	}
	register(bob, ofBob, 200)
	if phones := n.locations.all(); len(phones) != 1 || phones[0].AgentID != 2 {
		t.Errorf("registered after the change of owners: %+v", phones)
	}
	register(ann, ofAnn, 403)
	if err := n.Reachable(t.Context(), ofBob); err != nil {
		t.Errorf("after the former owner's tab tried again: %v", err)
	}
	if got := refused(t, n, "owner"); got != 2 {
		t.Errorf("%v refusals are counted", got)
	}

	r.owner.Store(0) // Bob leaves: his tab goes with its next REGISTER
	register(bob, ofBob, 403)
	for up := true; up; { // that Bob's tab came may be told late
		select {
		case up = <-changes:
		case <-time.After(patience):
			t.Fatal("that it went is not told")
		}
	}
	if phones := n.locations.all(); len(phones) != 0 {
		t.Errorf("of a free extension: %+v", phones)
	}
}

// TestOwnersAreLookedAfter: the phones of agents who left go without a word of theirs.
func TestOwnersAreLookedAfter(t *testing.T) {
	t.Parallel()
	l := newLocations("", "n1", nil, nil)
	soon := time.Now().Add(time.Minute)
	l.update("3444", []Binding{{Extension: "3444", AgentID: 1, Instance: "tab", Source: "192.0.2.1:1", Expires: soon}})
	l.update("3444", []Binding{{Extension: "3444", Instance: "desk", Source: "192.0.2.1:2", Expires: soon}})
	l.update("3445", []Binding{{Extension: "3445", Instance: "desk", Source: "192.0.2.1:3", Expires: soon}})
	if l.dropTabs("3444", 1) || l.dropTabs("3445", 0) {
		t.Error("an owner's tab, or a desk phone, was dropped")
	}
	if !l.dropTabs("3444", 2) || len(l.of("3444")) != 1 {
		t.Errorf("left %+v", l.all())
	}
	if b, ok := l.newest("3444", 2); !ok || b.Instance != "desk" {
		t.Errorf("the desk phone is every owner's: %+v", b)
	}
}

// TestTabsNeedTheRecord: whose extension it is must be known, and a name cannot be made another agent's.
func TestTabsNeedTheRecord(t *testing.T) {
	t.Parallel()
	var r record
	r.owner.Store(1)
	n := startNetwork(t, func(o *Options) { o.Owner = r.who })
	login := n.BrowserLogin(agents.Extension{Name: "3444", OwnerID: 2}, time.Hour)
	forged := strings.Replace(login.Username, ".2.", ".1.", 1)
	if res := dialDesk(t, "tcp", n).register(forged, login.Password, "MD5", ""); res == nil || res.StatusCode != 403 {
		t.Errorf("a forged name: %v", res)
	}
	login = n.BrowserLogin(agents.Extension{Name: "3444", OwnerID: 1}, time.Hour)
	r.away.Store(true)
	if res := dialDesk(t, "tcp", n).register(login.Username, login.Password, "MD5", ""); res == nil || res.StatusCode != 503 {
		t.Errorf("without the record: %v", res)
	}
	bare := startNetwork(t, func(o *Options) { o.Owner = nil })
	if res := dialDesk(t, "tcp", bare).register(login.Username, login.Password, "MD5", ""); res == nil || res.StatusCode != 403 {
		t.Errorf("nobody says who owns it: %v", res)
	}
}

func TestBrowserNames(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]tabName{
		"1767225600.2001.3444": {"3444", 2001, time.Unix(1767225600, 0)},
		"1767225600.1.a.b.c":   {"a.b.c", 1, time.Unix(1767225600, 0)},
		"1767225600.3444":      {}, "1767225600.0.3444": {}, "1767225600.-1.3444": {}, "1767225600.1.": {}, "176722560.1.3444": {},
		"desk1": {}, "": {},
		"176722560x.1.3444": {}, "1767225600.x.3444": {},
	} {
		if got, ok := browserUser(user); got != want || ok != (want != tabName{}) {
			t.Errorf("%q: %+v, %t", user, got, ok)
		}
	}
}
