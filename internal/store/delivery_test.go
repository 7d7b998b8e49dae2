package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

func (h *house) endpoint(change ...func(*webhook.Endpoint)) webhook.Endpoint {
	h.tb.Helper()
	e := webhook.Endpoint{URL: "https://crm.example.com/hook", Secret: "whsec_x", Rate: 50, Concurrent: 8, CreatedAt: h.now}
	for _, f := range change {
		f(&e)
	}
	made, err := h.CreateEndpoint(ctx, e)
	h.must(err)
	return made
}

func (h *house) due(e webhook.Endpoint) []webhook.Delivery {
	h.tb.Helper()
	list, err := h.Due(ctx, e.ID, 10, h.now, h.now.Add(30*time.Second))
	h.must(err)
	return list
}

func sequences(list []webhook.Delivery) string {
	var s string
	for _, d := range list {
		s += fmt.Sprint(d.Sequence, " ")
	}
	return s
}

func TestDeliveriesOfACall(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		everything := s.endpoint()
		s.must(s.AgentStateChanged(ctx, webhook.Agent{ID: 3, Login: "x", State: "paused"}, s.now)) // nobody asks for it: not written
		codes := s.endpoint(func(e *webhook.Endpoint) { e.Types = []webhook.Type{webhook.CallCodeSet, webhook.AgentStateChanged} })
		off := s.endpoint(func(e *webhook.Endpoint) { e.Disabled, e.Reason = true, "holidays" })
		c := s.campaign()
		s.add(c, s.person())
		s.talk(c)
		s.must(s.AgentStateChanged(ctx, webhook.Agent{ID: 3, Login: "x", State: "available"}, s.now))
		s.after(time.Minute)

		backlog, err := s.DueEndpoints(ctx, s.now)
		s.must(err)
		if len(backlog) != 2 || backlog[0].EndpointID != everything.ID || !backlog[0].Oldest.Equal(noon.Add(5*time.Second)) {
			t.Errorf("backlog %+v", backlog)
		}
		list := s.due(everything)
		if len(list) != 2 || list[0].Type != webhook.CallAnswered || list[1].Type != webhook.CallCompleted {
			t.Fatalf("due %+v", list)
		}
		var e webhook.Event
		if err := json.Unmarshal(list[1].Body, &e); err != nil || e.ID != list[1].EventID || e.Type != webhook.CallCompleted ||
			e.Sequence != list[1].Sequence {
			t.Errorf("body %s: %v", list[1].Body, err)
		}
		if again := s.due(everything); len(again) != 0 {
			t.Errorf("leased twice: %+v", again)
		}
		if list := s.due(codes); len(list) != 1 || list[0].Type != webhook.AgentStateChanged || list[0].Sequence != 1 {
			t.Errorf("due at the one that named its types: %+v", list)
		}
		if list := s.due(off); len(list) != 0 {
			t.Errorf("due at a disabled endpoint: %+v", list)
		}

		// One fails, one is given back, and the lease of the first runs out for nothing: it was recorded.
		s.must(s.Record(ctx, webhook.Try{DeliveryID: list[0].ID, At: s.now, Duration: 1500 * time.Millisecond, Status: 500,
			Error: "status 500", Reply: "oops"},
			webhook.Pending, s.now.Add(5*time.Second)))
		s.must(s.Release(ctx, []int64{list[1].ID}))
		if list := s.due(everything); sequences(list) != "2 " || list[0].Tries != 0 {
			t.Errorf("due after the release: %+v", list)
		}
		s.after(5 * time.Second)
		list = s.due(everything)
		if sequences(list) != "1 " || list[0].Tries != 1 {
			t.Errorf("due after the failure: %+v", list)
		}
		s.must(s.Record(ctx, webhook.Try{DeliveryID: list[0].ID, At: s.now, Status: 200}, webhook.Delivered, time.Time{}))
		s.must(s.Record(ctx, webhook.Try{DeliveryID: list[0].ID, At: s.now, Error: "late"}, webhook.Pending, s.now)) // another node's
		tries, err := s.Tries(ctx, list[0].ID)
		s.must(err)
		if len(tries) != 3 || tries[0].Number != 1 || tries[0].Status != 500 || tries[0].Duration != 1500*time.Millisecond ||
			tries[0].Reply != "oops" || tries[2].Number != 3 {
			t.Errorf("tries %+v", tries)
		}
		delivered, err := s.Deliveries(ctx, everything.ID, webhook.Delivered, 0, 10)
		s.must(err)
		if len(delivered) != 1 || delivered[0].ID != list[0].ID {
			t.Errorf("delivered %+v", delivered)
		}
		s.must(s.Record(ctx, webhook.Try{DeliveryID: 999, At: s.now}, webhook.Delivered, time.Time{})) // forgotten meanwhile

		// Enabled again, what waited is due.
		off.Disabled = false
		enabled, err := s.UpdateEndpoint(ctx, off)
		s.must(err)
		if list := s.due(enabled); len(list) != 2 || enabled.Reason != "" {
			t.Errorf("due after it was enabled: %+v", list)
		}
	})
}

func TestOrderedDeliveries(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e := s.endpoint(func(e *webhook.Endpoint) { e.Ordered = true })
		c := s.campaign()
		s.add(c, s.person(), s.person())
		s.talk(c)
		s.close(s.dial(c), campaigns.Busy)
		s.after(time.Minute)
		list := s.due(e)
		if sequences(list) != "1 1 " || list[0].Key == list[1].Key {
			t.Fatalf("first of each contact: %+v", list)
		}
		if more := s.due(e); len(more) != 0 {
			t.Errorf("due behind a leased one: %+v", more)
		}
		s.must(s.Record(ctx, webhook.Try{DeliveryID: list[0].ID, At: s.now}, webhook.Pending, s.now.Add(time.Hour)))
		if more := s.due(e); len(more) != 0 {
			t.Errorf("due behind one that waits: %+v", more)
		}
		s.must(s.Record(ctx, webhook.Try{DeliveryID: list[0].ID, At: s.now}, webhook.Failed, time.Time{}))
		if more := s.due(e); sequences(more) != "2 " {
			t.Errorf("due behind one that has failed: %+v", more)
		}
	})
}

func TestReplayAndPrune(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e := s.endpoint()
		c := s.campaign()
		s.add(c, s.person())
		s.talk(c)
		second := s.now
		list := s.due(e)
		if len(list) != 2 {
			t.Fatalf("due %+v", list)
		}
		s.must(s.Record(ctx, webhook.Try{DeliveryID: list[0].ID, At: s.now}, webhook.Failed, time.Time{}))
		s.must(s.Record(ctx, webhook.Try{DeliveryID: list[1].ID, At: s.now}, webhook.Delivered, time.Time{}))
		for _, test := range []struct {
			which webhook.Selection
			want  string
		}{
			{webhook.Selection{OnlyFailed: true, From: second}, ""},
			{webhook.Selection{OnlyFailed: true, From: noon}, "1 "},
			{webhook.Selection{From: second, To: second.Add(time.Second)}, "2 "},
			{webhook.Selection{DeliveryID: list[0].ID}, "1 "},
			{webhook.Selection{}, "1 2 "},
		} {
			n, err := s.Replay(ctx, e.ID, test.which, s.now)
			s.must(err)
			again := s.due(e)
			if sequences(again) != test.want || n != len(again) {
				t.Errorf("replay %+v: %d, due %s, want %s", test.which, n, sequences(again), test.want)
			}
			for _, d := range again {
				if d.Tries != 0 {
					t.Errorf("replayed with %d tries", d.Tries)
				}
				s.must(s.Record(ctx, webhook.Try{DeliveryID: d.ID, At: s.now}, map[int64]webhook.DeliveryState{1: webhook.Failed,
					2: webhook.Delivered}[d.Sequence], time.Time{}))
			}
		}
		if n, err := s.Prune(ctx, second, 10); n != 1 || err != nil {
			t.Errorf("%d events pruned, %v", n, err)
		}
		left, err := s.Deliveries(ctx, e.ID, "", 0, 10)
		s.must(err)
		if len(left) != 1 || left[0].Sequence != 2 {
			t.Errorf("left %+v", left)
		}
		s.must(s.DeleteEndpoint(ctx, e.ID))
		_, err = s.Endpoint(ctx, e.ID)
		s.wantIs(err, webhook.ErrNoEndpoint)
		s.wantIs(err, store.ErrNotFound)
		s.wantIs(s.DeleteEndpoint(ctx, e.ID), webhook.ErrNoEndpoint)
	})
}

// TestSecretsRotate: a second rotation within a day ends nothing that the receiver may still have, whoever rotates at the same time.
func TestSecretsRotate(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e := s.endpoint(func(*webhook.Endpoint) {})
		const rotations = 4
		var running sync.WaitGroup
		for range rotations {
			running.Go(func() {
				if _, err := s.RotateSecret(ctx, e.ID, webhook.NewSecret(), s.now); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		list, err := s.Secrets(ctx, e.ID, s.now)
		s.must(err)
		stored, err := s.Endpoint(ctx, e.ID)
		s.must(err)
		if len(list) != 1+rotations || list[0].Value != stored.Secret || !list[0].EndsAt.IsZero() || list[rotations].Value != e.Secret {
			t.Fatalf("secrets %v", list)
		}
		for _, old := range list[1:] {
			if !old.EndsAt.Equal(s.now.Add(24*time.Hour)) || !slices.Contains(stored.Old, old) {
				t.Errorf("%+v is not kept for a day in %+v", old, stored)
			}
		}
		every, err := s.Endpoints(ctx)
		s.must(err)
		if fmt.Sprint(every[0]) != fmt.Sprint(stored) {
			t.Errorf("listed %v, read %v", every[0], stored)
		}

		// A change of its settings that was begun before a rotation does not bring the former secret back.
		e.Rate = 7
		changed, err := s.UpdateEndpoint(ctx, e)
		s.must(err)
		if changed.Secret != stored.Secret || changed.Rate != 7 {
			t.Errorf("changed %+v", changed)
		}

		s.must(s.EndSecret(ctx, e.ID, list[2].ID))
		s.wantIs(s.EndSecret(ctx, e.ID, list[2].ID), webhook.ErrNoSecret)
		s.wantIs(s.EndSecret(ctx, e.ID+1, list[1].ID), webhook.ErrNoSecret)
		s.wantIs(s.EndSecret(ctx, e.ID, list[0].ID), webhook.ErrPresentSecret)
		if left, err := s.Secrets(ctx, e.ID, s.now); err != nil || len(left) != rotations || slices.Contains(left, list[2]) {
			t.Errorf("left %v, %v", left, err)
		}
		if left, err := s.Secrets(ctx, e.ID, s.now.Add(25*time.Hour)); err != nil || len(left) != 1 {
			t.Errorf("after a day %v, %v", left, err)
		}
		_, err = s.RotateSecret(ctx, 999, webhook.NewSecret(), s.now)
		s.wantIs(err, webhook.ErrNoEndpoint)
		_, err = s.Secrets(ctx, 999, s.now)
		s.wantIs(err, webhook.ErrNoEndpoint)
		s.must(s.DeleteEndpoint(ctx, e.ID))
	})
}

func TestEndpointsThatFail(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e := s.endpoint(func(e *webhook.Endpoint) {
			e.Types = []webhook.Type{webhook.CallCompleted, webhook.RecordingReady}
		})
		stored, err := s.Endpoint(ctx, e.ID)
		s.must(err)
		if fmt.Sprint(stored) != fmt.Sprint(e) || len(stored.Types) != 2 {
			t.Errorf("stored %+v, made %+v", stored, e)
		}
		s.must(s.MarkEndpoint(ctx, e.ID, s.now, ""))
		s.must(s.MarkEndpoint(ctx, e.ID, s.now.Add(time.Hour), "")) // the earlier moment stays
		if stored, _ = s.Endpoint(ctx, e.ID); !stored.FailingAt.Equal(s.now) || stored.Disabled {
			t.Errorf("failing %+v", stored)
		}
		s.must(s.MarkEndpoint(ctx, e.ID, s.now, "failing for 5 days"))
		if stored, _ = s.Endpoint(ctx, e.ID); !stored.Disabled || stored.Reason != "failing for 5 days" {
			t.Errorf("disabled %+v", stored)
		}
		s.must(s.MarkEndpoint(ctx, e.ID, time.Time{}, ""))
		if stored, _ = s.Endpoint(ctx, e.ID); !stored.FailingAt.IsZero() || !stored.Disabled {
			t.Errorf("works, but stays disabled: %+v", stored)
		}
		id, err := s.PingEndpoint(ctx, e.ID, s.now)
		s.must(err)
		list, err := s.Deliveries(ctx, e.ID, webhook.Pending, 0, 10)
		s.must(err)
		if len(list) != 1 || list[0].ID != id || list[0].Type != webhook.Ping {
			t.Errorf("ping %+v", list)
		}
	})
}
