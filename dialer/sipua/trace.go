package sipua

import (
	"regexp"
	"sync/atomic"
	"time"
)

// TraceLine is one SIP message on the wire.
type TraceLine struct {
	At            time.Time
	Sent          bool
	Transport     string
	Local, Remote string
	Message       string // credentials hidden
}

var watcher atomic.Pointer[func(TraceLine)]

// Trace hands every SIP message of this process to f until it is called with nil. f must not block.
func Trace(f func(TraceLine)) {
	if f == nil {
		watcher.Store(nil)
		return
	}
	watcher.Store(&f)
}

// tracer is sipgo's hook.
type tracer struct{}

func (tracer) SIPTraceRead(transport, local, remote string, msg []byte) {
	trace(false, transport, local, remote, msg)
}

func (tracer) SIPTraceWrite(transport, local, remote string, msg []byte) {
	trace(true, transport, local, remote, msg)
}

var (
	credentialLines = regexp.MustCompile(`(?im)^((?:proxy-)?authorization|cookie)[ \t]*:.*(?:\r?\n[ \t].*)*`)
	secretLines     = regexp.MustCompile(`(?im)^(a=ice-pwd|a=crypto):.*`)
)

func trace(sent bool, transport, local, remote string, msg []byte) {
	f := watcher.Load()
	if f == nil {
		return
	}
	(*f)(TraceLine{At: time.Now(), Sent: sent, Transport: transport, Local: local, Remote: remote, Message: hide(string(msg))})
}

// hide takes out what proves an identity or opens a stream.
func hide(msg string) string {
	msg = credentialLines.ReplaceAllString(msg, "$1: (hidden)")
	return secretLines.ReplaceAllString(msg, "$1:(hidden)")
}
