package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

func (h *house) endpoint(change ...func(*webhook.Endpoint)) webhook.Endpoint {
	h.tb.Helper()
	e := webhook.Endpoint{URL: "https://crm.example.com/hook", Secret: "whsec_x", Rate: 50, Concurrent: 8, CreatedAt: h.now}
	for _, f := range change {
		f(&e)
	}
	made, err := h.Webhooks.CreateEndpoint(ctx, e)
	h.must(err)
	return made
}

func (h *house) due(e webhook.Endpoint) []webhook.Delivery {
	h.tb.Helper()
	batch, err := h.Webhooks.Take(ctx, e.ID, h.now, h.now.Add(30*time.Second))
	h.must(err)
	return batch.Deliveries
}

// record stores a try of one of the endpoint's deliveries; an empty why means that it arrived.
func (h *house) record(e webhook.Endpoint, id int64, fault webhook.Fault, change ...func(*webhook.Result)) webhook.Endpoint {
	h.tb.Helper()
	r := webhook.Result{Try: webhook.Try{DeliveryID: id, At: h.now, Status: 200}, Fault: fault, Random: 0.5}
	if fault != webhook.NoFault {
		r.Status, r.Error = 500, "HTTP 500"
	}
	for _, f := range change {
		f(&r)
	}
	after, _, err := h.Webhooks.Record(ctx, e.ID, []webhook.Result{r})
	h.must(err)
	return after
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
		// nobody asks for it: not written
		s.must(s.Journal.AgentStateChanged(ctx, webhook.Agent{ID: 3, Login: "x", State: "paused"}, s.now))
		codes := s.endpoint(func(e *webhook.Endpoint) { e.Types = []webhook.Type{webhook.CallCodeSet, webhook.AgentStateChanged} })
		off := s.endpoint(func(e *webhook.Endpoint) { e.Disabled, e.Reason = true, reason.Said("holidays") })
		c := s.campaign()
		s.add(c, s.person())
		s.talk(c)
		s.must(s.Journal.AgentStateChanged(ctx, webhook.Agent{ID: 3, Login: "x", State: "available"}, s.now))
		s.after(time.Minute)

		backlog, err := s.Webhooks.DueEndpoints(ctx, s.now)
		s.must(err)
		if len(backlog) != 2 || backlog[0].EndpointID != everything.ID || !backlog[0].Oldest.Equal(noon.Add(5*time.Second)) {
			t.Errorf("backlog %+v", backlog)
		}
		list := s.due(everything)
		if len(list) != 1 || list[0].Type != webhook.CallAnswered {
			t.Fatalf("due %+v", list)
		}
		var e webhook.Event
		if err := json.Unmarshal(list[0].Body, &e); err != nil || e.ID != list[0].EventID || e.Type != webhook.CallAnswered ||
			e.Sequence != list[0].Sequence {
			t.Errorf("body %s: %v", list[0].Body, err)
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

		// It is given back, fails, and is asked again as a probe; the next one of its contact waits for it.
		s.must(s.Webhooks.Release(ctx, everything.ID, []int64{list[0].ID}, false, s.now))
		if list := s.due(everything); sequences(list) != "1 " || list[0].Tries != 0 {
			t.Errorf("due after the release: %+v", list)
		}
		failing := s.record(everything, list[0].ID, webhook.Refused,
			func(r *webhook.Result) { r.Reply, r.Duration = "oops", 1500*time.Millisecond })
		if list := s.due(everything); len(list) != 0 || failing.FailingAt.IsZero() || failing.Error != "HTTP 500" {
			t.Errorf("due after the failure: %+v, endpoint %+v", list, failing)
		}
		s.after(5 * time.Second)
		again := s.due(everything)
		if sequences(again) != "1 " || again[0].Tries != 1 || !again[0].Probe {
			t.Errorf("due at the probe: %+v", again)
		}
		if works := s.record(everything, list[0].ID, webhook.NoFault); !works.FailingAt.IsZero() || works.WorkedAt.IsZero() {
			t.Errorf("endpoint after the success: %+v", works)
		}
		s.record(everything, list[0].ID, webhook.Refused) // another node's, late
		tries, err := s.Journal.Tries(ctx, list[0].ID)
		s.must(err)
		if len(tries) != 3 || tries[0].Number != 1 || tries[0].Status != 500 || tries[0].Duration != 1500*time.Millisecond ||
			tries[0].Reply != "oops" || tries[2].Number != 3 {
			t.Errorf("tries %+v", tries)
		}
		delivered, err := s.Journal.Deliveries(ctx, everything.ID, webhook.Delivered, 0, 10)
		s.must(err)
		if len(delivered) != 1 || delivered[0].ID != list[0].ID {
			t.Errorf("delivered %+v", delivered)
		}
		s.record(everything, 999, webhook.NoFault) // forgotten meanwhile
		if list := s.due(everything); sequences(list) != "2 " {
			t.Errorf("due after the first of the contact: %+v", list)
		}

		// Enabled again, what waited is due.
		off.Disabled = false
		enabled, err := s.Webhooks.UpdateEndpoint(ctx, off)
		s.must(err)
		if list := s.due(enabled); sequences(list) != "1 " || !enabled.Reason.IsZero() {
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
		// The first one is refused by itself: again after the other contact's was accepted.
		s.record(e, list[0].ID, webhook.Refused)
		s.after(time.Second)
		s.record(e, list[1].ID, webhook.NoFault)
		for refusals := range 10 {
			if more := s.due(e); len(more) == 0 || more[0].ID != list[0].ID || more[0].Refusals != refusals {
				t.Fatalf("after %d refusals: %+v", refusals, more)
			}
			s.record(e, list[0].ID, webhook.Refused)
			if more := s.due(e); refusals < 9 && len(more) != 0 {
				t.Errorf("due behind one that waits: %+v", more)
			}
			s.after(30 * time.Hour)
		}
		if more := s.due(e); sequences(more) != "2 " {
			t.Errorf("due behind one that has failed: %+v", more)
		}
	})
}

// Without strict order, an event that is refused by itself twice lets the later ones of its contact pass.
func TestRefusedOneLetsOthersPass(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e := s.endpoint()
		c := s.campaign()
		s.add(c, s.person(), s.person())
		s.talk(c)
		s.close(s.dial(c), campaigns.Busy)
		s.after(time.Minute)
		list := s.due(e)
		if sequences(list) != "1 1 " {
			t.Fatalf("first of each contact: %+v", list)
		}
		s.record(e, list[0].ID, webhook.Refused)
		s.after(time.Second)
		s.record(e, list[1].ID, webhook.NoFault)
		for range 2 {
			s.due(e)
			s.record(e, list[0].ID, webhook.Refused)
			s.after(10 * time.Second)
		}
		passed := false
		for _, d := range s.due(e) {
			passed = passed || d.Key == list[0].Key && d.Sequence == 2
		}
		if !passed {
			t.Error("the next one of the contact waits for ever")
		}
	})
}

// An endpoint that is away is asked by one node at a time, is told of to the other endpoints only, and what waits is due when
// it is back.
func TestBreakerInTheStore(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e, other := s.endpoint(), s.endpoint(func(e *webhook.Endpoint) {
			e.Types = []webhook.Type{webhook.EndpointFailing, webhook.EndpointRecovered}
		})
		c := s.campaign()
		for range 4 {
			s.add(c, s.person())
			s.close(s.dial(c), campaigns.Busy)
		}
		s.after(time.Minute)
		down := func(r *webhook.Result) { r.Status, r.Error = 0, "no answer within 15s" }
		first := s.due(e)
		for _, d := range first {
			s.record(e, d.ID, webhook.Down, down)
		}
		if len(first) != 4 {
			t.Fatalf("%d due", len(first))
		}
		if backlog, err := s.Webhooks.DueEndpoints(ctx, s.now); err != nil || len(backlog) != 1 || backlog[0].Ready {
			t.Errorf("backlog %+v, %v", backlog, err)
		}
		seen := map[int64]int{}
		for range 8 {
			s.after(7 * time.Second)
			if backlog, err := s.Webhooks.DueEndpoints(ctx, s.now); err != nil || len(backlog) == 0 || backlog[0].EndpointID != e.ID ||
				!backlog[0].Ready {
				t.Errorf("backlog %+v, %v", backlog, err)
			}
			probe := s.due(e)
			if second := s.due(e); len(probe) != 1 || !probe[0].Probe || len(second) != 0 {
				t.Fatalf("probe %+v, at the same time %+v", probe, second)
			}
			seen[probe[0].ID]++
			s.record(e, probe[0].ID, webhook.Down, down, func(r *webhook.Result) { r.Probe = true })
		}
		if len(seen) != 4 {
			t.Errorf("probes %v", seen)
		}
		if told := s.due(other); len(told) != 1 || told[0].Type != webhook.EndpointFailing {
			t.Errorf("told %+v", told)
		} else {
			var event webhook.Event
			s.must(json.Unmarshal(told[0].Body, &event))
			if f := event.Data.Endpoint; f == nil || f.ID != e.ID || f.Waiting != 4 || f.Host != "crm.example.com" || f.DisabledAt == nil {
				t.Errorf("event %s", told[0].Body)
			}
			s.record(other, told[0].ID, webhook.NoFault)
		}

		// A probe whose node stops is free at once; the CRM is back.
		s.after(7 * time.Second)
		probe := s.due(e)
		s.must(s.Webhooks.Release(ctx, e.ID, []int64{probe[0].ID}, true, s.now))
		probe = s.due(e)
		if len(probe) != 1 {
			t.Fatalf("released probe: %+v", probe)
		}
		s.record(e, probe[0].ID, webhook.NoFault)
		batch, err := s.Webhooks.Take(ctx, e.ID, s.now, s.now.Add(time.Minute))
		s.must(err)
		if list := batch.Deliveries; len(list) != 3 || list[0].ID > list[1].ID || list[1].ID > list[2].ID {
			t.Errorf("pulled: %+v", list)
		}
		if told := s.due(other); len(told) != 1 || told[0].Type != webhook.EndpointRecovered {
			t.Errorf("told %+v", told)
		}
		// All nodes share the rate: the next batch's place is behind this one's.
		c2 := s.campaign()
		s.add(c2, s.person())
		s.close(s.dial(c2), campaigns.Busy)
		next, err := s.Webhooks.Take(ctx, e.ID, s.now, s.now.Add(time.Minute))
		s.must(err)
		if want := batch.First.Add(3 * e.Spacing()); next.First.Before(want.Add(-time.Millisecond)) {
			t.Errorf("next batch at %v, want %v or later", next.First.Sub(s.now), want.Sub(s.now))
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
		s.record(e, list[0].ID, webhook.NoFault)
		list = append(list, s.due(e)...)
		if len(list) != 2 {
			t.Fatalf("due %+v", list)
		}
		s.must(s.Webhooks.Release(ctx, e.ID, []int64{list[1].ID}, false, s.now))
		for _, test := range []struct {
			which webhook.Selection
			want  string
		}{
			{webhook.Selection{OnlyFailed: true, From: noon, To: second}, ""},
			{webhook.Selection{OnlyFailed: true, From: noon}, "2 "}, // it waits
			{webhook.Selection{From: second, To: second.Add(time.Second)}, "2 "},
			{webhook.Selection{DeliveryID: list[0].ID}, "1 2 "},
			{webhook.Selection{}, "1 2 "},
		} {
			n, err := s.Webhooks.Replay(ctx, e.ID, test.which, s.now)
			s.must(err)
			var again []webhook.Delivery
			for more := s.due(e); len(more) > 0; more = s.due(e) {
				again = append(again, more...)
				for _, d := range more {
					if d.Tries != 0 {
						t.Errorf("replayed with %d tries", d.Tries)
					}
					if d.Sequence == 1 {
						s.record(e, d.ID, webhook.NoFault)
					}
				}
			}
			if test.want != "" && sequences(again) != test.want {
				t.Errorf("replay %+v: %d, due %s, want %s", test.which, n, sequences(again), test.want)
			}
			for _, d := range again {
				if d.Sequence == 2 {
					s.must(s.Webhooks.Release(ctx, e.ID, []int64{d.ID}, false, s.now))
				}
			}
		}
		if n, err := s.Webhooks.Prune(ctx, second, 10); n != 1 || err != nil {
			t.Errorf("%d events pruned, %v", n, err)
		}
		left, err := s.Journal.Deliveries(ctx, e.ID, "", 0, 10)
		s.must(err)
		if len(left) != 1 || left[0].Sequence != 2 {
			t.Errorf("left %+v", left)
		}
		s.must(s.Webhooks.DeleteEndpoint(ctx, e.ID))
		_, err = s.Webhooks.Endpoint(ctx, e.ID)
		s.wantIs(err, webhook.ErrNoEndpoint)
		s.wantIs(err, store.ErrNotFound)
		s.wantIs(s.Webhooks.DeleteEndpoint(ctx, e.ID), webhook.ErrNoEndpoint)
	})
}

// TestSecretsRotate: a second rotation within a day ends nothing that the receiver may still have, whoever rotates at the same
// time.
func TestSecretsRotate(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e := s.endpoint(func(*webhook.Endpoint) {})
		const rotations = 4
		var running sync.WaitGroup
		for range rotations {
			running.Go(func() {
				if _, err := s.Webhooks.RotateSecret(ctx, e.ID, webhook.NewSecret(), s.now); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		list, err := s.Webhooks.Secrets(ctx, e.ID, s.now)
		s.must(err)
		stored, err := s.Webhooks.Endpoint(ctx, e.ID)
		s.must(err)
		if len(list) != 1+rotations || list[0].Value != stored.Secret || !list[0].EndsAt.IsZero() || list[rotations].Value != e.Secret {
			t.Fatalf("secrets %v", list)
		}
		for _, old := range list[1:] {
			if !old.EndsAt.Equal(s.now.Add(24*time.Hour)) || !slices.Contains(stored.Old, old) {
				t.Errorf("%+v is not kept for a day in %+v", old, stored)
			}
		}
		every, err := s.Webhooks.Endpoints(ctx)
		s.must(err)
		if fmt.Sprint(every[0]) != fmt.Sprint(stored) {
			t.Errorf("listed %v, read %v", every[0], stored)
		}

		// A change of its settings that was begun before a rotation does not bring the former secret back.
		e.Rate = 7
		changed, err := s.Webhooks.UpdateEndpoint(ctx, e)
		s.must(err)
		if changed.Secret != stored.Secret || changed.Rate != 7 {
			t.Errorf("changed %+v", changed)
		}

		s.must(s.Webhooks.EndSecret(ctx, e.ID, list[2].ID))
		s.wantIs(s.Webhooks.EndSecret(ctx, e.ID, list[2].ID), webhook.ErrNoSecret)
		s.wantIs(s.Webhooks.EndSecret(ctx, e.ID+1, list[1].ID), webhook.ErrNoSecret)
		s.wantIs(s.Webhooks.EndSecret(ctx, e.ID, list[0].ID), webhook.ErrPresentSecret)
		if left, err := s.Webhooks.Secrets(ctx, e.ID, s.now); err != nil || len(left) != rotations || slices.Contains(left, list[2]) {
			t.Errorf("left %v, %v", left, err)
		}
		if left, err := s.Webhooks.Secrets(ctx, e.ID, s.now.Add(25*time.Hour)); err != nil || len(left) != 1 {
			t.Errorf("after a day %v, %v", left, err)
		}
		_, err = s.Webhooks.RotateSecret(ctx, 999, webhook.NewSecret(), s.now)
		s.wantIs(err, webhook.ErrNoEndpoint)
		_, err = s.Webhooks.Secrets(ctx, 999, s.now)
		s.wantIs(err, webhook.ErrNoEndpoint)
		s.must(s.Webhooks.DeleteEndpoint(ctx, e.ID))
	})
}

func TestEndpointsThatFail(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		e := s.endpoint(func(e *webhook.Endpoint) {
			e.Types = []webhook.Type{webhook.CallCompleted, webhook.RecordingReady}
		})
		stored, err := s.Webhooks.Endpoint(ctx, e.ID)
		s.must(err)
		if fmt.Sprint(stored) != fmt.Sprint(e) || len(stored.Types) != 2 {
			t.Errorf("stored %+v, made %+v", stored, e)
		}
	})
}
