package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// simulate runs the command with arguments as they are typed.
func simulate(t *testing.T, ctx context.Context, args ...string) (string, error) {
	t.Helper()
	var s Simulate
	parser, err := kong.New(&s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = s.Run(ctx, Console{Out: &out, Err: &out})
	return out.String(), err
}

// TestSimulateCompares: several values of an option stand side by side, and more agents make more calls.
func TestSimulateCompares(t *testing.T) {
	args := []string{"--agents", "2,8", "--hours", "30m", "--days", "1", "--lang", "en"}
	table, err := simulate(t, t.Context(), args...)
	if err != nil || !strings.Contains(table, "--agents") || !strings.Contains(table, "predictive  predictive") ||
		!strings.Contains(table, "occupancy") {
		t.Errorf("%v\n%s", err, table)
	}
	text, err := simulate(t, t.Context(), append(args, "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	var few, many column
	dec := json.NewDecoder(strings.NewReader(text))
	if err := errors.Join(dec.Decode(&few), dec.Decode(&many)); err != nil || dec.More() {
		t.Fatalf("%v: %s", err, text)
	}
	if few.Option != "agents" || few.Value != "2" || many.Value != "8" || many.Calls <= few.Calls || few.Wait <= 0 {
		t.Errorf("%s", text)
	}
	again, err := simulate(t, t.Context(), append(args, "--json")...)
	if err != nil || again != text {
		t.Errorf("the same seed: %v\n%s", err, again)
	}
}

// TestSimulateSpeaks: the table is in the reader's language, and so is what is refused.
func TestSimulateSpeaks(t *testing.T) {
	table, err := simulate(t, t.Context(), "--agents", "2", "--hours", "10m", "--days", "1", "--lang", "uk")
	if err != nil || !strings.Contains(table, "зайнятість") || !strings.Contains(table, "progressive  predictive") {
		t.Errorf("%v\n%s", err, table)
	}
	for wants, args := range map[string][]string{
		"--agents: want 1 to 1,000":                  {"--agents", "0"},
		"--cap: want a number from 0 to 50":          {"--cap", "3,300"},
		"--answer: want a number from 0.1 to 100":    {"--answer", "0"},
		"--timeout: want 9 s at least":               {"--timeout", "7s"},
		"--agents, --talk: want several values of o": {"--agents", "5,10", "--talk", "1m,2m"},
		"13 columns: want 12 or less":                {"--agents", "1,2,3,4,5,6,7,8,9,10,11,12,13"},
		"--language \"xx\"":                          {"--lang", "xx"},
	} {
		if _, err := simulate(t, t.Context(), append([]string{"--lang", "en"}, args...)...); err == nil ||
			!strings.Contains(err.Error(), wants) {
			t.Errorf("%v: %v, want %q", args, err, wants)
		}
	}
}

// TestSimulateIsCalledOff: Ctrl-C ends it.
func TestSimulateIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := simulate(t, ctx, "--agents", "1000", "--hours", "16h"); !errors.Is(err, context.Canceled) || out != "" {
		t.Errorf("%v: %q", err, out)
	}
}
