package reason

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Reason is why something is so. The zero Reason is none. Reasons are equal (==) when key and arguments are.
type Reason struct {
	key  string
	args string // a JSON object, its fields in the order of the definition; empty: none
}

// Key names the reason; empty: there is none.
func (r Reason) Key() string { return r.key }

// IsZero says that there is no reason.
func (r Reason) IsZero() bool { return r.key == "" }

// Args is the JSON object of the arguments; nil: there are none.
func (r Reason) Args() json.RawMessage {
	if r.args == "" {
		return nil
	}
	return json.RawMessage(r.args)
}

// String is for logs and for developers, never for people.
func (r Reason) String() string {
	if r.args == "" {
		return r.key
	}
	return r.key + " " + r.args
}

// stored is the form in which reasons are kept and sent.
type stored struct {
	Key  string          `json:"key"`
	Args json.RawMessage `json:"args,omitempty"`
}

// MarshalJSON writes {"key": …, "args": {…}}, and "" for no reason.
func (r Reason) MarshalJSON() ([]byte, error) {
	if r.IsZero() {
		return []byte(`""`), nil
	}
	return json.Marshal(stored{r.key, r.Args()})
}

// UnmarshalJSON reads what MarshalJSON writes, and the plain text that was kept before reasons were data.
func (r *Reason) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil { // null too
		*r = formerly(text)
		return nil
	}
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("reason: %w", err)
	}
	if s.Key == "" {
		return errors.New("reason: no key")
	}
	var args string
	if len(s.Args) > 0 && !bytes.Equal(s.Args, []byte("null")) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, s.Args); err != nil || compact.Bytes()[0] != '{' {
			return errors.New("reason: args are no object")
		}
		if compact.Len() > len("{}") {
			var escaped bytes.Buffer
			json.HTMLEscape(&escaped, compact.Bytes()) // as json.Marshal writes it, so that equal reasons are equal
			args = escaped.String()
		}
	}
	*r = Reason{s.Key, args}
	return nil
}

// Text is the form for a column of text: JSON, empty for no reason. [Parse] reads it.
func (r Reason) Text() string {
	if r.IsZero() {
		return ""
	}
	text, _ := r.MarshalJSON() // of two valid parts
	return string(text)
}

// Parse reads a column of text: what [Reason.Text] wrote, or a plain sentence from before reasons were data.
func Parse(text string) Reason {
	var r Reason
	if strings.HasPrefix(text, "{") && r.UnmarshalJSON([]byte(text)) == nil {
		return r
	}
	return formerly(text)
}

var (
	said       = With1[string]("said.text", "text")
	unspecific = Plain("said.unspecific")
)

// Unspecific says that it did not work, and that the log knows why: for errors that have no reason for people.
func Unspecific() Reason { return unspecific }

const maxSaid = 300 // bytes

// Said is what another system says, such as a Mediatel server or a CRM: it is shown as it is, on one line. The program's own
// words are never passed off as another's.
func Said(text string) Reason {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"),
		func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
	if len(text) > maxSaid {
		text = strings.ToValidUTF8(text[:maxSaid], "") + "…"
	}
	if text == "" {
		return Reason{}
	}
	return said(text)
}

// programs is how an error of the program begins.
var programs = regexp.MustCompile(`(^|: )(sipua|mediatel|simulated|socketio|engineio|store|dialer|agents|campaigns|webhook|gateway|roster|access|context|dial|read|write)[: ]`)

// formerly is a text that was kept before reasons were data. The program's errors among them were never meant for people.
func formerly(text string) Reason {
	if programs.MatchString(text) {
		return unspecific
	}
	return Said(text)
}
