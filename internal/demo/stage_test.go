package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/gateway"
	"github.com/creditorro/ringmaster/agents/roster"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/web"
	"github.com/creditorro/ringmaster/webhook"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

// stage is the demo without its dialer: the real gateway, roster, store, CRM, board and pages. The calls are played by
// the test through the same inputs to the agents' state machine as the dialer's.
type stage struct {
	*httptest.Server
	t      testing.TB
	seed   Seeding
	store  *store.Store
	roster *roster.Roster
	vouch  *access.Vouch
	crm    *CRM
	signer *standardwebhooks.Webhook
	agents *Agents

	attempts atomic.Int64

	mu       sync.Mutex
	codes    map[string]int
	sequence int64
}

func newStage(t testing.TB, simulated int) *stage {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	s := &stage{t: t, seed: Seed(1, UsualAgents, UsualPeople), codes: map[string]int{}}
	s.attempts.Store(150_324_019_331_072)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	var err error
	s.store, err = store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "demo.db"), store.Options{Logger: log})
	must(err)
	must(s.store.Migrate(ctx))
	passwords := &access.Passwords{}
	hash, err := passwords.Hash(password)
	must(err)
	for _, x := range s.seed.Extensions {
		_, err = s.store.Agents.CreateExtension(ctx, x)
		must(err)
	}
	for i, a := range s.seed.Agents {
		a.PasswordHash, a.Extension = hash, ""
		s.seed.Agents[i], err = s.store.Agents.CreateAgent(ctx, a, time.Now())
		must(err)
	}
	must(s.store.Agents.SetPauses(ctx, s.seed.Pauses))

	rdb := redis.NewClient(&redis.Options{Addr: testdeps.Redis(t)})
	s.roster, err = roster.New(rdb, roster.Options{Installation: "test", Node: "stage", Roles: []string{"gateway", "dialer"},
		Record: s.store.Agents, Log: log})
	must(err)
	s.vouch, err = access.NewVouch(access.VouchOptions{Secrets: []string{strings.Repeat("s", 32)}})
	must(err)
	door, err := gateway.New(gateway.Deps{Store: s.store.Agents, Roster: s.roster, Calls: s, Cookies: s.vouch, Passwords: passwords,
		Tries: access.NewTries(nil, "", nil, nil), Log: log, Location: time.UTC})
	must(err)

	secret := webhook.NewSecret()
	s.signer, err = standardwebhooks.NewWebhook(secret)
	must(err)
	s.crm, err = NewCRM(secret, s.seed.Contacts)
	must(err)
	mux := http.NewServeMux()
	s.Server = httptest.NewServer(mux)
	seats := make([]Seat, simulated)
	for i := range seats {
		seats[i] = Seat{Login: s.seed.Agents[i].Login}
	}
	s.agents, err = NewAgents(AgentsDeps{URL: s.URL + gateway.Path, Cookie: s.cookie, Seats: seats, Password: password, Speed: 20,
		Seed: 1, Logger: log})
	must(err)
	mux.Handle("/assets/", web.Assets())
	mux.Handle("/crm/", s.crm)
	mux.Handle("/demo/", NewSeats(s.who, s.agents))
	mux.Handle(gateway.Path, door)
	mux.HandleFunc("POST /stage/play", s.playHTTP)

	running.Go(func() { s.roster.Run(ctx) })
	must(s.roster.Heartbeat(ctx))
	running.Go(func() { door.Run(ctx) })
	running.Go(func() { <-ctx.Done(); s.crm.Close() })
	running.Go(func() { s.agents.Run(ctx) })
	running.Go(func() { s.keepReachable(ctx) })
	t.Cleanup(func() {
		cancel()
		s.CloseClientConnections()
		door.Close(context.Background())
		running.Wait()
		s.Close()
		s.store.Disconnect()
		rdb.Close()
	})
	return s
}

// keepReachable finds every phone reachable after a login, as the dialer does.
func (s *stage) keepReachable(ctx context.Context) {
	for ctx.Err() == nil {
		live, _ := s.roster.List(ctx, 0, 100)
		for _, l := range live {
			if l.State != agents.LoggedOff && !l.Reachable {
				s.apply(ctx, l.AgentID, agents.Input{Kind: agents.ReachableChanged, Reachable: true})
			}
		}
		retry.Sleep(ctx, 20*time.Millisecond)
	}
}

func (s *stage) agent(login string) agents.Agent {
	for _, a := range s.seed.Agents {
		if a.Login == login {
			return a
		}
	}
	s.t.Fatalf("no agent %s", login)
	return agents.Agent{}
}

func (s *stage) signIn(login, given string) (*http.Cookie, error) {
	for _, a := range s.seed.Agents {
		if a.Login == login && given == password {
			return s.vouch.Mint(access.Identity{Username: a.Username, UserID: a.UserID}, time.Hour)
		}
	}
	return nil, ErrNotIn
}

func (s *stage) who(r *http.Request) (string, error) {
	name, _, err := s.vouch.Check(r)
	if err != nil {
		return "", ErrNotIn
	}
	return name, nil
}

func (s *stage) cookie(login string) (string, error) {
	c, err := s.signIn(login, password)
	if err != nil {
		return "", err
	}
	return c.Name + "=" + c.Value, nil
}

// Calls of agents, played.

func (s *stage) call(contact campaigns.Contact, automatic bool) *agents.Call {
	id := strconv.FormatInt(s.attempts.Add(4096), 10)
	c := &agents.Call{
		AttemptID: id, CallTraceID: id, CRMID: contact.CRMID, Name: contact.Name, Number: contact.Phones[0].Number,
		Queue: CampaignName, Automatic: automatic, StartedAt: time.Now(),
	}
	c.CardLink = campaigns.CardLinkFor(&s.seed.Campaign, &contact, c.Number, id, id, "")
	for _, code := range s.seed.Campaign.CallCodes {
		c.Codes = append(c.Codes, agents.Code{ID: code.ID, Name: code.Name, ActionFlag: code.ActionFlag})
	}
	return c
}

func (s *stage) apply(ctx context.Context, agentID int64, in agents.Input) error {
	in.At = time.Now()
	_, err := s.roster.Apply(ctx, agentID, in)
	return err
}

// ring gives the agent's call its course up to the talk.
func (s *stage) ring(ctx context.Context, agentID int64, c *agents.Call) error {
	return errors.Join(s.apply(ctx, agentID, agents.Input{Kind: agents.Ringing, AttemptID: c.AttemptID, Call: c}),
		s.apply(ctx, agentID, agents.Input{Kind: agents.Connected, AttemptID: c.AttemptID}))
}

// play gives the longest-idle free agent a call, and answers who has it.
func (s *stage) play(ctx context.Context, contact campaigns.Contact) (agents.Live, error) {
	c := s.call(contact, true)
	free, err := s.roster.Free(ctx, "stage")
	if err != nil || len(free) == 0 {
		return agents.Live{}, errors.Join(errors.New("nobody is free"), err)
	}
	first := slices.MinFunc(free, func(a, b agents.Idle) int { return a.Since.Compare(b.Since) })
	l, err := s.roster.Apply(ctx, first.ID, agents.Input{Kind: agents.Claimed, AttemptID: c.AttemptID, Call: c,
		Until: time.Now().Add(time.Minute)})
	if err != nil {
		return l, err
	}
	return l, s.ring(ctx, l.AgentID, c)
}

// playHTTP lets the test in the browser play: an automatic call, or the customer's hang-up with ?hangup=LOGIN.
func (s *stage) playHTTP(w http.ResponseWriter, r *http.Request) {
	if login := r.URL.Query().Get("hangup"); login != "" {
		if err := s.Hangup(r.Context(), s.agent(login).ID); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
		return
	}
	n, _ := strconv.Atoi(r.URL.Query().Get("contact"))
	contact := s.seed.Contacts[n%UsualPeople]
	l, err := s.play(r.Context(), contact)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"login": l.Login, "name": contact.Name})
}

func (s *stage) MakeCall(ctx context.Context, agentID int64, number, _ string) error {
	for _, contact := range s.seed.Contacts {
		if contact.Phones[0].Number == number {
			c := s.call(contact, false)
			order := agents.Input{Kind: agents.Ordering, AttemptID: c.AttemptID, Call: c, Until: time.Now().Add(time.Minute)}
			if err := s.apply(ctx, agentID, order); err != nil {
				return err
			}
			return s.ring(ctx, agentID, c)
		}
	}
	return s.apply(ctx, agentID, agents.Input{Kind: agents.Refused, ErrorID: "-1001",
		ErrorText: reason.Said("hours: closed until 09:00")})
}

// present is the input about the agent's present call.
func (s *stage) present(ctx context.Context, agentID int64, in agents.Input) error {
	l, err := s.roster.Get(ctx, agentID)
	if err != nil || l.Call == nil {
		return errors.Join(err, errors.New("no call"))
	}
	in.AttemptID = l.Call.AttemptID
	if in.Kind == agents.HungUp {
		s.tell(webhook.CallCompleted, l, "answered", "")
	}
	return s.apply(ctx, agentID, in)
}

func (s *stage) Skip(context.Context, int64, string) error { return nil }
func (s *stage) Hangup(ctx context.Context, agentID int64) error {
	return s.present(ctx, agentID, agents.Input{Kind: agents.HungUp, CodeDueAt: time.Now().Add(time.Minute)})
}
func (s *stage) Hold(ctx context.Context, agentID int64) error {
	return s.present(ctx, agentID, agents.Input{Kind: agents.Held})
}
func (s *stage) Retrieve(ctx context.Context, agentID int64) error {
	return s.present(ctx, agentID, agents.Input{Kind: agents.Retrieved})
}
func (s *stage) Mute(ctx context.Context, agentID int64, on bool) error {
	return s.present(ctx, agentID, agents.Input{Kind: agents.MuteSet, On: on})
}
func (s *stage) Reachable(context.Context, int64) error { return nil }

func (s *stage) SetCode(ctx context.Context, agentID int64, attemptID, codeID string, _ time.Time) error {
	l, err := s.roster.Get(ctx, agentID)
	if err != nil {
		return err
	}
	if l.Call == nil || l.Call.AttemptID != attemptID {
		return dialer.ErrCodeSet
	}
	if l.State != agents.Clerical {
		return s.present(ctx, agentID, agents.Input{Kind: agents.CodeChosen, CodeID: codeID})
	}
	s.mu.Lock()
	s.codes[codeID]++
	s.mu.Unlock()
	s.tell(webhook.CallCodeSet, l, "answered", codeID)
	return s.present(ctx, agentID, agents.Input{Kind: agents.CodeSet})
}

// tell sends the CRM a signed webhook about the agent's call.
func (s *stage) tell(kind webhook.Type, l agents.Live, outcome, codeID string) *http.Response {
	now := time.Now().UTC()
	dialed, answered := l.Call.StartedAt.UTC(), l.Call.StartedAt.UTC()
	s.mu.Lock()
	s.sequence++
	e := webhook.Event{ID: webhook.NewEventID(), Type: kind, At: now, Sequence: s.sequence, Data: webhook.Data{
		Call: &webhook.Call{
			AttemptID: l.Call.AttemptID, CallTraceID: &l.Call.CallTraceID, Origin: "automatic", Ordinal: 1, Number: l.Call.Number,
			Outcome:  outcome,
			DialedAt: &dialed, AnsweredAt: &answered, EndedAt: &now, TalkSeconds: now.Sub(answered).Seconds(),
			RecordingLink: campaigns.RecordingLinkFor(&s.seed.Campaign, l.Call.CallTraceID),
		},
		Contact:  &webhook.Contact{ID: 1, CRMID: l.Call.CRMID, State: "coding"},
		Campaign: &webhook.Campaign{ID: 1, Name: CampaignName},
		Agent:    &webhook.Agent{ID: l.AgentID, Login: l.Login},
	}}
	s.mu.Unlock()
	if codeID != "" {
		e.Data.Contact.State, e.Data.Reason = "finished", "agent"
		for _, code := range s.seed.Campaign.CallCodes {
			if code.ID == codeID {
				e.Data.Code = &webhook.Code{ID: code.ID, Name: code.Name, Action: string(code.Action)}
			}
		}
	}
	return s.post(e, s.signer)
}

func (s *stage) post(e webhook.Event, signer *standardwebhooks.Webhook) *http.Response {
	body, err := json.Marshal(e)
	if err != nil {
		s.t.Error(err)
		return nil
	}
	now := time.Now()
	signature, _ := signer.Sign(e.ID, now, body)
	r, _ := http.NewRequest(http.MethodPost, s.URL+"/crm/webhook", strings.NewReader(string(body)))
	r.Header.Set("webhook-id", e.ID)
	r.Header.Set("webhook-timestamp", fmt.Sprint(now.Unix()))
	r.Header.Set("webhook-signature", signature)
	answer, err := s.Client().Do(r)
	if err != nil {
		if s.t.Context().Err() == nil { // else the test is over, and connections are cut
			s.t.Error(err)
		}
		return nil
	}
	answer.Body.Close()
	return answer
}
