package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/creditorro/ringmaster/campaigns"
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

	// OnEvent is called after each commit that wrote events. It must not block.
	OnEvent func()
}

// Store is the system of record. It is safe for concurrent use.
type Store struct {
	dialect dialect
	write   *sql.DB // on SQLite one connection, as it knows one writer at a time
	read    *sql.DB

	ids           *ids.Generator
	recordingBase string
	log           *slog.Logger
	onEvent       func()

	campaigns sync.Map // campaign id → cachedCampaign
}

// Open connects to "postgres://…" (or "postgresql://…") or "sqlite:PATH"; a SQLite file that is not there is made. It does
// not create tables: see [Store.Migrate].
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s := &Store{ids: opts.IDs, recordingBase: strings.TrimSuffix(opts.RecordingBase, "/"), log: opts.Logger, onEvent: opts.OnEvent}
	if s.ids == nil {
		s.ids = &ids.Generator{}
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.onEvent == nil {
		s.onEvent = func() {}
	}
	var err error
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		s.dialect = sqliteDialect{}
		s.write, s.read, err = openSQLite(path)
	} else if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		s.dialect = postgresDialect{}
		s.write, err = openPostgres(url, opts.MaxConns)
		s.read = s.write
	} else {
		scheme, _, _ := strings.Cut(url, ":") // the rest may hold a password
		return nil, fmt.Errorf("store: URL with scheme %.20q: want postgres://user:password@host/database or sqlite:PATH", scheme)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		_ = s.Disconnect()
		return nil, err
	}
	return s, nil
}

// Engine is "postgres" or "sqlite".
func (s *Store) Engine() string { return s.dialect.name() }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("store: %s does not answer: %w", s.Engine(), err)
	}
	return nil
}

// Disconnect gives the connections back. Running transactions end first. (Close ends an attempt.)
func (s *Store) Disconnect() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	return err
}

// cachedCampaign is a parsed campaign, valid while the row's version is still this one.
type cachedCampaign struct {
	version  int64
	campaign *campaigns.Campaign // never changed
}
