package reason

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var (
	tried  = With3[string, int, time.Duration]("test.tried", "who", "count", "within")
	nested = With2[Reason, time.Time]("test.nested", "why", "at")
)

func TestStoredForm(t *testing.T) {
	for _, test := range []struct {
		why  Reason
		want string
	}{
		{Reason{}, ""},
		{Unspecific(), `{"key":"said.unspecific"}`},
		{tried(`O"Neil <&>`, 3, 90*time.Second), `{"key":"test.tried","args":{"who":"O\"Neil \u003c\u0026\u003e","count":3,"within":90}}`},
		{nested(tried("x", 1, 0), time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 7200))),
			`{"key":"test.nested","args":{"why":{"key":"test.tried","args":{"who":"x","count":1,"within":0}},"at":"2026-01-02T03:04:05+02:00"}}`},
		{tried("\xff", 1, 0), `{"key":"test.tried","args":{"who":"?","count":1,"within":0}}`},
	} {
		if got := test.why.Text(); got != test.want {
			t.Errorf("stored as %s, want %s", got, test.want)
		}
		if back := Parse(test.want); back != test.why {
			t.Errorf("%s is read as %v", test.want, back)
		}
		data, err := json.Marshal(struct{ Why Reason }{test.why})
		var back struct{ Why Reason }
		if err != nil || json.Unmarshal(data, &back) != nil || back.Why != test.why {
			t.Errorf("%s is read as %v", data, back.Why)
		}
	}
}

// TestFormerly: what was stored as a sentence stays readable, but the program's own errors.
func TestFormerly(t *testing.T) {
	for text, want := range map[string]Reason{
		"":                        {},
		"No Answer from agent":    Said("No Answer from agent"),
		"{not JSON":               Said("{not JSON"),
		"a\nb\tc":                 Said("a b c"),
		"sipua: no trunk":         Unspecific(),
		"engineio: Get \"http\"":  Unspecific(),
		"x: dial tcp 1.2.3.4:5":   Unspecific(),
		"store: conflict":         Unspecific(),
		`{"key":""}`:              Said(`{"key":""}`),
		`{"key":"a.b","args":[]}`: Said(`{"key":"a.b","args":[]}`),
	} {
		if got := Parse(text); got != want {
			t.Errorf("%q is read as %v, want %v", text, got, want)
		}
	}
	if got := Said(strings.Repeat("ш", 1000)); len(got.Text()) > 400 {
		t.Errorf("%d bytes", len(got.Text()))
	}
	var null Reason
	if err := json.Unmarshal([]byte("null"), &null); err != nil || !null.IsZero() {
		t.Errorf("null: %v, %v", null, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"key":"test.tried","args":{"who":"x"}}`)
	f.Add("plain")
	f.Fuzz(func(t *testing.T, text string) {
		r := Parse(text)
		if again := Parse(r.Text()); again != r {
			t.Errorf("%q: %v, then %v", text, r, again)
		}
	})
}

func TestErrors(t *testing.T) {
	missing := New(Missing, tried("x", 1, 0), "test: no such thing")
	cause := errors.New("test: the cause")
	for _, test := range []struct {
		err   error
		why   Reason
		class Class
	}{
		{nil, Reason{}, 0},
		{cause, Reason{}, 0},
		{missing, tried("x", 1, 0), Missing},
		{fmt.Errorf("store: x: %w", missing), tried("x", 1, 0), Missing},
		{Wrap(0, Unspecific(), fmt.Errorf("y: %w", missing)), Unspecific(), Missing},
		{Wrap(Conflict, Unspecific(), cause), Unspecific(), Conflict},
	} {
		if Of(test.err) != test.why || ClassOf(test.err) != test.class {
			t.Errorf("%v: %v, %d", test.err, Of(test.err), ClassOf(test.err))
		}
	}
	if wrapped := Wrap(Conflict, Unspecific(), cause); !errors.Is(wrapped, cause) {
		t.Error("the cause is lost")
	}
	if OrUnspecific(cause) != Unspecific() {
		t.Error("an error without a reason has one")
	}
}
