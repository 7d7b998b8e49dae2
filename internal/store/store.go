package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
)

// Errors of this package, beside those of the rooms whose Store it is.
var (
	ErrNotFound = errors.New("store: not found")
	ErrConflict = errors.New("store: conflict with what is stored")
)

// Options of [Open]. The zero value is complete.
type Options struct {
	IDs           *ids.Generator // of attempts; nil: one of its own
	RecordingBase string         // put before recording links that are paths on this server, such as "https://dial.example.com"
	MaxConns      int            // connections to PostgreSQL; zero: 16
	Logger        *slog.Logger   // nil: slog.Default()

	// Now is the time by the database's clock; nil: time.Now. Most methods are given it.
	Now func() time.Time

	// OnEvent is called after each commit that wrote events. It must not block.
	OnEvent func()
}

// Store is the system of record. It is safe for concurrent use.
type Store struct {
	engine engine

	ids           *ids.Generator
	recordingBase string
	log           *slog.Logger
	now           func() time.Time
	onEvent       func()

	onces     sync.Map // Idempotency-Keys that are being served here
	campaigns sync.Map // campaign id → cachedCampaign

	// What running calls ask for, together: see lane.
	claims lane[*claim]
	dials  lane[dial]
	steps  lane[step]
}

// Open connects to "postgres://…" (or "postgresql://…") or "sqlite:PATH"; a SQLite file that is not there is made. It does
// not create tables: see [Store.Migrate].
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s := &Store{ids: opts.IDs, recordingBase: strings.TrimSuffix(opts.RecordingBase, "/"), log: opts.Logger, now: opts.Now, onEvent: opts.OnEvent}
	if s.ids == nil {
		s.ids = &ids.Generator{}
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.onEvent == nil {
		s.onEvent = func() {}
	}
	path, isFile := strings.CutPrefix(url, "sqlite:")
	var err error
	switch {
	case isFile:
		s.engine, err = openSQLite(ctx, path)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		s.engine, err = openPostgres(ctx, url, opts.MaxConns)
	default:
		scheme, _, _ := strings.Cut(url, ":") // the rest may hold a password
		err = fmt.Errorf("store: URL with scheme %.20q: want postgres://user:password@host/database or sqlite:PATH", scheme)
	}
	if err != nil {
		return nil, err
	}
	width := s.engine.writers()
	s.claims = lane[*claim]{width: width, of: func(c *claim) dialer.AttemptID { return c.id }, run: s.takeClaims}
	s.dials = lane[dial]{width: width, of: func(d dial) dialer.AttemptID { return dialer.AttemptID(d.ID) }, run: s.takeDials}
	s.steps = lane[step]{width: width, of: func(st step) dialer.AttemptID { return st.id }, run: s.takeSteps}
	if err := s.Ping(ctx); err != nil {
		_ = s.Disconnect()
		return nil, err
	}
	return s, nil
}

// Engine is "postgres" or "sqlite".
func (s *Store) Engine() string { return s.engine.name() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := one(ctx, s, scanID, `SELECT 1`); err != nil {
		return fmt.Errorf("store: %s does not answer: %w", s.Engine(), err)
	}
	return nil
}

// Disconnect gives the connections back. Running transactions end first. (Close ends an attempt.)
func (s *Store) Disconnect() error {
	s.claims.ended.Wait()
	s.dials.ended.Wait()
	s.steps.ended.Wait()
	if err := s.engine.close(); err != nil {
		return fmt.Errorf("store: disconnect: %w", err)
	}
	return nil
}

// cachedCampaign is a parsed campaign, valid while the row's version is still this one.
type cachedCampaign struct {
	version  int64
	campaign *campaigns.Campaign // never changed
}
