package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/ids"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Errors of this package, beside those of the rooms whose Store it is.
var (
	ErrNotFound error = reason.New(reason.Missing, reason.Reason{}, "store: not found")
	ErrConflict error = reason.New(reason.Conflict, reason.Reason{}, "store: conflict with what is stored")
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

// Store is the system of record, opened: one small value for each interface of the rooms, all over one database. It is safe for
// concurrent use.
type Store struct {
	*db

	Campaigns   Campaigns
	Contacts    Contacts
	Imports     Imports
	People      People
	Dialing     Dialing
	Queues      Queues
	Previews    Previews
	Attempts    Attempts
	Recordings  Recordings
	Agents      Agents
	Credentials Credentials
	Users       Users
	Audits      Audits
	Webhooks    Webhooks
	Journal     Journal
	Replies     Replies
}

// db is the database that all of them share, with what they keep in memory for each other.
type db struct {
	engine engine

	ids           *ids.Generator
	recordingBase string
	log           *slog.Logger
	now           func() time.Time
	onEvent       func()

	tokenKey atomic.Value // []byte, of those who were erased

	onces     sync.Map // Idempotency-Keys that are being served here
	campaigns sync.Map // campaign id → cachedCampaign

	alternations sync.Map // campaign id → *atomic.Int64
	walks        sync.Map // campaign id → walked

	// What running calls ask for, together: see batcher.
	claims batcher[*claim]
	dials  batcher[dial]
	steps  batcher[step]

	meetings meetings
}

// Open connects to "postgres://…" (or "postgresql://…") or "sqlite:PATH"; a SQLite file that is not there is made. It does
// not create tables: see [Store.Migrate].
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	d := &db{ids: opts.IDs, recordingBase: strings.TrimSuffix(opts.RecordingBase, "/"), log: opts.Logger, now: opts.Now,
		onEvent: opts.OnEvent}
	if d.ids == nil {
		d.ids = &ids.Generator{}
	}
	if d.log == nil {
		d.log = slog.Default()
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.onEvent == nil {
		d.onEvent = func() {}
	}
	path, isFile := strings.CutPrefix(url, "sqlite:")
	var err error
	switch {
	case isFile:
		d.engine, err = openSQLite(ctx, path)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		d.engine, err = openPostgres(ctx, url, opts.MaxConns)
	default:
		scheme, _, _ := strings.Cut(url, ":") // the rest may hold a password
		err = fmt.Errorf("store: URL with scheme %.20q: want postgres://user:password@host/database or sqlite:PATH", scheme)
	}
	if err != nil {
		return nil, err
	}
	width := d.engine.writers()
	d.claims = batcher[*claim]{width: width, of: func(c *claim) dialer.AttemptID { return c.id }, run: d.takeClaims}
	d.dials = batcher[dial]{width: width, of: func(d dial) dialer.AttemptID { return dialer.AttemptID(d.ID) }, run: d.takeDials}
	d.steps = batcher[step]{width: width, of: func(st step) dialer.AttemptID { return st.id }, run: d.takeSteps}
	s := &Store{d, Campaigns{d}, Contacts{d}, Imports{d}, People{d}, Dialing{d}, Queues{d}, Previews{d}, Attempts{d}, Recordings{d},
		Agents{d},
		Credentials{d}, Users{d}, Audits{d},
		Webhooks{d}, Journal{d}, Replies{d}}
	if err := s.Ping(ctx); err != nil {
		_ = s.Disconnect()
		return nil, err
	}
	return s, nil
}

// Engine is "postgres" or "sqlite".
func (s *Store) Engine() string { return s.engine.name() }

// ErrAway says that the database is silent.
var ErrAway = errors.New("store: the database does not answer")

// Ping says whether the database replies.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := one(ctx, s, scanID, `SELECT 1`); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAway, s.Engine(), err)
	}
	return nil
}

// Disconnect gives the connections back. Running transactions end first. (Close ends an attempt.)
func (s *Store) Disconnect() error {
	s.claims.ended.Wait()
	s.dials.ended.Wait()
	s.steps.ended.Wait()
	s.meetings.ended.Wait()
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
