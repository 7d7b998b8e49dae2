package lists

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// Record keeps imports, with their files and what became of them.
type Record interface {
	BeginImport(ctx context.Context, im campaigns.Import, now time.Time) (campaigns.Import, error)
	ReceiveFile(ctx context.Context, im campaigns.Import, from io.Reader, clock func() time.Time) (int64, error)
	ImportFile(ctx context.Context, id int64) io.Reader
	SetAbout(ctx context.Context, id int64, about json.RawMessage) error
	TakeImport(ctx context.Context, id int64, now time.Time) (im campaigns.Import, done bool, err error)
	RunImport(ctx context.Context, im campaigns.Import, dry bool, lines iter.Seq2[campaigns.Line, error], read func() int64,
		now time.Time) (campaigns.ImportReport, error)
	ImportByID(ctx context.Context, id int64) (campaigns.Import, error)
	DiscardImport(ctx context.Context, id int64, now time.Time) error
}

// Desk takes lists in: at once, or after a dry run.
type Desk struct {
	Record Record
	Now    func() time.Time
}

// Counted is a reader that knows how much was read.
type Counted struct {
	From io.Reader
	n    atomic.Int64
}

func (c *Counted) Read(p []byte) (int, error) {
	n, err := c.From.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Count is how many bytes were read.
func (c *Counted) Count() int64 { return c.n.Load() }

// Import stores a list that was opened already; counted is what it reads from.
func (d Desk) Import(ctx context.Context, im campaigns.Import, o Options, list *List, lines iter.Seq2[campaigns.Line, error],
	counted *Counted) (
	campaigns.Import, campaigns.ImportReport, error) {
	var err error
	im.State, im.Kept = campaigns.ImportRunning, false
	if im.Reading, err = json.Marshal(o); err != nil {
		return im, im.Report, err
	}
	if im, err = d.Record.BeginImport(ctx, im, d.Now()); err != nil {
		return im, im.Report, err
	}
	if err := d.about(ctx, im, list); err != nil {
		return im, im.Report, err
	}
	report, err := d.Record.RunImport(ctx, im, false, lines, counted.Count, d.Now())
	return im, report, err
}

func (d Desk) about(ctx context.Context, im campaigns.Import, list *List) error {
	text, err := json.Marshal(list.About())
	if err != nil {
		return err
	}
	return d.Record.SetAbout(ctx, im.ID, text)
}

// Check keeps a file and says what storing its contacts would do, without storing any. What cannot be read is kept no longer.
func (d Desk) Check(ctx context.Context, im campaigns.Import, o Options, file io.Reader) (campaigns.Import, error) {
	var err error
	im.State, im.Kept = campaigns.ImportReceiving, true
	if im.Reading, err = json.Marshal(o); err != nil {
		return im, err
	}
	if im, err = d.Record.BeginImport(ctx, im, d.Now()); err != nil {
		return im, err
	}
	err = d.check(ctx, im, o, file)
	if err != nil {
		ctx := context.WithoutCancel(ctx)
		return im, errors.Join(err, d.Record.DiscardImport(ctx, im.ID, d.Now().Add(time.Hour))) // no other run is there to wait for
	}
	return d.Record.ImportByID(ctx, im.ID)
}

func (d Desk) check(ctx context.Context, im campaigns.Import, o Options, file io.Reader) error {
	if _, err := d.Record.ReceiveFile(ctx, im, file, d.Now); err != nil {
		return err
	}
	_, err := d.run(ctx, im, o, true)
	return err
}

func (d Desk) run(ctx context.Context, im campaigns.Import, o Options, dry bool) (campaigns.ImportReport, error) {
	counted := &Counted{From: d.Record.ImportFile(ctx, im.ID)}
	list, err := Open(counted, o)
	if err != nil {
		return im.Report, err
	}
	defer list.Close()
	if err := d.about(ctx, im, list); err != nil {
		return im.Report, err
	}
	return d.Record.RunImport(ctx, im, dry, list.Lines(), counted.Count, d.Now())
}

// Commit stores the contacts of a list that was checked, or goes on where a run broke off. Done twice it does nothing more.
func (d Desk) Commit(ctx context.Context, id int64) (campaigns.Import, error) {
	im, done, err := d.Record.TakeImport(ctx, id, d.Now())
	if err != nil || done {
		return im, err
	}
	var o Options
	if err := json.Unmarshal(im.Reading, &o); err != nil {
		return im, err
	}
	report, err := d.run(ctx, im, o, false)
	if err != nil {
		return im, err
	}
	if im, err = d.Record.ImportByID(ctx, id); err == nil {
		im.Report.Lines = report.Lines
	}
	return im, err
}
