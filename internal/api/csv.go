package api

import (
	"bufio"
	"encoding/csv"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	exportPage = 1_000            // rows that are read at once
	exportWait = 30 * time.Second // how long a client may take for a page
)

// CSVForm is how an export is written; stream reads it.
type CSVForm struct {
	BOM bool `query:"bom" doc:"Begin with the mark of UTF-8, by which Excel reads the letters of all languages"`
}

// byIDAsCSV selects what is exported.
type byIDAsCSV struct {
	ByID
	CSVForm
}

// csvStream is a reply of CSV that is written as it is made.
type csvStream struct {
	w       *csv.Writer
	buffer  *bufio.Writer
	control *http.ResponseController
}

// row writes one line. What a spreadsheet would take for a formula is made a text.
func (s *csvStream) row(cells ...string) {
	_ = s.w.Write(Row(cells...)) // the error stays, and flush returns it
}

// flush sends what was written; a client has a while to take it.
func (s *csvStream) flush() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(exportWait)) // connections without deadlines are tests'
	s.w.Flush()
	if err := s.w.Error(); err != nil {
		return err
	}
	if err := s.buffer.Flush(); err != nil {
		return err
	}
	if err := s.control.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// Row is a line of CSV in which nothing runs in a spreadsheet.
func Row(cells ...string) []string {
	for i, cell := range cells {
		cells[i] = defused(cell)
	}
	return cells
}

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)?$`)

// defused puts an apostrophe before what a spreadsheet would run. Numbers, those of phones too, are no formulas.
func defused(cell string) string {
	if cell == "" || !strings.ContainsAny(cell[:1], "=+-@\t\r\n|%") || plainNumber.MatchString(cell) {
		return cell
	}
	return "'" + cell
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return written(t).Format(time.RFC3339)
}

// stream is a reply of CSV under a file's name. What fails in the middle cannot be told any more: the connection is cut, so that
// nobody takes a part for the whole.
func stream(a *api, name string, write func(*csvStream) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		buffer := bufio.NewWriterSize(w, 64<<10)
		if withMark, _ := strconv.ParseBool(r.URL.Query().Get("bom")); withMark {
			_, _ = buffer.WriteString("\uFEFF") // flush returns its error
		}
		out := &csvStream{w: csv.NewWriter(buffer), buffer: buffer, control: http.NewResponseController(w)}
		err := write(out)
		if err == nil {
			err = out.flush()
		}
		if err != nil {
			a.Logger.WarnContext(r.Context(), "export broke off", slog.String("path", r.URL.Path), slog.Any("error", err))
			panic(http.ErrAbortHandler)
		}
	}}
}

// streams describes a reply that is written as it is made.
func streams(kind string) func(*huma.Operation) {
	return func(o *huma.Operation) {
		o.Responses = map[string]*huma.Response{"200": {Description: "OK",
			Content: map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	}
}

// isExport says whether a reply may take as long as its client takes it.
func isExport(r *http.Request) bool {
	return r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, "/export") || strings.HasPrefix(r.URL.Path,
		prefix+"/imports/") && strings.HasSuffix(r.URL.Path, "/refused"))
}
