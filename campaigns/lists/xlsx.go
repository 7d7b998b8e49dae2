package lists

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/creditorro/ringmaster/internal/reason"
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
		return nil, unreadable(whyBookLarge(maxWorkbook >> 20))
	}
	if why := noWorkbook(packed); !why.IsZero() {
		return nil, unreadable(why)
	}
	book, err := excelize.OpenReader(strings.NewReader(string(packed)), excelize.Options{UnzipSizeLimit: unzipLimit, UnzipXMLSizeLimit: partInRAM})
	if err != nil {
		return nil, unreadable(whyBookDamaged, err)
	}
	list, err := readBook(book, o)
	if err != nil {
		_ = book.Close() // its temporary files
		return nil, err
	}
	return list, nil
}

// noWorkbook says what else a zip archive is.
func noWorkbook(packed []byte) reason.Reason {
	start := string(packed[:min(len(packed), 200)])
	switch {
	case strings.Contains(start, "application/vnd.oasis.opendocument"):
		return whyODS
	case !strings.Contains(string(packed), "xl/workbook"):
		return whyZip
	}
	return none
}

func readBook(book *excelize.File, o Options) (*List, error) {
	sheets := book.GetSheetList()
	if len(sheets) == 0 || len(sheets) > maxSheets {
		return nil, unreadable(whySheets(len(sheets), maxSheets))
	}
	if o.Sheet != "" {
		if !slices.Contains(sheets, o.Sheet) {
			return nil, unreadable(whyNoSheet(clip(o.Sheet), clipAll(sheets)))
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
	return nil, unreadable(whyEmptyBook)
}

// sheet is read twice at the same time: as it is shown, and as it is stored.
type sheet struct {
	table
	name          string
	shown, stored *excelize.Rows
	number        int
}

func openSheet(book *excelize.File, name string) (*sheet, error) {
	shown, err := book.Rows(name)
	if err != nil {
		return nil, unreadable(whySheetDamaged(clip(name), "0"), err)
	}
	stored, err := book.Rows(name)
	if err != nil {
		_ = shown.Close()
		return nil, unreadable(whySheetDamaged(clip(name), "0"), err)
	}
	return &sheet{name: name, shown: shown, stored: stored}, nil
}

func (s *sheet) damaged(err error) error {
	return unreadable(whySheetDamaged(clip(s.name), strconv.Itoa(s.number)), err)
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
				return s.damaged(err)
			}
			return io.EOF
		}
		s.number++
		shown, err := s.shown.Columns()
		if err != nil {
			return s.damaged(err)
		}
		stored, err := s.stored.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return s.damaged(err)
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
			r.problem = refuse("line_long", whyLong(maxRecord))
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
