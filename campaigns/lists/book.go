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

// openBook reads the sheet of a workbook that is named, or else the first one that has something in it.
func openBook(in *bufio.Reader, o Options) (*List, error) {
	packed, err := io.ReadAll(io.LimitReader(in, maxWorkbook+1))
	if err != nil {
		return nil, err
	}
	if len(packed) > maxWorkbook {
		return nil, unreadable(whyBookLarge(maxWorkbook >> 20))
	}
	var b book
	if o.Format, b, err = unpackBook(packed); err != nil {
		return nil, err
	}
	list, err := readBook(b, o)
	if err != nil {
		_ = b.close() // its temporary files
		return nil, err
	}
	return list, nil
}

// unpackBook opens a workbook of either form, or says what else the archive is.
func unpackBook(packed []byte) (Format, book, error) {
	if document, err := openODS(packed); document != nil || err != nil {
		return ODS, document, err
	}
	if !strings.Contains(string(packed), "xl/workbook") {
		return "", nil, unreadable(whyZip)
	}
	file, err := excelize.OpenReader(strings.NewReader(string(packed)),
		excelize.Options{UnzipSizeLimit: unzipLimit, UnzipXMLSizeLimit: partInRAM})
	if err != nil {
		return "", nil, unreadable(whyBookDamaged, err)
	}
	return XLSX, xlsx{file}, nil
}

// book is a workbook of sheets.
type book interface {
	sheets() []string
	rows(sheet string) (rows, error)
	close() error
}

// rows are read once, from the first to the last; io.EOF ends them.
type rows interface {
	next() (cells []string, err error)
	close()
}

func readBook(b book, o Options) (*List, error) {
	all := b.sheets()
	if len(all) == 0 || len(all) > maxSheets {
		return nil, unreadable(whySheets(len(all), maxSheets))
	}
	sheets := all
	if o.Sheet != "" {
		if !slices.Contains(sheets, o.Sheet) {
			return nil, unreadable(whyNoSheet(clip(o.Sheet), clipAll(sheets)))
		}
		sheets = []string{o.Sheet}
	}
	for i, name := range sheets {
		r, err := b.rows(name)
		if err != nil {
			return nil, unreadable(whySheetDamaged(clip(name), "0"), err)
		}
		s := &sheet{name: name, rows: r}
		s.region = o.Region
		s.table.fields = func(text string) ([]string, problem) { return cellsOf(text), problem{} }
		first := newBatch()
		first.limit = sampleRecords
		end := s.split(first)
		if end != nil && end != io.EOF {
			s.rows.close()
			return nil, end
		}
		if len(first.records) == 0 && i < len(sheets)-1 {
			s.rows.close()
			continue
		}
		if err := s.open(first, o); err != nil {
			s.rows.close()
			return nil, err
		}
		list := &List{first: first, parse: s.parse, raw: rawCells, about: s.about}
		list.about.Format, list.about.Sheet, list.about.Sheets = o.Format, name, all
		list.about.Header, list.about.Delimiter = rawCells(s.about.Header), ","
		list.split = func(b *batch) error {
			if end != nil {
				return end
			}
			return s.split(b)
		}
		list.close = func() error {
			s.rows.close()
			return b.close()
		}
		return list, nil
	}
	return nil, unreadable(whyEmptyBook)
}

// sheet is a table of a workbook.
type sheet struct {
	table
	name   string
	rows   rows
	number int
}

// split fills a batch with lines, their cells divided by a sign that no cell has.
func (s *sheet) split(b *batch) error {
	for blank := 0; !b.full(); {
		cells, err := s.rows.next()
		if err == io.EOF {
			return io.EOF
		}
		if err != nil {
			return unreadable(whySheetDamaged(clip(s.name), strconv.Itoa(s.number)), err)
		}
		s.number++
		if filled(cells) == 0 {
			if blank++; blank > maxBlank {
				return io.EOF
			}
			continue
		}
		r := record{number: s.number, start: len(b.text)}
		for i, cell := range cells {
			if i > 0 {
				b.text = append(b.text, cellEnd...)
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

// xlsx is a workbook of Excel's.
type xlsx struct{ file *excelize.File }

func (x xlsx) sheets() []string { return x.file.GetSheetList() }
func (x xlsx) close() error     { return x.file.Close() }

func (x xlsx) rows(name string) (rows, error) {
	shown, err := x.file.Rows(name)
	if err != nil {
		return nil, err
	}
	stored, err := x.file.Rows(name)
	if err != nil {
		_ = shown.Close()
		return nil, err
	}
	return &xlsxRows{shown, stored}, nil
}

// xlsxRows reads a sheet twice at the same time: as it is shown, and as it is stored.
type xlsxRows struct{ shown, stored *excelize.Rows }

func (r *xlsxRows) close() {
	_ = r.shown.Close() // temporary files
	_ = r.stored.Close()
}

func (r *xlsxRows) next() ([]string, error) {
	if !r.shown.Next() || !r.stored.Next() {
		if err := errors.Join(r.shown.Error(), r.stored.Error()); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	shown, err := r.shown.Columns()
	if err != nil {
		return nil, err
	}
	stored, err := r.stored.Columns(excelize.Options{RawCellValue: true})
	if err != nil {
		return nil, err
	}
	for i, cell := range shown {
		if i < len(stored) && asStored(cell, stored[i]) {
			shown[i] = stored[i]
		}
	}
	return shown, nil
}

// asStored reports whether a cell's format hides digits that are there: 3.81E+11, or ####.
func asStored(shown, stored string) bool {
	return shown != stored && stored != "" && strings.Trim(stored, "0123456789") == "" &&
		(scientific.MatchString(strings.TrimSpace(shown)) || strings.Trim(shown, "#") == "" ||
			grouped.MatchString(strings.TrimSpace(shown)))
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
