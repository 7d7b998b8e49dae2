package dialer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func previewing(c *campaigns.Campaign) { c.Mode = campaigns.Preview }

func shown(l agents.Live) bool { return l.Preview != nil }

// TestAPreviewIsShownAndDialed: the agent is shown whom to call, and no phone rings before the agent calls that number,
// however it is written.
func TestAPreviewIsShownAndDialed(t *testing.T) {
	eachApart(t, steady, func(t *testing.T, h *house) {
		c := h.campaign(previewing, func(c *campaigns.Campaign) { c.CardLink = "https://crm.example.com/card/{crm_id}" })
		h.people(c, number(1, 9))
		n := h.node("n1", leasedLong)
		a := n.agent(c.Queue)
		l := n.until(a.ID, "a preview", shown)
		if p := l.Preview; l.State != agents.Available || p.CRMID != "crm-"+number(1, 9) || p.Number != number(1, 9) ||
			p.Queue != c.Queue ||
			!strings.HasPrefix(p.CardLink, "https://crm.example.com/card/crm-") || len(p.Codes) != 0 {
			t.Fatalf("shown %+v", l)
		}
		if rings := h.network.Rung(); len(rings) != 0 {
			t.Fatalf("rang before the agent called: %v", rings)
		}
		h.must(n.desk.MakeCall(t.Context(), a.ID, "0"+strings.TrimPrefix(number(1, 9), "+44"), "any other line"))
		l = n.until(a.ID, "the talk", in(agents.Talking))
		attempts := h.attempts()
		if len(attempts) != 1 || attempts[0].Origin != dialer.Previewed || attempts[0].ID.String() != l.Call.AttemptID ||
			l.Preview != nil {
			t.Errorf("%+v, shown %+v", attempts, l)
		}
		if rings := h.network.Rung(); len(rings) != 1 {
			t.Errorf("rang %v", rings)
		}
	})
}

// TestAPreviewIsLetGo: by whatever a preview ends, it counts nowhere, and no phone has rung.
func TestAPreviewIsLetGo(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(n *node, a agents.Agent, c *campaigns.Campaign, l agents.Live) error
		why  string
		due  bool // at once
	}{
		{"skipped", func(n *node, a agents.Agent, _ *campaigns.Campaign, _ agents.Live) error {
			return n.desk.Skip(n.h.tb.Context(), a.ID, "wrong person")
		}, "preview.skipped", false},
		{"paused", func(n *node, a agents.Agent, _ *campaigns.Campaign, _ agents.Live) error {
			return n.apply(a, agents.Input{Kind: agents.PauseChosen, PauseID: "4"})
		}, "preview.ended", true},
		{"logged out", func(n *node, a agents.Agent, _ *campaigns.Campaign, _ agents.Live) error {
			return n.apply(a, agents.Input{Kind: agents.Logout})
		}, "preview.ended", true},
		{"flag off", func(n *node, a agents.Agent, _ *campaigns.Campaign, _ agents.Live) error {
			return n.apply(a, agents.Input{Kind: agents.AutoCallSet})
		}, "preview.ended", true},
		{"time over", func(*node, agents.Agent, *campaigns.Campaign, agents.Live) error { return nil }, "preview.time_over", false},
		{"campaign paused", func(n *node, _ agents.Agent, c *campaigns.Campaign, _ agents.Live) error {
			_, err := n.h.store.Campaigns.SetStatus(n.h.tb.Context(), c.ID, campaigns.Paused, []campaigns.Status{campaigns.Running},
				time.Now())
			return err
		}, "call.forbidden", true},
		{"barred", func(n *node, _ agents.Agent, _ *campaigns.Campaign, l agents.Live) error {
			return n.h.store.Contacts.Bar(n.h.tb.Context(), campaigns.Barred{CRMID: l.Preview.CRMID, At: time.Now(),
				Expires: time.Now().Add(time.Hour)})
		}, "store.person_changed", false},
		{"node stopped", func(n *node, _ agents.Agent, _ *campaigns.Campaign, _ agents.Live) error { n.stop(); return nil },
			"call.process_stops", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouseApart(t)
			c := h.campaign(previewing, func(c *campaigns.Campaign) {
				if tt.name == "time over" {
					c.Preview = time.Second
				}
			})
			h.people(c, number(1, 9))
			n := h.node("n1", leasedLong)
			a := n.agent(c.Queue)
			l := n.passes(a.ID, "a preview", shown)
			h.must(tt.do(n, a, c, l))
			h.eventually(1, "SELECT count(*) FROM attempts WHERE state = 'cancelled' AND id = $1", l.Preview.AttemptID)
			var cause string
			h.must(h.db.QueryRow("SELECT cause FROM attempts WHERE id = $1", l.Preview.AttemptID).Scan(&cause))
			if !strings.Contains(cause, tt.why) {
				t.Errorf("cause %q, want %q", cause, tt.why)
			}
			if tt.name != "node stopped" {
				n.until(a.ID, "another view", func(now agents.Live) bool {
					return now.Preview == nil || now.Preview.AttemptID != l.Preview.AttemptID
				})
			}
			if counted := h.count("SELECT count(*) FROM contacts WHERE attempts > 0"); counted != 0 {
				t.Error("it counts")
			}
			later := h.count("SELECT count(*) FROM contacts WHERE next_at > $1", time.Now().Add(20*time.Second).UnixMilli())
			if tt.name != "time over" && (later == 0) != tt.due {
				t.Errorf("due later: %d", later)
			}
			if rings := h.network.Rung(); len(rings) != 0 {
				t.Errorf("rang %v", rings)
			}
		})
	}
}

func (n *node) apply(a agents.Agent, in agents.Input) error {
	in.At = time.Now()
	_, err := n.roster.Apply(context.Background(), a.ID, in)
	return err
}

// TestOnePreviewForOneAgent: of several agents one is shown the only contact, and when that one passes it on nobody
// calls it twice.
func TestOnePreviewForOneAgent(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(previewing)
	h.people(c, number(1, 9))
	nodes := []*node{h.node("n1", leasedLong), h.node("n2", leasedLong)}
	var all []agents.Agent
	for i := range 6 {
		all = append(all, nodes[i%2].agent(c.Queue))
	}
	views := func() (list []agents.Live) {
		for _, a := range all {
			l, err := nodes[0].roster.Get(t.Context(), a.ID)
			h.must(err)
			if l.Preview != nil {
				list = append(list, l)
			}
		}
		return list
	}
	seen := testdeps.Seen(t, "one is shown it", views, func(list []agents.Live) bool { return len(list) > 0 })
	if len(seen) != 1 {
		t.Fatalf("shown to %d", len(seen))
	}
	for _, a := range all { // nobody else can call it meanwhile
		if a.ID == seen[0].AgentID {
			continue
		}
		if err := nodes[0].desk.MakeCall(t.Context(), a.ID, number(1, 9), c.Queue); !errors.Is(err, dialer.ErrNumberBusy) {
			t.Errorf("another agent's call: %v", err)
		}
	}
	h.must(nodes[0].desk.MakeCall(t.Context(), seen[0].AgentID, number(1, 9), c.Queue))
	nodes[0].until(seen[0].AgentID, "the talk", in(agents.Talking))
	if n := len(h.attempts()); n != 1 || len(views()) != 0 {
		t.Errorf("%d attempts, shown to %d", n, len(views()))
	}
	if rings := h.network.Rung(); len(rings) != 1 {
		t.Errorf("rang %v", rings)
	}
}

// TestAPreviewOfALostNodeIsGivenUp: nobody renews its lease.
func TestAPreviewOfALostNodeIsGivenUp(t *testing.T) {
	h := newHouse(t, sqliteURL(t), steady)
	c := h.campaign(previewing)
	h.people(c, number(1, 9))
	now := time.Now()
	planned, err := h.store.Dialing.Plan(t.Context(), c.ID, 1, now, 1)
	h.must(err)
	ids := []dialer.AttemptID{planned[0].ID}
	kept, err := h.store.Previews.Show(t.Context(), ids, now.Add(30*time.Second), now)
	h.must(err)
	if len(kept) != 1 || kept[0].Contact == nil || kept[0].Contact.CRMID == "" || kept[0].Campaign.ID != c.ID {
		t.Fatalf("kept %+v", kept)
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{20 * time.Second, 0}, {31 * time.Second, 1}} {
		n, err := h.store.Dialing.CancelStale(t.Context(), now.Add(step.after-15*time.Second), now.Add(step.after))
		h.must(err)
		if n != step.want {
			t.Errorf("after %s %d cancelled, want %d", step.after, n, step.want)
		}
	}
	if kept, err := h.store.Previews.Show(t.Context(), ids, now.Add(time.Hour), now); err != nil || len(kept) != 0 {
		t.Errorf("kept after the end: %+v, %v", kept, err)
	}
}
