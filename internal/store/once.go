package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ambient is the transaction of a request that is done once. What the request's handler does by its context is part of it.
type ambient struct {
	db      *db
	session session
	events  bool    // some were written
	soon    meeting // as of a tx
	ended   bool
}

type ambientKey struct{}

func (s *db) ambientOf(ctx context.Context) *ambient {
	a, _ := ctx.Value(ambientKey{}).(*ambient)
	if a == nil || a.db != s || a.ended {
		return nil
	}
	return a
}

// within runs f as a part of the transaction that can be undone alone: a refused statement must not spoil the rest.
func (a *ambient) within(ctx context.Context, f func(t *tx) error) error {
	if _, err := a.session.run(ctx, []statement{{query: "SAVEPOINT deed"}}, false); err != nil {
		return err
	}
	t := &tx{db: a.db, session: a.session}
	err := f(t)
	if err == nil {
		t.write()
		if err = t.settle(ctx); err == nil {
			_, err = a.session.run(ctx, t.queue, false)
		}
	}
	if err != nil {
		undoing, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
		defer cancel()
		_, undone := a.session.run(undoing, []statement{{query: "ROLLBACK TO SAVEPOINT deed"}, {query: "RELEASE SAVEPOINT deed"}},
			false)
		return errors.Join(err, undone)
	}
	a.events = a.events || t.events
	a.soon.add(t.soon)
	_, err = a.session.run(ctx, []statement{{query: "RELEASE SAVEPOINT deed"}}, false)
	return err
}

// Once does what is asked under an Idempotency-Key. do gets a context by which everything that it does in this store is one
// transaction, and so is its reply: both are there afterwards, or neither. A status of 400 and above undoes the deed, and is kept
// as a reply all the same; status zero undoes it and keeps nothing. The reply's status is zero when do has run; else the key was
// used before, with this fingerprint, and had this reply; -1: it is being served at this moment.
func (s Replies) Once(ctx context.Context, key string, fingerprint []byte, now time.Time,
	do func(ctx context.Context) (status int, body []byte)) (
	status int, kept, body []byte, err error) {
	if _, running := s.onces.LoadOrStore(key, true); running {
		return replyRunning, fingerprint, nil, nil
	}
	defer s.onces.Delete(key)
	var did bool
	var reply int
	var said []byte
	a := &ambient{db: s.db}
	err = s.engine.begin(ctx, func(session session) error {
		a.session = session
		t := &tx{db: s.db, session: session}
		if free, err := s.engine.lockReply(ctx, t, key); err != nil || !free {
			status, kept = replyRunning, fingerprint
			return err
		}
		t.later(`DELETE FROM replies WHERE begun_at < $1 OR (begun_at < $2 AND status IS NULL)`, at(now.Add(-replyKept)),
			at(now.Add(-replyAbandoned)))
		_, err := one(ctx, t, func(row scanner) (none struct{}, err error) {
			err = row.Scan(orZero(&status), &kept, &body)
			return none, err
		}, `SELECT status, fingerprint, body FROM replies WHERE key = $1`, key)
		if err == nil {
			if status == 0 {
				status = replyRunning
			}
			return errUndo
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		reply, said = do(context.WithValue(ctx, ambientKey{}, a))
		a.ended, did = true, true
		if reply == 0 || reply >= 400 {
			return errUndo
		}
		t.later(insertReply, key, fingerprint, at(now), reply, said)
		_, err = session.run(ctx, t.queue, true)
		return err
	})
	a.ended = true
	if errors.Is(err, errUndo) {
		err = nil
		if did && reply != 0 {
			_, err = s.exec(ctx, insertReply, key, fingerprint, at(now), reply, said)
		}
	}
	if err != nil {
		return 0, nil, nil, fmt.Errorf("store: idempotency key: %w", err)
	}
	if did {
		s.settleSoon(a.soon)
	}
	if did && a.events {
		s.onEvent()
	}
	return status, kept, body, nil
}

var errUndo = errors.New("store: nothing of it stays")

const insertReply = `INSERT INTO replies (key, fingerprint, begun_at, status, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO
	NOTHING`

// savedRows undo their statement alone if it fails.
type savedRows struct {
	rows
	end func(failed error)
}

func (r *savedRows) Close() {
	r.rows.Close()
	r.end(r.rows.Err())
}

// change runs one statement that returns rows.
func (a *ambient) change(ctx context.Context, st statement) (rows, error) {
	end := func(failed error) {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
		defer cancel()
		last := []statement{{query: "RELEASE SAVEPOINT deed"}}
		if failed != nil {
			last = append([]statement{{query: "ROLLBACK TO SAVEPOINT deed"}}, last...)
		}
		_, _ = a.session.run(ending, last, false) // the next statement says what is wrong with the connection
	}
	r, err := a.session.query(ctx, []statement{{query: "SAVEPOINT deed"}}, st)
	if err != nil {
		end(err)
		return nil, err
	}
	return &savedRows{r, end}, nil
}
