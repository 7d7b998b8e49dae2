package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/store"
)

// TestPoolUnderRush: 200 agents begin their shift at once, and there are 150 extensions.
func TestPoolUnderRush(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		const people, pool = 200, 150
		changed := make([]int64, pool)
		_, err := s.Agents.ChangeExtensions(ctx, nil, changed, func(i int, x *agents.Extension) error {
			*x = agents.Extension{Name: fmt.Sprint(3400 + i), Number: fmt.Sprint(3400 + i), Network: "sip"}
			return nil
		}, "boss", s.now)
		s.must(err)
		ids := make([]int64, people)
		for i := range ids {
			ids[i] = s.agent().ID
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		taken, empty := map[string]int64{}, 0
		for _, id := range ids {
			wg.Go(func() {
				x, err := s.Agents.TakeExtension(ctx, id, "")
				mu.Lock()
				defer mu.Unlock()
				switch other := taken[x.Name]; {
				case errors.Is(err, agents.ErrNoExtensionFree):
					empty++
				case err != nil:
					t.Errorf("agent %d: %v", id, err)
				case other != 0:
					t.Errorf("extension %s went to agents %d and %d", x.Name, other, id)
				default:
					taken[x.Name] = id
				}
			})
		}
		wg.Wait()
		if len(taken) != pool || empty != people-pool {
			t.Errorf("%d extensions taken, %d agents without: want %d and %d", len(taken), empty, pool, people-pool)
		}
		list, err := s.Agents.Extensions(ctx)
		s.must(err)
		for _, x := range list {
			if x.OwnerID != taken[x.Name] {
				t.Errorf("extension %s is stored as agent %d's, given to %d", x.Name, x.OwnerID, taken[x.Name])
			}
		}
		// One leaves: the next one gets what became free.
		s.release(taken["3400"])
		late := s.agent()
		if x, err := s.Agents.TakeExtension(ctx, late.ID, ""); err != nil || x.Name != "3400" {
			t.Errorf("after a leave: %+v, %v", x, err)
		}
	})
}

func TestExtensionsChangeTogether(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		fill := func(list ...agents.Extension) func(int, *agents.Extension) error {
			return func(i int, x *agents.Extension) error {
				id, owner := x.ID, x.OwnerID
				*x = list[i]
				x.ID, x.OwnerID = id, owner
				return nil
			}
		}
		one, two := agents.Extension{Name: "1", Number: "1", Network: "sip"}, agents.Extension{Name: "2", Number: "2", Network: "sip",
			Profile: json.RawMessage(`{"E_Type":"GlobalCall"}`)}
		made, err := s.Agents.ChangeExtensions(ctx, nil, []int64{-1, -2}, fill(one, two), "boss", s.now)
		s.must(err)
		if len(made) != 2 || made[0].ID == 0 || made[1].ID <= made[0].ID {
			t.Fatalf("made %+v", made)
		}
		got, err := s.Agents.Extension(ctx, made[1].ID)
		s.must(err)
		if string(got.Profile) != `{"E_Type":"GlobalCall"}` {
			t.Errorf("profile %s", got.Profile)
		}
		s.must(s.Credentials.SetPhonePassword(ctx, "1", "m", "s"))

		// A batch whose last change cannot be leaves everything as it was.
		three := agents.Extension{Name: "3", Network: "sip"}
		_, err = s.Agents.ChangeExtensions(ctx, []int64{made[0].ID}, []int64{-1, -1}, fill(three, two), "boss", s.now)
		s.wantIs(err, agents.ErrNameTaken)
		if !strings.Contains(err.Error(), `extension "2"`) {
			t.Errorf("which name is taken is not said: %v", err)
		}
		refused := errors.New("refused")
		_, err = s.Agents.ChangeExtensions(ctx, []int64{made[0].ID}, []int64{-1}, func(int, *agents.Extension) error { return refused },
			"boss", s.now)
		s.wantIs(err, refused)
		_, err = s.Agents.ChangeExtensions(ctx, []int64{made[0].ID, 99}, nil, nil, "boss", s.now)
		s.wantIs(err, agents.ErrNoExtension)
		if list, _ := s.Agents.Extensions(ctx); len(list) != 2 {
			t.Errorf("after refused batches: %+v", list)
		}

		ann := s.agent()
		_, err = s.Agents.TakeExtension(ctx, ann.ID, "2")
		s.must(err)
		_, err = s.Agents.ChangeExtensions(ctx, []int64{made[1].ID}, nil, nil, "boss", s.now)
		s.wantIs(err, agents.ErrExtensionIsOwned)
		moved := two
		moved.Number = "22"
		_, err = s.Agents.ChangeExtensions(ctx, nil, []int64{made[1].ID}, fill(moved), "boss", s.now)
		s.wantIs(err, agents.ErrExtensionIsOwned)
		described := two
		described.Profile = json.RawMessage(`{"E_Description":"desk"}`)
		if list, err := s.Agents.ChangeExtensions(ctx, []int64{made[0].ID}, []int64{made[1].ID}, fill(described), "boss",
			s.now); err != nil ||
			list[0].OwnerID != ann.ID {
			t.Errorf("%+v, %v", list, err)
		}

		// A new extension of the same name does not inherit the phone's password.
		_, err = s.Agents.CreateExtension(ctx, one)
		s.must(err)
		_, _, err = s.Credentials.PhonePassword(ctx, "1")
		s.wantIs(err, agents.ErrNoExtension)

		log, err := s.Audits.AuditLog(ctx, 0, 10)
		s.must(err)
		var what []string
		for _, e := range log {
			what = append(what, e.What)
		}
		if want := []string{"extension.update", "extension.delete", "extension.create", "extension.create"}; !slices.Equal(what, want) {
			t.Errorf("audited %v, want %v", what, want)
		}
	})
}

func TestAgentChanges(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, err := s.Agents.ChangeAgent(ctx, 0, func(g *agents.Agent) (string, error) {
			*g = agents.Agent{Login: "ann", Name: "Ann", Queues: []string{"B", "A"}, Profile: json.RawMessage(`{"RightID": 7}`)}
			return "made", nil
		}, "boss", s.now)
		s.must(err)
		if a.Login != "ann" || !slices.Equal(a.Queues, []string{"A", "B"}) || string(a.Profile) != `{"RightID": 7}` {
			t.Errorf("made %+v", a)
		}
		a, err = s.Agents.ChangeAgent(ctx, a.ID, func(g *agents.Agent) (string, error) {
			g.Queues = append(g.Queues, "C")
			return "",
				nil
		}, "boss", s.now)
		s.must(err)
		if !slices.Equal(a.Queues, []string{"A", "B", "C"}) {
			t.Errorf("changed %+v", a)
		}
		a, err = s.Agents.ChangeAgent(ctx, a.ID, func(g *agents.Agent) (string, error) {
			g.Username = "ann@example.com"
			return "",
				nil
		}, "boss", s.now)
		s.must(err)
		if u, err := s.Users.UserByLogin(ctx, "ann@example.com"); err != nil || u.AgentID != a.ID || u.Role != access.RoleAgent {
			t.Errorf("the cookie's user is %+v, %v: want one who acts as the agent", u, err)
		}
		bob := s.agent()
		_, err = s.Agents.ChangeAgent(ctx, bob.ID, func(g *agents.Agent) (string, error) { g.Login = "ann"; return "", nil }, "boss",
			s.now)
		s.wantIs(err, agents.ErrNameTaken)
		_, err = s.Agents.ChangeAgent(ctx, 99, func(*agents.Agent) (string, error) { return "", nil }, "boss", s.now)
		s.wantIs(err, agents.ErrNoAgent)

		// Changes of different fields at the same time are all kept.
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				_, err := s.Agents.ChangeAgent(ctx, a.ID, func(g *agents.Agent) (string, error) {
					g.Queues = append(g.Queues, fmt.Sprint("Q", i))
					return "", nil
				}, "boss", s.now)
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if a, _ = s.Agents.Agent(ctx, a.ID); len(a.Queues) != 11 {
			t.Errorf("queues %v: want 11", a.Queues)
		}
	})
}

// mayUseTheAPI follows agent 12341's user through what is done to the agent.
func (s *house) mayUseTheAPI(agentID, userID int64, put func(user, login, username string) (agents.Agent, bool, error)) {
	s.tb.Helper()
	_, err := s.Users.CreateToken(ctx, access.Token{UserID: userID, Name: "script", Hash: make([]byte, 32), CreatedAt: s.now})
	s.must(err)
	made, err := s.Users.CreateUser(ctx, access.User{Login: "ann at her desk", PasswordHash: "$argon2id$x", Role: access.RoleAgent,
		AgentID: agentID})
	s.must(err)
	byID := func(id int64) (access.User, error) { return s.Users.User(ctx, id) }
	disable := func(off bool) {
		_, err := s.Agents.ChangeAgent(ctx, agentID, func(g *agents.Agent) (string, error) { g.Disabled = off; return "", nil }, "boss",
			s.now)
		s.must(err)
		byName, err := s.Users.UserByLogin(ctx, "ann.b@example.com")
		s.must(err)
		byToken, err := s.Users.UserByToken(ctx, make([]byte, 32), s.now)
		s.must(err)
		withPassword, err := byID(made.ID)
		s.must(err)
		for _, u := range []access.User{byName, byToken, withPassword} {
			if u.AgentDisabled != off || u.Disabled {
				s.tb.Errorf("agent disabled: %t, its user %+v", off, u)
			}
		}
	}
	disable(true)
	disable(false)

	// Another name is the same user, with its tokens; a name that is taken, or none, ends it.
	rename := func(to string) {
		_, err := s.Agents.ChangeAgent(ctx, agentID, func(g *agents.Agent) (string, error) { g.Username = to; return "", nil }, "boss",
			s.now)
		s.must(err)
	}
	rename("ann.c@example.com")
	if u, err := s.Users.UserByToken(ctx, make([]byte, 32), s.now); err != nil || u.Login != "ann.c@example.com" {
		s.tb.Errorf("renamed: %+v, %v", u, err)
	}
	_, _, err = put("12341", "ann", "")
	s.must(err)
	_, err = byID(userID)
	s.wantIs(err, access.ErrNoUser)
	_, err = s.Users.UserByToken(ctx, make([]byte, 32), s.now)
	s.wantIs(err, access.ErrNoToken)
	_, err = byID(made.ID)
	s.must(err)
	_, _, err = put("12341", "ann", "ann.b@example.com")
	s.must(err)
	rename("ann at her desk")
	_, err = s.Users.UserByLogin(ctx, "ann.b@example.com")
	s.wantIs(err, access.ErrNoUser)
	_, _, err = put("12341", "ann", "ann.b@example.com")
	s.must(err)
}

func TestAgentOfUser(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		put := func(user, login, username string) (agents.Agent, bool, error) {
			return s.Agents.ChangeAgentOfUser(ctx, user, login, func(g *agents.Agent) (string, error) {
				if g.Login, g.Name = login, login; username != "not said" {
					g.Username = username
				}
				return "", nil
			}, "crm", s.now)
		}
		// The CRM's back end may say it from several of its processes at once.
		var wg sync.WaitGroup
		var mu sync.Mutex
		made, ids := 0, map[int64]bool{}
		for i := range 8 {
			wg.Go(func() {
				a, created, err := put("12341", fmt.Sprint("ann", i%2), "ann@example.com")
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if ids[a.ID] = true; created {
					made++
				}
			})
		}
		wg.Wait()
		if made != 1 || len(ids) != 1 {
			t.Fatalf("%d agents made, %d answered: want one", made, len(ids))
		}
		u, err := s.Users.UserByLogin(ctx, "ann@example.com")
		s.must(err)
		if u.Role != access.RoleAgent || !ids[u.AgentID] || u.PasswordHash != "" {
			t.Errorf("user %+v", u)
		}
		ann, _, err := put("12341", "ann", "ann.b@example.com") // renamed, and so is the user
		s.must(err)
		if u, err = s.Users.UserByLogin(ctx, "ann.b@example.com"); err != nil || u.AgentID != ann.ID {
			t.Errorf("renamed user %+v, %v", u, err)
		}
		_, err = s.Users.UserByLogin(ctx, "ann@example.com")
		s.wantIs(err, access.ErrNoUser)
		s.mayUseTheAPI(ann.ID, u.ID, put)

		_, _, err = put("2", "ann", "eve")
		s.wantIs(err, agents.ErrNameTaken)
		free, err := s.Agents.CreateAgent(ctx, agents.Agent{Login: "bob", Queues: []string{"A"}}, s.now)
		s.must(err)
		if bob, created, err := put("3", "bob", "bob@example.com"); err != nil || created || bob.ID != free.ID || bob.UserID != "3" ||
			len(bob.Queues) != 1 {
			t.Errorf("bound %+v, %t, %v", bob, created, err)
		}
		_, err = s.Agents.CreateAgent(ctx, agents.Agent{Login: "named", Username: "named@example.com"}, s.now)
		s.must(err)
		_, _, err = put("5", "named", "eve@example.com")
		s.wantIs(err, agents.ErrNameTaken)
		_, _, err = put("5", "named", "not said")
		s.wantIs(err, agents.ErrNameTaken) // who does not say whose agent it is
		if named, created, err := put("5", "named", "named@example.com"); err != nil || created || named.UserID != "5" {
			t.Errorf("bound by its name %+v, %t, %v", named, created, err)
		}
		boss, err := s.Users.CreateUser(ctx, access.User{Login: "boss", Role: access.RoleAdmin})
		s.must(err)
		if _, _, err = put("4", "cid", "boss"); err != nil {
			t.Error(err)
		}
		if u, _ := s.Users.UserByLogin(ctx, "boss"); u != boss {
			t.Errorf("an administrator became %+v", u)
		}

		s.agent() // of user u7, as the next one
		s.agent()
		_, _, err = put("u7", "dan", "")
		s.wantIs(err, store.ErrConflict)

		for _, c := range []struct {
			username, userID string
			want             int
		}{{"ann.b@example.com", "12341", 1}, {"ann.b@example.com", "", 0}, {"", "12341", 0}, {"x", "12341", 0},
			{"ann.b@example.com", "3", 0},
			{"x", "u7", 2}, {"", "", 0}} {
			list, err := s.Agents.AgentsOfUser(ctx, c.username, c.userID)
			if s.must(err); len(list) != c.want {
				t.Errorf("agents of %q %q: %+v, want %d", c.username, c.userID, list, c.want)
			}
		}
	})
}

func TestLoginTokens(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		ann, bob := s.agent(), s.agent()
		_, hash := access.NewLoginToken()
		s.must(s.Agents.CreateLoginToken(ctx, ann.ID, hash, s.now.Add(time.Minute), s.now))
		redeem := func(id int64, hash []byte) bool {
			ok, err := s.Agents.RedeemLoginToken(ctx, id, hash, s.now)
			s.must(err)
			return ok
		}
		if redeem(bob.ID, hash) {
			t.Error("another agent's token")
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		used := 0
		for range 8 {
			wg.Go(func() {
				if ok := redeem(ann.ID, hash); ok {
					mu.Lock()
					used++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if used != 1 {
			t.Errorf("a token was good %d times", used)
		}
		s.must(s.Agents.CreateLoginToken(ctx, ann.ID, hash, s.now.Add(time.Minute), s.now))
		s.after(time.Minute)
		if redeem(ann.ID, hash) {
			t.Error("an expired token")
		}
		var first []byte
		for i := range 21 {
			_, hash = access.NewLoginToken()
			if i == 0 {
				first = hash
			}
			s.must(s.Agents.CreateLoginToken(ctx, ann.ID, hash, s.now.Add(time.Minute+time.Duration(i)*time.Millisecond), s.now))
		}
		if redeem(ann.ID, first) || !redeem(ann.ID, hash) {
			t.Error("of too many tokens the oldest go")
		}
	})
}
