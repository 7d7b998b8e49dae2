package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/webhook"
)

// crmStage is a CRM alone.
func crmStage(t *testing.T) *stage {
	t.Helper()
	secret := webhook.NewSecret()
	s := &stage{t: t, seed: Seed(1, UsualAgents, UsualPeople)}
	var err error
	if s.signer, err = standardwebhooks.NewWebhook(secret); err != nil {
		t.Fatal(err)
	}
	if s.crm, err = NewCRM(secret, s.seed.Contacts); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(s.crm)
	t.Cleanup(s.Close)
	return s
}

func (s *stage) ping(person string) webhook.Event {
	return webhook.Event{
		ID: webhook.NewEventID(), Type: webhook.ContactFinished, At: time.Now().UTC(),
		Data: webhook.Data{Contact: &webhook.Contact{CRMID: person}},
	}
}

func TestCRMVerifiesAndKnowsRepetitions(t *testing.T) {
	s := crmStage(t)
	e := s.ping("1")
	for range 3 {
		if answer := s.post(e, s.signer); answer.StatusCode != http.StatusNoContent {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
	other, _ := standardwebhooks.NewWebhook(webhook.NewSecret())
	if answer := s.post(s.ping("1"), other); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a foreign signature: status %d", answer.StatusCode)
	}
	if n := s.crm.Received(); n != 1 || s.crm.events[0].Times != 3 || s.crm.refused != 1 {
		t.Errorf("%d received, the first %d times, %d refused", n, s.crm.events[0].Times, s.crm.refused)
	}
	flood := strings.NewReader(strings.Repeat("x", maxWebhook+1))
	answer, err := http.Post(s.URL+"/crm/webhook", "application/json", flood)
	if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a flood: %v %v", answer, err)
	}
	if _, err := NewCRM("secret", nil); err == nil {
		t.Error("a CRM without a real secret")
	}
}

func TestCRMForgetsTheOldest(t *testing.T) {
	s := crmStage(t)
	for i := range kept + 50 {
		e := s.ping(fmt.Sprint(i % 7))
		body, _ := json.Marshal(e)
		s.crm.keep(e.ID, e, body)
	}
	if len(s.crm.events) != kept || len(s.crm.byID) != kept || s.crm.Received() != kept+50 || s.crm.events[0].Number != 51 {
		t.Errorf("%d events, %d by id, %d received, the oldest is %d",
			len(s.crm.events), len(s.crm.byID), s.crm.Received(), s.crm.events[0].Number)
	}
}

// follow reads a feed and passes its frames on.
func (s *stage) follow(path, lastEventID string) <-chan received {
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cancel(); answer.Body.Close() })
	frames := make(chan received, 5000)
	go func() {
		defer close(frames)
		lines := bufio.NewReader(answer.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				var e received
				if json.Unmarshal([]byte(data), &e) != nil {
					s.t.Errorf("no JSON in a frame: %s", data)
				}
				frames <- e
			}
		}
	}()
	return frames
}

// Browsers that come before, between and after get every event once and in order; one that comes back goes on where it was.
func TestCRMFeed(t *testing.T) {
	s := crmStage(t)
	early := s.follow("/crm/feed", "")
	ofOne := s.follow("/crm/feed?person=3", "")
	var late <-chan received
	for i := range 60 {
		if i == 30 {
			late = s.follow("/crm/feed", "")
		}
		s.post(s.ping(fmt.Sprint(i%6)), s.signer)
	}
	back := s.follow("/crm/feed", "55")
	read := func(name string, frames <-chan received, want ...int64) {
		t.Helper()
		for _, n := range want {
			select {
			case e := <-frames:
				if e.Number != n {
					t.Fatalf("%s: event %d instead of %d", name, e.Number, n)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: no event %d", name, n)
			}
		}
	}
	all, threes := []int64{}, []int64{}
	for n := int64(1); n <= 60; n++ {
		all = append(all, n)
		if (n-1)%6 == 3 {
			threes = append(threes, n)
		}
	}
	read("early", early, all...)
	read("late", late, all...)
	read("of one person", ofOne, threes...)
	read("back", back, 56, 57, 58, 59, 60)
}

// A browser that does not read is cut off; nobody waits for it.
func TestSlowWatcherIsCutOff(t *testing.T) {
	var f feed
	frames, leave, _ := f.join()
	defer leave()
	for i := range watcherQueue + 1 {
		f.publish(frame{number: int64(i + 1)})
	}
	n := 0
	for range frames {
		n++
	}
	if n != watcherQueue || len(f.watchers) > 0 {
		t.Errorf("%d frames were kept, watched: %v", n, len(f.watchers) > 0)
	}
	for range maxWatchers {
		if _, _, ok := f.join(); !ok {
			t.Fatal("refused too early")
		}
	}
	if _, _, ok := f.join(); ok {
		t.Error("one too many may watch")
	}
}

func TestCRMKnowsItsPeople(t *testing.T) {
	s := crmStage(t)
	answer, err := http.Get(s.URL + "/crm/people/10000001")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if !strings.Contains(string(body), `"phones":[{"number":"+4477009`) || !strings.Contains(string(body), `"debt":`) {
		t.Errorf("%s", body)
	}
	if answer, _ := http.Get(s.URL + "/crm/people/1"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", answer.StatusCode)
	}
}
