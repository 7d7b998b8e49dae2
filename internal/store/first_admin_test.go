package store_test

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/store"
)

func TestFirstAdmin(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		one, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
		hour := s.now.Add(time.Hour)
		for _, fresh := range [][]byte{one, other} { // a second node, or the same one started again, shows the same link
			nonce, until, err := s.Users.FirstAdminLink(ctx, fresh, hour, s.now)
			s.must(err)
			if !bytes.Equal(nonce, one) || !until.Equal(hour) {
				t.Fatalf("link of %x until %v", nonce, until)
			}
		}
		if _, err := s.Users.FirstAdminNonce(ctx, hour); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a link whose hour is over: %v", err)
		}
		boss := access.User{Login: "boss", PasswordHash: "x", Role: access.RoleAdmin}
		if _, err := s.Users.CreateFirstAdmin(ctx, boss, one, hour); !errors.Is(err, access.ErrAdminThere) {
			t.Errorf("an admin by a link whose hour is over: %v", err)
		}
		nonce, _, err := s.Users.FirstAdminLink(ctx, other, hour.Add(time.Hour), hour)
		s.must(err)
		if !bytes.Equal(nonce, other) {
			t.Errorf("the next link is the old one")
		}

		var made, late atomic.Int64
		var wg sync.WaitGroup
		for _, login := range []string{"a", "b", "c", "d"} {
			wg.Go(func() {
				_, err := s.Users.CreateFirstAdmin(ctx, access.User{Login: login, PasswordHash: "x"}, other, hour)
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, access.ErrAdminThere):
					late.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 || late.Load() != 3 {
			t.Errorf("%d made, %d too late; want 1 and 3", made.Load(), late.Load())
		}
		if _, _, err := s.Users.FirstAdminLink(ctx, one, hour, s.now); !errors.Is(err, access.ErrAdminThere) {
			t.Errorf("a link although there is an admin: %v", err)
		}
	})
}
