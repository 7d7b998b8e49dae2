//go:build !unix

package main

// ownFilesOnly is what Unix knows.
func ownFilesOnly() {}
