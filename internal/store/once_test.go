package store_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestOnce: a deed and its reply are there together, or neither is.
func TestOnce(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		print := []byte("print")
		make := func(login string, status int) func(context.Context) (int, []byte) {
			return func(ctx context.Context) (int, []byte) {
				u, err := s.Users.CreateUser(ctx, access.User{Login: login, Role: access.RoleCRM})
				if err != nil {
					return 409, []byte(err.Error())
				}
				if _, err := s.Users.CreateUser(ctx, u); !errors.Is(err, store.ErrConflict) { // a refused statement spoils nothing
					t.Errorf("the same login twice: %v", err)
				}
				if got, err := s.Users.UserByLogin(ctx, login); err != nil || got.ID != u.ID { // what was done is seen
					t.Errorf("read back %+v, %v", got, err)
				}
				s.must(s.Audits.Audit(ctx, access.Audit{At: s.now, Who: "boss", What: "user.create", Object: login}))
				return status, []byte("reply")
			}
		}
		there := func(login string) bool {
			_, err := s.Users.UserByLogin(ctx, login)
			return err == nil
		}
		once := func(key, login string, status int) (int, string) {
			t.Helper()
			got, _, body, err := s.Replies.Once(ctx, key, print, s.now, make(login, status))
			s.must(err)
			return got, string(body)
		}
		if got, _ := once("k1", "a", 201); got != 0 || !there("a") {
			t.Errorf("done: %d", got)
		}
		if got, body := once("k1", "a", 201); got != 201 || body != "reply" {
			t.Errorf("repeated: %d %s", got, body)
		}
		if got, _ := once("k2", "b", 422); got != 0 || there("b") {
			t.Errorf("refused: %d, there: %v", got, there("b"))
		}
		if got, _ := once("k2", "b", 201); got != 422 || there("b") {
			t.Errorf("a refusal repeated: %d", got)
		}
		if got, _ := once("k3", "c", 0); got != 0 || there("c") {
			t.Errorf("nothing is kept: %d", got)
		}
		if got, _ := once("k3", "c", 201); got != 0 || !there("c") {
			t.Errorf("tried again: %d", got)
		}
		func() {
			defer func() { _ = recover() }()
			_, _, _, _ = s.Replies.Once(ctx, "k4", print, s.now, func(ctx context.Context) (int, []byte) {
				make("d", 201)(ctx)
				panic("oh no")
			})
		}()
		if there("d") {
			t.Error("half a deed stays")
		}
		if got, _ := once("k4", "d", 201); got != 0 || !there("d") {
			t.Errorf("after a panic: %d", got)
		}

		// Of many at once one does it; the others wait for it, or are told that it is under way.
		var deeds int
		var running sync.WaitGroup
		for range 8 {
			running.Go(func() {
				got, _, _, err := s.Replies.Once(ctx, "k5", print, s.now, func(ctx context.Context) (int, []byte) {
					deeds++
					return make("e", 201)(ctx)
				})
				if err != nil || got != 0 && got != 201 && got != -1 {
					t.Errorf("at once: %d, %v", got, err)
				}
			})
		}
		running.Wait()
		if deeds != 1 {
			t.Errorf("done %d times", deeds)
		}
	})
}

// TestOnceKilledBetween ends a process between the deed and its reply. Neither is there afterwards, and the repeat does it.
func TestOnceKilledBetween(t *testing.T) {
	if url := os.Getenv("RINGMASTER_TEST_KILLED_AT"); url != "" {
		s, err := store.Open(ctx, url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, _ = s.Replies.Once(ctx, "k", []byte("print"), time.Now(), func(ctx context.Context) (int, []byte) {
			if _, err := s.Users.CreateUser(ctx, access.User{Login: "once", Role: access.RoleCRM}); err != nil {
				os.Exit(3)
			}
			os.Exit(9)
			return 201, nil
		})
		os.Exit(4)
	}
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			url := engine.url(t)
			s := open(t, url)
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOnceKilledBetween$")
			child.Env = append(os.Environ(), "RINGMASTER_TEST_KILLED_AT="+url)
			var ended *exec.ExitError
			if out, err := child.CombinedOutput(); !errors.As(err, &ended) || ended.ExitCode() != 9 {
				t.Fatalf("%v: %s", err, out)
			}
			if _, err := s.Users.UserByLogin(ctx, "once"); !errors.Is(err, access.ErrNoUser) {
				t.Errorf("the deed without its reply: %v", err)
			}
			// A database may need a moment to notice that the process is gone.
			testdeps.Eventually(t, "the repeat to be done", func() bool {
				status, _, _, err := s.Replies.Once(ctx, "k", []byte("print"), time.Now(), func(ctx context.Context) (int, []byte) {
					if _, err := s.Users.CreateUser(ctx, access.User{Login: "once", Role: access.RoleCRM}); err != nil {
						t.Error(err)
					}
					return 201, nil
				})
				return err == nil && status == 0
			})
		})
	}
}

// TestACodeCorrectedOnce: a call code that is corrected by a request done once is a part of that request's transaction, which
// would wait for it otherwise; it goes with a request that is refused, and bars the person where the law says so when it stays.
func TestACodeCorrectedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		called := s.campaign()
		c := s.campaign(func(c *campaigns.Campaign) { c.Limits.MeaningfulPerDay = 1 })
		for _, to := range []*campaigns.Campaign{called, c} {
			s.add(to, somebody("talked", n1))
		}
		a := s.talkOf(s.plan(called), "2")
		s.Settle()
		if due := s.dueOf(c, "talked"); due.After(s.now) {
			t.Fatalf("put off to %s by a talk about nothing", due)
		}
		correct := func(key string, status int) {
			t.Helper()
			limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			_, _, _, err := s.Replies.Once(limited, key, []byte("print"), s.now, func(ctx context.Context) (int, []byte) {
				s.must(s.Attempts.CorrectCode(ctx, dialer.Coding{ID: a.ID, Code: "1", Now: s.now}, "boss"))
				return status, []byte("reply")
			})
			s.must(err)
			s.Settle()
		}
		correct("k1", 409)
		if code := s.attempt(a.ID).Code; code != "2" {
			t.Errorf("a refused request has set code %q", code)
		}
		if due := s.dueOf(c, "talked"); due.After(s.now) {
			t.Errorf("put off to %s by a refused request", due)
		}
		correct("k2", 200)
		if code := s.attempt(a.ID).Code; code != "1" {
			t.Errorf("code %q, want 1", code)
		}
		if due, midnight := s.dueOf(c, "talked"), noon.Truncate(24*time.Hour).Add(24*time.Hour); !due.Equal(midnight) {
			t.Errorf("due at %s, want %s", due, midnight)
		}
	})
}
