package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

// OpenStore connects to the system of record as it is configured, whatever the state of its tables.
func OpenStore(ctx context.Context, cfg *config.Config, w io.Writer) (*store.Store, error) {
	return openStoreWith(ctx, cfg, store.Options{Logger: NewLogger(cfg.Log, w)})
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

var (
	whyNoTables  = reason.Plain("record.no_tables")
	whyOldTables = reason.With2[string, string]("record.tables_old", "have", "need")
	whyNewTables = reason.With2[string, string]("record.tables_new", "have", "need")
	whyTables    = reason.With2[reason.Reason, reason.Reason]("record.tables", "found", "mend")
	mendMigrate  = reason.Plain("mend.run_migrate")
	mendNewer    = reason.Plain("mend.newer_program")
)

// TablesState says how the tables stand to the program, and what to do about it; nothing when they fit.
func TablesState(have, need int64) (found, mend reason.Reason) {
	switch is, wants := strconv.FormatInt(have, 10), strconv.FormatInt(need, 10); {
	case have == need:
		return reason.Reason{}, reason.Reason{}
	case have == 0:
		return whyNoTables, mendMigrate
	case have < need:
		return whyOldTables(is, wants), mendMigrate
	default:
		return whyNewTables(is, wants), mendNewer
	}
}

// TablesError refuses tables of another version than the program's.
func TablesError(have, need int64) error {
	found, mend := TablesState(have, need)
	if found.IsZero() {
		return nil
	}
	why := whyTables(found, mend)
	return reason.New(reason.Unavailable, why, fmt.Sprintf("node: tables of version %d, need %d", have, need))
}

// apiStore is the system of record in the API's words.
func apiStore(s *store.Store) api.Store {
	return api.Store{CampaignStore: s.Campaigns, ContactStore: s.Contacts, ImportStore: s.Imports, PeopleStore: s.People,
		ConsentStore: s.People, AttemptStore: s.Attempts, RecordingStore: s.Recordings,
		AgentStore: s.Agents, UserStore: s.Users, AuditStore: s.Audits, WebhookStore: s.Webhooks, JournalStore: s.Journal,
		ReplyStore: s.Replies}
}
