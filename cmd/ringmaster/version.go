package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the Makefile: -ldflags "-X main.version=…".
var version = ""

type versionCmd struct{}

// Run prints what bug reports need.
func (versionCmd) Run(c console) error {
	_, err := fmt.Fprintln(c.Out, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("ringmaster %s %s %s/%s", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionText is the version as built, else what Go recorded of the checkout.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
