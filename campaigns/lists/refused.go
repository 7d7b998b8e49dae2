package lists

import (
	"encoding/csv"
	"io"
	"strings"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Refused writes refused lines as they stand in their list, under its header, with the reason in a column more: to be mended and
// sent again. They are the list's own, so nothing in them is changed. Elements of JSON are lines of one column.
type Refused struct {
	out       io.Writer
	delimiter string
	elements  bool
	say       func(reason.Reason) string
}

// NewRefused writes the header.
func NewRefused(out io.Writer, about About, say func(reason.Reason) string) (*Refused, error) {
	r := &Refused{out, about.Delimiter, about.Format == JSON, say}
	if r.delimiter == "" {
		r.delimiter = ","
	}
	header := about.Header
	if r.elements || header == "" {
		header = "line"
	}
	_, err := io.WriteString(out, header+r.delimiter+"reason\n")
	return r, err
}

// Write writes one line.
func (r *Refused) Write(l campaigns.RefusedLine) error {
	raw := l.Raw
	if r.elements {
		raw = r.cell(raw)
	}
	_, err := io.WriteString(r.out, raw+r.delimiter+r.cell(r.say(l.Why))+"\n")
	return err
}

func (r *Refused) cell(text string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = rune(r.delimiter[0])
	_ = w.Write([]string{text}) // into memory
	w.Flush()
	return strings.TrimRight(b.String(), "\n")
}
