package phrasebook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/web"
	"github.com/creditorro/ringmaster/web/messages"
)

// renderAll says by the pages' own renderer what it is given: {books, asks: [{language, key, args}]} → [a part, a sentence].
const renderAll = `import { readFileSync } from "node:fs";
import { say, sentence } from %q;
const { books, asks } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asks.map((a) => {
  const book = { language: a.language, ...books[a.language] };
  return [say(book, a.key, a.args), sentence(book, a.key, a.args)];
})));
`

type ask struct {
	Language string         `json:"language"`
	Key      string         `json:"key"`
	Args     map[string]any `json:"args"`
}

// varied are more values of some types than the golden file has, one for each turn.
var varied = map[reason.Type][]any{
	reason.Span:    {5400, 0, 0.25, 1, 59.6, 90061, 172800},
	reason.Decimal: {12.5, 0, 0.00004, -3, 1234.56789, 1e6, 0.1},
	reason.Moment: {"2026-11-28T09:05:00+02:00", "2026-01-02T15:04:05Z", "2026-09-30T23:59:59.123456789-03:30",
		"2026-05-01T00:00:00+05:45", "2026-12-31T12:00:00-10:00", "not a moment", "2026-02-28T09:05:00+00:00"},
	reason.Date: {"2026-12-25", "2026-01-02", "soon", "2026-05-31", "2026-09-01", "2026-06-30", "2026-11-11"},
	reason.Text: {"ABC", "", "486 Busy Here", "{name}", "ґанок", "a.b", "…"},
}

// TestPagesSayTheSame: each reason is said by the pages' renderer, from what the server gives them, as the program says it, in
// every language and every plural form.
func TestPagesSayTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js")
	}
	books := map[string]json.RawMessage{}
	for _, language := range messages.Languages {
		books[language] = served(t, "/assets/reasons-"+language+".json")
	}
	var asks []ask
	var want [][2]string
	for _, kind := range reason.Kinds() {
		for _, language := range messages.Languages {
			say := phrasebook.For(language)
			for turn, count := range []int{0, 1, 2, 5, 11, 21, 1234567} {
				args := map[string]any{}
				for _, a := range kind.Args {
					if args[a.Name] = sample(a, count); varied[a.Type] != nil {
						args[a.Name] = varied[a.Type][turn]
					}
				}
				r := reason.Parse(string(raw(t, map[string]any{"key": kind.Key, "args": args})))
				asks, want = append(asks, ask{language, kind.Key, args}), append(want, [2]string{say.Say(r), say.Sentence(r)})
			}
			asks = append(asks, ask{language, "newer.than_this", nil})
			want = append(want, [2]string{say.Say(reason.Unspecific()), say.Sentence(reason.Unspecific())})
		}
	}
	renderer, err := filepath.Abs("../../web/assets/phrases.js")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	script := filepath.Join(folder, "all.mjs")
	module := filepath.Join(folder, "phrases.mjs") // a module by its name
	source, err := os.ReadFile(renderer)
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{module: source, script: fmt.Appendf(nil, renderAll, "./phrases.mjs")} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.CommandContext(t.Context(), node, script)
	run.Stdin = bytes.NewReader(raw(t, map[string]any{"books": books, "asks": asks}))
	out, err := run.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var got [][2]string
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(want) {
		t.Fatalf("%d texts of %d: %v", len(got), len(want), err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s, %s %v: the pages say %q, the program %q", asks[i].Key, asks[i].Language, asks[i].Args, got[i], want[i])
		}
	}
}

// served is what browsers get at a path.
func served(t *testing.T, path string) []byte {
	t.Helper()
	routes, err := web.Site{Who: func(*http.Request) (string, error) { return "", nil }}.Routes()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.Handle(pattern, handler)
	}
	reply := httptest.NewRecorder()
	mux.ServeHTTP(reply, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	if reply.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, reply.Code)
	}
	return reply.Body.Bytes()
}

func raw(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
