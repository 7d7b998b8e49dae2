package lists

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Bounds of a workbook. It cannot be read as a stream, so its size is held in memory; large parts of it go to temporary files.
const (
	maxWorkbook = 100 << 20 // bytes, zipped
	maxSheets   = 200
	unzipLimit  = 1 << 30   // bytes of all parts
	partInRAM   = 8 << 20   // bytes of a sheet, or of its strings: larger ones go to a file
	maxBlank    = 1_000_000 // lines without anything before the end
	cellEnd     = "\x1f"
)

// openXLSX reads the sheet that is named, or else the first one that has something in it.
func openXLSX(in *bufio.Reader, o Options) (*List, error) {
	packed, err := io.ReadAll(io.LimitReader(in, maxWorkbook+1))
	if err != nil {
		return nil, err
	}
	if len(packed) > maxWorkbook {
		return nil, fmt.Errorf("%w: a workbook of more than %d MiB: save it as CSV", ErrList, maxWorkbook>>20)
	}
	if why := noWorkbook(packed); why != "" {
		return nil, fmt.Errorf("%w: %s", ErrList, why)
	}
	book, err := excelize.OpenReader(strings.NewReader(string(packed)), excelize.Options{UnzipSizeLimit: unzipLimit, UnzipXMLSizeLimit: partInRAM})
	if err != nil {
		return nil, fmt.Errorf("%w: a workbook that cannot be read, with a password or damaged: %w", ErrList, err)
	}
	list, err := readBook(book, o)
	if err != nil {
		_ = book.Close() // its temporary files
		return nil, err
	}
	return list, nil
}

// noWorkbook says what else a zip archive is.
func noWorkbook(packed []byte) string {
	start := string(packed[:min(len(packed), 200)])
	switch {
	case strings.Contains(start, "application/vnd.oasis.opendocument"):
		return "a workbook of OpenDocument (.ods): save it as .xlsx or as CSV"
	case !strings.Contains(string(packed), "xl/workbook"):
		return "a zip archive that is no workbook: unpack it, and send the list in it"
	}
	return ""
}

func readBook(book *excelize.File, o Options) (*List, error) {
	sheets := book.GetSheetList()
	if len(sheets) == 0 || len(sheets) > maxSheets {
		return nil, fmt.Errorf("%w: a workbook of %d sheets: want 1 to %d", ErrList, len(sheets), maxSheets)
	}
	if o.Sheet != "" {
		if !slices.Contains(sheets, o.Sheet) {
			return nil, fmt.Errorf("%w: no sheet %.60q: the workbook has %s", ErrList, o.Sheet, quoteAll(sheets))
		}
		sheets = []string{o.Sheet}
	}
	for i, sheet := range sheets {
		s, err := openSheet(book, sheet)
		if err != nil {
			return nil, err
		}
		s.region = o.Region
		s.table.fields = func(text string) ([]string, problem) { return cellsOf(text), problem{} }
		first := newBatch()
		first.limit = sampleRecords
		end := s.split(first)
		if end != nil && end != io.EOF {
			return nil, end
		}
		if len(first.records) == 0 && i < len(sheets)-1 {
			s.close()
			continue
		}
		if err := s.open(first, o); err != nil {
			s.close()
			return nil, err
		}
		list := &List{first: first, parse: s.parse, raw: rawCells, about: s.about}
		list.about.Format, list.about.Sheet, list.about.Sheets = XLSX, sheet, book.GetSheetList()
		list.about.Header, list.about.Delimiter = rawCells(s.about.Header), ","
		list.split = func(b *batch) error {
			if end != nil {
				return end
			}
			return s.split(b)
		}
		list.close = func() error {
			s.close()
			return book.Close()
		}
		return list, nil
	}
	return nil, fmt.Errorf("%w: empty", ErrList)
}

// sheet is read twice at the same time: as it is shown, and as it is stored.
type sheet struct {
	table
	shown, stored *excelize.Rows
	number        int
}

func openSheet(book *excelize.File, name string) (*sheet, error) {
	shown, err := book.Rows(name)
	if err != nil {
		return nil, fmt.Errorf("%w: sheet %.60q: %w", ErrList, name, err)
	}
	stored, err := book.Rows(name)
	if err != nil {
		_ = shown.Close()
		return nil, fmt.Errorf("%w: sheet %.60q: %w", ErrList, name, err)
	}
	return &sheet{shown: shown, stored: stored}, nil
}

func (s *sheet) close() {
	_ = s.shown.Close() // temporary files
	_ = s.stored.Close()
}

// split fills a batch with lines, their cells divided by a sign that no cell has.
func (s *sheet) split(b *batch) error {
	for blank := 0; !b.full(); {
		if !s.shown.Next() || !s.stored.Next() {
			if err := errors.Join(s.shown.Error(), s.stored.Error()); err != nil {
				return fmt.Errorf("%w: after line %d: %w", ErrList, s.number, err)
			}
			return io.EOF
		}
		s.number++
		shown, err := s.shown.Columns()
		if err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrList, s.number, err)
		}
		stored, err := s.stored.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrList, s.number, err)
		}
		if filled(shown) == 0 {
			if blank++; blank > maxBlank {
				return io.EOF
			}
			continue
		}
		r := record{number: s.number, start: len(b.text)}
		for i, cell := range shown {
			if i > 0 {
				b.text = append(b.text, cellEnd...)
			}
			if i < len(stored) && asStored(cell, stored[i]) {
				cell = stored[i]
			}
			b.text = append(b.text, clean(cell)...)
		}
		if r.end = len(b.text); r.end-r.start > maxRecord {
			b.text, r.end = b.text[:r.start], r.start
			r.problem = refuse("line_long", "longer than %d bytes", maxRecord)
		}
		b.records = append(b.records, r)
	}
	return nil
}

// asStored reports whether a cell's format hides digits that are there: 3.81E+11, or ####.
func asStored(shown, stored string) bool {
	return shown != stored && stored != "" && strings.Trim(stored, "0123456789") == "" &&
		(scientific.MatchString(strings.TrimSpace(shown)) || strings.Trim(shown, "#") == "" || grouped.MatchString(strings.TrimSpace(shown)))
}

func clean(cell string) string {
	cell = strings.ToValidUTF8(cell, "\uFFFD")
	if strings.ContainsAny(cell, cellEnd+"\x00") {
		cell = strings.NewReplacer(cellEnd, " ", "\x00", " ").Replace(cell)
	}
	return strings.TrimSpace(cell)
}

func cellsOf(text string) []string { return strings.Split(text, cellEnd) }

// rawCells shows a line of a sheet as CSV.
func rawCells(text string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.Write(cellsOf(text)); err != nil {
		return text
	}
	w.Flush()
	return strings.TrimRight(b.String(), "\n")
}
