// Package installation names what an installation of Ringmaster owns on a server that it shares with others. One installation is
// what works on one database; two of them may stand on one Redis, whose Pub/Sub knows no database numbers.
package installation

import (
	"fmt"
	"regexp"
)

// Name is what everything global of an installation is named by. The zero Name names nothing: whoever uses it panics, so that no
// part can be wired without one.
type Name string

var valid = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,31}$`)

// Parse reads a name.
func Parse(text string) (Name, error) {
	if !valid.MatchString(text) {
		return "", fmt.Errorf("%.40q: want 1 to 32 of a-z, 0-9, '-' and '.', a letter or digit first, such as staging", text)
	}
	return Name(text), nil
}

// Key is the name of a key or channel. All of an installation share a hash tag: in a Redis Cluster they live in one slot, so that
// one script may touch several.
func (n Name) Key(what string) string { return "{" + n.must() + "}:" + what }

// Queue is the name of an Asynq queue.
func (n Name) Queue(what string) string { return n.must() + ":" + what }

func (n Name) must() string {
	if n == "" {
		panic("installation: no name")
	}
	return string(n)
}
