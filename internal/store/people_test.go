package store_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

func TestAgents(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, err := s.Agents.CreateAgent(ctx, agents.Agent{Login: "ann", Name: "Ann", PasswordHash: "$argon2id$x", UserID: "12",
			Username: "ann@example.com",
			Queues:   []string{"B", "A"}, AutoCall: true}, s.now)
		s.must(err)
		if a.ID == 0 || !slices.Equal(a.Queues, []string{"A", "B"}) || a.PauseID != agents.NoPause || !a.AutoCall ||
			a.Username != "ann@example.com" {
			t.Errorf("made %+v", a)
		}
		_, err = s.Agents.CreateAgent(ctx, agents.Agent{Login: "ann"}, s.now)
		s.wantIs(err, agents.ErrNameTaken)
		s.wantIs(err, store.ErrConflict)

		s.must(s.Agents.SetAutoCall(ctx, a.ID, false))
		s.must(s.Agents.SetPause(ctx, a.ID, agents.ForcePauseID, reason.Said("no answer")))
		s.wantIs(s.Agents.SetAutoCall(ctx, 99, true), agents.ErrNoAgent)
		a.Name, a.Queues, a.Language = "Ann B.", []string{"C"}, "uk"
		_, err = s.Agents.UpdateAgent(ctx, a, s.now) // leaves flag and pause alone
		s.must(err)
		s.wantIs(s.Agents.SetLanguage(ctx, 99, "uk"), agents.ErrNoAgent)
		got, err := s.Agents.AgentByLogin(ctx, "ann")
		s.must(err)
		if got.AutoCall || got.PauseID != agents.ForcePauseID || got.PauseCause != reason.Said("no answer") || got.Name != "Ann B." ||
			got.Language != "uk" ||
			!slices.Equal(got.Queues, []string{"C"}) {
			t.Errorf("stored %+v", got)
		}
		list, err := s.Agents.Agents(ctx)
		s.must(err)
		if len(list) != 1 || fmt.Sprint(list[0]) != fmt.Sprint(got) {
			t.Errorf("listed %+v", list)
		}
		s.wantIs(s.Agents.DeleteAgent(ctx, a.ID, "boss", s.now), store.ErrConflict)
		got.Disabled = true
		_, err = s.Agents.UpdateAgent(ctx, got, s.now)
		s.must(err)
		s.must(s.Credentials.SetMediatelLogin(ctx, a.ID, store.MediatelLogin{Login: "mt_agent1", Sealed: []byte{1}}))
		_, err = s.Agents.CreateExtension(ctx, agents.Extension{Name: "3001"})
		s.must(err)
		_, err = s.Agents.TakeExtension(ctx, a.ID, "3001")
		s.must(err)
		s.must(s.Agents.DeleteAgent(ctx, a.ID, "boss", s.now))
		s.wantIs(s.Agents.DeleteAgent(ctx, a.ID, "boss", s.now), agents.ErrNoAgent)
		log, err := s.Audits.AuditLog(ctx, 0, 10)
		s.must(err)
		if len(log) != 1 || log[0].Who != "boss" || log[0].What != "agent.delete" || log[0].Object != fmt.Sprintf("agent/%d", a.ID) ||
			log[0].Detail != "ann" {
			t.Errorf("audited %+v", log)
		}
		db, left := s.DB(), 0
		defer db.Close()
		s.must(db.QueryRow(`SELECT count(*) FROM mediatel_logins`).Scan(&left))
		if left != 0 {
			t.Error("the password at Mediatel is left")
		}
		if x, err := s.Agents.ExtensionByName(ctx, "3001"); err != nil || x.OwnerID != 0 {
			t.Errorf("the extension %+v, %v", x, err)
		}
		_, err = s.Agents.Agent(ctx, a.ID)
		s.wantIs(err, agents.ErrNoAgent)
		s.wantIs(err, store.ErrNotFound)
	})
}

func TestExtensions(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		ann, bob, cid := s.agent(), s.agent(), s.agent()
		for _, name := range []string{"3001", "3002"} {
			x, err := s.Agents.CreateExtension(ctx, agents.Extension{Name: name, Network: "simulated", Number: name,
				Codecs: []string{"g711a", "opus"}, Options: true})
			s.must(err)
			if x.ID == 0 || len(x.Codecs) != 2 || !x.Options {
				t.Errorf("made %+v", x)
			}
		}
		_, err := s.Agents.CreateExtension(ctx, agents.Extension{Name: "3001"})
		s.wantIs(err, agents.ErrNameTaken)

		x, err := s.Agents.TakeExtension(ctx, ann.ID, "3002")
		s.must(err)
		if x.Name != "3002" || x.OwnerID != ann.ID {
			t.Errorf("taken %+v", x)
		}
		_, err = s.Agents.TakeExtension(ctx, bob.ID, "3002")
		s.wantIs(err, agents.ErrExtensionTaken)
		_, err = s.Agents.TakeExtension(ctx, bob.ID, "none")
		s.wantIs(err, agents.ErrNoExtension)
		if x, err = s.Agents.TakeExtension(ctx, bob.ID, ""); err != nil || x.Name != "3001" {
			t.Errorf("from the pool: %+v, %v", x, err)
		}
		_, err = s.Agents.TakeExtension(ctx, cid.ID, "")
		s.wantIs(err, agents.ErrNoExtensionFree)
		s.wantIs(s.Agents.DeleteExtension(ctx, x.ID), agents.ErrExtensionIsOwned)

		// The one owned last comes back.
		s.release(ann.ID)
		s.release(bob.ID)
		if x, err = s.Agents.ReserveExtension(ctx, ann.ID); err != nil || x.Name != "3002" {
			t.Errorf("the last one: %+v, %v", x, err)
		}
		if got, _ := s.Agents.Agent(ctx, ann.ID); got.Extension != "3002" {
			t.Errorf("agent %+v", got)
		}
		x.Server, x.Codecs = "sip.example.com:5060", nil
		if x, err = s.Agents.UpdateExtension(ctx, x); err != nil || x.Server == "" || x.OwnerID != ann.ID {
			t.Errorf("changed %+v, %v", x, err)
		}
		s.release(ann.ID)
		s.must(s.Agents.DeleteExtension(ctx, x.ID))
		if list, err := s.Agents.Extensions(ctx); err != nil || len(list) != 1 {
			t.Errorf("left %+v, %v", list, err)
		}
	})
}

// release frees an agent's extension as it is now.
func (h *house) release(agentID int64) {
	h.tb.Helper()
	list, err := h.Agents.Extensions(ctx)
	h.must(err)
	for _, x := range list {
		if x.OwnerID == agentID {
			h.must(h.Agents.ReleaseExtension(ctx, x))
			return
		}
	}
	h.tb.Fatalf("agent %d has no extension", agentID)
}

// TestTakings: an extension is given back by its taking, and a login under way keeps the one it took.
func TestTakings(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		ann := s.agent()
		for _, name := range []string{"1", "2"} {
			_, err := s.Agents.CreateExtension(ctx, agents.Extension{Name: name, Network: "sip", Number: name})
			s.must(err)
		}
		bob := s.agent()
		reserved, err := s.Agents.ReserveExtension(ctx, bob.ID)
		s.must(err)
		if x, err := s.Agents.TakeExtension(ctx, bob.ID, "2"); err != nil || x.Name != "2" {
			t.Errorf("another than the session's: %+v, %v", x, err)
		}
		if x, _ := s.Agents.ExtensionByName(ctx, "1"); reserved.Name != "1" || x.OwnerID != 0 {
			t.Errorf("the session's is not free: %+v", x)
		}
		s.release(bob.ID)
		reserved, err = s.Agents.ReserveExtension(ctx, ann.ID)
		s.must(err)
		first, err := s.Agents.TakeExtension(ctx, ann.ID, "1")
		s.must(err)
		second, err := s.Agents.TakeExtension(ctx, ann.ID, "")
		s.must(err)
		if reserved.Name != "1" || second.Name != "1" || first.Taken <= reserved.Taken || second.Taken <= first.Taken {
			t.Fatalf("taken as %+v, %+v, %+v", reserved, first, second)
		}
		if again, err := s.Agents.ReserveExtension(ctx, ann.ID); err != nil || again.Taken != second.Taken {
			t.Errorf("a session takes its agent's extension anew: %+v, %v", again, err)
		}
		s.must(s.Agents.ReleaseExtension(ctx, first)) // late: it was taken again
		if x, _ := s.Agents.Extension(ctx, first.ID); x.OwnerID != ann.ID || x.Taken != second.Taken {
			t.Errorf("a late release: %+v", x)
		}
		_, err = s.Agents.TakeExtension(ctx, ann.ID, "2")
		s.wantIs(err, agents.ErrLoginUnderWay)
		page := []byte("a page that is about to log in..") // 32 bytes, as a hash has
		s.must(s.Agents.CreateLoginToken(ctx, ann.ID, page, time.Now().Add(time.Minute), time.Now()))
		s.must(s.Agents.ReleaseExtension(ctx, second))
		if x, _ := s.Agents.Extension(ctx, first.ID); x.OwnerID != ann.ID {
			t.Errorf("taken from a page that is about to log in with it: %+v", x)
		}
		if ok, err := s.Agents.RedeemLoginToken(ctx, ann.ID, page, time.Now()); err != nil || !ok {
			t.Fatal(ok, err)
		}
		s.must(s.Agents.ReleaseExtension(ctx, second))
		if x, _ := s.Agents.Extension(ctx, first.ID); x.OwnerID != 0 {
			t.Errorf("released: %+v", x)
		}
		other, err := s.Agents.TakeExtension(ctx, ann.ID, "2")
		s.must(err)
		s.must(s.Agents.ReleaseExtension(ctx, other))
		if third, err := s.Agents.TakeExtension(ctx, ann.ID, "1"); err != nil || third.Taken <= second.Taken {
			t.Errorf("numbers of takings do not grow: %+v after %+v, %v", third, second, err)
		}
	})
}

func TestExtensionsOfThePoolHaveOneOwner(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for i := range 5 {
			_, err := s.Agents.CreateExtension(ctx, agents.Extension{Name: fmt.Sprint(3000 + i), Network: "simulated"})
			s.must(err)
		}
		var people []agents.Agent
		for range 8 {
			people = append(people, s.agent())
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		owners := map[string]int{}
		for _, a := range people {
			wg.Go(func() {
				x, err := s.Agents.TakeExtension(ctx, a.ID, "")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					owners[x.Name]++
				} else {
					s.wantIs(err, agents.ErrNoExtensionFree)
				}
			})
		}
		wg.Wait()
		for name, n := range owners {
			if n != 1 {
				t.Errorf("extension %s has %d owners", name, n)
			}
		}
		if len(owners) != 5 {
			t.Errorf("%d of 5 extensions were given", len(owners))
		}
	})
}

func TestPauses(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		want := []agents.Pause{{ID: "4", Name: "Meeting"}, {ID: "1", Name: "Break"}}
		for range 2 {
			s.must(s.Agents.SetPauses(ctx, want))
			if got, err := s.Agents.Pauses(ctx); err != nil || !slices.Equal(got, want) {
				t.Errorf("pauses %+v, %v", got, err)
			}
		}
	})
}

func TestUsersAndTokens(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		u, err := s.Users.CreateUser(ctx, access.User{Login: "boss", PasswordHash: "$argon2id$y", Role: access.RoleAdmin})
		s.must(err)
		_, err = s.Users.CreateUser(ctx, access.User{Login: "boss", Role: access.RoleCRM})
		s.wantIs(err, store.ErrConflict)
		ann := s.agent()
		if tab, err := s.Users.CreateUser(ctx, access.User{Login: "ann", Role: access.RoleAgent, AgentID: ann.ID}); err != nil ||
			tab.AgentID != ann.ID {
			t.Errorf("made %+v, %v", tab, err)
		}
		if got, err := s.Users.UserByLogin(ctx, "boss"); err != nil || got != u {
			t.Errorf("stored %+v, %v", got, err)
		}
		for _, name := range []string{"ann", ann.Login} { // the account, and the agent who it is
			if got, err := s.Users.UserSigningIn(ctx, name); err != nil || got.AgentID != ann.ID || got.PasswordHash != ann.PasswordHash {
				t.Errorf("%s signs in as %+v, %v", name, got, err)
			}
		}
		if got, err := s.Users.UserSigningIn(ctx, "boss"); err != nil || got != u {
			t.Errorf("boss signs in as %+v, %v", got, err)
		}
		for i, change := range []struct {
			hash  string
			ended int64
			// sessions end with the password that opened them
		}{{ann.PasswordHash, 0}, {"$argon2id$another", 1}, {"$argon2id$another", 1}} {
			ann.PasswordHash = change.hash
			_, err = s.Agents.UpdateAgent(ctx, ann, s.now)
			s.must(err)
			if got, err := s.Users.UserByLogin(ctx, "ann"); err != nil || got.Generation != change.ended {
				t.Errorf("change %d: %+v, %v", i, got, err)
			}
		}
		_, err = s.Users.UserSigningIn(ctx, "nobody")
		s.wantIs(err, access.ErrNoUser)
		_, err = s.Users.User(ctx, 99)
		s.wantIs(err, access.ErrNoUser)

		hash := bytes.Repeat([]byte{7}, 32)
		k, err := s.Users.CreateToken(ctx, access.Token{UserID: u.ID, Name: "ci", Hash: hash, ExpiresAt: s.now.Add(time.Hour),
			CreatedAt: s.now})
		s.must(err)
		if got, err := s.Users.UserByToken(ctx, hash, s.now); err != nil || got != u {
			t.Errorf("user of the token: %+v, %v", got, err)
		}
		_, err = s.Users.UserByToken(ctx, hash, s.now.Add(time.Hour))
		s.wantIs(err, access.ErrNoToken)
		if list, err := s.Users.Tokens(ctx, u.ID); err != nil || len(list) != 1 || !bytes.Equal(list[0].Hash, hash) ||
			!list[0].ExpiresAt.Equal(k.ExpiresAt) {
			t.Errorf("tokens %+v, %v", list, err)
		}
		s.must(s.Users.RevokeToken(ctx, k.ID))
		s.wantIs(s.Users.RevokeToken(ctx, k.ID), access.ErrNoToken)

		_, err = s.Users.CreateUser(ctx, access.User{Login: "boss2", Role: access.RoleAdmin}) // somebody administrates
		s.must(err)
		_, err = s.Users.SetUserDisabled(ctx, u.ID, true, "boss", s.now)
		s.must(err)
		if list, err := s.Users.Users(ctx); err != nil || len(list) != 3 || !list[0].Disabled {
			t.Errorf("users %+v, %v", list, err)
		}
	})
}

func TestAuditLogPages(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for i := range 5 {
			s.must(s.Audits.Audit(ctx, access.Audit{At: s.now, Who: "boss", What: "campaign.start", Object: fmt.Sprint("campaign/", i)}))
		}
		var seen []string
		for before := int64(0); ; {
			page, err := s.Audits.AuditLog(ctx, before, 2)
			s.must(err)
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				seen = append(seen, e.Object)
				before = e.ID
			}
		}
		if want := []string{"campaign/4", "campaign/3", "campaign/2", "campaign/1", "campaign/0"}; !slices.Equal(seen, want) {
			t.Errorf("pages show %v", seen)
		}
	})
}

func TestReplies(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		begin := func(key string) (int, string, string) {
			status, kept, body, err := s.Replies.BeginReply(ctx, key, []byte("print"), s.now)
			s.must(err)
			return status, string(kept), string(body)
		}
		if status, _, _ := begin("k"); status != 0 {
			t.Errorf("a new key answers %d", status)
		}
		if status, kept, _ := begin("k"); status != -1 || kept != "print" {
			t.Errorf("a running request answers %d, %q", status, kept)
		}
		s.must(s.Replies.EndReply(ctx, "k", 201, []byte(`{"id":1}`), s.now))
		if status, kept, body := begin("k"); status != 201 || kept != "print" || body != `{"id":1}` {
			t.Errorf("answered %d %q %q", status, kept, body)
		}
		begin("again")
		s.must(s.Replies.EndReply(ctx, "again", 0, nil, s.now))
		if status, _, _ := begin("again"); status != 0 {
			t.Errorf("a key that was given back answers %d", status)
		}
		s.after(11 * time.Minute) // its process died
		if status, _, _ := begin("again"); status != 0 {
			t.Errorf("an abandoned key answers %d", status)
		}
		s.after(72 * time.Hour)
		if status, _, _ := begin("k"); status != 0 {
			t.Errorf("an old key answers %d", status)
		}
	})
}
