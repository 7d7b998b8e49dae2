// Package phrasebook makes words of reasons, in English, Ukrainian and Russian. It is for the edges alone: what agents see, the
// HTTP API, the command line. Rooms make reasons (internal/reason) and no words.
package phrasebook

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/web/messages"
)

// Book is the words of one language.
type Book struct {
	name     string
	tag      language.Tag
	messages map[string]texts
	english  *Book // for what this one lacks; nil in the English one
}

// texts is a text for each plural form, or one under "other" for all.
type texts map[string]string

var forms = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few",
	plural.Many: "many", plural.Other: "other"}

func (m *texts) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*m = texts{"other": text}
		return nil
	}
	return json.Unmarshal(data, (*map[string]string)(m))
}

// books are read once; what is embedded can always be read, as a test sees to.
var books = sync.OnceValue(func() map[string]*Book {
	all := make(map[string]*Book, len(messages.Languages))
	for _, name := range messages.Languages {
		b := &Book{name: name, tag: language.MustParse(name), english: all["en"]}
		data, err := messages.Files.ReadFile(name + ".json")
		if err == nil {
			err = json.Unmarshal(data, &b.messages)
		}
		if err != nil {
			panic(fmt.Sprintf("phrasebook: %s: %v", name, err))
		}
		all[name] = b
	}
	return all
})

// For is the book of a language, "en", "uk" or "ru"; of any other it is the English one.
func For(name string) *Book {
	if b := books()[name]; b != nil {
		return b
	}
	return books()["en"]
}

// Known says whether there is a book of the language.
func Known(name string) bool { return books()[name] != nil }

var matcher = sync.OnceValue(func() language.Matcher {
	tags := make([]language.Tag, len(messages.Languages))
	for i, name := range messages.Languages {
		tags[i] = language.MustParse(name)
	}
	return language.NewMatcher(tags)
})

const maxHeader = 1000 // bytes of an Accept-Language that are looked at

// Accepted is the book that fits an Accept-Language best (RFC 9110, 12.5.4). One that names no language of ours, or none at all,
// gets the one of the language named as fallback.
func Accepted(header, fallback string) *Book {
	if len(header) > maxHeader {
		return For(fallback)
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return For(fallback)
	}
	_, i, fits := matcher().Match(wanted...)
	if fits < language.High {
		return For(fallback)
	}
	return For(messages.Languages[i])
}

// Locale is the language of the first locale that is set, as LC_ALL, LC_MESSAGES and LANG have them, such as uk_UA.UTF-8.
func Locale(values ...string) string {
	for _, value := range values {
		if value == "" {
			continue
		}
		name, _, _ := strings.Cut(value, ".")
		name, _, _ = strings.Cut(strings.ReplaceAll(name, "-", "_"), "_")
		return For(strings.ToLower(name)).name
	}
	return "en"
}

// Language is the book's: "en", "uk" or "ru".
func (b *Book) Language() string { return b.name }

// Say is a reason in words; "" for none. It is a part of a sentence, without its full stop.
func (b *Book) Say(r reason.Reason) string {
	if r.IsZero() {
		return ""
	}
	return b.say(r, maxNesting)
}

// Line is a reason as a line of its own: with a capital letter, without a full stop.
func (b *Book) Line(r reason.Reason) string {
	text := b.Say(r)
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 || r == reason.Said(text) { // another system's words stay as they are
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// Sentence is a reason as a sentence of its own.
func (b *Book) Sentence(r reason.Reason) string {
	text := b.Line(r)
	if text != "" && !strings.ContainsRune(".!?…:", lastRune(text)) {
		text += "."
	}
	return text
}

func lastRune(text string) rune {
	r, _ := utf8.DecodeLastRuneInString(text)
	return r
}

// List says several reasons as one.
func (b *Book) List(reasons []reason.Reason) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = b.Say(r)
	}
	return strings.Join(texts, "; ")
}

// Word is the text of a key, with its {arguments} as they stand; "" when no catalogue has it.
func (b *Book) Word(key string) string {
	return b.find(key)["other"]
}

func (b *Book) find(key string) texts {
	if m, has := b.messages[key]; has || b.english == nil {
		return m
	}
	return b.english.find(key)
}

const maxNesting = 4 // reasons within reasons: what is stored may be anything

func (b *Book) say(r reason.Reason, nesting int) string {
	m := b.find(r.Key())
	if m == nil || nesting == 0 { // a newer program has made it
		return b.Word("said.unspecific")
	}
	var args map[string]json.RawMessage
	if raw := r.Args(); raw != nil && json.Unmarshal(raw, &args) != nil {
		return b.Word("said.unspecific")
	}
	kind, _ := reason.KindOf(r.Key())
	types := make(map[string]reason.Type, len(kind.Args))
	for _, a := range kind.Args {
		types[a.Name] = a.Type
	}
	return b.fill(b.form(m, args["count"]), func(name string) string { return b.value(types[name], args[name], nesting) })
}

// form chooses among the plural forms.
func (b *Book) form(m texts, count json.RawMessage) string {
	var n int
	if len(m) > 1 && json.Unmarshal(count, &n) == nil {
		if text, has := m[forms[plural.Cardinal.MatchPlural(b.tag, max(n, -n), 0, 0, 0, 0)]]; has {
			return text
		}
	}
	return m["other"]
}

// fill puts values in the place of {names}.
func (b *Book) fill(text string, value func(name string) string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		out.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return out.String()
		}
		out.WriteString(value(name))
		text = after
	}
}
