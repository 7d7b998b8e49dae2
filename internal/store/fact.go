package store

import "fmt"

// fact is why something cannot be done, in words for whoever asked for it; what is wrapped around it is for the log.
type fact struct {
	kind error
	text string
}

func (f fact) Error() string { return f.kind.Error() + ": " + f.text }
func (f fact) Unwrap() error { return f.kind }

// Told is what people are told.
func (f fact) Told() string { return f.text }

// contradiction is an ErrConflict.
func contradiction(format string, args ...any) error {
	return fact{ErrConflict, fmt.Sprintf(format, args...)}
}
