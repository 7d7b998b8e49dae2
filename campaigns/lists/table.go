package lists

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/campaigns"
)

// table is what lists of lines and columns have in common.
type table struct {
	fields  func(text string) ([]string, problem) // of one record
	columns []column
	names   []string // of the columns, as the list has them
	region  string
	people  bool // CRM ids alone will do
	about   About
}

// open finds the line that names the columns in the first records, takes it and what stands above it out, and describes the
// columns.
func (t *table) open(first *batch, o Options) error {
	texts := first.strings()
	rows := make([][]string, len(texts))
	for i, text := range texts {
		if first.records[i].problem.code != "" {
			continue
		}
		rows[i], _ = t.fields(text) // a bad one will be refused in its turn
	}
	if len(rows) == 0 {
		return unreadable(whyEmptyTable)
	}
	if first.records[0].problem.code == "line_long" {
		return unreadable(whyFirstLong(strconv.Itoa(first.records[0].number), maxRecord))
	}
	if strings.IndexByte(texts[0], 0) >= 0 {
		return unreadable(whyZeros)
	}
	header := findHeader(rows, o)
	names := make([]string, width(rows))
	if header >= 0 {
		names = rows[header]
		for len(names) > 0 && strings.TrimSpace(names[len(names)-1]) == "" && width(rows[header+1:]) < len(names) {
			names = names[:len(names)-1]
		}
		t.about.HeaderLine, t.about.Header = first.records[header].number, texts[header]
		first.records = first.records[header+1:]
		rows = rows[header+1:]
	}
	if len(names) > maxColumns {
		return unreadable(whyColumns(len(names), maxColumns))
	}
	for name := range o.Mapping {
		if !slices.Contains(names, name) {
			return unreadable(whyNotThere(clip(name), clipAll(names)))
		}
	}
	columns, err := describe(names, rows, o)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(columns, func(c column) bool { return c.Field == fieldPhone || o.People && c.Field == fieldCRMID }) {
		return noPhoneColumn(columns, header >= 0)
	}
	t.columns, t.names, t.people = columns, names, o.People
	t.about.Columns = make([]Column, len(columns))
	for i, c := range columns {
		t.about.Columns[i] = c.Column
	}
	return nil
}

func noPhoneColumn(columns []column, named bool) error {
	names := make([]string, len(columns))
	var noted Column
	for i, c := range columns {
		names[i] = c.Name
		if !c.Note.IsZero() {
			noted = c.Column
		}
	}
	switch {
	case !named:
		return unreadable(whyNoHeader)
	case noted.Note.IsZero():
		return unreadable(whyNoPhones(clipAll(names)))
	}
	return unreadable(whyNoPhonesBut(clipAll(names), clip(noted.Name), noted.Note))
}

func width(rows [][]string) (n int) {
	for _, row := range rows {
		n = max(n, len(row))
	}
	return n
}

func filled(row []string) (n int) {
	for _, cell := range row {
		if cell != "" {
			n++
		}
	}
	return n
}

// findHeader finds the line that names the columns among the first ones: the first that names a phone and is about as wide as the
// lines below it, so that a title above is none; else the first line, unless it holds a phone itself: -1, no line names them.
func findHeader(rows [][]string, o Options) int {
	const within = 15
	if len(o.Mapping) > 0 {
		for i, row := range rows[:min(within, len(rows))] {
			all := true
			for name := range o.Mapping {
				all = all && slices.Contains(row, name)
			}
			if all {
				return i
			}
		}
	}
	for i, row := range rows[:min(within, len(rows))] {
		if hasPhone(row, o.Region) {
			break
		}
		if below := typical(rows[i+1:]); below > 1 && filled(row)*2 < below {
			continue
		}
		for _, name := range row {
			if field, _, _ := kindOf(name); field == fieldPhone && len(name) <= 100 {
				return i
			}
		}
	}
	if hasPhone(rows[0], o.Region) {
		return -1
	}
	for i, row := range rows[:min(within, len(rows))] { // a title stands above
		if hasPhone(row, o.Region) {
			break
		}
		if filled(row)*2 >= typical(rows[i+1:]) {
			return i
		}
	}
	return 0
}

// typical is how many cells of a line are filled in the middle of all.
func typical(rows [][]string) int {
	var counts []int
	for _, row := range rows {
		if len(row) > 0 {
			counts = append(counts, filled(row))
		}
	}
	if len(counts) == 0 {
		return 0
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

func hasPhone(row []string, region string) bool {
	return slices.ContainsFunc(row, func(cell string) bool {
		found, _ := readPhones(cell, locale{region: region})
		return len(found) > 0
	})
}

// parse makes a contact of a record.
func (t *table) parse(text string, line *campaigns.Line) problem {
	fields, why := t.fields(text)
	if why.code != "" {
		return why
	}
	d := draft{line: line, locale: locale{region: t.region}, people: t.people}
	fields, why = t.fit(fields, &d)
	if why.code != "" {
		return why
	}
	var payload []byte
	for i, value := range fields {
		c := &t.columns[i]
		switch c.Field {
		case fieldPhone:
			cell := phoneCell{value: value, label: c.label}
			if c.labels >= 0 && c.labels < len(fields) {
				cell.labels = fields[c.labels]
			}
			d.phones = append(d.phones, cell)
		case fieldLabel, fieldIgnore:
		default:
			if why := d.set(c.Field, value); why.code != "" {
				return why
			}
		}
		if c.json != nil {
			if payload == nil {
				payload = append(make([]byte, 0, len(text)+16*len(t.columns)), '{')
			} else {
				payload = append(payload, ',')
			}
			payload = appendJSON(append(payload, c.json...), value)
		}
	}
	if payload != nil {
		payload = append(payload, '}')
	}
	if len(line.Contact.Phones) == 0 {
		d.texts = fields[:min(3, len(fields))]
	}
	return d.finish(payload)
}

// fit makes a line as wide as the header: trailing cells that are left out are empty. Cells beyond it are refused, unless all are
// further numbers of a last phone column.
func (t *table) fit(fields []string, d *draft) ([]string, problem) {
	for len(fields) > len(t.columns) && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	for len(fields) < len(t.columns) {
		fields = append(fields, "")
	}
	last := len(t.columns) - 1
	if len(fields) > len(t.columns) {
		more := strings.Join(fields[last:], ", ")
		found, problems := readPhones(more, d.locale)
		if t.columns[last].Field != fieldPhone || len(found) == 0 || len(problems) > 0 {
			return nil, refuse("columns", whyTooWide(len(fields), len(t.columns)))
		}
		fields = append(fields[:last:last], more)
	}
	if t.about.HeaderLine > 0 && len(fields) == len(t.names) && slices.Equal(fields, t.names) {
		return nil, refuse("header_again", whyHeaderAgain)
	}
	return fields, problem{}
}

// appendJSON appends a JSON string. The text is valid UTF-8.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				break // a string can always be written
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
