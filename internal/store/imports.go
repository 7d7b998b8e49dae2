package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Bounds of what is kept of imports.
const (
	maxStaged      = 50             // files of lists that wait at once, of all campaigns
	maxStagedBytes = 4 << 30        // of all of them
	partBytes      = 512 << 10      // of one row of a file
	importKept     = 24 * time.Hour // how long a file waits for its commit, and refused lines for their reader
)

const importColumns = `i.id, i.campaign_id, i.list, i.list_id, i.choice, i.state, i.kept, i.reading, i.about, i.bytes, i.done, i.lines, i.report, i.problem,
	i.made_by, i.created_at, i.updated_at, i.expires_at, i.fence, i.lease_until`

func scanImport(row scanner) (im campaigns.Import, err error) {
	var reading, about, report string
	err = row.Scan(&im.ID, &im.CampaignID, &im.List, orZero(&im.ListID), &im.Choice, &im.State, &im.Kept, &reading, &about,
		&im.Bytes, &im.Read, &im.Lines, &report,
		why{&im.Problem}, &im.MadeBy, moment{&im.CreatedAt}, moment{&im.UpdatedAt}, moment{&im.ExpiresAt}, &im.Fence,
		moment{&im.LeaseUntil})
	if err != nil {
		return im, err
	}
	im.Reading, im.About = json.RawMessage(reading), json.RawMessage(about)
	im.Report, err = readReport(report)
	return im, err
}

// keptReport is the stored form of a report. Its lines are told once, when it is made.
type keptReport struct {
	Accepted   int                     `json:"accepted"`
	Updated    int                     `json:"updated"`
	Unchanged  int                     `json:"unchanged"`
	Duplicates int                     `json:"duplicates"`
	Refused    int                     `json:"refused"`
	Reasons    []campaigns.ReasonCount `json:"reasons"`
}

func reportText(r campaigns.ImportReport) (string, error) {
	text, err := json.Marshal(keptReport{r.Accepted, r.Updated, r.Unchanged, r.Duplicates, r.Refused, r.Reasons})
	return string(text), err
}

func readReport(text string) (campaigns.ImportReport, error) {
	var r keptReport
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return campaigns.ImportReport{}, fmt.Errorf("store: report of an import: %w", err)
	}
	return campaigns.ImportReport{Accepted: r.Accepted, Updated: r.Updated, Unchanged: r.Unchanged, Duplicates: r.Duplicates,
		Refused: r.Refused, Reasons: r.Reasons}, nil
}

// BeginImport puts an import on record that runs at once, or receives its file. ErrConflict: its list is closed, or too many
// files wait.
func (s Imports) BeginImport(ctx context.Context, im campaigns.Import, now time.Time) (begun campaigns.Import, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		if err := t.forgetImports(ctx, now); err != nil {
			return err
		}
		waiting, err := one(ctx, t, func(row scanner) (w [2]int64, err error) {
			err = row.Scan(&w[0], &w[1])
			return w, err
		}, `SELECT count(*), CAST(COALESCE(sum(bytes), 0) AS BIGINT) FROM imports WHERE kept`)
		if err != nil {
			return err
		}
		if im.Kept && (waiting[0] >= maxStaged || waiting[1] >= maxStagedBytes) {
			return contradiction(whyTooManyImports(maxStaged))
		}
		closed, err := all(ctx, t, scanID, `SELECT id FROM lists WHERE campaign_id = $1 AND name = $2 AND closed_at IS NOT NULL`,
			im.CampaignID, im.List)
		if err != nil {
			return err
		}
		if len(closed) > 0 {
			return contradiction(whyListIsClosed(im.List))
		}
		text, err := reportText(campaigns.ImportReport{Reasons: []campaigns.ReasonCount{}})
		if err != nil {
			return err
		}
		begun, err = one(ctx, t, scanImport, `INSERT INTO imports (campaign_id, list, choice, state, kept, reading, about, bytes, done,
			lines, report, problem,
				made_by, created_at, updated_at, expires_at, fence, lease_until)
			VALUES ($1, $2, $3, $4, $5, $6, '{}', $7, 0, 0, $8, '', $9, $10, $10, $11, 1, $12) RETURNING `+unaliased(importColumns),
			im.CampaignID, im.List, string(im.Choice), string(im.State), im.Kept, string(im.Reading), im.Bytes, text, im.MadeBy, at(now),
			at(now.Add(importKept)),
			at(now.Add(importLease)))
		if err == nil && begun.List == "" {
			begun.List = fmt.Sprintf("Import %d", begun.ID)
			t.later(`UPDATE imports SET list = $2 WHERE id = $1`, begun.ID, begun.List)
		}
		return err
	})
	if err != nil {
		return begun, fmt.Errorf("store: import into campaign %d: %w", im.CampaignID, err)
	}
	return begun, nil
}

func unaliased(columns string) string {
	return string(bytes.ReplaceAll([]byte(columns), []byte("i."), nil))
}

// forgetImports gives up files and refused lines whose time is over.
func (t *tx) forgetImports(ctx context.Context, now time.Time) error {
	over, err := all(ctx, t, scanID, `SELECT id FROM imports WHERE expires_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
		AND (kept OR state IN ('receiving', 'checked') OR EXISTS (SELECT 1 FROM import_refusals r WHERE r.import_id = imports.id)) LIMIT 100`, at(now))
	if err != nil || len(over) == 0 {
		return err
	}
	t.later(`DELETE FROM import_parts WHERE import_id = ANY($1)`, over)
	t.later(`DELETE FROM import_refusals WHERE import_id = ANY($1)`, over)
	t.later(`DELETE FROM imports WHERE id = ANY($1) AND state IN ('receiving', 'checked')`, over)
	t.later(`UPDATE imports SET kept = FALSE WHERE id = ANY($1)`, over)
	return nil
}

// ReceiveFile keeps the file of an import, part by part.
func (s Imports) ReceiveFile(ctx context.Context, im campaigns.Import, from io.Reader, clock func() time.Time) (int64, error) {
	part, total := make([]byte, partBytes), int64(0)
	for n := 0; ; n++ {
		read, err := io.ReadFull(from, part)
		if read > 0 {
			total += int64(read)
			now := clock()
			failed := s.inTx(ctx, func(t *tx) error {
				t.later(`INSERT INTO import_parts (import_id, n, data) VALUES ($1, $2, $3)`, im.ID, n, bytes.Clone(part[:read]))
				t.later(`UPDATE imports SET bytes = $2, updated_at = $3, lease_until = $4 WHERE id = $1`, im.ID, total, at(now),
					at(now.Add(importLease)))
				return nil
			})
			if failed != nil {
				return total, fmt.Errorf("store: file of import %d: %w", im.ID, failed)
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// ImportFile reads the file of an import.
func (s Imports) ImportFile(ctx context.Context, id int64) io.Reader {
	return &partReader{ctx: ctx, s: s, id: id}
}

type partReader struct {
	ctx  context.Context
	s    Imports
	id   int64
	n    int
	rest []byte
}

func (r *partReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		parts, err := all(r.ctx, r.s, func(row scanner) (data []byte, err error) {
			err = row.Scan(&data)
			return data, err
		}, `SELECT data FROM import_parts WHERE import_id = $1 AND n = $2`, r.id, r.n)
		if err != nil {
			return 0, fmt.Errorf("store: file of import %d: %w", r.id, err)
		}
		if len(parts) == 0 {
			return 0, io.EOF
		}
		r.n++
		r.rest = parts[0]
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TakeImport begins the run of an import whose file is kept: a first one, or a next one after one that broke off. Done is true,
// and nothing begins, when it is done already. ErrConflict: it runs at this moment, or its file is kept no longer.
func (s Imports) TakeImport(ctx context.Context, id int64, now time.Time) (im campaigns.Import, done bool, err error) {
	err = s.inTx(ctx, func(t *tx) error {
		done = false
		im, err = one(ctx, t, scanImport, `SELECT `+importColumns+` FROM imports i WHERE i.id = $1 FOR UPDATE`, id)
		im = im.At(now)
		switch {
		case err != nil:
			return err
		case im.State == campaigns.ImportDone:
			done = true
			return nil
		case im.State == campaigns.ImportReceiving || im.State == campaigns.ImportRunning:
			return contradiction(whyImportBusy)
		case !im.Kept || !im.ExpiresAt.After(now):
			return contradiction(whyImportOver)
		}
		if im.State == campaigns.ImportChecked { // the dry run's counts are its own
			im.Lines, im.Read, im.Report = 0, 0, campaigns.ImportReport{Reasons: []campaigns.ReasonCount{}}
			t.later(`DELETE FROM import_refusals WHERE import_id = $1`, id)
		}
		text, err := reportText(im.Report)
		if err != nil {
			return err
		}
		im.State, im.Fence = campaigns.ImportRunning, im.Fence+1
		t.later(`UPDATE imports SET state = 'running', fence = $2, lines = $3, done = $4, report = $5, problem = '', updated_at = $6,
			lease_until = $7 WHERE id = $1`,
			id, im.Fence, im.Lines, im.Read, text, at(now), at(now.Add(importLease)))
		return nil
	})
	if err != nil {
		return im, false, fmt.Errorf("store: import %d: %w", id, err)
	}
	return im, done, nil
}

// RunImport stores an import's lines, or with dry says what storing them would do. It goes on behind the last line that an
// earlier run has stored. What broke it off is in the record, too.
func (s Imports) RunImport(ctx context.Context, im campaigns.Import, dry bool, lines iter.Seq2[campaigns.Line, error],
	read func() int64, now time.Time) (
	campaigns.ImportReport, error) {
	began := time.Now()
	clock := func() time.Time { return now.Add(time.Since(began)) } // a long run says that it is alive
	run := importer{db: s.db, campaignID: im.CampaignID, now: now, clock: clock, seen: newSeen(), choice: im.Choice, dry: dry,
		record: &im, list: im.ListID, progress: read,
		skip: im.Lines, report: im.Report}
	err := run.run(ctx, lines)
	if errors.Is(err, errOtherRun) {
		return run.report, fmt.Errorf("store: import %d: %w", im.ID, contradiction(whyImportBusy))
	}
	state := campaigns.ImportDone
	var problem reason.Reason
	switch {
	case err != nil:
		state, problem = campaigns.ImportBroken, reason.Of(err)
		if problem.IsZero() {
			problem = whyImportBroke
		}
	case dry:
		state = campaigns.ImportChecked
	}
	ended := s.endImport(context.WithoutCancel(ctx), im, state, problem, read(), clock())
	if err := errors.Join(err, ended); err != nil {
		return run.report, fmt.Errorf("store: import into campaign %d: %w", im.CampaignID, err)
	}
	return run.report, nil
}

func (s Imports) endImport(ctx context.Context, im campaigns.Import, state campaigns.ImportState, problem reason.Reason,
	read int64, now time.Time) error {
	return s.inTx(ctx, func(t *tx) error {
		t.later(`UPDATE imports SET state = $3, problem = $4, done = $5, lease_until = NULL, kept = kept AND $3 <> 'done', updated_at =
			$6 WHERE id = $1 AND fence = $2`,
			im.ID, im.Fence, string(state), problem.Text(), read, at(now))
		if state == campaigns.ImportDone {
			t.later(`DELETE FROM import_parts WHERE import_id = $1 AND EXISTS (SELECT 1 FROM imports i WHERE i.id = $1 AND i.fence = $2)`,
				im.ID, im.Fence)
		}
		return nil
	})
}

// SetAbout notes what an import's file is taken for.
func (s Imports) SetAbout(ctx context.Context, id int64, about json.RawMessage) error {
	_, err := s.db.exec(ctx, `UPDATE imports SET about = $2 WHERE id = $1`, id, string(about))
	if err != nil {
		return fmt.Errorf("store: import %d: %w", id, err)
	}
	return nil
}

// ImportByID reads one import, as far as it is.
func (s Imports) ImportByID(ctx context.Context, id int64) (campaigns.Import, error) {
	im, err := one(ctx, s, scanImport, `SELECT `+importColumns+` FROM imports i WHERE i.id = $1`, id)
	if err != nil {
		return im, fmt.Errorf("store: import %d: %w", id, err)
	}
	return im, nil
}

// Imports lists a campaign's, the latest first: those with ids below before (zero: from the latest).
func (s Imports) Imports(ctx context.Context, campaignID, before int64, limit int) ([]campaigns.Import, error) {
	list, err := all(ctx, s, scanImport, `SELECT `+importColumns+
		` FROM imports i WHERE i.campaign_id = $1 AND (CAST($2 AS BIGINT) = 0 OR i.id < $2)
		ORDER BY i.id DESC LIMIT $3`, campaignID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("store: imports of campaign %d: %w", campaignID, err)
	}
	return list, nil
}

// DiscardImport forgets an import that was not committed, with its file. ErrConflict: it was, or it runs.
func (s Imports) DiscardImport(ctx context.Context, id int64, now time.Time) error {
	err := s.inTx(ctx, func(t *tx) error {
		im, err := one(ctx, t, scanImport, `SELECT `+importColumns+` FROM imports i WHERE i.id = $1 FOR UPDATE`, id)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, `DELETE FROM imports WHERE id = $1 AND (state IN ('checked', 'broken') OR state IN ('receiving',
			'running') AND lease_until <= $2) AND list_id IS NULL`, im.ID, at(now))
		if err == nil && n == 0 {
			err = contradiction(whyImportBusy)
		}
		t.later(`DELETE FROM import_parts WHERE import_id = $1`, id)
		t.later(`DELETE FROM import_refusals WHERE import_id = $1`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: import %d: %w", id, err)
	}
	return nil
}

// Refusals lists an import's refused lines behind one, in their order.
func (s Imports) Refusals(ctx context.Context, id int64, after, limit int) ([]campaigns.RefusedLine, error) {
	list, err := all(ctx, s, func(row scanner) (r campaigns.RefusedLine, err error) {
		err = row.Scan(&r.Line, &r.Code, why{&r.Why}, &r.Raw)
		return r, err
	}, `SELECT line, code, why, raw FROM import_refusals WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3`, id, after,
		limit)
	if err != nil {
		return nil, fmt.Errorf("store: refused lines of import %d: %w", id, err)
	}
	return list, nil
}
