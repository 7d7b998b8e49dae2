package lists

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// read opens a list and reads it to its end.
func read(format Format, r io.Reader, o Options) iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		o.Format = format
		list, err := Open(r, o)
		if err != nil {
			yield(campaigns.Line{}, err)
			return
		}
		defer list.Close()
		list.Lines()(yield)
	}
}

var english = phrasebook.For("en")

// show writes what a reader yields, one line each.
func show(lines iter.Seq2[campaigns.Line, error]) []string {
	var out []string
	for l, err := range lines {
		var refused *campaigns.LineError
		switch {
		case errors.As(err, &refused):
			out = append(out, fmt.Sprintf("%d refused: %s", refused.Line, english.Say(refused.Why)))
		case errors.Is(err, ErrList):
			out = append(out, "end: "+english.Say(reason.Of(err)))
		case err != nil:
			out = append(out, "broken: "+err.Error())
		default:
			var phones []string
			for _, p := range l.Contact.Phones {
				phones = append(phones, p.Number)
			}
			s := fmt.Sprintf("%d %s|%s|%s|%s|%d|%s", l.Number, l.Contact.CRMID, l.Contact.Name, strings.Join(phones, " "),
				l.Contact.TimeZone,
				l.Contact.Priority, l.Contact.Payload)
			if len(l.Warnings) > 0 {
				s += " !" + english.List(l.Warnings)
			}
			out = append(out, s)
		}
	}
	return out
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		// A trailing … in what is wanted stands for the rest of a reason.
		if start, open := strings.CutSuffix(w, "…"); g != w && !(open && strings.HasPrefix(g, start)) {
			t.Errorf("line %d:\n got %s\nwant %s", i, g, w)
		}
	}
}

func TestReadCSV(t *testing.T) {
	const plain = "7|Olena|+380501234567||0|"
	tests := []struct {
		name, list string
		options    Options
		want       []string
	}{
		{"plain", "crm_id,name,phone\n7,Olena,+380501234567\n", Options{}, []string{"2 " + plain}},
		{"a customer's code beside whole numbers", "Код;ПІБ;Телефон\n123;Олена;0501234567\n45;Тарас;050 123 45 68\n",
			Options{Region: "UA"},
			[]string{`2 |Олена|+380501234567||0|{"Код":"123"}`, `3 |Тарас|+380501234568||0|{"Код":"45"}`}},
		{"a code without which the numbers are not whole", "Код;ПІБ;Телефон\n050;Олена;1234567\n", Options{Region: "UA"},
			[]string{"2 |Олена|+380501234567||0|"}},
		{"no last newline, CRLF", "crm_id,name,phone\r\n7,Olena,+380501234567", Options{}, []string{"2 " + plain}},
		{"byte order mark", "\xEF\xBB\xBFcrm_id,name,phone\n7,Olena,+380501234567\n", Options{}, []string{"2 " + plain}},
		{"semicolons", "crm_id;name;phone\n7;Olena;+380501234567\n", Options{}, []string{"2 " + plain}},
		{"tabs", "crm_id\tname\tphone\n7\tOlena\t+380501234567\n", Options{}, []string{"2 " + plain}},
		{"a spreadsheet's sep=", "sep=;\ncrm_id;name;phone\n7;Olena;+380501234567\n", Options{}, []string{"3 " + plain}},
		{"Ukrainian header", "Код клієнта;ПІБ;Номер телефону;Часовий пояс;Пріоритет\n7;Олена;0501234567;Europe/Kyiv;5\n",
			Options{Region: "UA"},
			[]string{"2 7|Олена|+380501234567|Europe/Kyiv|5|"}},
		{"Russian header", "ИД,ФИО,Мобильный телефон\n7,Елена,80501234567\n", Options{Region: "UA"},
			[]string{"2 7|Елена|+380501234567||0|"}},
		{"several phones, one of them bad", "id,Phone 1,Phone 2,phone_3\n7,0501234567,вечером,0671234567\n", Options{Region: "UA"},
			[]string{`2 7||+380501234567 +380671234567||0| !“вечером” is no phone number`}},
		{"two numbers in one field", "id,phone\n7,\"0501234567, 0671234567\"\n8,050/123-45-67\n", Options{Region: "UA"},
			[]string{"2 7||+380501234567 +380671234567||0|", "3 8||+380501234567||0|"}},
		{"the rest is payload", "id,phone,balance,Due Date\n7,+380501234567,12.50,\"1 \"\"May\"\"\n2026\"\n8,+380501234568,,\n",
			Options{},
			[]string{`2 7||+380501234567||0|{"balance":"12.50","Due Date":"1 \"May\"\n2026"}`,
				`4 8||+380501234568||0|{"balance":"","Due Date":""}`}},
		{"mapping", "A,B,C,D\n7,+380501234567,x,y\n", Options{Mapping: map[string]string{"A": "crm_id", "B": "phone",
			"C": "payload.contract", "D": "ignore"}},
			[]string{`2 7||+380501234567||0|{"contract":"x"}`}},
		{"id beside crm_id", "id,crm_id,phone\n1,7,+380501234567\n", Options{}, []string{`2 7||+380501234567||0|{"id":"1"}`}},
		{"blank lines and extra delimiters", "id,phone\n\n7,+380501234567,,\n  \n", Options{},
			[]string{"3 7||+380501234567||0|"}},
		{"quote inside an unquoted field", "id,name,phone\n7,12\" pipe,=\"0501234567\"\n", Options{Region: "UA"},
			[]string{`2 7|12" pipe|+380501234567||0|`}},
		{"bad lines are refused alone", "id,name,phone,time_zone,priority\n" +
			"1,a,3.80501E+11,,\n2,b,,,\n3,c\n4,d,+380501234567,Mars,\n" +
			"5,e,+380501234567,,high\n6,f\x00,+380501234567,,\n7,\xff,+380501234567,,\n" +
			"8,\"a\"b,+380501234567,,\n9,z,+380501234567,,\n",
			Options{}, []string{
				"2 refused: no phone can be called: number “3.80501E+11” was turned into scientific notation…", "3 refused: no phone",
				"4 refused: no phone",
				"5 refused: time_zone “Mars”…", `6 5|e|+380501234567||0|{"priority":"high"}`, "7 refused: has a zero byte…",
				"8 refused: not UTF-8…", "9 refused: column 2 goes on after its closing quote…",
				`10 9|z|+380501234567||0|{"priority":""}`,
			}},
		{"a stray quote swallows one line", "id,name,phone\n1,\"a,+380501234567\n7,Olena,+380501234567\n8,Ivan,+380501234568\n",
			Options{},
			[]string{"2 refused: a quote is opened and not closed…", "3 " + plain, "4 8|Ivan|+380501234568||0|"}},
		{"a line beyond bounds", "id,name,phone\n1," + strings.Repeat("x", 300<<10) + ",+380501234567\n7,Olena,+380501234567\n",
			Options{},
			[]string{"2 refused: longer than 65,536 bytes", "3 " + plain}},
		{"a quoted field beyond bounds", "id,name,phone\n1,\"" + strings.Repeat("x\n", 100) + "\",+380501234567\n", Options{},
			append([]string{"2 refused: a quote is opened…"}, slices.Repeat([]string{"…"}, 100)...)},
		{"too much payload", "id,phone,a\n1,+380501234567," + strings.Repeat("x", 17<<10) + "\n", Options{},
			[]string{"2 refused: payload of…"}},
		{"long names", "id,name,phone\n1," + strings.Repeat("я", 201) + ",+380501234567\n" +
			strings.Repeat("9", 101) + ",n,+380501234567\n", Options{},
			[]string{"2 refused: name: want at most 200…", "3 refused: crm_id: want at most 100…"}},
		{"header only", "id,phone\n", Options{}, nil},

		{"empty", "", Options{}, []string{"end: it is empty…"}},
		{"no phone column", "id,name\n1,a\n", Options{},
			[]string{`end: none of the columns is recognised as a phone: name one phone, or map one to it (the columns are id, name)`}},
		{"no header", "+380501234567,Olena\n", Options{}, []string{`1 ||+380501234567||0|{"column_2":"Olena"}`}},
		{"two columns of one name", "phone,a,a\n+380501234567,x,y\n", Options{}, []string{`2 ||+380501234567||0|{"a":"x","a 2":"y"}`}},
		{"two columns mapped to one key", "phone,a,b\n", Options{Mapping: map[string]string{"a": "payload.x", "b": "payload.x"}},
			[]string{"end: two columns give payload.x…"}},
		{"mapping of what is not there", "id,phone\n", Options{Mapping: map[string]string{"tel": "phone"}},
			[]string{"end: the mapping names a column “tel”…"}},
		{"mapping to what is not there", "id,phone\n", Options{Mapping: map[string]string{"id": "password"}},
			[]string{"end: mapping of “id” to “password”…"}},
		{"unknown encoding", "id,phone\n", Options{Encoding: "ebcdic"}, []string{"end: encoding “ebcdic”…"}},
		{"unknown delimiter", "id,phone\n", Options{Delimiter: 'x'}, []string{"end: delimiter…"}},
		{"too many columns", "phone" + strings.Repeat(",a", 300) + "\n", Options{},
			[]string{"end: 301 columns…"}},
		{"not a text", "PK\x03\x04" + strings.Repeat("\xfe\x00", 200<<10), Options{},
			[]string{"end: it is a zip archive that is no workbook…"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, show(read(CSV, strings.NewReader(tt.list), tt.options)), tt.want...)
			expect(t, show(read(CSV, iotest.OneByteReader(strings.NewReader(tt.list)), tt.options)), tt.want...)
		})
	}
}

func TestReadCSVEncodings(t *testing.T) {
	const list, want = "id;ПІБ;телефон\n7;Їжак;+380501234567\n", "2 7|Їжак|+380501234567||0|"
	cyrillic, err := charmap.Windows1251.NewEncoder().String(list)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, show(read(CSV, strings.NewReader(cyrillic), Options{Encoding: "windows-1251"})), want)
	expect(t, show(read(CSV, strings.NewReader(cyrillic), Options{})), want)
	for _, order := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		wide, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(list)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, show(read(CSV, strings.NewReader(wide), Options{})), want)
	}
}

func TestReadJSON(t *testing.T) {
	tests := []struct {
		name, list string
		options    Options
		want       []string
	}{
		{"array",
			`[{"crm_id":"7","name":"Olena","phones":["+380501234567","0671234567"],"time_zone":"Europe/Kyiv","priority":5,"payload":{"a":1}}]`, Options{Region: "UA"},
			[]string{`1 7|Olena|+380501234567 +380671234567|Europe/Kyiv|5|{"a":1}`}},
		{"one after another", "{\"id\":7,\"phone\":380501234567}\n{\"id\":8,\"phone\":\"+380501234568\"}\n",
			Options{Region: "UA"},
			[]string{"1 7||+380501234567||0|", "2 8||+380501234568||0|"}},
		{"phones with labels", `[{"id":"7","phones":[{"number":"+380501234567","label":"mobile"}]}]`, Options{},
			[]string{"1 7||+380501234567||0|"}},
		{"the rest is payload", `[{"id":"7","phone":"+380501234567","balance":12.50,"tags":["a"],"payload":{"balance":13}}]`,
			Options{},
			[]string{`1 7||+380501234567||0|{"balance":13,"tags":["a"]}`}},
		{"mapping", `[{"A":"7","B":"+380501234567","C":1,"D":2}]`, Options{Mapping: map[string]string{"A": "crm_id",
			"B": "phone", "C": "payload.c", "D": "ignore"}},
			[]string{`1 7||+380501234567||0|{"c":1}`}},
		{"id beside crm_id", `[{"id":"1","crm_id":"7","phone":"+380501234567"}]`, Options{},
			[]string{`1 7||+380501234567||0|{"id":"1"}`}},
		{"halves of surrogates, escapes", `[{"id":"7","phone":"+380501234567","a":"\ud800<\u0041>","n":12345678901234567890}]`,
			Options{},
			[]string{"1 7||+380501234567||0|{\"a\":\"\uFFFD<A>\",\"n\":12345678901234567890}"}},
		{"bad elements are refused alone",
			`[1,"x",[{}],{"id":"7"},{"id":{},"phone":"+380501234567"},{"id":"7","phone":true},{"phone":"+380501234567","a":"\u0000"},{"phone":"+380501234567","payload":[]},` +
				`{"phone":"+380501234567",},{"phone":{"number":"+380501234567","label":"` + "\\n" +
				`"}},null,{"id":"9","phone":"+380501234567"}]`, Options{},
			[]string{
				"1 refused: want an object…", "2 refused: want an object…", "3 refused: want an object…", "4 refused: no phone",
				"5 refused: id: want a string or a number",
				"6 refused: phone: want a string or a number", "7 refused: payload has the character U+0000…",
				"8 refused: payload: want an object", "9 refused: not JSON…",
				"10 refused: phone: label…", "11 refused: want an object…", "12 9||+380501234567||0|",
			}},
		{"an element beyond bounds", `[{"a":"` + strings.Repeat("x", 70<<10) + `"},{"id":"9","phone":"+380501234567"}]`,
			Options{},
			[]string{"1 refused: longer than 65,536 bytes", "2 9||+380501234567||0|"}},
		{"a last comma", `[{"id":"9","phone":"+380501234567"},]`, Options{}, []string{"1 9||+380501234567||0|"}},
		{"brackets in strings", `[{"id":"}]\"{","phone":"+380501234567"}]`, Options{}, []string{`1 }]"{||+380501234567||0|`}},
		{"empty list", " [ ] ", Options{}, nil},

		{"empty", "", Options{}, []string{"end: it is empty…"}},
		{"something else", "id,phone", Options{}, []string{"end: it begins with i…"}},
		{"cut off", `[{"id":"9","phone":"+380501234567"},{"id":`, Options{},
			[]string{"1 9||+380501234567||0|", "end: it ends in the middle, after 1 contact"}},
		{"cut off after a contact", `[{"id":"9","phone":"+380501234567"}`, Options{},
			[]string{"1 9||+380501234567||0|", "end: it ends in the middle, after 1 contact"}},
		{"no comma", `[{"id":"9","phone":"+380501234567"} {"id":"9"}]`, Options{},
			[]string{"1 9||+380501234567||0|", "end: { after contact 1: want a comma or ]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, show(read(JSON, strings.NewReader(tt.list), tt.options)), tt.want...)
			expect(t, show(read(JSON, iotest.OneByteReader(strings.NewReader(tt.list)), tt.options)), tt.want...)
		})
	}
}

// TestReadLongList: thousands of lines come in their order, the refused ones among them.
func TestReadLongList(t *testing.T) {
	defer goleak.VerifyNone(t)
	const lines = 5000
	list := contactsCSV(lines, func(i int) string {
		if i%7 == 0 {
			return "none"
		}
		return ukrainianNumber(i)
	})
	next := 2
	for l, err := range read(CSV, bytes.NewReader(list), Options{}) {
		number := l.Number
		var refused *campaigns.LineError
		if errors.As(err, &refused) {
			number = refused.Line
		}
		if bad := (next-2)%7 == 0; number != next || bad != (err != nil) {
			t.Fatalf("line %d: %+v %v", next, l, err)
		}
		if err == nil && l.Contact.CRMID != fmt.Sprint(10_000_000+next-2) {
			t.Fatalf("line %d: contact %s", next, l.Contact.CRMID)
		}
		next++
	}
	if next != lines+2 {
		t.Errorf("%d lines of %d", next-2, lines)
	}
}

// TestReadStops: the loop may end at any line, and no goroutine is left.
func TestReadStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	list := contactsCSV(10_000, ukrainianNumber)
	for _, stop := range []int{1, 300, 5000} {
		n := 0
		for range read(CSV, bytes.NewReader(list), Options{}) {
			if n++; n == stop {
				break
			}
		}
	}
}

// TestReadFails: a reader that fails is told after what was read before.
func TestReadFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	broken := errors.New("connection reset")
	for _, lines := range []int{3, 3000} {
		list := io.MultiReader(bytes.NewReader(contactsCSV(lines, ukrainianNumber)), iotest.ErrReader(broken))
		n := 0
		var last error
		for _, err := range read(CSV, list, Options{}) {
			if err == nil {
				n++
			}
			last = err
		}
		if n != lines || !errors.Is(last, broken) {
			t.Errorf("%d of %d lines, then %v", n, lines, last)
		}
	}
}

// checkLines holds what every list, however damaged, must yield: contacts that can be kept, or reasons.
func checkLines(t *testing.T, lines iter.Seq2[campaigns.Line, error]) {
	last := 0
	for l, err := range lines {
		var refused *campaigns.LineError
		if errors.As(err, &refused) {
			if refused.Why.IsZero() || refused.Line <= last {
				t.Fatalf("line %d after %d: %q", refused.Line, last, refused.Why)
			}
			last = refused.Line
			continue
		}
		if err != nil {
			if !errors.Is(err, ErrList) {
				t.Fatalf("ended by %v", err)
			}
			continue
		}
		if l.Number <= last {
			t.Fatalf("line %d after %d", l.Number, last)
		}
		last = l.Number
		c := l.Contact
		if len(c.Phones) == 0 || len(c.Phones) > maxPhones || c.State != campaigns.Waiting {
			t.Fatalf("contact %+v", c)
		}
		for _, p := range c.Phones {
			if n, err := campaigns.NormalizeNumber(p.Number, ""); err != nil || n != p.Number {
				t.Fatalf("phone %q: %v", p.Number, err)
			}
		}
		var object map[string]any
		if len(c.Payload) > 0 && json.Unmarshal(c.Payload, &object) != nil {
			t.Fatalf("payload %s", c.Payload)
		}
		if strings.ContainsRune(c.CRMID+c.Name, 0) || strings.Contains(string(c.Payload), `\u0000`) {
			t.Fatalf("a zero character in %+v", c)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("crm_id,name,phone,balance\n7,\"O\"\"l,e\nna\",+380501234567,5\n8,\"x,0501234567,\n\n"), false)
	f.Add([]byte("sep=;\nід;телефон 1;телефон 2\n7;80501234567;3.80501E+11\n"), false)
	f.Add([]byte("\xFF\xFEp\x00h\x00o\x00n\x00e\x00\n\x00"), false)
	f.Add([]byte("phone\tname\n+447700900123\t\xff\n\"\n\"\n"), true)
	f.Fuzz(func(t *testing.T, list []byte, cyrillic bool) {
		o := Options{Region: "UA"}
		if cyrillic {
			o.Encoding = "windows-1251"
		}
		checkLines(t, read(CSV, bytes.NewReader(list), o))
	})
}

func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`[{"crm_id":"7","phones":["+380501234567",{"number":"0501234567","label":"x"}],"payload":{"a":"\u0000"}},1,"]",[{}],]`))
	f.Add([]byte(`{"id":1,"phone":380501234567}{"id":2}`))
	f.Add([]byte(`[{"a":"\ud800\\u0000"}`))
	f.Fuzz(func(t *testing.T, list []byte) {
		checkLines(t, read(JSON, bytes.NewReader(list), Options{Region: "UA"}))
	})
}
