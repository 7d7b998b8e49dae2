package store_test

import (
	"testing"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/store"
)

func TestMediatelLogins(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, err := s.Agents.CreateAgent(ctx, agents.Agent{Login: "ann", PasswordHash: "x"}, s.now)
		s.must(err)
		_, err = s.Credentials.MediatelLogin(ctx, a.ID)
		s.wantIs(err, store.ErrNotFound)
		s.must(s.Credentials.SetMediatelLogin(ctx, a.ID, store.MediatelLogin{Login: "mt_agent1", Sealed: []byte{1, 0, 255}}))
		s.must(s.Credentials.SetMediatelLogin(ctx, a.ID,
			store.MediatelLogin{Login: "mt_agent2", Extension: "3444", Sealed: []byte{0, 254}}))
		got, err := s.Credentials.MediatelLogin(ctx, a.ID)
		s.must(err)
		if got.Login != "mt_agent2" || got.Extension != "3444" || string(got.Sealed) != "\x00\xfe" {
			t.Errorf("kept %+v", got)
		}
		s.wantIs(s.Credentials.SetMediatelLogin(ctx, a.ID+1, got), agents.ErrNoAgent)
	})
}

// TestPoolOfTwoNetworks: a Mediatel's extensions go to agents who have a login there, and the others to the others.
func TestPoolOfTwoNetworks(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		for _, x := range []agents.Extension{{Name: "m1", Network: "mediatel"}, {Name: "m2", Network: "mediatel"},
			{Name: "s1", Network: "sip"},
			{Name: "s2", Network: "sip"}} {
			_, err := s.Agents.CreateExtension(ctx, x)
			s.must(err)
		}
		there, alsoThere, third, here, late := s.agent(), s.agent(), s.agent(), s.agent(), s.agent()
		for _, a := range []agents.Agent{there, alsoThere, third} {
			s.must(s.Credentials.SetMediatelLogin(ctx, a.ID, store.MediatelLogin{Login: a.Login, Sealed: []byte{1}}))
		}
		network := func(a agents.Agent, take func() (agents.Extension, error)) string {
			t.Helper()
			x, err := take()
			s.must(err)
			if x.OwnerID != a.ID {
				t.Errorf("taken %+v", x)
			}
			return x.Network
		}
		login := func(a agents.Agent) func() (agents.Extension, error) {
			return func() (agents.Extension, error) { return s.Agents.TakeExtension(ctx, a.ID, "") }
		}
		session := func(a agents.Agent) func() (agents.Extension, error) {
			return func() (agents.Extension, error) { return s.Agents.ReserveExtension(ctx, a.ID) }
		}
		if got := network(here, session(here)); got != "sip" {
			t.Errorf("without a login at Mediatel: an extension of %s", got)
		}
		s.must(func() error { _, err := s.Agents.TakeExtension(ctx, there.ID, "s2"); return err }()) // asked for by name: its last one
		s.release(there.ID)
		if got := network(there, session(there)); got != "mediatel" {
			t.Errorf("with a login at Mediatel: an extension of %s", got)
		}
		if got := network(alsoThere, login(alsoThere)); got != "mediatel" {
			t.Errorf("with a login at Mediatel: an extension of %s", got)
		}
		if got := network(third, login(third)); got != "sip" {
			t.Errorf("with a login at Mediatel, whose extensions are taken: one of %s", got)
		}
		s.release(there.ID)
		_, err := s.Agents.TakeExtension(ctx, late.ID, "")
		s.wantIs(err, agents.ErrNoExtensionFree)
	})
}
