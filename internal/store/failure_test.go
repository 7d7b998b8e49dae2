package store_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestDatabaseIsKilledDuringCalls kills PostgreSQL while calls go through the protocol: whatever was answered is kept,
// nothing is done twice, and the store goes on by itself.
func TestDatabaseIsKilledDuringCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a database of its own")
	}
	t.Parallel()
	server := testdeps.PostgresServer(t, true)
	s := open(t, server.Database(t))
	c := s.campaign()
	_, err := s.Contacts.ImportContacts(ctx, c.ID, numbered(400), s.now)
	s.must(err)

	var mu sync.Mutex
	claimed := map[dialer.AttemptID]int{}
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
				planned, _ := s.Dialing.Plan(bounded, c.ID, 2, s.now)
				for _, a := range planned {
					if _, err := s.Dialing.Claim(bounded, a.ID, "node", 0, 30*time.Second, s.now); err == nil {
						mu.Lock()
						claimed[a.ID]++
						mu.Unlock()
						_ = s.Dialing.Dialed(bounded, a.ID, "node", 1, ringing, s.now)
					}
				}
				cancel()
			}
		})
	}
	for kills := range 3 {
		testdeps.Eventually(t, "claims before the next kill", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(claimed) > kills
		})
		testdeps.Lasts(150 * time.Millisecond) // in the middle of whatever
		server.Kill()
		server.Start()
	}
	close(stop)
	workers.Wait()

	if len(claimed) == 0 {
		t.Fatal("nothing was claimed")
	}
	for id, n := range claimed {
		if a := s.attempt(id); n != 1 || a.State != dialer.Dialing || a.Fence != 1 {
			t.Errorf("attempt %+v was claimed %d times", a, n)
		}
	}
	// What was left half done is put right as after any crash.
	s.after(time.Minute)
	for range 2 {
		lapsed, err := s.Dialing.Lapsed(ctx, s.now, 1000)
		s.must(err)
		for _, a := range lapsed {
			_, err := s.Dialing.CloseUnknown(ctx, a.ID, a.Fence, s.now)
			s.must(err)
		}
		_, err = s.Dialing.CancelStale(ctx, s.now, s.now)
		s.must(err)
	}
	stats, err := s.Campaigns.Stats(ctx, c.ID)
	s.must(err)
	if stats.Open != 0 || stats.Contacts[campaigns.Calling] != 0 {
		t.Errorf("at rest: %+v", stats)
	}
}

func TestDatabaseIsAway(t *testing.T) {
	t.Parallel()
	server := testdeps.PostgresServer(t, false)
	s := open(t, server.Database(t))
	c := s.campaign()
	s.add(c, s.person())
	a := s.plan(c)
	server.Stop()
	bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := s.Dialing.Claim(bounded, a.ID, "node", 0, time.Minute, s.now); err == nil || errors.Is(err, dialer.ErrNotClaimed) {
		t.Errorf("claim answers %v: want an error that is no sentinel", err)
	}
	if err := s.Ping(bounded); err == nil {
		t.Error("a stopped database answers")
	}
	server.Start()
	s.claim(a)
}

// TestStoreStartsAgainInEveryState opens the database anew after each step of a call.
func TestStoreStartsAgainInEveryState(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		again := func() {
			s.must(s.Disconnect())
			next := open(t, s.url) // migrates once more, which changes nothing
			s.Store, s.Dialing = next.Store, next.Dialing
		}
		c := s.campaign()
		s.add(c, s.person())
		again()
		a := s.plan(c)
		again()
		a = s.claim(a).Attempt
		again()
		s.must(s.Dialing.Dialed(ctx, a.ID, a.Owner, a.Fence, ringing, s.now))
		again()
		s.must(s.Dialing.Answered(ctx, a.ID, a.Owner, a.Fence, "4", s.now))
		again()
		s.close(a, campaigns.Answered)
		again()
		s.must(s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", Now: s.now}))
		again()
		if got, want := types(s.events()), "1:call.answered 2:call.completed 3:call.code_set 4:contact.finished "; got != want {
			t.Errorf("events %s, want %s", got, want)
		}
	})
}

func TestEventsWakeTheDelivery(t *testing.T) {
	t.Parallel()
	woken := 0
	s, err := store.Open(ctx, sqliteURL(t), store.Options{OnEvent: func() { woken++ }})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Store: s, Dialing: settled{s.Dialing, s}, tb: t, now: noon}
	defer h.Disconnect()
	h.must(h.Migrate(ctx))
	c := h.campaign()
	h.add(c, h.person())
	a := h.dial(c)
	if woken != 0 {
		t.Errorf("woken %d times before there is an event", woken)
	}
	h.close(a, campaigns.Busy)
	if woken != 1 {
		t.Errorf("woken %d times by one event", woken)
	}
}

// asked is a context that ends when its Done is asked for the nth time: so a caller can leave at each point of a transaction,
// also between a driver's last look and its statement.
type asked struct {
	context.Context
	end   context.CancelFunc
	times atomic.Int64
}

func (a *asked) Done() <-chan struct{} {
	if a.times.Add(-1) <= 0 {
		a.end()
	}
	return a.Context.Done()
}

// TestCallersWhoLeaveBlockNobody has callers give up in the midst of their transactions; the next one must find the way free.
func TestCallersWhoLeaveBlockNobody(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign()
		kept := 0
		for round := range 400 {
			leaving, end := context.WithCancel(ctx)
			a := &asked{Context: leaving, end: end}
			a.times.Store(int64(round % 40))
			if _, err := s.Campaigns.SetStatus(a, c.ID, campaigns.Running, []campaigns.Status{campaigns.Running}, s.now); err == nil {
				kept++
			}
			end()
			bounded, done := context.WithTimeout(ctx, time.Minute)
			_, err := s.Campaigns.SetStatus(bounded, c.ID, campaigns.Running, []campaigns.Status{campaigns.Running}, s.now)
			done()
			if err != nil {
				t.Fatalf("after %d who left: %v", round+1, err)
			}
		}
		if kept == 0 || kept == 400 {
			t.Errorf("%d of 400 were served: want some who leave, and some who stay", kept)
		}
	})
}

// TestACallerLeavesWhileTheFileIsTaken has a caller give up while another process writes: SQLite begins the transaction all the
// same when the file is free, and its driver says that it did not.
func TestACallerLeavesWhileTheFileIsTaken(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(t))
	c := s.campaign()
	other, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(s.url, "sqlite:"))
	s.must(err)
	defer other.Close()
	other.SetMaxOpenConns(1)
	_, err = other.ExecContext(ctx, "BEGIN IMMEDIATE")
	s.must(err)
	leaving, leave := context.WithTimeout(ctx, 50*time.Millisecond)
	defer leave()
	free := time.AfterFunc(150*time.Millisecond, func() { _, _ = other.ExecContext(ctx, "COMMIT") })
	defer free.Stop()
	if _, err := s.Campaigns.SetStatus(leaving, c.ID, campaigns.Paused, []campaigns.Status{campaigns.Running}, s.now); err == nil {
		t.Error("a caller whose time is over was served")
	}
	_, err = s.Campaigns.SetStatus(ctx, c.ID, campaigns.Paused, []campaigns.Status{campaigns.Running}, s.now)
	s.must(err)
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]string{"sqlite": sqliteURL(t), "postgres": testdeps.Postgres(t)} {
		s, err := store.Open(ctx, url, store.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		have, need, err := s.Version(ctx)
		if err != nil || have != 0 || need < 1 {
			t.Errorf("%s: an empty database has version %d of %d, %v", engine, have, need, err)
		}
		var together sync.WaitGroup
		for range 8 { // each may lose each step to another
			together.Go(func() {
				if err := s.Migrate(ctx); err != nil {
					t.Errorf("%s: %v", engine, err)
				}
			})
		}
		together.Wait()
		if have, need, err = s.Version(ctx); err != nil || have != need {
			t.Errorf("%s: version %d of %d, %v", engine, have, need, err)
		}
		if err := s.Disconnect(); err != nil {
			t.Errorf("%s: %v", engine, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "text"), []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"mysql://root:secret@host/db": `scheme "mysql": want postgres://`,
		"":                            "want postgres://",
		"sqlite:":                     "needs a path",
		"sqlite:" + filepath.Join(folder, "none", "x"):       "sqlite",
		"sqlite:" + filepath.Join(folder, "text"):            "not a database",
		"postgres://u:secret@127.0.0.1:bad/db":               "PostgreSQL URL: want",
		"postgres://u:secret@127.0.0.1:1/db?sslmode=disable": "does not answer",
	} {
		_, err := store.Open(ctx, url, store.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v, want %q in it and no password", url, err, want)
		}
	}
}
