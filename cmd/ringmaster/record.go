package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

// openStore connects to the system of record as it is configured, whatever the state of its tables.
func openStore(ctx context.Context, cfg *config.Config, c console) (*store.Store, error) {
	return openStoreWith(ctx, cfg, store.Options{Logger: newLogger(cfg.Log, c.err)})
}

func openStoreWith(ctx context.Context, cfg *config.Config, options store.Options) (*store.Store, error) {
	if file, ok := strings.CutPrefix(cfg.Database.URL.Reveal(), "sqlite:"); ok {
		if err := ownFolder(filepath.Dir(file)); err != nil {
			return nil, err
		}
		for _, part := range []string{file, file + "-wal", file + "-shm"} {
			_ = os.Chmod(part, 0o600) // those that are there; another user's file is refused by SQLite
		}
	}
	options.RecordingBase = cfg.Recording.LinkBase
	return store.Open(ctx, cfg.Database.URL.Reveal(), options)
}

// ownFolder makes a folder that its user alone may look into; an empty one that is there becomes one.
func ownFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if entries, err := os.ReadDir(path); err == nil && len(entries) == 0 {
		return os.Chmod(path, 0o700)
	}
	return nil
}

// withRecord runs a command that needs the system of record, with this version's tables.
func (f configFlags) withRecord(ctx context.Context, c console, do func(*config.Config, *store.Store) error) error {
	return f.record(ctx, c, false, do)
}

// withNewRecord is withRecord for commands that add something: the first of them in an empty folder makes the SQLite file, so that
// nobody has to know about tables first. A server's database is migrated on purpose only.
func (f configFlags) withNewRecord(ctx context.Context, c console, do func(*config.Config, *store.Store) error) error {
	return f.record(ctx, c, true, do)
}

func (f configFlags) record(ctx context.Context, c console, make bool, do func(*config.Config, *store.Store) error) error {
	cfg, err := f.load()
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg, c)
	if err != nil {
		return err
	}
	defer s.Disconnect()
	have, need, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if make && have == 0 && cfg.SQLite() {
		if err := s.Migrate(ctx); err != nil {
			return err
		}
		have = need
	}
	if err := tablesError(have, need); err != nil {
		return err
	}
	return do(cfg, s)
}

// tablesState says how the tables stand to the program, and what to do about it; empty when they fit.
func tablesState(have, need int64) (found, mend string) {
	switch {
	case have == need:
		return "", ""
	case have == 0:
		return "the database has no tables yet", "run: ringmaster migrate"
	case have < need:
		return fmt.Sprintf("the database is of version %d, this program needs %d", have, need), "run: ringmaster migrate"
	}
	return fmt.Sprintf("the database is of version %d, this program knows %d", have, need), "use the newer ringmaster"
}

// tablesError refuses tables of another version than the program's.
func tablesError(have, need int64) error {
	found, mend := tablesState(have, need)
	if found == "" {
		return nil
	}
	return errors.New(found + "; " + mend)
}

// audit notes what the command line did.
func audit(ctx context.Context, s *store.Store, what, object, detail string) error {
	return s.Audit(ctx, access.Audit{At: time.Now(), Who: "system", What: what, Object: object, Detail: strings.TrimSpace("command line " + detail)})
}

// migrateCmd brings the tables up to date. Several nodes may run it at once; one does the work.
type migrateCmd struct {
	configFlags
}

// Run migrates and says what is there.
func (m migrateCmd) Run(ctx context.Context, c console) error {
	cfg, err := m.load()
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg, c)
	if err != nil {
		return err
	}
	defer s.Disconnect()
	before, need, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if before > need {
		return tablesError(before, need)
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	if before == need {
		_, err = fmt.Fprintf(c.out, "%s: nothing to do, version %d\n", s.Engine(), need)
	} else {
		_, err = fmt.Fprintf(c.out, "%s: from version %d to %d\n", s.Engine(), before, need)
	}
	return err
}
