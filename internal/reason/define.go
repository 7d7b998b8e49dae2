package reason

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Term is a word of ours that has its own key in the catalogues, such as "agent_state.talking".
type Term string

// Day is a date, as time.DateOnly writes it.
type Day string

// Value is what an argument may be. A moment keeps its offset: it is shown by the clock of the place that it was made for.
type Value interface {
	string | int | float64 | time.Time | time.Duration | Term | Day | Reason | []string | []Term | []Reason
}

// Type says how an argument is sent and shown.
type Type string

// The types of arguments.
const (
	Text    Type = "text"
	Number  Type = "number"
	Decimal Type = "decimal" // a number, shown with four digits after the decimal sign at most
	Moment  Type = "moment"  // RFC 3339, with an offset
	Span    Type = "span"    // seconds
	Word    Type = "term"    // a key of the catalogues
	Date    Type = "day"     // 2026-12-25
	Because Type = "reason"  // {"key", "args"}
	Texts   Type = "texts"   //
	Words   Type = "terms"   //
	Reasons Type = "reasons" //
)

// Arg is one argument that a reason takes.
type Arg struct {
	Name string
	Type Type
}

// Kind is a reason's definition.
type Kind struct {
	Key  string
	Args []Arg
}

var (
	mu    sync.RWMutex
	kinds = map[string]Kind{}
)

// Kinds lists all reasons that the packages of this process have defined, by key.
func Kinds() []Kind {
	mu.RLock()
	defer mu.RUnlock()
	return slices.SortedFunc(maps.Values(kinds), func(a, b Kind) int { return cmp.Compare(a.Key, b.Key) })
}

// KindOf is the definition of a key; false: no package of this process has it.
func KindOf(key string) (Kind, bool) {
	mu.RLock()
	defer mu.RUnlock()
	k, ok := kinds[key]
	return k, ok
}

// Plain defines a reason without arguments.
func Plain(key string) Reason {
	define(key)
	return Reason{key: key}
}

// With1 defines a reason with one argument.
func With1[A Value](key, a string) func(A) Reason {
	define(key, Arg{a, typeOf[A]()})
	return func(x A) Reason { return made(key, []string{a}, x) }
}

// With2 defines a reason with two arguments.
func With2[A, B Value](key, a, b string) func(A, B) Reason {
	define(key, Arg{a, typeOf[A]()}, Arg{b, typeOf[B]()})
	return func(x A, y B) Reason { return made(key, []string{a, b}, x, y) }
}

// With3 defines a reason with three arguments.
func With3[A, B, C Value](key, a, b, c string) func(A, B, C) Reason {
	define(key, Arg{a, typeOf[A]()}, Arg{b, typeOf[B]()}, Arg{c, typeOf[C]()})
	return func(x A, y B, z C) Reason { return made(key, []string{a, b, c}, x, y, z) }
}

// With4 defines a reason with four arguments.
func With4[A, B, C, D Value](key, a, b, c, d string) func(A, B, C, D) Reason {
	define(key, Arg{a, typeOf[A]()}, Arg{b, typeOf[B]()}, Arg{c, typeOf[C]()}, Arg{d, typeOf[D]()})
	return func(w A, x B, y C, z D) Reason { return made(key, []string{a, b, c, d}, w, x, y, z) }
}

// define refuses a key that is there already: two meanings of one key would be a mistake of the program.
func define(key string, args ...Arg) {
	mu.Lock()
	defer mu.Unlock()
	if _, there := kinds[key]; there {
		panic("reason: " + key + " is defined twice")
	}
	kinds[key] = Kind{key, args}
}

func typeOf[A Value]() Type {
	var a A
	switch any(a).(type) {
	case int:
		return Number
	case float64:
		return Decimal
	case time.Time:
		return Moment
	case time.Duration:
		return Span
	case Term:
		return Word
	case Day:
		return Date
	case Reason:
		return Because
	case []string:
		return Texts
	case []Term:
		return Words
	case []Reason:
		return Reasons
	}
	return Text
}

func made(key string, names []string, values ...any) Reason {
	var b strings.Builder
	for i, v := range values {
		switch x := v.(type) {
		case string:
			v = strings.ToValidUTF8(x, "?")
		case time.Time:
			v = x.Format(time.RFC3339)
		case time.Duration:
			v = x.Seconds()
		}
		value, err := json.Marshal(v)
		if err != nil {
			value = []byte("null") // no Value is without JSON
		}
		fmt.Fprintf(&b, "%s%q:%s", [2]string{"{", ","}[min(i, 1)], names[i], value)
	}
	return Reason{key, b.String() + "}"}
}

// Terms defines a word for each value of an enumeration, and returns how to name it. A value that is not among them is shown as
// it is.
func Terms[S ~string](prefix string, values ...S) func(S) Term {
	for _, v := range values {
		define(prefix + "." + string(v))
	}
	return func(v S) Term { return Term(prefix + "." + string(v)) }
}
