package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// Variant is how a server strays from the protocol. The zero Variant does not.
type Variant struct {
	Slow     time.Duration // each state is sent so much later
	Lossy    float64       // the share of states that are never sent
	Repeat   int           // each state is sent so many times more
	Misspelt bool          // with the misspelt keys alone, as early servers
	Mixed    bool          // numbers as texts and texts as numbers; fields that say nothing, and the flag, now and then left out
	Crash    float64       // the share of commands at which the agent's process ends and forgets all
}

// Variants are the named ones.
var Variants = map[string]Variant{
	"slow": {Slow: 300 * time.Millisecond}, "lossy": {Lossy: 0.1}, "repeating": {Repeat: 5}, "misspelt": {Misspelt: true},
	"mixed": {Mixed: true}, "crashing": {Crash: 0.05},
}

// ParseVariant reads names from Variants, separated by commas.
func ParseVariant(names string) (v Variant, err error) {
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' }) {
		one, known := Variants[name]
		if !known {
			return v, fmt.Errorf("variant %q: want slow, lossy, repeating, misspelt, mixed, crashing", name)
		}
		v.Slow, v.Lossy, v.Crash = max(v.Slow, one.Slow), max(v.Lossy, one.Lossy), max(v.Crash, one.Crash)
		v.Repeat, v.Misspelt, v.Mixed = max(v.Repeat, one.Repeat), v.Misspelt || one.Misspelt, v.Mixed || one.Mixed
	}
	return v, nil
}

var (
	rightKeys = []string{"availableCommand", "availableCallCodes", "isAvailable"}
	decimal   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})$`)
	nothing   = []string{"-1", "0", "", "<nil>", "1999-01-01 01:01:01"}
)

// encode writes a state as the variant does.
func (v Variant) encode(s *wire.State, rng *rand.Rand) []byte {
	text := s.AppendJSON(nil)
	if !v.Misspelt && !v.Mixed {
		return text
	}
	var fields map[string]any
	_ = json.Unmarshal(text, &fields) // our own
	if v.Misspelt {
		for _, key := range rightKeys {
			delete(fields, key)
		}
	}
	if v.Mixed {
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			fields[key] = mix(fields[key], rng)
			if (saysNothing(fields[key]) || key == "predictiveStatus") && rng.IntN(2) == 0 {
				delete(fields, key)
			}
		}
	}
	text, _ = json.Marshal(fields)
	return text
}

func saysNothing(value any) bool { return slices.Contains(nothing, fmt.Sprint(value)) }

// mix writes a scalar in the other way, every other time.
func mix(value any, rng *rand.Rand) any {
	if rng.IntN(2) == 0 {
		return value
	}
	switch value := value.(type) {
	case string:
		if decimal.MatchString(value) {
			return json.Number(value)
		}
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return value
}
