package doctor

import (
	"io"
	"testing"

	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestNoFindingSpeaksOfTheProgram: why a neighbour cannot be used is told by its kind, in each language. What a server itself
// says of a statement is its own word, and not the program's.
func TestNoFindingSpeaksOfTheProgram(t *testing.T) {
	d := New(io.Discard)
	for _, err := range testdeps.ProgramErrors() {
		why := d.cause(err)
		if why.Key() == "said.text" {
			continue
		}
		for _, language := range []string{"en", "uk", "ru"} {
			told := phrasebook.For(language).Say(isServerBad("x", why))
			if word := testdeps.ProgramWord(told); word != "" || why.IsZero() {
				t.Errorf("%v: told as %q, with %q in it", err, told, word)
			}
		}
	}
}
