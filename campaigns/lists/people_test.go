package lists

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	utf "golang.org/x/text/encoding/unicode"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

// brief reads a list and writes each line as "crm id|name|phones", or "!code" when it is refused; a phone has its extension after
// an x, and its label in brackets unless it is the column's name. A list that is refused is "list: key".
func brief(list string, o Options) string {
	if o.Region == "" {
		o.Region = "UA"
	}
	l, err := Open(strings.NewReader(list), o)
	if err != nil {
		return "list: " + reason.Of(err).Key()
	}
	defer l.Close()
	headers := map[string]bool{}
	for _, c := range l.About().Columns {
		headers[c.Name] = true
	}
	var all []string
	for line, err := range l.Lines() {
		var refused *campaigns.LineError
		switch {
		case errors.As(err, &refused):
			all = append(all, "!"+refused.Code)
			continue
		case err != nil:
			all = append(all, "end: "+err.Error())
			continue
		}
		var phones []string
		for _, p := range line.Contact.Phones {
			s := p.Number
			if p.Extension != "" {
				s += "x" + p.Extension
			}
			if p.Label != "" && !headers[p.Label] {
				s += "(" + p.Label + ")"
			}
			phones = append(phones, s)
		}
		all = append(all, line.Contact.CRMID+"|"+line.Contact.Name+"|"+strings.Join(phones, " "))
	}
	return strings.Join(all, "\n")
}

func in(t *testing.T, charset *charmap.Charmap, s string) string {
	t.Helper()
	b, err := charset.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // into memory
	_ = w.Close()
	return b.String()
}

func wide(t *testing.T, order utf.Endianness, mark utf.BOMPolicy, s string) string {
	t.Helper()
	b, err := utf.UTF16(order, mark).NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	a = "+380501234567"
	b = "+380671234567"
)

// TestPeoplesLists: lists as people have them, and what each of their lines is.
func TestPeoplesLists(t *testing.T) {
	const cyrillic = "id;ПІБ;Телефон\n7;Їжакевич Олександр;0501234567\n8;Петренко Марія;0671234567\n"
	const people = "7|Їжакевич Олександр|" + a + "\n8|Петренко Марія|" + b
	one := func(header string) string { return "id," + header + "\n7,0501234567\n" }
	cell := func(value string) string { return "id;phone\n7;" + value + "\n" }
	gb := Options{Region: "GB"}
	tests := []struct {
		name, list string
		o          Options
		want       string
	}{
		// Names of columns.
		{"alt_phone", one("alt_phone"), Options{}, "7||" + a},
		{"secondary_phone_1", one("secondary_phone_1"), Options{}, "7||" + a},
		{"Business Phone", one("Business Phone"), Options{}, "7||" + a},
		{"cellulare", one("cellulare"), Options{}, "7||" + a},
		{"Телефоны", one("Телефоны"), Options{}, "7||" + a},
		{"Номер мобільного телефону", one("Номер мобільного телефону"), Options{}, "7||" + a},
		{"Телефон (моб.)", one("Телефон (моб.)"), Options{}, "7||" + a},
		{"Phone 1 - Value", one("Phone 1 - Value"), Options{}, "7||" + a},
		{"MobilePhone", one("MobilePhone"), Options{}, "7||" + a},
		{"PHONE_NUMBER", one("PHONE_NUMBER"), Options{}, "7||" + a},
		{"Тел. боржника", one("Тел. боржника"), Options{}, "7||" + a},
		{"teléfono móvil", one("teléfono móvil"), Options{}, "7||" + a},
		{"numer telefonu", one("numer telefonu"), Options{}, "7||" + a},
		{"Rufnummer", one("Rufnummer"), Options{}, "7||" + a},
		{"a number that is a phone", one("Номер"), Options{}, "7||" + a},
		{"a contact that is a phone", one("Контакт"), Options{}, "7||" + a},
		{"by content alone", "id,kolumna\n7,+380501234567\n8,+380671234567\n", Options{}, "7||" + a + "\n8||" + b},
		{"a number that is a contract", "id,Номер,Телефон\n7,17,0501234567\n", Options{}, "7||" + a},
		{"a tax number is nobody's phone", "id,ІПН\n7,0501234567\n", Options{}, "list: list.no_phone_column_but"},
		{"a guarantor is a stranger", "id,Телефон,Телефон поручителя\n7,0501234567,0671234567\n", Options{}, "7||" + a},
		{"a manager is a stranger", "id,phone,manager phone\n7,0501234567,0671234567\n", Options{}, "7||" + a},
		{"fax", "id,phone,fax phone\n7,0501234567,0671234567\n", Options{}, "7||" + a},
		{"Phone type", "id,phone,phone type\n7,0501234567,mobile\n", Options{}, "7||" + a + "(mobile)"},
		{"phone model", "id,phone,phone model\n7,0501234567,Nokia\n", Options{}, "7||" + a},
		{"names in three columns", "id,Прізвище,Ім'я,По батькові,Телефон\n7,Петренко,Марія,Іванівна,0501234567\n", Options{},
			"7|Петренко Марія Іванівна|" + a},
		{"first and last name", "Client ID,First Name,Last Name,Phone\n7,Ann,Lee,0501234567\n", Options{}, "7|Ann Lee|" + a},
		{"a company's name is none", "id,Company name,phone\n7,Acme,0501234567\n", Options{}, "7||" + a},
		{"two columns of one name", "id,phone,phone\n7,0501234567,0671234567\n", Options{}, "7||" + a + " " + b},
		{"Google's contacts", "Name,Phone 1 - Label,Phone 1 - Value\nAnn,Mobile ::: Home,+380 50 123 4567 ::: 067 123 4567\n",
			Options{}, "|Ann|" + a + "(Mobile) " + b + "(Home)"},
		{"no names of columns", "Olena;0501234567\nIvan;0671234567\n", Options{}, "||" + a + "\n||" + b},
		{"numbers alone", "0501234567\n0671234567\n", Options{}, "||" + a + "\n||" + b},

		// Countries and codes.
		{"a country's code beside", "id,phone_code,phone_number\n7,48,501234568\n", Options{}, "7||+48501234568"},
		{"a country's code with plus", "id,country code,phone\n7,+48,501234568\n", Options{}, "7||+48501234568"},
		{"an area's code beside", "id,код міста,телефон\n7,044,2345678\n", Options{}, "7||+380442345678"},
		{"a country beside", "id,country,phone\n7,PL,501234568\n8,Україна,0501234567\n9,Польща,+48501234568\n", Options{},
			"7||+48501234568\n8||" + a + "\n9||+48501234568"},
		{"an unknown country beside", "id,country,phone\n7,Atlantis,0501234567\n8,Atlantis,+380671234567\n", Options{},
			"!country\n8||" + b},
		{"a foreign number without plus", cell("48501234567"), Options{}, "!phone_invalid"},

		// Cells.
		{"several by comma", cell("0501234567, 0671234567"), Options{}, "7||" + a + " " + b},
		{"several by stroke", cell("0501234567/0671234567"), Options{}, "7||" + a + " " + b},
		{"several by blank", cell("0501234567 0671234567"), Options{}, "7||" + a + " " + b},
		{"several by blanks, grouped", cell("050 123 45 67 067 123 45 67"), Options{}, "7||" + a + " " + b},
		{"several by та", cell("0501234567 та 0671234567"), Options{}, "7||" + a + " " + b},
		{"several by и", cell("0501234567 и 0671234567"), Options{}, "7||" + a + " " + b},
		{"several by and", cell("0501234567 and 0671234567"), Options{}, "7||" + a + " " + b},
		{"several by plus", cell("+380501234567+380671234567"), Options{}, "7||" + a + " " + b},
		{"several by lines", cell("\"0501234567\n0671234567\""), Options{}, "7||" + a + " " + b},
		{"one stroke, one number", cell("044/234-56-78"), Options{}, "7||+380442345678"},
		{"a label in brackets", cell("0501234567 (мама)"), Options{}, "7||" + a + "(мама)"},
		{"a label before", cell("Мама 0501234567"), Options{}, "7||" + a + "(Мама)"},
		{"a label with digits", cell("0501234567 (до 18:00)"), Options{}, "7||" + a + "(до 18:00)"},
		{"тел.", cell("тел. 0501234567, моб.:0671234567"), Options{}, "7||" + a + " " + b},
		{"an extension", cell("0501234567 доб. 12"), Options{}, "7||" + a + "x12"},
		{"an extension after a comma", cell("0501234567, доб. 12"), Options{}, "7||" + a + "x12"},
		{"ext", cell("0501234567 ext 12"), Options{}, "7||" + a + "x12"},
		{"x12", cell("0501234567x12"), Options{}, "7||" + a + "x12"},
		{"#12", cell("0501234567#12"), Options{}, "7||" + a + "x12"},
		{"a column of extensions", "id,phone,ext\n7,0501234567,12\n", Options{}, "7||" + a + "x12"},
		{"=\"050…\"", cell(`="0501234567"`), Options{}, "7||" + a},
		{"’050…", cell("’0501234567"), Options{}, "7||" + a},
		{"'050…", cell("'0501234567"), Options{}, "7||" + a},
		{"grouped by commas", "id,phone\n7,\"380,501,234,567\"\n", Options{}, "7||" + a},
		{"scientific, whole", cell("3.80501234567E+11"), Options{}, "7||" + a},
		{"scientific, whole, decimal comma", cell("3,80501234567E+11"), Options{}, "7||" + a},
		{"scientific, rounded", cell("3.80501E+11"), Options{}, "!phone_scientific"},
		{"scientific, perhaps rounded", cell("3.8050123456E+11"), Options{}, "!phone_scientific"},
		{"a fraction", cell("380501234567.0"), Options{}, "7||" + a},
		{"wide digits", cell("０５０１２３４５６７"), Options{}, "7||" + a},
		{"an O for a zero", cell("O501234567"), Options{}, "!phone_letters"},
		{"letters inside", cell("05О1234567"), Options{}, "!phone_letters"},
		{"nothing", cell("немає"), Options{}, "!no_phone"},
		{"#N/A", cell("#N/A"), Options{}, "!no_phone"},
		{"too short", cell("12345"), Options{}, "!phone_invalid"},
		{"one good, one bad", cell("0501234567, 12345"), Options{}, "7||" + a},
		{"the same twice", cell("0501234567, +380501234567"), Options{}, "7||" + a},

		// The file.
		{"trailing cells left out", "id,phone,name,debt\n7,0501234567\n8,0671234567,Ivan\n", Options{}, "7||" + a + "\n8|Ivan|" + b},
		{"trailing delimiters", "id,phone,,\n7,0501234567,,\n", Options{}, "7||" + a},
		{"sep=", "sep=;\nid;phone\n7;0501234567\n", Options{}, "7||" + a},
		{"sep= in quotes", "\"sep=,\"\nid,phone\n7,0501234567\n", Options{}, "7||" + a},
		{"carriage returns alone", "id,phone\r7,0501234567\r8,0671234567\r", Options{}, "7||" + a + "\n8||" + b},
		{"a title above", "Боржники на 01.11.2026\n\nid;ПІБ;Телефон\n7;Олена;0501234567\n", Options{}, "7|Олена|" + a},
		{"a title that speaks of phones", "Телефони боржників;;;\nid;ПІБ;Телефон;Борг\n7;Олена;0501234567;1\n", Options{},
			"7|Олена|" + a},
		{"a total below", "id;ПІБ;Телефон;Борг\n7;Олена;0501234567;100\nРазом;;;100\n", Options{}, "7|Олена|" + a + "\n!total_row"},
		{"the header once more", "id,phone\n7,0501234567\nid,phone\n8,0671234567\n", Options{}, "7||" + a + "\n!header_again\n8||" + b},
		{"a bar", "id|phone\n7|0501234567\n", Options{}, "7||" + a},
		{"more cells than columns", "id,name,phone,x\n7,Petrenko, Ivan,0501234567,y,z\n", Options{}, "!columns"},
		{"ids that mean nothing", "id,phone\nNULL,0501234567\n-,0671234567\n", Options{}, "||" + a + "\n||" + b},
		{"rounded ids", "id,phone\n1.23457E+15,0501234567\n", Options{}, "!crm_id_scientific"},
		{"a web page", "<html><table><tr><td>phone</td></tr></table>", Options{}, "list: list.web_page"},
		{"an old workbook", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on", Options{}, "list: list.xls"},
		{"gzip", zipped(cyrillic), Options{}, people},
		{"UTF-8 with a mark", "\xEF\xBB\xBF" + cyrillic, Options{}, people},
		{"UTF-16LE with a mark", wide(t, utf.LittleEndian, utf.UseBOM, cyrillic), Options{}, people},
		{"UTF-16BE with a mark", wide(t, utf.BigEndian, utf.UseBOM, cyrillic), Options{}, people},
		{"UTF-16LE without", wide(t, utf.LittleEndian, utf.IgnoreBOM, cyrillic), Options{}, people},
		{"UTF-16BE without", wide(t, utf.BigEndian, utf.IgnoreBOM, cyrillic), Options{}, people},
		{"windows-1251", in(t, charmap.Windows1251, cyrillic), Options{}, people},
		{"KOI8-U", in(t, charmap.KOI8U, cyrillic), Options{}, people},
		{"CP866", in(t, charmap.CodePage866, "id;ФИО;Телефон\n7;Петренко Мария;0501234567\n"), Options{}, "7|Петренко Мария|" + a},
		{"windows-1250", in(t, charmap.Windows1250, "id;Imię i nazwisko;Telefon\n7;Świętosława Żółć;501234568\n"),
			Options{Region: "PL"}, "7|Świętosława Żółć|+48501234568"},
		{"capitals in windows-1251", in(t, charmap.Windows1251, "ID;ПІБ;ТЕЛЕФОН\n7;ІВАНЕНКО ОЛЕНА;0501234567\n"), Options{},
			"7|ІВАНЕНКО ОЛЕНА|" + a},
		{"windows-1251 far below ASCII", "id;name;phone\n" + strings.Repeat("1;Ann;0501234567\n", 9000) + in(t, charmap.Windows1251,
			"7;Олена Петренко;0671234567\n"), Options{},
			strings.Repeat("1|Ann|"+a+"\n", 9000) + "7|Олена Петренко|" + b},
		{"Britain", "id,Mobile\n7,07700 900123\n", gb, "7||+447700900123"},
		{"JSON by itself", `[{"id": 7, "Телефон (моб.)": "0501234567 (мама)"}]`, Options{}, "7||" + a + "(мама)"},
	}
	if len(tests) < 80 {
		t.Errorf("%d lists", len(tests))
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := brief(tt.list, tt.o); got != tt.want {
				if len(got) > 500 {
					got = "…" + got[len(got)-200:]
				}
				t.Errorf("got\n%s\nwant\n%.500s", got, tt.want)
			}
		})
	}
}

// TestWorkbook reads a workbook as it is shown, with the digits that a format hides.
func TestWorkbook(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := book.NewSheet("Клієнти")
	must(err)
	hidden, err := book.NewStyle(&excelize.Style{NumFmt: 11}) // 0.00E+00
	must(err)
	day, err := book.NewStyle(&excelize.Style{NumFmt: 14})
	must(err)
	for i, row := range [][]any{{"Боржники"}, {"id", "ПІБ", "Телефон", "Дата"}, {17, "Олена", 380501234567, 46000},
		{18, "Марія", "0671234567"}, {"Разом", nil, nil, 2}} {
		name, err := excelize.CoordinatesToCellName(1, i+1)
		must(err)
		must(book.SetSheetRow("Клієнти", name, &row))
	}
	must(book.SetCellStyle("Клієнти", "C3", "C3", hidden))
	must(book.SetCellStyle("Клієнти", "D3", "D3", day))
	packed, err := book.WriteToBuffer()
	must(err)
	want := "17|Олена|" + a + "\n18|Марія|" + b + "\n!total_row"
	for _, sheet := range []string{"", "Клієнти"} {
		if got := brief(packed.String(), Options{Sheet: sheet}); got != want {
			t.Errorf("sheet %q: got\n%s\nwant\n%s", sheet, got, want)
		}
	}
	if got := brief(packed.String(), Options{Sheet: "x"}); got != "list: list.no_sheet" {
		t.Error(got)
	}
	for n := range 40 { // damaged ones are refused, never a panic
		cut := packed.String()[:packed.Len()*n/40]
		if got := brief(cut, Options{}); n > 1 && !strings.HasPrefix(got, "list: ") {
			t.Errorf("cut at %d/40: %s", n, got)
		}
	}
}

// TestAbout says what a list is taken for.
func TestAbout(t *testing.T) {
	l, err := Open(strings.NewReader(in(t, charmap.Windows1251,
		"Звіт\nід;ПІБ;Телефон;Телефон менеджера;Борг\n7;Олена;0501234567;0671234567;5\n")), Options{Region: "UA"})
	if err != nil {
		t.Fatal(err)
	}
	about := l.About()
	var fields []string
	for _, c := range about.Columns {
		fields = append(fields, c.Name+"="+c.Field)
	}
	const want = "ід=crm_id ПІБ=name Телефон=phone Телефон менеджера=payload Борг=payload"
	if got := strings.Join(fields, " "); got != want ||
		about.Encoding != "windows-1251" || !about.Guessed || about.Delimiter != ";" || about.HeaderLine != 2 ||
		about.Columns[3].Note.IsZero() {
		t.Errorf("%s: %+v", got, about)
	}
}

// FuzzOpen: whatever comes, each accepted line has valid numbers whose digits the list has, give or take the country's code.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("sep=;\nід;телефон 1\n7;80501234567 доб. 12\n8;3.80501E+11\n"))
	f.Add([]byte("id,phone_code,phone\r7,48,501234568\r"))
	f.Add([]byte("0501234567 (мама), 067 123 45 67 / 12\n"))
	f.Add([]byte(zipped("phone\n+447700900123\n")))
	f.Add([]byte("\xFF\xFEp\x00h\x00o\x00n\x00e\x00\n\x00"))
	f.Fuzz(func(t *testing.T, list []byte) {
		if bytes.HasPrefix(list, []byte("PK")) {
			return // a workbook's own library is not ours to fuzz
		}
		l, err := Open(bytes.NewReader(list), Options{Region: "UA"})
		if err != nil {
			if !errors.Is(err, ErrList) {
				t.Fatal(err)
			}
			return
		}
		defer l.Close()
		checkLines(t, l.Lines())
		if bytes.HasPrefix(list, []byte("\x1f\x8b")) || bytes.IndexByte(list, 0) >= 0 {
			return // its digits are not in plain sight
		}
		digits := digitsOf(tidy(string(list)))
		again, err := Open(bytes.NewReader(list), Options{Region: "UA"})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		for line, err := range again.Lines() {
			if err != nil {
				continue
			}
			for _, p := range line.Contact.Phones {
				if !strings.Contains(digits, p.Number[len(p.Number)-7:]) {
					t.Fatalf("%s is not in %q", p.Number, list)
				}
			}
		}
	})
}
