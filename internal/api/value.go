package api

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// Duration is a duration in Go's syntax: "30s", "1m30s", "11h".
type Duration time.Duration

// String leaves out what is zero: "11h", not "11h0m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalJSON writes the string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads the string. Fractions of a millisecond are refused: they could not be kept.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return errDuration
	}
	v, err := time.ParseDuration(s)
	if err != nil || v%time.Millisecond != 0 {
		return errDuration
	}
	*d = Duration(v)
	return nil
}

// errDuration has its reason's key for its text: huma passes on the text alone.
var errDuration = reason.New(reason.Invalid, field.Duration, field.Duration.Key())

const durationPattern = `a duration such as "1m30s"`

// Schema describes it.
func (Duration) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Pattern: `^(0|-?([0-9]+(\.[0-9]+)?(h|m|s|ms))+)$`, PatternDescription: durationPattern,
		Examples: []any{"1m30s"},
	}
}

// moment is a time in replies: null for "has not happened".
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// some is a value in replies: null for none.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// clock shows a time of day: "09:00".
func clock(sinceMidnight Duration) string {
	return time.Time{}.Add(time.Duration(sinceMidnight)).Format("15:04")
}

// joinSorted lists names in one order.
func joinSorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, ", ")
}
