//go:build unix

package main

import "syscall"

// ownFilesOnly has every file and folder that the process makes readable by its user alone: recordings, keys and people's numbers
// are in them.
func ownFilesOnly() { syscall.Umask(0o077) }
