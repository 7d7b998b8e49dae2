package command

import (
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// told is an error in the words of a book.
type told struct {
	error
	say *phrasebook.Book
}

func (t told) Unwrap() error { return t.error }

// Error is its reason; of an error that has none, what it says itself.
func (t told) Error() string {
	if why := reason.Of(t.error); !why.IsZero() {
		return t.say.Say(why)
	}
	return t.error.Error()
}

// InWords is an error as it is told to who gave the command: by its reason, in the language of the shell. The names of the program's parts,
// which are in front of errors for the log, are not among its words.
func InWords(err error) error {
	if _, already := err.(told); already || err == nil {
		return err
	}
	return told{err, localBook()}
}
