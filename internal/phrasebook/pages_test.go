package phrasebook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/web/messages"
)

// renderAll says by the pages' own renderer what it is given: {words, asks: [{language, key, values}]} → texts.
const renderAll = `import { readFileSync } from "node:fs";
import { phrase } from %q;
const { words, asks } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asks.map((a) => phrase(words, a.language, a.key, a.values))));
`

type ask struct {
	Language string         `json:"language"`
	Key      string         `json:"key"`
	Values   map[string]any `json:"values"`
}

// TestPagesSayTheSame: each reason is said by the pages' renderer as the program says it, in every language and every plural
// form. What is no text or number (a moment, a reason within) is given to the pages in the program's words, as the API gives it.
func TestPagesSayTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node.js")
	}
	words := map[string]map[string]any{}
	for _, language := range messages.Languages {
		data, err := messages.Files.ReadFile(language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		words[language] = all
	}
	var asks []ask
	var want []string
	for _, kind := range reason.Kinds() {
		for _, language := range messages.Languages {
			say := phrasebook.For(language)
			for _, count := range []int{0, 1, 2, 5, 11, 21, 1234567} {
				stored, values := map[string]any{}, map[string]any{}
				for _, a := range kind.Args {
					v := sample(a, count)
					stored[a.Name] = v
					if a.Type == reason.Text || a.Type == reason.Number {
						values[a.Name] = v
					} else {
						values[a.Name] = say.Argument(a.Type, raw(t, v))
					}
				}
				text := raw(t, map[string]any{"key": kind.Key, "args": stored})
				asks, want = append(asks, ask{language, kind.Key, values}), append(want, say.Say(reason.Parse(string(text))))
			}
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
	run.Stdin = bytes.NewReader(raw(t, map[string]any{"words": words, "asks": asks}))
	out, err := run.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var got []string
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(want) {
		t.Fatalf("%d texts of %d: %v", len(got), len(want), err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s, %s %v: the pages say %q, the program %q", asks[i].Key, asks[i].Language, asks[i].Values, got[i], want[i])
		}
	}
}

func raw(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
