package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the tables up to what this program knows. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) error {
	db := s.engine.database()
	defer db.Close()
	p, err := s.provider(db)
	if err != nil {
		return err
	}
	var results []*goose.MigrationResult
	up := func() error {
		applied, err := p.Up(ctx)
		if lost := (*goose.PartialError)(nil); errors.As(err, &lost) {
			applied = lost.Applied
		}
		results = append(results, applied...)
		return err
	}
	if s.Engine() == "postgres" {
		err = up() // under a lock
	} else {
		err = besideOthers(func() (int64, error) { return p.GetDBVersion(ctx) }, up)
	}
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	for _, r := range results {
		s.log.Info("store: migrated", "version", r.Source.Version, "file", r.Source.Path, "took", r.Duration)
	}
	return s.rememberNames(ctx)
}

// besideOthers runs up until it succeeds. SQLite has no lock that spans migrations: where another process was faster a step
// fails, and what is left is applied by another run. Each step may be lost so, hence only runs that found the tables no further
// than the one before are counted.
func besideOthers(version func() (int64, error), up func() error) error {
	reached, stuck := int64(-1), 0
	for {
		have, err := version()
		if err == nil {
			err = up()
		}
		if have > reached {
			reached, stuck = have, 0
		}
		if stuck++; err == nil || stuck == maxRuns {
			return err
		}
	}
}

// Version returns the version of the tables that are there, and the one that this program needs; have is 0 in an empty
// database.
func (s *Store) Version(ctx context.Context) (have, need int64, err error) {
	db := s.engine.database()
	defer db.Close()
	p, err := s.provider(db)
	if err != nil {
		return 0, 0, err
	}
	for _, source := range p.ListSources() {
		need = max(need, source.Version)
	}
	if have, err = p.GetDBVersion(ctx); err != nil {
		return 0, need, fmt.Errorf("store: version: %w", err)
	}
	return have, need, nil
}

func (s *Store) provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+s.Engine())
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	dialect := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.Engine() == "postgres" {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120)) // seconds between probes, probes
		if err != nil {
			return nil, fmt.Errorf("store: migrations: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db, files, opts...)
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return p, nil
}
