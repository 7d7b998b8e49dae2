//go:build !unix

package engineio

import "errors"

// nonblocking is false where sockets are no file descriptors: a goroutine writes and a buffer is held.
const nonblocking = false

var errNoFD = errors.New("engineio: no file descriptor")

func readFD(uintptr, []byte) (int, error) { return 0, errNoFD }
func writeFD(int, []byte) (int, error)    { return 0, errNoFD }
func isAgain(error) bool                  { return false }
