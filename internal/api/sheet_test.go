package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/creditorro/ringmaster/internal/api"
)

const workbookType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// workbook downloads one.
func (h *house) workbook(path string) *excelize.File {
	h.t.Helper()
	raw := h.do("GET", path, "").want(http.StatusOK, nil)
	if kind := raw.header.Get("Content-Type"); kind != workbookType {
		h.t.Fatalf("%s: %s", path, kind)
	}
	if name := raw.header.Get("Content-Disposition"); !strings.HasSuffix(name, `.xlsx"`) {
		h.t.Errorf("%s: %s", path, name)
	}
	book, err := excelize.OpenReader(bytes.NewReader(raw.body))
	h.must(err)
	h.t.Cleanup(func() { _ = book.Close() })
	return book
}

// wantCell compares a cell as it is stored: a number's digits, a text, or a date's number.
func (h *house) wantCell(book *excelize.File, cell string, kind excelize.CellType, want string) {
	h.t.Helper()
	sheet := book.GetSheetName(0)
	got, err := book.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
	h.must(err)
	is, err := book.GetCellType(sheet, cell)
	h.must(err)
	if got != want || is != kind {
		h.t.Errorf("%s is %q, type %d; want %q, type %d", cell, got, is, want, kind)
	}
	if formula, err := book.GetCellFormula(sheet, cell); err != nil || formula != "" {
		h.t.Errorf("%s is the formula %q, %v", cell, formula, err)
	}
}

// TestWorkbooks: reports, attempts and contacts as workbooks, with numbers, dates in the reader's zone, and no formula.
func TestWorkbooks(t *testing.T) {
	h := newHouse(t)
	const number, text = excelize.CellTypeUnset, excelize.CellTypeInlineString
	c := h.campaign("=HYPERLINK(\"http://example.com\")")
	h.do("POST", fmt.Sprintf("/api/v1/campaigns/%d/contacts", c.ID),
		fmt.Sprintf(`[{"crm_id": "007", "phone": "+447700900123", "name": "@Ann", "payload": {"note": %q}}]`,
			strings.Repeat("щ", 5_000))).want(http.StatusOK, nil)
	done := h.talk(c.ID)
	const span = "&from=2026-03-03T00:00:00Z&to=2026-03-04T00:00:00Z"

	book := h.workbook("/api/v1/reports/export?by=campaign&format=xlsx" + span)
	h.wantCell(book, "D1", text, "name")
	h.wantCell(book, "D2", text, `=HYPERLINK("http://example.com")`)
	h.wantCell(book, "E2", number, "1")
	h.wantCell(book, "K2", number, "60")
	h.workbook("/api/v1/reports/promises/export?by=campaign&format=xlsx" + span)

	// A moment is the reader's wall clock: noon in London's winter is two in the afternoon in Kyiv.
	book = h.workbook("/api/v1/attempts/export?format=xlsx&time_zone=Europe/Kyiv")
	h.wantCell(book, "A2", text, done.ID.String())
	h.wantCell(book, "D2", text, "+447700900123")
	h.wantCell(book, "H1", text, "prepared_at (Europe/Kyiv)")
	shown, err := book.GetCellValue(book.GetSheetName(0), "H2")
	if h.must(err); shown != "2026-03-03 14:00:00" {
		t.Errorf("prepared at %q", shown)
	}
	raw, err := book.GetCellValue(book.GetSheetName(0), "H2", excelize.Options{RawCellValue: true})
	h.must(err)
	if kind, _ := book.GetCellType(book.GetSheetName(0), "H2"); kind != number || !strings.HasPrefix(raw, "46084.58") {
		t.Errorf("stored as %q, type %d", raw, kind)
	}

	book = h.workbook(fmt.Sprintf("/api/v1/campaigns/%d/contacts/export?format=xlsx&state=finished", c.ID))
	h.wantCell(book, "A2", number, "1")
	h.wantCell(book, "B2", text, "007")
	h.wantCell(book, "C2", text, "@Ann")
	h.wantCell(book, "K2", text, fmt.Sprintf(`{"note":%q}`, strings.Repeat("щ", 5_000)))
	h.workbook("/api/v1/lists/1/export?format=xlsx")
	book = h.workbook(fmt.Sprintf("/api/v1/campaigns/%d/contacts/export?format=xlsx&state=waiting", c.ID))
	if rows, err := book.GetRows(book.GetSheetName(0)); err != nil || len(rows) != 1 {
		t.Errorf("nobody waits: %q, %v", rows, err)
	}

	// CSV has the moments of the zone, too.
	csv := string(h.do("GET", "/api/v1/attempts/export?time_zone=Europe/Kyiv", "").want(http.StatusOK, nil).body)
	if !strings.Contains(csv, "2026-03-03T14:00:00+02:00") {
		t.Errorf("%s", csv)
	}
}

// TestAWorkbookHasAnEnd: what is longer than a sheet is refused in words, before a byte is sent, and the next export is served.
func TestAWorkbookHasAnEnd(t *testing.T) {
	h := newHouse(t, func(d *api.Deps) { d.MaxSheetRows = 3 })
	c := h.campaign("Winter")
	for i := range 3 {
		h.contact(c.ID, fmt.Sprint(i), fmt.Sprintf("+44770090012%d", i))
	}
	path := fmt.Sprintf("/api/v1/campaigns/%d/contacts/export", c.ID)
	p := h.do("GET", path+"?format=xlsx", "").refused(http.StatusUnprocessableEntity, "format=csv")
	if p.Code != "request.too_many_rows" || p.Args["rows"] != 3.0 {
		t.Errorf("%+v", p)
	}
	h.do("POST", "/api/v1/contacts/1/finish", `{"reason": "paid"}`).want(http.StatusOK, nil)
	book := h.workbook(path + "?format=xlsx&state=waiting")
	if rows, err := book.GetRows(book.GetSheetName(0)); err != nil || len(rows) != 3 {
		t.Errorf("%q, %v", rows, err)
	}
	if csv := h.do("GET", path, "").want(http.StatusOK, nil).body; strings.Count(string(csv), "\n") != 4 {
		t.Errorf("%s", csv)
	}
	h.do("GET", path+"?format=xlsx&time_zone=Local", "").refused(http.StatusUnprocessableEntity, "time_zone")
}
