package api

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/xuri/excelize/v2"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// xlsxType is the media type of a workbook (ECMA-376, Office Open XML).
const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// SheetForm is how an export is written.
type SheetForm struct {
	CSVForm
	Format   string `query:"format" enum:"csv,xlsx" default:"csv" doc:"xlsx: a workbook for Excel, in which numbers are numbers, moments are dates, texts never formulas; at most 1,048,576 lines, one export at a time"`
	TimeZone string `query:"time_zone" maxLength:"64" example:"Europe/Kyiv" doc:"IANA name of the reader's zone, in which moments are written; UTC when left out"`
}

// byIDAsSheet selects what is exported.
type byIDAsSheet struct {
	ByID
	SheetForm
}

// exports describes a reply that is CSV or a workbook.
func exports(o *huma.Operation) {
	streams("text/csv")(o)
	o.Responses["200"].Content[xlsxType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	o.Description = "CSV is written as it is read, however long; what a spreadsheet would take for a formula has an apostrophe " +
		"before it there. A workbook is sent when it is whole: an export of more lines than a sheet has is refused."
}

// table is what an export writes, line by line. Cells are texts, numbers, moments (the zero time: none) and nil for nothing.
type table interface {
	head(names ...any) // texts, and momentColumn
	row(cells ...any) error
	flush() error // what was written; it returns what went wrong
}

// momentColumn heads a column of moments.
type momentColumn string

// export replies with what write writes, under a name without its ending.
func (a *api) export(ctx context.Context, form SheetForm, name string, write func(table) error) (*huma.StreamResponse, error) {
	zone := time.UTC
	if form.TimeZone != "" {
		var err error
		if zone, err = time.LoadLocation(form.TimeZone); err != nil || form.TimeZone == "Local" {
			return nil, refuseField("query.time_zone", field.Zone)
		}
	}
	if form.Format != "xlsx" {
		return stream(a, name+".csv", func(out *csvStream) error { return write(csvTable{out, zone}) }), nil
	}
	select { // a large one takes much of the memory
	case a.workbooks <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	content, err := func() (*bytes.Buffer, error) {
		defer func() { <-a.workbooks }()
		w, err := newWorkbook(zone, a.MaxSheetRows)
		if err != nil {
			return nil, err
		}
		defer func() { _ = w.file.Close() }() // its temporary files
		if err := write(w); err != nil {
			return nil, err
		}
		return w.finish()
	}()
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		w.Header().Set("Content-Type", xlsxType)
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.xlsx"`)
		w.Header().Set("Content-Length", strconv.Itoa(content.Len()))
		control := http.NewResponseController(w)
		for content.Len() > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(exportWait)) // connections without deadlines are tests'
			if _, err := io.CopyN(w, content, int64(min(content.Len(), 1<<20))); err != nil {
				a.Logger.WarnContext(r.Context(), "export broke off", slog.String("path", r.URL.Path), slog.Any("error", err))
				panic(http.ErrAbortHandler)
			}
		}
	}}, nil
}

// csvTable writes CSV; moments are RFC 3339 there.
type csvTable struct {
	*csvStream
	zone *time.Location
}

func (t csvTable) head(names ...any) { t.csvStream.row(texts(names, t.zone)...) }

func (t csvTable) row(cells ...any) error {
	t.csvStream.row(texts(cells, t.zone)...)
	return nil
}

// texts are cells as CSV has them.
func texts(cells []any, zone *time.Location) []string {
	list := make([]string, len(cells))
	for i, cell := range cells {
		switch v := cell.(type) {
		case nil:
		case string:
			list[i] = v
		case momentColumn:
			list[i] = string(v)
		case int:
			list[i] = strconv.Itoa(v)
		case int64:
			list[i] = strconv.FormatInt(v, 10)
		case float64:
			list[i] = strconv.FormatFloat(v, 'f', -1, 64)
		case time.Time:
			if !v.IsZero() {
				list[i] = written(v).In(zone).Format(time.RFC3339)
			}
		}
	}
	return list
}

// workbook writes a workbook of one sheet. It grows in a temporary file.
type workbook struct {
	file         *excelize.File
	sheet        *excelize.StreamWriter
	zone         *time.Location
	rows, most   int
	bold, moment int // styles
	text         int // of texts: a text stays one when somebody edits it
}

func newWorkbook(zone *time.Location, most int) (*workbook, error) {
	w := &workbook{file: excelize.NewFile(), zone: zone, most: most}
	format := "yyyy-mm-dd hh:mm:ss"
	for to, style := range map[*int]*excelize.Style{&w.bold: {NumFmt: 49, Font: &excelize.Font{Bold: true}},
		&w.moment: {CustomNumFmt: &format}, &w.text: {NumFmt: 49}} {
		var err error
		if *to, err = w.file.NewStyle(style); err != nil {
			return nil, err
		}
	}
	var err error
	if w.sheet, err = w.file.NewStreamWriter(w.file.GetSheetName(0)); err != nil {
		return nil, err
	}
	const width = 20 // characters: a moment's, with some air
	if err := w.sheet.SetColWidth(1, 26, width); err != nil {
		return nil, err
	}
	return w, w.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

// head names the columns; those of moments say in which zone they are, which the cells cannot.
func (w *workbook) head(names ...any) {
	cells := make([]any, len(names))
	for i, name := range names {
		if at, is := name.(momentColumn); is {
			name = string(at) + " (" + w.zone.String() + ")"
		}
		cells[i] = excelize.Cell{StyleID: w.bold, Value: name}
	}
	w.rows = 1
	_ = w.sheet.SetRow("A1", cells) // the error stays, and finish returns it
}

func (w *workbook) row(cells ...any) error {
	if w.rows == w.most {
		return refuse(http.StatusUnprocessableEntity, whySheetFull(w.most))
	}
	w.rows++
	for i, cell := range cells {
		switch v := cell.(type) {
		case string:
			cells[i] = nil
			if v != "" {
				cells[i] = excelize.Cell{StyleID: w.text, Value: v}
			}
		case time.Time:
			cells[i] = nil
			if !v.IsZero() {
				cells[i] = excelize.Cell{StyleID: w.moment, Value: written(v).In(w.zone)}
			}
		}
	}
	return w.sheet.SetRow("A"+strconv.Itoa(w.rows), cells)
}

func (w *workbook) flush() error { return nil }

func (w *workbook) finish() (*bytes.Buffer, error) {
	if err := w.sheet.Flush(); err != nil {
		return nil, err
	}
	return w.file.WriteToBuffer()
}

// whySheetFull refuses an export that no sheet holds.
var whySheetFull = reason.With1[int]("request.too_many_rows", "rows")
