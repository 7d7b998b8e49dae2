package main

import (
	"strings"
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	const ok = `{"Action":"output","Package":"a","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"TestA"}
{"Action":"pass","Package":"a","Elapsed":1.5}
`
	for _, test := range []struct {
		name, input string
		well        bool
		want        []string
		absent      string
	}{
		{"all well", ok, true, []string{"ok       a", "1 passed, 0 failed, 0 skipped"}, "chatter"},
		{"nothing ran", ``, false, []string{"0 passed"}, ""},
		{"skipped", ok + `{"Action":"output","Package":"a","Test":"TestS","Output":"    x_test.go:3: no such thing\n"}
{"Action":"skip","Package":"a","Test":"TestS"}
`, true, []string{"skipped  a TestS: x_test.go:3: no such thing", "1 passed, 0 failed, 1 skipped"}, ""},
		{"failed", ok + `{"Action":"output","Package":"b","Test":"TestB","Output":"    b_test.go:7: got 1\n"}
{"Action":"fail","Package":"b","Test":"TestB"}
{"Action":"fail","Package":"b","Elapsed":0.1}
`, false, []string{"b_test.go:7: got 1", "FAILED   b", "1 passed, 1 failed, 0 skipped"}, ""},
		{"does not build", ok + `{"ImportPath":"c [c.test]","Action":"build-output","Output":"c.go:1:1: oops\n"}
{"ImportPath":"c [c.test]","Action":"build-fail"}
{"Action":"fail","Package":"c","Elapsed":0,"FailedBuild":"c [c.test]"}
`, false, []string{"c.go:1:1: oops", "FAILED   c", "1 passed, 1 failed"}, ""},
		{"go speaks", ok + "go: cannot find main module\n", true, []string{"go: cannot find main module"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			s := &summary{out: &out, output: map[string][]string{}, began: time.Now()}
			if err := s.read(strings.NewReader(test.input)); err != nil {
				t.Fatal(err)
			}
			if well := s.close(); well != test.well {
				t.Errorf("well = %t, want %t", well, test.well)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing in:\n%s", want, out.String())
				}
			}
			if test.absent != "" && strings.Contains(out.String(), test.absent) {
				t.Errorf("%q is in:\n%s", test.absent, out.String())
			}
		})
	}
}
