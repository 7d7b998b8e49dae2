package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// KeepRecording stores what was kept of a call and writes recording.ready, once: a repeated one changes nothing. A
// calltraceid of no attempt is ErrNotFound.
func (s Recordings) KeepRecording(ctx context.Context, r dialer.Recording, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		a, err := one(ctx, t, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE calltraceid = $1`, r.CallTraceID)
		if err != nil {
			// on our networks the calltraceid is the id, also before the answer
			if id, bad := dialer.ParseAttemptID(r.CallTraceID); bad == nil {
				a, err = one(ctx, t, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE id = $1`, int64(id))
			}
		}
		if err != nil {
			return err
		}
		agent, _ := json.Marshal(r.Agent) // numbers cannot fail
		customer, _ := json.Marshal(r.Customer)
		known, err := all(ctx, t, scanText, `SELECT calltraceid FROM recordings WHERE calltraceid = $1`, r.CallTraceID)
		if err != nil || len(known) > 0 {
			return err
		}
		h, err := t.lockOne(ctx, a.ID)
		if err != nil {
			return err
		}
		t.later(`INSERT INTO recordings (calltraceid, attempt_id, started_at, ended_at, bytes, agent, customer, problem)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			r.CallTraceID, int64(a.ID), at(r.StartedAt), at(r.EndedAt), r.Bytes, string(agent), string(customer), r.Problem)
		return t.tell(ctx, h, webhook.RecordingReady, nil, "", now)
	})
	if err != nil {
		return fmt.Errorf("store: recording %s: %w", r.CallTraceID, err)
	}
	return nil
}

// Recording reads what was kept of a call.
func (s Recordings) Recording(ctx context.Context, trace string) (dialer.Recording, error) {
	r, err := one(ctx, s, func(row scanner) (r dialer.Recording, err error) {
		var agent, customer []byte
		if err = row.Scan(&r.CallTraceID, moment{&r.StartedAt}, moment{&r.EndedAt}, &r.Bytes, &agent, &customer,
			&r.Problem); err != nil {
			return r, err
		}
		if err = json.Unmarshal(agent, &r.Agent); err == nil {
			err = json.Unmarshal(customer, &r.Customer)
		}
		return r, err
	}, `SELECT calltraceid, started_at, ended_at, bytes, agent, customer, problem FROM recordings WHERE calltraceid = $1`, trace)
	if err != nil {
		return r, fmt.Errorf("store: recording %s: %w", trace, err)
	}
	return r, nil
}

// SetPhonePassword keeps what a desk phone proves itself with: HA1 by MD5 and by SHA-256, never the password.
func (s Credentials) SetPhonePassword(ctx context.Context, extension, md5, sha256 string) error {
	n, err := s.exec(ctx, `INSERT INTO phone_passwords (extension, md5, sha256) SELECT x.name, $2, $3 FROM extensions x WHERE x.name
		= $1
		ON CONFLICT (extension) DO UPDATE SET md5 = excluded.md5, sha256 = excluded.sha256`, extension, md5, sha256)
	if err != nil {
		return fmt.Errorf("store: password of extension %s: %w", extension, err)
	}
	if n == 0 {
		return errNoExtension
	}
	return nil
}

// PhonePassword answers both HA1 of an extension; agents.ErrNoExtension: it has none.
func (s Credentials) PhonePassword(ctx context.Context, extension string) (md5, sha256 string, err error) {
	pair, err := one(ctx, s, func(row scanner) (pair [2]string, err error) {
		err = row.Scan(&pair[0], &pair[1])
		return pair, err
	}, `SELECT p.md5, p.sha256 FROM phone_passwords p JOIN extensions x ON x.name = p.extension WHERE p.extension = $1`, extension)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", agents.ErrNoExtension, err)
	}
	return pair[0], pair[1], nil
}
