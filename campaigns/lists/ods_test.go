package lists

import (
	"archive/zip"
	"bytes"
	"os"
	"strings"
	"testing"
)

// document packs a spreadsheet of OpenDocument.
func document(t testing.TB, kind, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range [][2]string{{"mimetype", "application/vnd.oasis.opendocument." + kind}, {"content.xml", content}} {
		f, err := w.Create(part[0])
		if err == nil {
			_, err = f.Write([]byte(part[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	odsHead = `<?xml version="1.0"?><office:document-content><office:body><office:spreadsheet>`
	odsTail = `</office:spreadsheet></office:body></office:document-content>`
)

// TestODS: what another program has written (SheetJS 0.18.5) is read: an empty sheet, a title, a number as a number, blank lines.
func TestODS(t *testing.T) {
	packed, err := os.ReadFile("testdata/people.ods")
	if err != nil {
		t.Fatal(err)
	}
	want := "7|Олена  Петренко|" + a + " +380501234568\n8|Іван|+380671234567\n!no_phone"
	for _, sheet := range []string{"", "Листопад"} {
		if got := brief(string(packed), Options{Sheet: sheet}); got != want {
			t.Errorf("sheet %q: got\n%s\nwant\n%s", sheet, got, want)
		}
	}
	if got := brief(string(packed), Options{Sheet: "x"}); got != "list: list.no_sheet" {
		t.Error(got)
	}
	for n := range 40 { // damaged ones are refused, never a panic
		if got := brief(string(packed[:len(packed)*n/40]), Options{}); n > 1 && !strings.HasPrefix(got, "list: ") {
			t.Errorf("cut at %d/40: %s", n, got)
		}
	}
}

// TestODSCells: cells as LibreOffice writes them: repeated ones, notes, hidden digits, paragraphs; and what would never end.
func TestODSCells(t *testing.T) {
	const head = `<table:table table:name="1"><table:table-row><table:table-cell><text:p>id</text:p></table:table-cell><table:table-cell><text:p>phone</text:p></table:table-cell><table:table-cell table:number-columns-repeated="16382"/></table:table-row>`
	row := func(cells string) string { return "<table:table-row>" + cells + "</table:table-row>" }
	const end = `<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>`
	for name, tt := range map[string]struct{ rows, want string }{
		"hidden digits": {row(`<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell><table:table-cell office:value="380501234567"><text:p>3,81E+11</text:p></table:table-cell>`), "7||" + a},
		"a note":        {row(`<table:table-cell><office:annotation><text:p>0671234567</text:p></office:annotation><text:p>8</text:p></table:table-cell><table:table-cell><text:p>050<text:s text:c="2"/>123<text:span>4567</text:span></text:p></table:table-cell>`), "8||" + a},
		"two lines":     {row(`<table:table-cell><text:p>9</text:p></table:table-cell><table:table-cell><text:p>0501234567</text:p><text:p>0671234567</text:p></table:table-cell>`), "9||" + a + " " + b},
		"again":         {`<table:table-row table:number-rows-repeated="2"><table:table-cell><text:p>9</text:p></table:table-cell><table:table-cell><text:p>0501234567</text:p></table:table-cell></table:table-row>`, "9||" + a + "\n9||" + a},
	} {
		if got := brief(document(t, "spreadsheet", odsHead+head+tt.rows+end+odsTail), Options{}); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, tt.want)
		}
	}
	for name, tt := range map[string]struct{ kind, content, want string }{
		"a text":    {"text", odsHead + odsTail, "list: list.ods"},
		"no sheets": {"spreadsheet", odsHead + odsTail, "list: list.workbook_damaged"},
		"a cell without end": {"spreadsheet", odsHead + head + row("<table:table-cell><text:p>"+strings.Repeat("x", 3<<20)) + odsTail,
			"list: list.workbook_damaged"},
		"elements without end": {"spreadsheet", odsHead + head + strings.Repeat("<table:table-row>", 100_000),
			"list: list.sheet_damaged"},
		"cut in the middle": {"spreadsheet", odsHead + head, "list: list.sheet_damaged"},
	} {
		if got := brief(document(t, tt.kind, tt.content), Options{}); got != tt.want {
			t.Errorf("%s: %.200s, want %s", name, got, tt.want)
		}
	}
}
