package phrasebook_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	// Whatever makes reasons.
	_ "github.com/creditorro/ringmaster/agents/access"
	_ "github.com/creditorro/ringmaster/agents/gateway"
	_ "github.com/creditorro/ringmaster/campaigns"
	_ "github.com/creditorro/ringmaster/dialer/mediatel"
	_ "github.com/creditorro/ringmaster/dialer/sipua"
	_ "github.com/creditorro/ringmaster/internal/api"
	_ "github.com/creditorro/ringmaster/internal/clocks"
	_ "github.com/creditorro/ringmaster/internal/command"
	_ "github.com/creditorro/ringmaster/internal/doctor"
	_ "github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
	_ "github.com/creditorro/ringmaster/internal/reason/field"
	_ "github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/web/messages"
	_ "github.com/creditorro/ringmaster/webhook"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

// texts are a message's, by plural form; a message without plurals has "other" alone.
type texts map[string]string

func (m *texts) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*m = texts{"other": text}
		return nil
	}
	return json.Unmarshal(data, (*map[string]string)(m))
}

func catalogue(t *testing.T, language string) map[string]texts {
	t.Helper()
	data, err := messages.Files.ReadFile(language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]texts
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatalf("%s: %v", language, err)
	}
	return all
}

// pluralForms are those that whole numbers have (CLDR), and "other", which fractions have in Ukrainian and Russian.
var pluralForms = map[string][]string{"en": {"one", "other"}, "uk": {"few", "many", "one", "other"},
	"ru": {"few", "many", "one", "other"}}

var placeholder = regexp.MustCompile(`\{([^}]*)\}`)

// names are the arguments that a message shows, in any of its forms.
func (m texts) names() []string {
	var names []string
	for _, text := range m {
		for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// own are the texts that phrasebook itself uses.
var own = []string{"span.days", "span.hours", "span.minutes", "span.seconds", "span.milliseconds"}

// TestCatalogues: every key is in every language, with the plural forms of that language and the same arguments; every reason
// that the program makes has its words, and shows all of its arguments and no other; no words are there that nobody says.
func TestCatalogues(t *testing.T) {
	english := catalogue(t, "en")
	for _, language := range messages.Languages {
		all := catalogue(t, language)
		for key, m := range english {
			if _, has := all[key]; !has {
				t.Errorf("%s lacks %s", language, key)
			} else if got, want := all[key].names(), m.names(); !slices.Equal(got, want) {
				t.Errorf("%s: %s shows %q, in English %q", language, key, got, want)
			}
		}
		for key, m := range all {
			if _, has := english[key]; !has {
				t.Errorf("%s has %s, which English has not", language, key)
			}
			forms := slices.Sorted(func(yield func(string) bool) {
				for form := range m {
					if !yield(form) {
						return
					}
				}
			})
			if len(m) > 1 && !slices.Equal(forms, pluralForms[language]) {
				t.Errorf("%s: %s has the forms %q, want %q", language, key, forms, pluralForms[language])
			}
			for form, text := range m {
				if strings.TrimSpace(text) != text || text == "" || strings.Count(text, "{") != strings.Count(text, "}") {
					t.Errorf("%s: %s, %s: %q", language, key, form, text)
				}
			}
		}
	}
	for _, kind := range reason.Kinds() {
		m, has := english[kind.Key]
		if !has {
			t.Errorf("no catalogue has %s, which the program says", kind.Key)
			continue
		}
		want := make([]string, len(kind.Args))
		counts := false
		for i, a := range kind.Args {
			want[i] = a.Name
			counts = counts || a.Name == "count" && a.Type == reason.Number
		}
		slices.Sort(want)
		if got := m.names(); !slices.Equal(got, want) {
			t.Errorf("%s shows %q, its arguments are %q", kind.Key, got, want)
		}
		if len(m) > 1 && !counts {
			t.Errorf("%s has plural forms, and no number count", kind.Key)
		}
	}
	for key := range english {
		if _, said := reason.KindOf(key); strings.Contains(key, ".") && !said && !slices.Contains(own, key) {
			t.Errorf("nobody says %s", key)
		}
	}
}

var definition = regexp.MustCompile(`\b(?:Plain|With\d\[[^()]*\])\(\s*"([^"]+)"`)

// TestAllReasonsAreSeen: this test knows of every definition in the program, so that none is without its words.
func TestAllReasonsAreSeen(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path,
			"reason/doc.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range definition.FindAllSubmatch(text, -1) {
			seen++
			if _, known := reason.KindOf(string(found[1])); !known {
				t.Errorf("%s defines %s: import its package in this test", path, found[1])
			}
			if !bytes.Contains(found[1], []byte(".")) {
				t.Errorf("%s: the key %s has no dot, as the pages' words have none", path, found[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no definition is found: are they still written as they were?")
	}
}

// sample is a value of a type, as reasons carry it.
func sample(a reason.Arg, count int) any {
	switch a.Type {
	case reason.Number:
		if a.Name == "count" {
			return count
		}
		return 12
	case reason.Decimal:
		return 12.5
	case reason.Moment:
		return "2026-11-28T09:05:00+02:00"
	case reason.Span:
		return 5400
	case reason.Date:
		return "2026-12-25"
	case reason.Word:
		return "weekday.monday"
	case reason.Because:
		return map[string]any{"key": "said.text", "args": map[string]string{"text": "486 Busy Here"}}
	case reason.Reasons:
		return []any{map[string]any{"key": "said.text", "args": map[string]string{"text": "one"}},
			map[string]any{"key": "said.unspecific"}}
	case reason.Texts, reason.Words:
		return []string{"uk", "ru"}
	}
	return "ABC"
}

// TestGolden says every reason in every language, with sample arguments, and with 1, 2, 5 and 21 where plurals are.
func TestGolden(t *testing.T) {
	var out strings.Builder
	english := catalogue(t, "en")
	for _, kind := range reason.Kinds() {
		counts := []int{5}
		if len(english[kind.Key]) > 1 {
			counts = []int{1, 2, 5, 21}
		}
		fmt.Fprintf(&out, "%s\n", kind.Key)
		for _, language := range messages.Languages {
			for _, count := range counts {
				args := make(map[string]any, len(kind.Args))
				for _, a := range kind.Args {
					args[a.Name] = sample(a, count)
				}
				stored, err := json.Marshal(map[string]any{"key": kind.Key, "args": args})
				if err != nil {
					t.Fatal(err)
				}
				said := phrasebook.For(language).Say(reason.Parse(string(stored)))
				if said == "" || strings.ContainsAny(said, "{}") {
					t.Errorf("%s, %s: %q", kind.Key, language, said)
				}
				fmt.Fprintf(&out, "  %s: %s\n", language, said)
			}
		}
	}
	const file = "testdata/golden.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(out.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("line %d is not as in %s; if it should not be, write it anew with -update, and read it", i+1, file)
		}
	}
}

func TestAccepted(t *testing.T) {
	for header, want := range map[string]string{
		"": "uk", "ru": "ru", "ru-RU,ru;q=0.9,en;q=0.5": "ru", "en-GB": "en", "uk-UA;q=0.8,de": "uk", "de,fr;q=0.5": "uk", "*": "uk",
		"de, ru;q=0.1": "ru", "uk;q=0, en;q=1": "en", "\xff;;;": "uk", strings.Repeat("ru,", 1000): "uk",
	} {
		if got := phrasebook.Accepted(header, "uk").Language(); got != want {
			t.Errorf("Accept-Language %.40q: %s, want %s", header, got, want)
		}
	}
}

func TestLocale(t *testing.T) {
	for _, test := range []struct {
		values []string
		want   string
	}{
		{nil, "en"}, {[]string{"", "uk_UA.UTF-8"}, "uk"}, {[]string{"C", "uk_UA"}, "en"}, {[]string{"ru"}, "ru"},
		{[]string{"POSIX"}, "en"},
		{[]string{"ru-RU"}, "ru"}, {[]string{"de_DE.UTF-8"}, "en"}, {[]string{"RU_ru@euro"}, "ru"},
	} {
		if got := phrasebook.Locale(test.values...); got != test.want {
			t.Errorf("%q: %s, want %s", test.values, got, test.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 с", 250 * time.Millisecond: "250 мс", time.Second: "1 с", 90 * time.Minute: "1 год 30 хв", 7 * 24 * time.Hour: "7 дн.",
		25*time.Hour + 5*time.Second: "1 дн. 1 год", time.Hour + 5*time.Second: "1 год",
	} {
		if got := phrasebook.For("uk").Span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
