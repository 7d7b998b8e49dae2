// Package command is the small commands around a node: they look into the record and change it, as an administrator at a shell
// does who needs no node to run.
package command

import "io"

// Console is where a command reads and writes.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
}
