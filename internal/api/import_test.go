package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/api"
)

// importList sends a list as the CRM.
func (h *house) importList(campaignID int64, query, kind string, list io.Reader) result {
	h.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", fmt.Sprintf("%s/api/v1/campaigns/%d/contacts%s", h.url, campaignID, query),
		list)
	h.must(err)
	r.Header.Set("Authorization", "Bearer "+h.tokens[access.RoleCRM])
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return h.send(r)
}

func TestImport(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	<-drained(h.woken)
	var report api.ImportReport
	h.importList(c.ID, "", "text/csv; charset=utf-8",
		strings.NewReader("crm_id,name,phone,balance\n7,Olena,+447700900123,12.50\n8,Ivan,3.80501E+11,1\n"+
			"7,Olena,+447700900124,1\n9,Petro,\"07700 900125, nonsense\",\n")).want(http.StatusOK, &report)
	if report.Accepted != 2 || report.Duplicates != 1 || report.Refused != 1 || len(report.Lines) != 3 {
		t.Fatalf("%+v", report)
	}
	for i, want := range []string{"3 refused scientific", "4 duplicate", "5 accepted nonsense"} {
		fields := strings.Fields(want)
		got := report.Lines[i]
		if fmt.Sprint(got.Line) != fields[0] || string(got.Status) != fields[1] || len(fields) == 3 &&
			!strings.Contains(got.Reason.Text, fields[2]) {
			t.Errorf("line %+v, want %s", got, want)
		}
	}
	select {
	case <-h.woken:
	default:
		t.Error("nobody woke the dialer")
	}

	h.importList(c.ID, "", "application/json",
		strings.NewReader(`[{"crm_id": "10", "phones": ["+447700900126"], "payload": {"a": 1}}, {"crm_id": "11"}]`)).want(http.StatusOK,
		&report)
	if report.Accepted != 1 || report.Refused != 1 {
		t.Errorf("%+v", report)
	}
	mapping := url.QueryEscape(`{"Kunde": "crm_id", "Rufnummer": "phone"}`)
	h.importList(c.ID, "?mapping="+mapping+"&delimiter=%3B", "text/csv",
		strings.NewReader("Kunde;Rufnummer\n12;07700900127\n")).want(http.StatusOK, &report)
	if report.Accepted != 1 {
		t.Errorf("%+v", report)
	}
	contacts, err := h.store.Contacts.Contacts(ctx, c.ID, "", "", 0, 10)
	h.must(err)
	if len(contacts) != 4 || string(contacts[0].Payload) != `{"balance":"12.50"}` ||
		contacts[1].Phones[0].Number != "+447700900125" {
		t.Errorf("%+v", contacts)
	}
}

// TestImportSpeaks: each line, and what ends a list, has key and arguments, and words in the language that is asked for.
func TestImportSpeaks(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	ask := func(language, list string) result {
		r, err := http.NewRequestWithContext(ctx, "POST", fmt.Sprintf("%s/api/v1/campaigns/%d/contacts", h.url, c.ID),
			strings.NewReader(list))
		h.must(err)
		r.Header.Set("Authorization", "Bearer "+h.tokens[access.RoleCRM])
		r.Header.Set("Content-Type", "text/csv")
		r.Header.Set("Accept-Language", language)
		return h.send(r)
	}
	var report api.ImportReport
	ask("uk", "crm_id,phone\n7,+447700900123\n7,+447700900124\n8,12\n9,\n10,+447700900125,x,y\n").want(http.StatusOK, &report)
	got := ""
	for _, l := range report.Lines {
		got += fmt.Sprintf("%d %s %s %s %v: %s\n", l.Line, l.Status, l.Code, l.Reason.Key, l.Reason.Args, l.Reason.Text)
	}
	const want = `3 duplicate  line.crm_id_in_list map[crm_id:7 line:2]: ідентифікатор CRM «7» уже є в рядку 2
4 refused phone_invalid line.no_phone_callable map[why:[map[args:map[number:12] key:number.too_short]]]: телефонувати нікуди: номер «12» закороткий
5 refused no_phone line.no_phone map[]: немає телефону
6 refused columns line.columns map[count:4 header:2]: 4 стовпці, у заголовку 2: візьміть у лапки поля, у яких є роздільник
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var p struct {
		Code, Detail string
		Args         struct {
			Why struct {
				Key  string
				Args map[string]any
			}
		}
	}
	ask("ru", "name,сума\nx,5\n").want(http.StatusUnprocessableEntity, &p)
	if p.Code != "list.unreadable" || p.Args.Why.Key != "list.no_phone_column" ||
		fmt.Sprint(p.Args.Why.Args) != "map[columns:[name сума]]" ||
		p.Detail != "Список невозможно прочитать: ни в одном столбце не узнан телефон: назовите один phone или сопоставьте его с "+
			"phone (есть столбцы name, сума)." {
		t.Errorf("%+v", p)
	}
}

func drained(c chan struct{}) <-chan struct{} {
	select {
	case <-c:
	default:
	}
	done := make(chan struct{})
	close(done)
	return done
}

func TestImportRefusals(t *testing.T) {
	h := newHouse(t, func(d *api.Deps) { d.MaxImportBytes = 100_000 })
	c := h.campaign("Winter")
	list := func(s string) io.Reader { return strings.NewReader(s) }
	h.importList(c.ID, "", "", list("x")).refused(http.StatusUnsupportedMediaType, "text/csv")
	h.importList(c.ID, "", "application/pdf", list("x")).refused(http.StatusUnsupportedMediaType, "text/csv")
	h.importList(c.ID, "", "text/csv", list("name\nx\n")).refused(http.StatusUnprocessableEntity, "recognised as a phone")
	h.importList(c.ID, "?encoding=koi8", "text/csv", list("phone\n")).refused(http.StatusUnprocessableEntity, "windows-1251")
	h.importList(c.ID, "?delimiter=xx", "text/csv", list("phone\n")).refused(http.StatusUnprocessableEntity, "one character")
	h.importList(c.ID, "?maping=x", "text/csv", list("phone\n")).refused(http.StatusUnprocessableEntity, "maping")
	h.importList(99, "", "text/csv", list("phone\n")).refused(http.StatusNotFound)

	// A list that breaks off: what was read before is stored, and counted in the refusal.
	var p struct{ Report api.ImportReport }
	h.importList(c.ID, "", "application/json",
		list(`[{"crm_id": "1", "phone": "+447700900001"}, {"crm_id"`)).want(http.StatusUnprocessableEntity, &p).
		refused(http.StatusUnprocessableEntity, "ends in the middle")
	if p.Report.Accepted != 1 {
		t.Errorf("%+v", p.Report)
	}

	long := bytes.NewBufferString("crm_id,phone,note\n")
	for i := range 2000 {
		fmt.Fprintf(long, "%d,+4477009%05d,%s\n", 100+i, i, strings.Repeat("x", 50))
	}
	h.importList(c.ID, "", "text/csv", long).want(http.StatusRequestEntityTooLarge, &p).refused(http.StatusRequestEntityTooLarge,
		"100,000 bytes")
	if p.Report.Accepted+p.Report.Duplicates+p.Report.Refused == 0 {
		t.Errorf("%+v", p.Report)
	}
}
