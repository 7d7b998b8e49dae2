package store_test

import (
	"testing"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/store"
)

func TestMediatelLogins(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		a, err := s.CreateAgent(ctx, agents.Agent{Login: "ann", PasswordHash: "x"}, s.now)
		s.must(err)
		_, err = s.MediatelLogin(ctx, a.ID)
		s.wantIs(err, store.ErrNotFound)
		s.must(s.SetMediatelLogin(ctx, a.ID, store.MediatelLogin{Login: "mt_agent1", Sealed: []byte{1, 0, 255}}))
		s.must(s.SetMediatelLogin(ctx, a.ID, store.MediatelLogin{Login: "mt_agent2", Extension: "3444", Sealed: []byte{0, 254}}))
		got, err := s.MediatelLogin(ctx, a.ID)
		s.must(err)
		if got.Login != "mt_agent2" || got.Extension != "3444" || string(got.Sealed) != "\x00\xfe" {
			t.Errorf("kept %+v", got)
		}
		s.wantIs(s.SetMediatelLogin(ctx, a.ID+1, got), agents.ErrNoAgent)
	})
}
