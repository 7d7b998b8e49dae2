// Command testsum reads `go test -json` and tells what a person wants to know: each package as it ends, the output of what
// failed, what was skipped and why, and one closing line. It exits 1 when anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// event is one line of go tool test2json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

type summary struct {
	out                     io.Writer
	passed, failed, skipped int
	output                  map[string][]string // by package and test; dropped once it passed
	broken                  []string            // packages
	began                   time.Time
}

func main() {
	s := &summary{out: os.Stdout, output: map[string][]string{}, began: time.Now()}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !s.close() {
		os.Exit(1)
	}
}

func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				s.take(e)
			} else {
				s.out.Write(line) // not test2json's: go itself speaks
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) take(e event) {
	key := e.Package + e.ImportPath + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		s.output[key] = append(s.output[key], e.Output)
	case "pass":
		if e.Test != "" {
			s.passed++
		} else {
			fmt.Fprintf(s.out, "ok       %-60s %6.1f s\n", e.Package, e.Elapsed)
		}
		delete(s.output, key)
	case "skip":
		if e.Test != "" {
			s.skipped++
			fmt.Fprintf(s.out, "skipped  %s %s: %s\n", e.Package, e.Test, reason(s.output[key]))
		}
		delete(s.output, key)
	case "fail":
		s.fail(e, key)
	}
}

func (s *summary) fail(e event, key string) {
	if e.FailedBuild != "" {
		key = e.FailedBuild + " "
	}
	for _, line := range s.output[key] {
		fmt.Fprint(s.out, line)
	}
	delete(s.output, key)
	if e.Test != "" {
		s.failed++
		return
	}
	fmt.Fprintf(s.out, "FAILED   %-60s %6.1f s\n", e.Package, e.Elapsed)
	s.broken = append(s.broken, e.Package)
}

// reason is what a skipped test said, without the marks of the test runner.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
			said = append(said, text)
		}
	}
	return strings.Join(said, " ")
}

// close tells the sums and whether all is well. A package may fail without a failing test: it does not build, or exits.
func (s *summary) close() bool {
	slices.Sort(s.broken)
	for _, name := range s.broken {
		fmt.Fprintln(s.out, "FAILED  ", name)
	}
	fmt.Fprintf(s.out, "in %s\n", time.Since(s.began).Round(time.Second))
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, max(s.failed, len(s.broken)), s.skipped)
	return len(s.broken) == 0 && s.passed > 0
}
