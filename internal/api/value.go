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
	t = written(t)
	return &t
}

// The first and the last moment that RFC 3339 has figures for.
var (
	firstWritten = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	lastWritten  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// written is a time in UTC that a reply can carry. Registers write 31.12.9999 for never, and by another clock that is in the year
// 10000.
func written(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Before(firstWritten):
		return firstWritten
	case t.After(lastWritten):
		return lastWritten
	}
	return t
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
