package phrasebook

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/creditorro/ringmaster/internal/reason"
)

// value is an argument as the language writes it. What is not of its type, as another version of the program may have stored it,
// is shown as it is.
func (b *Book) value(t reason.Type, raw json.RawMessage, nesting int) string {
	switch t {
	case reason.Number:
		var n int64
		if json.Unmarshal(raw, &n) == nil {
			return b.number(n)
		}
	case reason.Decimal:
		var n float64
		if json.Unmarshal(raw, &n) == nil {
			return b.Decimal(n, 0)
		}
	case reason.Moment:
		var at time.Time
		if json.Unmarshal(raw, &at) == nil {
			return b.Moment(at)
		}
	case reason.Span:
		var seconds float64
		if json.Unmarshal(raw, &seconds) == nil {
			return b.span(seconds)
		}
	case reason.Date:
		var day string
		if json.Unmarshal(raw, &day) == nil {
			return b.day(day)
		}
	case reason.Word:
		var key string
		if json.Unmarshal(raw, &key) == nil {
			return b.term(key)
		}
	case reason.Because:
		var r reason.Reason
		if json.Unmarshal(raw, &r) == nil && !r.IsZero() {
			return b.say(r, nesting-1)
		}
	case reason.Reasons:
		return each(raw, "; ", func(r reason.Reason) string { return b.say(r, nesting-1) })
	case reason.Words:
		return each(raw, ", ", b.term)
	case reason.Texts:
		return each(raw, ", ", func(s string) string { return s })
	}
	return plain(raw)
}

func each[T any](raw json.RawMessage, between string, show func(T) string) string {
	var list []T
	if json.Unmarshal(raw, &list) != nil {
		return plain(raw)
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = show(v)
	}
	return strings.Join(texts, between)
}

// plain is a value whose type nobody knows.
func plain(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0:
		return "…"
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	return string(raw)
}

func (b *Book) number(n int64) string {
	return message.NewPrinter(b.tag).Sprint(number.Decimal(n))
}

// Decimal is a number with so many digits after the language's decimal sign at least, and four at most.
func (b *Book) Decimal(n float64, digits int) string {
	return message.NewPrinter(b.tag).Sprint(number.Decimal(n, number.MinFractionDigits(digits),
		number.MaxFractionDigits(max(digits, 4))))
}

// term is a word of the catalogue; of one that it lacks, the last part of the key.
func (b *Book) term(key string) string {
	if word := b.Word(key); word != "" {
		return word
	}
	return key[strings.LastIndexByte(key, '.')+1:]
}

// Moment is a date and a time, by the clock of the moment's own place, with that clock's distance from UTC.
func (b *Book) Moment(at time.Time) string {
	layout := "02.01.2006, 15:04"
	if b.name == "en" {
		layout = "2 Jan 2006, 15:04"
	}
	_, offset := at.Zone()
	zone := "UTC"
	if offset != 0 {
		zone = fmt.Sprintf("UTC%+d", offset/3600)
		if minutes := offset / 60 % 60; minutes != 0 {
			zone += fmt.Sprintf(":%02d", max(minutes, -minutes))
		}
	}
	return at.Format(layout) + " (" + zone + ")"
}

func (b *Book) day(text string) string {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	if b.name == "en" {
		return day.Format("2 January 2006")
	}
	return day.Format("02.01.2006")
}

// Span is a duration, its two greatest units.
func (b *Book) Span(d time.Duration) string { return b.span(d.Seconds()) }

func (b *Book) span(seconds float64) string {
	if math.Abs(seconds) < 1 && seconds != 0 {
		return b.fill(b.Word("span.milliseconds"), func(string) string { return b.number(int64(math.Round(seconds * 1000))) })
	}
	left := int64(math.Round(seconds))
	var parts []string
	for _, unit := range []struct {
		key     string
		seconds int64
	}{{"span.days", 86400}, {"span.hours", 3600}, {"span.minutes", 60}, {"span.seconds", 1}} {
		n := left / unit.seconds
		left %= unit.seconds
		switch {
		case n == 0 && len(parts) == 1:
			return parts[0]
		case n == 0:
			continue
		}
		parts = append(parts, b.fill(b.Word(unit.key), func(string) string { return b.number(n) }))
		if len(parts) == 2 {
			break
		}
	}
	if len(parts) == 0 {
		return b.fill(b.Word("span.seconds"), func(string) string { return "0" })
	}
	return strings.Join(parts, " ")
}
