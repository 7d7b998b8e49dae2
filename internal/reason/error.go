package reason

import "errors"

// Class is the sort of an error: what who asked can do about it.
type Class int

// The classes. Zero is none: something failed.
const (
	Missing     Class = iota + 1 // there is no such thing
	Conflict                     // it contradicts what is so
	Invalid                      // what was asked for is not well said
	Denied                       // not for whoever asks
	Unavailable                  // not now; later perhaps
)

// Error is an error that has a reason for people. What is wrapped around it, and what it wraps, is for the log.
type Error struct {
	class Class
	why   Reason
	text  string // for the log
	cause error
}

// New makes an error, as errors.New does, that has a reason.
func New(class Class, why Reason, text string) *Error {
	return &Error{class: class, why: why, text: text}
}

// Wrap gives an error a reason. errors.Is finds the error in it.
func Wrap(class Class, why Reason, err error) *Error {
	return &Error{class: class, why: why, cause: err}
}

func (e *Error) Error() string {
	switch {
	case e.text == "" && e.cause == nil:
		return e.why.String()
	case e.text == "" && e.why.IsZero():
		return e.cause.Error()
	case e.text == "":
		return e.cause.Error() + ": " + e.why.String()
	case e.cause == nil:
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

// Unwrap is what caused it.
func (e *Error) Unwrap() error { return e.cause }

// Why is its reason.
func (e *Error) Why() Reason { return e.why }

// Class is its class, or its cause's.
func (e *Error) Class() Class {
	if e.class == 0 && e.cause != nil {
		return ClassOf(e.cause)
	}
	return e.class
}

// Of is the reason of an error: the outermost in it; none, when there is nothing in it for people. One that has a class alone
// says nothing, so what it is wrapped with or wraps may.
func Of(err error) (why Reason) {
	if known, is := Carrier(err).(interface{ Why() Reason }); is {
		why = known.Why()
	}
	return why
}

// Carrier is the error that has the reason of [Of]; nil, when there is none.
func Carrier(err error) (carrier error) {
	walk(err, func(err error) bool {
		known, is := err.(interface{ Why() Reason })
		if is = is && !known.Why().IsZero(); is {
			carrier = err
		}
		return is
	})
	return carrier
}

// walk goes through an error and all that it wraps, the outermost first, until found says so.
func walk(err error, found func(error) bool) bool {
	if err == nil {
		return false
	}
	if found(err) {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), found)
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			if walk(wrapped, found) {
				return true
			}
		}
	}
	return false
}

// OrUnspecific is the reason of an error, or that the log knows more.
func OrUnspecific(err error) Reason {
	if why := Of(err); !why.IsZero() {
		return why
	}
	return unspecific
}

// ClassOf is the class of an error; zero when it has none.
func ClassOf(err error) Class {
	var known interface{ Class() Class }
	if errors.As(err, &known) {
		return known.Class()
	}
	return 0
}
