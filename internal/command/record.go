package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/store"
)

// withRecord runs a command that needs the system of record, with this version's tables.
func (f ConfigFlags) withRecord(ctx context.Context, c Console, do func(*config.Config, *store.Store) error) error {
	return f.record(ctx, c, false, do)
}

// withNewRecord is withRecord for commands that add something: the first of them in an empty folder makes the SQLite file, so
// that nobody has to know about tables first. A server's database is migrated on purpose only.
func (f ConfigFlags) withNewRecord(ctx context.Context, c Console, do func(*config.Config, *store.Store) error) error {
	return f.record(ctx, c, true, do)
}

func (f ConfigFlags) record(ctx context.Context, c Console, make bool, do func(*config.Config, *store.Store) error) error {
	cfg, err := f.Load()
	if err != nil {
		return err
	}
	s, err := node.OpenStore(ctx, cfg, c.Err)
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
	if err := node.TablesError(have, need); err != nil {
		return err
	}
	return do(cfg, s)
}

// audit notes what the command line did.
func audit(ctx context.Context, s *store.Store, what, object, detail string) error {
	return s.Audits.Audit(ctx, access.Audit{At: recordNow(ctx, s), Who: atShell, What: what, Object: object,
		Detail: strings.TrimSpace("command line " + detail)})
}

// Migrate brings the tables up to date. Several nodes may run it at once; one does the work.
type Migrate struct {
	ConfigFlags
}

// Run migrates and says what is there.
func (m Migrate) Run(ctx context.Context, c Console) error {
	cfg, err := m.Load()
	if err != nil {
		return err
	}
	s, err := node.OpenStore(ctx, cfg, c.Err)
	if err != nil {
		return err
	}
	defer s.Disconnect()
	before, need, err := s.Version(ctx)
	if err != nil {
		return err
	}
	if before > need {
		return node.TablesError(before, need)
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	if before == need {
		_, err = fmt.Fprintf(c.Out, "%s: nothing to do, version %d\n", s.Engine(), need)
	} else {
		_, err = fmt.Fprintf(c.Out, "%s: from version %d to %d\n", s.Engine(), before, need)
	}
	return err
}

// recordClock is recordNow that goes on, for what takes a while.
func recordClock(ctx context.Context, s *store.Store) func() time.Time {
	now, began := recordNow(ctx, s), time.Now()
	return func() time.Time { return now.Add(time.Since(began)) }
}

// recordNow is the time by the record's clock, for commands: an operator's machine may have any. Where the record does not answer
// the command fails by itself.
func recordNow(ctx context.Context, s *store.Store) time.Time {
	if now, err := s.Clock(ctx); err == nil {
		return now
	}
	return time.Now()
}
