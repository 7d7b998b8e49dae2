package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/phrasebook"
)

// refusals is where refused lines are told, each as it is met.
type refusals struct {
	say  *phrasebook.Book
	to   io.Writer
	file *os.File // nil: text on stderr
	raw  *os.File // for the lines themselves; nil: nobody asked for them
}

// keepRaw opens the file for the refused lines as the list has them: a list of its own, to be mended and imported.
func (r *refusals) keepRaw(path string, about lists.About) error {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	r.raw = file
	if about.Header != "" {
		_, err = fmt.Fprintln(file, about.Header)
	}
	return err
}

func (i Import) openReport(c Console, say *phrasebook.Book) (*refusals, error) {
	if i.Report == "" {
		return &refusals{say: say, to: c.Err}, nil
	}
	file, err := os.Create(i.Report)
	return &refusals{say: say, to: file, file: file}, err
}

func (r *refusals) tell(e *campaigns.LineError) error {
	if r.raw != nil {
		if _, err := fmt.Fprintln(r.raw, e.Raw); err != nil {
			return err
		}
	}
	if r.file == nil {
		_, err := fmt.Fprintf(r.to, "line %d: %s\n", e.Line, r.say.Say(e.Why))
		return err
	}
	return json.NewEncoder(r.to).Encode(map[string]any{"line": e.Line, "code": e.Code, "key": e.Why.Key(), "args": e.Why.Args(),
		"text": r.say.Say(e.Why)})
}

func (r *refusals) close() error {
	var raw error
	if r.raw != nil {
		raw = r.raw.Close()
	}
	if r.file == nil {
		return raw
	}
	return errors.Join(raw, r.file.Close())
}

// telling passes lines through and tells the refused ones. A report that cannot be written ends the import.
func telling(lines iter.Seq2[campaigns.Line, error], to *refusals) iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		for line, err := range lines {
			var refused *campaigns.LineError
			if errors.As(err, &refused) {
				if err := to.tell(refused); err != nil {
					yield(campaigns.Line{}, fmt.Errorf("report: %w", err))
					return
				}
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// progress tells how far something is, every second from the second one on.
type progress struct {
	stop, stopped chan struct{}
}

func startProgress(w io.Writer, how func() string) *progress {
	p := &progress{stop: make(chan struct{}), stopped: make(chan struct{})}
	go func() {
		defer close(p.stopped)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
				fmt.Fprintln(w, how())
			}
		}
	}()
	return p
}

func (p *progress) end() {
	close(p.stop)
	<-p.stopped
}

// howMuch is how much of a file was read; size zero: it is not known.
func howMuch(read, size int64) string {
	if size > 0 {
		return fmt.Sprintf("%.1f MB read, %.0f %%", float64(read)/1e6, 100*float64(read)/float64(size))
	}
	return fmt.Sprintf("%.1f MB read", float64(read)/1e6)
}
