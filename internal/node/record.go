package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/config"
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

// TablesState says how the tables stand to the program, and what to do about it; empty when they fit.
func TablesState(have, need int64) (found, mend string) {
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

// TablesError refuses tables of another version than the program's.
func TablesError(have, need int64) error {
	found, mend := TablesState(have, need)
	if found == "" {
		return nil
	}
	return errors.New(found + "; " + mend)
}

// apiStore is the system of record in the API's words.
func apiStore(s *store.Store) api.Store {
	return api.Store{CampaignStore: s.Campaigns, ContactStore: s.Contacts, ImportStore: s.Imports, PeopleStore: s.People, ConsentStore: s.People, AttemptStore: s.Attempts, RecordingStore: s.Recordings,
		AgentStore: s.Agents, UserStore: s.Users, AuditStore: s.Audits, WebhookStore: s.Webhooks, JournalStore: s.Journal, ReplyStore: s.Replies}
}
