package testdeps

import (
	"os"
	"strconv"
	"testing"
)

// People is how many people a benchmark is about: as many as BENCH_PEOPLE says (make bench-NAME PEOPLE=5000000), else usual.
func People(tb testing.TB, usual int) int {
	tb.Helper()
	told := os.Getenv("BENCH_PEOPLE")
	if told == "" {
		return usual
	}
	n, err := strconv.Atoi(told)
	if err != nil || n < 1000 {
		tb.Fatalf("BENCH_PEOPLE=%s: want a number of people, 1000 or more", told)
	}
	return n
}
