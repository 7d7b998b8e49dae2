package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/creditorro/ringmaster/agents"
)

var errNoExtension = fmt.Errorf("%w (%w)", agents.ErrNoExtension, ErrNotFound)

const extensionColumns = `x.id, x.name, x.network, x.number, x.server, x.codecs, x.options, x.owner_id`

func scanExtension(row scanner) (x agents.Extension, err error) {
	var codecs string
	if err = row.Scan(&x.ID, &x.Name, &x.Network, &x.Number, &x.Server, &codecs, &x.Options, orZero(&x.OwnerID)); err != nil {
		return x, err
	}
	if err = json.Unmarshal([]byte(codecs), &x.Codecs); err != nil {
		err = fmt.Errorf("store: extension %d: codecs: %w", x.ID, err)
	}
	return x, err
}

func codecs(x agents.Extension) string {
	if x.Codecs == nil {
		return "[]"
	}
	text, _ := json.Marshal(x.Codecs) // strings cannot fail
	return string(text)
}

// TakeExtension gives an extension to the agent. See [agents.Store].
func (s *Store) TakeExtension(ctx context.Context, agentID int64, name string) (agents.Extension, error) {
	var taken agents.Extension
	err := s.inTx(ctx, func(t *tx) error {
		last, err := one(ctx, t, func(row scanner) (last int64, err error) {
			err = row.Scan(orZero(&last))
			return last, err
		}, `SELECT last_extension FROM agents WHERE id = $1 FOR UPDATE`, agentID)
		if errors.Is(err, ErrNotFound) {
			return errNoAgent
		}
		if err != nil {
			return err
		}
		if name != "" {
			taken, err = t.named(ctx, agentID, name)
		} else {
			taken, err = t.free(ctx, agentID, last)
		}
		if err != nil {
			return err
		}
		taken.OwnerID = agentID
		t.later(`UPDATE extensions SET owner_id = NULL WHERE owner_id = $1 AND id <> $2`, agentID, taken.ID)
		t.later(`UPDATE extensions SET owner_id = $1 WHERE id = $2`, agentID, taken.ID)
		t.later(`UPDATE agents SET last_extension = $2 WHERE id = $1`, agentID, taken.ID)
		return nil
	})
	if err != nil {
		return agents.Extension{}, fmt.Errorf("store: extension for agent %d: %w", agentID, err)
	}
	return taken, nil
}

// named locks the extension that the agent asked for.
func (t *tx) named(ctx context.Context, agentID int64, name string) (agents.Extension, error) {
	x, err := one(ctx, t, scanExtension, `SELECT `+extensionColumns+` FROM extensions x WHERE x.name = $1 FOR UPDATE`, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return x, errNoExtension
	case err == nil && x.OwnerID != 0 && x.OwnerID != agentID:
		return x, agents.ErrExtensionTaken
	}
	return x, err
}

// free locks an extension of the pool: the agent's own, the one owned last, or any.
func (t *tx) free(ctx context.Context, agentID, last int64) (agents.Extension, error) {
	x, err := one(ctx, t, scanExtension, `SELECT `+extensionColumns+` FROM extensions x WHERE x.owner_id IS NULL OR x.owner_id = $1
		ORDER BY CASE WHEN x.owner_id = $1 THEN 0 WHEN x.id = $2 THEN 1 ELSE 2 END, x.id LIMIT 1 FOR UPDATE SKIP LOCKED`, agentID, last)
	if errors.Is(err, ErrNotFound) {
		return x, agents.ErrNoExtensionFree
	}
	return x, err
}

// ReleaseExtension lets the agent's extension become free.
func (s *Store) ReleaseExtension(ctx context.Context, agentID int64) error {
	if _, err := s.exec(ctx, `UPDATE extensions SET owner_id = NULL WHERE owner_id = $1`, agentID); err != nil {
		return fmt.Errorf("store: release extension of agent %d: %w", agentID, err)
	}
	return nil
}

// Extension reads one extension, or answers [agents.ErrNoExtension].
func (s *Store) Extension(ctx context.Context, id int64) (agents.Extension, error) {
	return s.extensionWhere(ctx, `x.id = $1`, id)
}

// ExtensionByName reads one extension, or answers [agents.ErrNoExtension].
func (s *Store) ExtensionByName(ctx context.Context, name string) (agents.Extension, error) {
	return s.extensionWhere(ctx, `x.name = $1`, name)
}

func (s *Store) extensionWhere(ctx context.Context, where string, arg any) (agents.Extension, error) {
	x, err := one(ctx, s, scanExtension, `SELECT `+extensionColumns+` FROM extensions x WHERE `+where, arg)
	if errors.Is(err, ErrNotFound) {
		return x, errNoExtension
	}
	if err != nil {
		return x, fmt.Errorf("store: extension %v: %w", arg, err)
	}
	return x, nil
}

// Extensions reads all extensions, by id.
func (s *Store) Extensions(ctx context.Context) ([]agents.Extension, error) {
	list, err := all(ctx, s, scanExtension, `SELECT `+extensionColumns+` FROM extensions x ORDER BY x.id`)
	if err != nil {
		return nil, fmt.Errorf("store: extensions: %w", err)
	}
	return list, nil
}

// CreateExtension stores a new extension, owned by nobody. [agents.ErrNameTaken]: its name is in use.
func (s *Store) CreateExtension(ctx context.Context, x agents.Extension) (agents.Extension, error) {
	id, err := one(ctx, changing{s}, scanID, `INSERT INTO extensions (name, network, number, server, codecs, options)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`, x.Name, x.Network, x.Number, x.Server, codecs(x), x.Options)
	if err != nil {
		return agents.Extension{}, s.nameTaken(err, "extension %q", x.Name)
	}
	return s.Extension(ctx, id)
}

// UpdateExtension replaces all of an extension but its owner.
func (s *Store) UpdateExtension(ctx context.Context, x agents.Extension) (agents.Extension, error) {
	n, err := s.exec(ctx, `UPDATE extensions SET name = $2, network = $3, number = $4, server = $5, codecs = $6, options = $7 WHERE id = $1`,
		x.ID, x.Name, x.Network, x.Number, x.Server, codecs(x), x.Options)
	if err != nil {
		return agents.Extension{}, s.nameTaken(err, "extension %d", x.ID)
	}
	if n == 0 {
		return agents.Extension{}, errNoExtension
	}
	return s.Extension(ctx, x.ID)
}

// DeleteExtension forgets an extension. [agents.ErrExtensionIsOwned]: an agent has it.
func (s *Store) DeleteExtension(ctx context.Context, id int64) error {
	if _, err := s.Extension(ctx, id); err != nil {
		return err
	}
	n, err := s.exec(ctx, `DELETE FROM extensions WHERE id = $1 AND owner_id IS NULL`, id)
	if err != nil {
		return fmt.Errorf("store: delete extension %d: %w", id, err)
	}
	if n == 0 {
		return fmt.Errorf("%w (%w)", agents.ErrExtensionIsOwned, ErrConflict)
	}
	return nil
}
