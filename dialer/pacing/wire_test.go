package pacing

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"
)

const onWire = `{"now":5403.214,"target":0.030,"ring_timeout":25.000,"patience":2.000,"max_new":17,"new_field":[{}],` +
	`"agents":[{"id":0,"status":"talk","for":71.420},{"id":1,"status":"idle","for":0.000},{"id":2,"status":"idle","for":3}],` +
	`"calls":[{"id":6120,"age":4.800}],"waiting":[],` +
	`"total":{"dialed":6121,"answered":1502,"connected":1460,"abandoned":42,"no_answer":3300,"busy":660,"failed":658},` +
	`"done":{"ring_answered":[],"ring_other":[25.000],"talk":[],"wrap":[31.250]}}` + "\n"

func TestServe(t *testing.T) {
	for _, test := range []struct{ what, in, out, err string }{
		{"nothing", "", "", ""},
		{"a snapshot", onWire, `{"originate":1}` + "\n", ""},
		{"without a last newline", strings.TrimSpace(onWire), `{"originate":1}` + "\n", ""},
		{"empty lines", "\n" + onWire + "\r\n", `{"originate":1}` + "\n", ""},
		{"two", onWire + onWire, `{"originate":1}` + "\n" + `{"originate":1}` + "\n", ""},
		{"no JSON", "hello\n", "", "line 1: no snapshot in JSON"},
		{"half of one", onWire[:100] + "\n", "", "line 1: no snapshot in JSON"},
		{"an array", "[]\n", "", "line 1: the snapshot: array is not what belongs there; want an object"},
		{"nothing in it", onWire + "{}\n", `{"originate":1}` + "\n", "line 2: now: is missing"},
		{"time as text", strings.Replace(onWire, "5403.214", `"noon"`, 1), "",
			"line 1: now: string is not what belongs there; want a number"},
		{"no target", strings.Replace(onWire, "target", "goal", 1), "", "line 1: target: is missing"},
		{"a target in percent", strings.Replace(onWire, "0.030", "3", 1), "", "line 1: target: 3: want a share"},
		{"room below zero", strings.Replace(onWire, "17", "-1", 1), "", "line 1: max_new: -1"},
		{"half a call", strings.Replace(onWire, "17", "1.5", 1), "",
			"line 1: max_new: number 1.5 is not what belongs there; want a whole number"},
		{"another status", strings.Replace(onWire, "idle", "lunch", 1), "",
			`line 1: agents[1].status: "lunch": want idle, ringing, talk, wrap or pause`},
		{"an agent twice", strings.Replace(onWire, `"id":2`, `"id":1`, 1), "", "line 1: agents[2].id: 1 is there twice"},
		{"an age below zero", strings.Replace(onWire, "4.800", "-4.8", 1), "", "line 1: calls[0].age: -4.8: want seconds"},
		{"time goes back", onWire + strings.Replace(onWire, "5403.214", "5403.213", 1), `{"originate":1}` + "\n",
			"line 2: now: 5403.213 after 5403.214"},
		{"counts fall", onWire + strings.Replace(onWire, "1502", "1501", 1), `{"originate":1}` + "\n",
			"line 2: total.answered: 1501 after 1502"},
		{"more abandoned than answered", strings.Replace(onWire, `"abandoned":42`, `"abandoned":4200`, 1), "",
			"line 1: total.abandoned: 4200"},
		{"too long", `{"now":` + strings.Repeat(" ", maxLine) + "1}\n", "", "line 1: a snapshot of more than 4 MB"},
	} {
		var out strings.Builder
		err := Serve(strings.NewReader(test.in), &out, Settings{Mode: Progressive})
		if out.String() != test.out || (err == nil) != (test.err == "") || err != nil && !strings.HasPrefix(err.Error(), test.err) {
			t.Errorf("%s: %q, %v; want %q, %s", test.what, out.String(), err, test.out, test.err)
		}
	}
}

// TestServeAnswersAtOnce: who asks waits for the answer before asking again.
func TestServeAnswersAtOnce(t *testing.T) {
	in, asked := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(in, out, Settings{Mode: Predictive}) }()
	lines := bufio.NewScanner(answers)
	for range 3 {
		if _, err := io.WriteString(asked, onWire); err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Originate int `json:"originate"`
		}
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &answer) != nil || answer.Originate < 1 {
			t.Fatalf("%q", lines.Text())
		}
	}
	if asked.Close(); <-ended != nil {
		t.Error("the end of the input is no error")
	}
}

// FuzzServe: whatever comes in, each line is refused or answered with a number that there is room for.
func FuzzServe(f *testing.F) {
	f.Add([]byte(onWire))
	f.Add([]byte(onWire + strings.Replace(onWire, "5403.214", "5403.9", 1)))
	f.Add([]byte(`{"now":0,"target":0,"ring_timeout":1e-9,"patience":0,"max_new":0}`))
	f.Add([]byte(`{"now":1e7,"target":0.99,"ring_timeout":600,"patience":600,"max_new":9,"agents":[{"id":-1,"status":"pause","for":1e7}],"calls":[{"id":-9,"age":1e7}],"waiting":[{"age":1e7}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out strings.Builder
		_ = Serve(strings.NewReader(string(in)), &out, Settings{Mode: Predictive})
		for line := range strings.Lines(out.String()) {
			number, ok := strings.CutPrefix(strings.TrimSuffix(line, "}\n"), `{"originate":`)
			if n, err := strconv.Atoi(number); !ok || err != nil || n < 0 || n > enoughForNow {
				t.Fatalf("%q", line)
			}
		}
	})
}
