package campaigns

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OrderBy says by what those are ordered whom nobody has tried yet.
type OrderBy string

const (
	Oldest      OrderBy = "oldest"      // as they came
	Newest      OrderBy = "newest"      // who came last is first
	Random      OrderBy = "random"      // as chance has it; a contact keeps its place
	Alternating OrderBy = "alternating" // the oldest and the newest in turn
	ByField     OrderBy = "field"       // by a field of the payload, the lowest first
	ByScore     OrderBy = "score"       // by a number in the payload, the highest first
)

// Order is the order of the contacts of one priority whom nobody has tried yet. Promises come before them, and so do those who
// were tried before.
type Order struct {
	By         OrderBy `json:"by,omitempty"`         // empty: Oldest
	Field      string  `json:"field,omitempty"`      // of the payload: for ByField and ByScore
	Descending bool    `json:"descending,omitempty"` // turns ByField and ByScore around
}

// last is the place of those without the field that they are ordered by.
const last = math.MaxInt64

// Rank is where a contact stands among those of its priority whom nobody has tried yet: the lowest comes first, of equals the
// lowest id.
func (o Order) Rank(id int64, payload json.RawMessage) int64 {
	switch o.By {
	case Newest:
		return -id
	case Random:
		h := fnv.New64a()
		_, _ = h.Write(strconv.AppendInt(nil, id, 10))
		return int64(h.Sum64() >> 2)
	case ByField, ByScore:
		value, kind := rank(fieldOf(payload, o.Field))
		if kind == none || o.By == ByScore && kind != aNumber {
			return last
		}
		if o.Descending != (o.By == ByScore) {
			value = -value
		}
		return value
	}
	return 0
}

// fieldOf is a field of the payload as text; empty: it has none.
func fieldOf(payload json.RawMessage, name string) string {
	var fields map[string]json.RawMessage
	if name == "" || json.Unmarshal(payload, &fields) != nil {
		return ""
	}
	value, ok := fields[name]
	if !ok {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return strings.TrimSpace(text)
	}
	if text = string(value); text == "null" {
		return ""
	}
	return text
}

type rankKind int

const (
	none rankKind = iota
	aNumber
	aDate
	aText
)

// rank maps a value to a number of the same order: numbers before dates, and dates before texts. Of a text the first seven bytes
// count.
func rank(value string) (int64, rankKind) {
	const band = 1 << 60 // each kind has a band of its own, within half of an int64
	if value == "" {
		return last, none
	}
	if f, err := strconv.ParseFloat(strings.ReplaceAll(value, ",", "."), 64); err == nil && !math.IsNaN(f) {
		bits := int64(math.Float64bits(math.Abs(f)) >> 4) // below 2^60, and growing with the number
		if f < 0 {
			bits = -bits
		}
		return bits - band, aNumber
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", time.DateOnly, "02.01.2006"} {
		if t, err := time.Parse(layout, value); err == nil {
			return t.UnixMilli() + band/2, aDate
		}
	}
	var text int64
	lower := strings.ToLower(value)
	for i := range 7 {
		text <<= 8
		if i < len(lower) {
			text |= int64(lower[i])
		}
	}
	return text + band, aText
}

// SkillFor is the skill that an agent needs for a contact with this payload; empty: none.
func (c *Campaign) SkillFor(payload json.RawMessage) string {
	if c.SkillField == "" {
		return ""
	}
	return NormalizeSkill(fieldOf(payload, c.SkillField))
}

// NormalizeSkill is the skill's name as it is compared: without case, commas and blanks around.
func NormalizeSkill(name string) string {
	return strings.ToLower(strings.TrimSpace(strings.ReplaceAll(name, ",", " ")))
}

// NormalizeSkills are the names as they are compared, in order, each once and none empty.
func NormalizeSkills(names []string) []string {
	var skills []string
	for _, name := range names {
		if name = NormalizeSkill(name); name != "" {
			skills = append(skills, name)
		}
	}
	slices.Sort(skills)
	return slices.Compact(skills)
}

// CallbackRules say how promised callbacks are kept. What is zero has a default.
type CallbackRules struct {
	Tries  int           `json:"tries,omitempty"`  // attempts to keep one promise, whatever the contact's others; 3
	Again  time.Duration `json:"again,omitempty"`  // from one of them to the next; 10 minutes
	Window time.Duration `json:"window,omitempty"` // how long they go on, from the agreed moment or the first try; 2 hours
	// how long after the agreed moment only the agent who promised may call; 10 minutes
	Fallback time.Duration `json:"fallback,omitempty"`
}

// PromiseLate is when a promised callback counts as late.
const PromiseLate = 5 * time.Minute

// OrDefaults are the rules with what was left open.
func (r CallbackRules) OrDefaults() CallbackRules {
	set(&r.Tries, 3)
	set(&r.Again, 10*time.Minute)
	set(&r.Window, 2*time.Hour)
	set(&r.Fallback, 10*time.Minute)
	return r
}

// AfterPromise says when a promised callback that reached nobody is tried again; false: no more, and the contact goes on by the
// campaign's retries. tries counts this one, until is the end of the promise's window.
func AfterPromise(c *Campaign, contact *Contact, outcome Outcome, tries int, until time.Time, retryAfter time.Duration,
	endedAt time.Time) (time.Time, bool) {
	rules := c.Callbacks.OrDefaults()
	if outcome == InvalidNumber && validPhones(contact) <= 1 {
		return time.Time{}, false
	}
	again := rules.Again
	if outcome == InvalidNumber {
		again = time.Minute // on another number
	}
	next := endedAt.Add(max(again, min(retryAfter, longestRetryAfter)))
	if tries >= rules.Tries || next.After(until) {
		return time.Time{}, false
	}
	return next, true
}

// StickyMode says what becomes of a contact with whom an agent has talked before.
type StickyMode string

const (
	Prefer  StickyMode = "prefer"  // the same agent if free, else anyone
	Require StickyMode = "require" // the same agent alone, for as long as Sticky.For after the contact is due; then anyone
)

// Sticky lets the agent who talked last with a contact have the next call too.
type Sticky struct {
	Mode StickyMode    `json:"mode,omitempty"` // empty: whoever is free
	For  time.Duration `json:"for,omitempty"`  // of Require
}
