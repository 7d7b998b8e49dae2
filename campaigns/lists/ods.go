package lists

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a document. Its elements are told apart without their nesting, so nothing of it is held but one row.
const (
	maxToken   = 1 << 20 // bytes from one element to the next
	maxODSRows = 1 << 20 // of a sheet: as many as spreadsheets have
)

// ods is a workbook of OpenDocument: a zip archive whose content.xml has all sheets.
type ods struct {
	content *zip.File
	names   []string
}

// openODS returns nil for an archive that is no OpenDocument.
func openODS(packed []byte) (*ods, error) {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, nil // whatever it is, somebody else says what
	}
	kind, err := archive.Open("mimetype")
	if err != nil {
		return nil, nil
	}
	defer kind.Close()
	text, err := io.ReadAll(io.LimitReader(kind, 200))
	if err != nil || !strings.HasPrefix(string(text), "application/vnd.oasis.opendocument.") {
		return nil, nil
	}
	i := slices.IndexFunc(archive.File, func(f *zip.File) bool { return f.Name == "content.xml" })
	if i < 0 || !strings.HasPrefix(string(text), "application/vnd.oasis.opendocument.spreadsheet") {
		return nil, unreadable(whyODS)
	}
	o := &ods{content: archive.File[i]}
	tokens, err := o.tokens()
	if err != nil {
		return nil, unreadable(whyBookDamaged, err)
	}
	defer tokens.close()
	for {
		token, err := tokens.RawToken()
		if err == io.EOF && len(o.names) > 0 {
			return o, nil
		}
		if err != nil {
			return nil, unreadable(whyBookDamaged, err)
		}
		if start, ok := token.(xml.StartElement); ok && named(start.Name, "table", "table") {
			o.names = append(o.names, attribute(start, "table", "name"))
		}
	}
}

func (o *ods) sheets() []string { return o.names }
func (o *ods) close() error     { return nil }

// odsTokens reads content.xml.
type odsTokens struct {
	*xml.Decoder
	close func()
}

func (o *ods) tokens() (*odsTokens, error) {
	file, err := o.content.Open()
	if err != nil {
		return nil, err
	}
	return &odsTokens{xml.NewDecoder(&shortTokens{from: io.LimitReader(file, unzipLimit)}), func() { _ = file.Close() }}, nil
}

// shortTokens ends a document whose next element does not come.
type shortTokens struct {
	from io.Reader
	n    int // bytes since the last element began
}

var errLongToken = errors.New("lists: text without end")

func (s *shortTokens) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if at := bytes.LastIndexByte(p[:n], '<'); at >= 0 {
		s.n = n - at
	} else {
		s.n += n
	}
	if s.n > maxToken {
		return 0, errLongToken
	}
	return n, err
}

func named(name xml.Name, space, local string) bool {
	return name.Space == space && name.Local == local
}

func attribute(e xml.StartElement, space, local string) string {
	for _, a := range e.Attr {
		if named(a.Name, space, local) {
			return a.Value
		}
	}
	return ""
}

// repeated is how often a row or a cell stands.
func repeated(e xml.StartElement, what string) int {
	n, err := strconv.Atoi(attribute(e, "table", what))
	if err != nil {
		return 1
	}
	return max(1, min(n, maxODSRows))
}

func (o *ods) rows(name string) (rows, error) {
	tokens, err := o.tokens()
	if err != nil {
		return nil, err
	}
	for {
		token, err := tokens.RawToken()
		if err != nil {
			tokens.close()
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok && named(start.Name, "table", "table") && attribute(start, "table",
			"name") == name {
			return &odsRows{tokens: tokens}, nil
		}
	}
}

// odsRows reads one sheet. A row that stands several times is read once.
type odsRows struct {
	tokens *odsTokens
	row    []string
	again  int
	read   int
}

func (r *odsRows) close() { r.tokens.close() }

func (r *odsRows) next() ([]string, error) {
	if r.read++; r.read > maxODSRows {
		return nil, io.EOF
	}
	if r.again > 0 {
		r.again--
		return r.row, nil
	}
	for {
		token, err := r.tokens.RawToken()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // before the sheet's end
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if named(e.Name, "table", "table-row") {
				r.again = repeated(e, "number-rows-repeated") - 1
				r.row, err = r.cells()
				return r.row, err
			}
		case xml.EndElement:
			if named(e.Name, "table", "table") {
				return nil, io.EOF
			}
		}
	}
}

// cells reads a row to its end. Blank cells after the last one that is filled are left out.
func (r *odsRows) cells() ([]string, error) {
	var row []string
	var cell odsCell
	blank := 0
	for {
		token, err := r.tokens.RawToken()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if isCell(e.Name) {
				cell = odsCell{stored: attribute(e, "office", "value"), times: repeated(e, "number-columns-repeated"), in: true}
			}
			cell.start(e)
		case xml.CharData:
			cell.add(string(e))
		case xml.EndElement:
			cell.end(e)
			switch {
			case named(e.Name, "table", "table-row"):
				return row, nil
			case !isCell(e.Name):
			case cell.text() == "":
				blank += cell.times
			default:
				for range min(blank, maxColumns+1-min(len(row), maxColumns+1)) {
					row = append(row, "")
				}
				for range min(cell.times, maxColumns+1-min(len(row), maxColumns+1)) {
					row = append(row, cell.text())
				}
				blank = 0
			}
		}
	}
}

func isCell(name xml.Name) bool {
	return named(name, "table", "table-cell") || named(name, "table", "covered-table-cell")
}

// odsCell gathers what a cell shows: its paragraphs, without what somebody has noted at it.
type odsCell struct {
	shown      strings.Builder
	stored     string // of a number
	times      int
	in         bool
	paragraphs int
	depth      int // of paragraphs
	noted      int // depth of notes
}

func (c *odsCell) start(e xml.StartElement) {
	switch {
	case named(e.Name, "office", "annotation"):
		c.noted++
	case c.noted > 0 || !c.in:
	case named(e.Name, "text", "p"):
		if c.paragraphs++; c.paragraphs > 1 {
			c.shown.WriteByte('\n')
		}
		c.depth++
	case named(e.Name, "text", "s"):
		n, err := strconv.Atoi(attribute(e, "text", "c"))
		if err != nil {
			n = 1
		}
		c.add(strings.Repeat(" ", max(0, min(n, 100))))
	case named(e.Name, "text", "tab"), named(e.Name, "text", "line-break"):
		c.add("\n")
	}
}

func (c *odsCell) end(e xml.EndElement) {
	switch {
	case named(e.Name, "office", "annotation"):
		c.noted = max(0, c.noted-1)
	case c.noted == 0 && named(e.Name, "text", "p"):
		c.depth = max(0, c.depth-1)
	}
}

func (c *odsCell) add(text string) {
	if c.in && c.depth > 0 && c.noted == 0 && c.shown.Len() <= maxRecord {
		c.shown.WriteString(text)
	}
}

// text is the cell as it is shown, but for digits that its format hides.
func (c *odsCell) text() string {
	shown := strings.TrimSpace(c.shown.String())
	if asStored(shown, c.stored) {
		return c.stored
	}
	return shown
}
