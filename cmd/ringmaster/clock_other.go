//go:build !linux

package main

// clockSynchronised is known on Linux alone.
func clockSynchronised() (synchronised, known bool) { return false, false }
