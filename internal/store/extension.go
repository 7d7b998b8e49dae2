package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
)

var errNoExtension = fmt.Errorf("%w (%w)", agents.ErrNoExtension, ErrNotFound)

const extensionColumns = `x.id, x.name, x.network, x.number, x.server, x.codecs, x.options, x.nailed_up, x.profile, x.owner_id, x.taken`

func scanExtension(row scanner) (x agents.Extension, err error) {
	var codecs string
	if err = row.Scan(&x.ID, &x.Name, &x.Network, &x.Number, &x.Server, &codecs, &x.Options, &x.NailedUp, object{&x.Profile},
		orZero(&x.OwnerID), &x.Taken); err != nil {
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

// loginTime is how long a login may be under way that has taken its extension: longer than a gateway's patience with a command,
// and with clocks that are apart.
const loginTime = 15 * time.Second

// TakeExtension gives an extension to the agent. See [agents.Store].
func (s Agents) TakeExtension(ctx context.Context, agentID int64, name string) (agents.Extension, error) {
	return s.take(ctx, agentID, func(t *tx, own *agents.Extension, last int64) (x agents.Extension, err error) {
		switch {
		case name != "":
			x, err = t.named(ctx, agentID, name)
		case own != nil:
			x = *own
		default:
			x, err = t.free(ctx, agentID, last)
		}
		now := s.now()
		if err == nil && own != nil && own.ID != x.ID && now.Sub(time.UnixMilli(own.Taken)).Abs() < loginTime {
			err = agents.ErrLoginUnderWay
		}
		x.Taken = max(x.Taken+1, now.UnixMilli())
		return x, err
	})
}

// ReserveExtension keeps an extension for the agent's coming login: its own, as it was taken, or a free one.
func (s Agents) ReserveExtension(ctx context.Context, agentID int64) (agents.Extension, error) {
	return s.take(ctx, agentID, func(t *tx, own *agents.Extension, last int64) (agents.Extension, error) {
		if own != nil {
			return *own, nil
		}
		x, err := t.free(ctx, agentID, last)
		x.Taken++
		return x, err
	})
}

// take makes the extension that is chosen the agent's only one. choose is given the agent's own and the last one it had.
func (s Agents) take(ctx context.Context, agentID int64,
	choose func(t *tx, own *agents.Extension, last int64) (agents.Extension, error)) (x agents.Extension, err error) {
	err = s.inTx(ctx, func(t *tx) error {
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
		own, err := all(ctx, t, scanExtension, `SELECT `+extensionColumns+` FROM extensions x WHERE x.owner_id = $1 FOR UPDATE`,
			agentID)
		if err != nil {
			return err
		}
		if own == nil {
			x, err = choose(t, nil, last)
		} else {
			x, err = choose(t, &own[0], last)
		}
		if err != nil {
			return err
		}
		x.OwnerID = agentID
		t.later(`UPDATE extensions SET owner_id = NULL WHERE owner_id = $1 AND id <> $2`, agentID, x.ID)
		t.later(`UPDATE extensions SET owner_id = $1, taken = $3 WHERE id = $2`, agentID, x.ID, x.Taken)
		t.later(`UPDATE agents SET last_extension = $2 WHERE id = $1`, agentID, x.ID)
		return nil
	})
	if err != nil {
		return agents.Extension{}, fmt.Errorf("store: extension for agent %d: %w", agentID, err)
	}
	return x, nil
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

// free locks an extension that nobody has: the agent's last one, or any. A Mediatel's are for agents who have a login there,
// and these get no other while there is one.
func (t *tx) free(ctx context.Context, agentID, last int64) (agents.Extension, error) {
	x, err := one(ctx, t, scanExtension, `SELECT `+extensionColumns+` FROM extensions x WHERE x.owner_id IS NULL
		AND (x.network <> 'mediatel' OR EXISTS (SELECT 1 FROM mediatel_logins m WHERE m.agent_id = $1))
		ORDER BY CASE WHEN x.network = 'mediatel' THEN 0 ELSE 1 END, CASE WHEN x.id = $2 THEN 0 ELSE 1 END, x.id
		LIMIT 1 FOR UPDATE SKIP LOCKED`, agentID, last)
	if errors.Is(err, ErrNotFound) {
		return x, agents.ErrNoExtensionFree
	}
	return x, err
}

// ReleaseExtension lets an extension become free, unless it was taken again since, or a page is about to log in with it: that has
// been given its phone's password with the login token. The sweep of orphans releases it if the page does not. See
// [agents.Store].
func (s Agents) ReleaseExtension(ctx context.Context, x agents.Extension) error {
	_, err := s.exec(ctx, `UPDATE extensions SET owner_id = NULL WHERE id = $1 AND owner_id = $2 AND taken = $3
		AND NOT EXISTS (SELECT 1 FROM login_tokens k WHERE k.agent_id = $2 AND k.expires_at > $4)`, x.ID, x.OwnerID, x.Taken,
		at(s.now()))
	if err != nil {
		return fmt.Errorf("store: release extension of agent %d: %w", x.OwnerID, err)
	}
	return nil
}

// Extension reads one extension, or answers [agents.ErrNoExtension].
func (s Agents) Extension(ctx context.Context, id int64) (agents.Extension, error) {
	return s.extensionWhere(ctx, `x.id = $1`, id)
}

// ExtensionByName reads one extension, or answers [agents.ErrNoExtension].
func (s Agents) ExtensionByName(ctx context.Context, name string) (agents.Extension, error) {
	return s.extensionWhere(ctx, `x.name = $1`, name)
}

func (s Agents) extensionWhere(ctx context.Context, where string, arg any) (agents.Extension, error) {
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
func (s Agents) Extensions(ctx context.Context) ([]agents.Extension, error) {
	list, err := all(ctx, s, scanExtension, `SELECT `+extensionColumns+` FROM extensions x ORDER BY x.id`)
	if err != nil {
		return nil, fmt.Errorf("store: extensions: %w", err)
	}
	return list, nil
}

// CreateExtension stores a new extension, owned by nobody. [agents.ErrNameTaken]: its name is in use.
func (s Agents) CreateExtension(ctx context.Context, x agents.Extension) (agents.Extension, error) {
	id, err := insertExtension(ctx, changing(s), x)
	if err != nil {
		return agents.Extension{}, s.nameTaken(err, "extension %q", x.Name)
	}
	return s.Extension(ctx, id)
}

func insertExtension(ctx context.Context, q querier, x agents.Extension) (int64, error) {
	return one(ctx, q, scanID, `INSERT INTO extensions (name, network, number, server, codecs, options, profile, nailed_up)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`, x.Name, x.Network, x.Number, x.Server, codecs(x), x.Options,
		objectText(x.Profile), x.NailedUp)
}

// ChangeExtensions deletes some extensions and edits others, all of it or nothing; changed[i] zero or less makes a new one.
// edit may be called more than once; its error is answered as it is. The answer is what changed and was made, in its order.
// [agents.ErrExtensionIsOwned]: an extension cannot go, or ring elsewhere, while an agent has it.
func (s Agents) ChangeExtensions(ctx context.Context, deleted, changed []int64, edit func(i int, x *agents.Extension) error,
	who string,
	now time.Time) ([]agents.Extension, error) {
	var after []agents.Extension
	err := s.inTx(ctx, func(t *tx) error {
		after = make([]agents.Extension, len(changed))
		for _, id := range deleted {
			name, err := t.deleteExtension(ctx, id)
			if err != nil {
				return err
			}
			t.audit(who, "extension.delete", fmt.Sprintf("extension/%d", id), name, now)
		}
		for i, id := range changed {
			var err error
			if after[i], err = t.changeExtension(ctx, id, func(x *agents.Extension) error { return edit(i, x) }, who, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.nameTaken(err, "change extensions")
	}
	return after, nil
}

// deleteExtension forgets an extension and its phone's password, and returns its name.
func (t *tx) deleteExtension(ctx context.Context, id int64) (name string, err error) {
	x, err := t.extension(ctx, id)
	if err != nil {
		return "", err
	}
	if x.OwnerID != 0 {
		return "", errOwned(x)
	}
	t.later(`DELETE FROM phone_passwords WHERE extension = $1`, x.Name)
	t.later(`DELETE FROM extensions WHERE id = $1`, id)
	return x.Name, nil
}

func (t *tx) changeExtension(ctx context.Context, id int64, edit func(*agents.Extension) error, who string,
	now time.Time) (x agents.Extension, err error) {
	if id <= 0 {
		if err = edit(&x); err != nil {
			return x, err
		}
		if x.ID, err = insertExtension(ctx, t, x); err != nil {
			return x, t.nameInUse(err, x.Name)
		}
		t.audit(who, "extension.create", fmt.Sprintf("extension/%d", x.ID), x.Name, now)
		return x, nil
	}
	if x, err = t.extension(ctx, id); err != nil {
		return x, err
	}
	before := x
	if err = edit(&x); err != nil {
		return x, err
	}
	same := x.Name == before.Name && x.Network == before.Network && x.Number == before.Number && x.Server == before.Server
	if x.OwnerID != 0 && !same {
		return x, errOwned(before)
	}
	if x.Name != before.Name { // the phone proves itself by name
		t.later(`DELETE FROM phone_passwords WHERE extension = $1`, before.Name)
	}
	_, err = t.exec(ctx, updateExtension, updated(x)...)
	if err != nil {
		return x, t.nameInUse(err, x.Name)
	}
	t.audit(who, "extension.update", fmt.Sprintf("extension/%d", id), x.Name, now)
	return x, nil
}

// nameInUse says which of several names is taken.
func (t *tx) nameInUse(err error, name string) error {
	if t.db.engine.unique(err) {
		err = errNameTaken
	}
	return fmt.Errorf("extension %q: %w", name, err)
}

// extension locks and reads one.
func (t *tx) extension(ctx context.Context, id int64) (agents.Extension, error) {
	x, err := one(ctx, t, scanExtension, `SELECT `+extensionColumns+` FROM extensions x WHERE x.id = $1 FOR UPDATE`, id)
	if errors.Is(err, ErrNotFound) {
		err = reason.Wrap(reason.Missing, whyNoExtension(strconv.FormatInt(id, 10)), errNoExtension)
	}
	return x, err
}

func errOwned(x agents.Extension) error {
	return reason.Wrap(reason.Conflict, whyOwned(x.Name), conflicts(agents.ErrExtensionIsOwned))
}

const updateExtension = `UPDATE extensions SET name = $2, network = $3, number = $4, server = $5, codecs = $6, options = $7,
	profile = $8, nailed_up = $9
	WHERE id = $1`

func updated(x agents.Extension) []any {
	return []any{x.ID, x.Name, x.Network, x.Number, x.Server, codecs(x), x.Options, objectText(x.Profile), x.NailedUp}
}

// UpdateExtension replaces all of an extension but its owner.
func (s Agents) UpdateExtension(ctx context.Context, x agents.Extension) (agents.Extension, error) {
	n, err := s.exec(ctx, updateExtension, updated(x)...)
	if err != nil {
		return agents.Extension{}, s.nameTaken(err, "extension %d", x.ID)
	}
	if n == 0 {
		return agents.Extension{}, errNoExtension
	}
	return s.Extension(ctx, x.ID)
}

// DeleteExtension forgets an extension. [agents.ErrExtensionIsOwned]: an agent has it.
func (s Agents) DeleteExtension(ctx context.Context, id int64) error {
	err := s.inTx(ctx, func(t *tx) error {
		_, err := t.deleteExtension(ctx, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: delete: %w", err)
	}
	return nil
}
