package command

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/creditorro/ringmaster/internal/doctor"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/store"
)

var whyAway = reason.With1[reason.Reason]("record.away", "why")

// told is an error in the words of a book.
type told struct {
	error
	say *phrasebook.Book
}

func (t told) Unwrap() error { return t.error }

// parts are the names of the program's parts that errors carry for the log, and what the record says in brackets.
var parts = regexp.MustCompile(`(^|: |\()(?:(?:store|agents|campaigns|webhook|access|roster|gateway|dialer|sipua|mediatel|simulated|redisconn|node): )+| \(store: (?:not found|conflict with what is stored)\)`)

// Error is what the error says, with the words of its reason in the place of what was written for the log. Why the database
// cannot be used is told by the kind of its failure, and not in a driver's words.
func (t told) Error() string {
	text := t.error.Error()
	if why := reason.Of(t.error); !why.IsZero() {
		// made to stand beside a field, and here only the error itself says which value is meant
		if !strings.HasPrefix(why.Key(), "field.") {
			text = t.substitute(text, why)
		}
	} else if cause := doctor.Cause(t.error); !cause.IsZero() && errors.Is(t.error, store.ErrAway) {
		text = t.say.Say(whyAway(cause))
	} else if place, in := whereItFailed(t.error); in != nil && !cause.IsZero() {
		text = strings.Replace(text, in.Error(), place+": "+t.say.Say(cause), 1)
	}
	return parts.ReplaceAllString(text, "$1")
}

// whereItFailed is the address or file that could not be used, and the error that says so in the words of the operating system's
// calls; nil: there is none.
func whereItFailed(err error) (string, error) {
	var asked *url.Error
	var network *net.OpError
	var file *fs.PathError
	switch {
	case errors.As(err, &asked):
		return asked.URL, asked
	case errors.As(err, &network) && network.Addr != nil:
		return network.Addr.String(), network
	case errors.As(err, &file):
		return file.Path, file
	}
	return "", nil
}

// substitute puts a reason's words where the error that has it stands in the text; they are all that is told where it does not.
func (t told) substitute(text string, why reason.Reason) string {
	before, after, found := strings.Cut(text, reason.Carrier(t.error).Error())
	if !found {
		before, after = "", ""
	}
	return before + t.say.Say(why) + after
}

// InWords is an error as it is told to who gave the command, in the language of the shell: without the names of the program's
// parts, which are in front of errors for the log.
func InWords(err error) error {
	if _, already := err.(told); already || err == nil {
		return err
	}
	return told{err, localBook()}
}

// becauseOf is why a neighbour cannot be used, in the language of the shell.
func becauseOf(err error) string {
	if why := doctor.Cause(err); !why.IsZero() {
		return localBook().Say(why)
	}
	return InWords(err).Error()
}
