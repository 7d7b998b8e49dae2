package sipua

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/uptime"
)

// errRangOut is why the fence lets no INVITE through when its time is over.
var errRangOut = errors.New("sipua: rang out")

// fence stands at the write of one customer's INVITE and asks, each time it is to be written, whether it still may: a process
// that was stopped, or cut off, wakes with timers that resend what by then is another node's to send. An INVITE that may not
// leave at all is an error, which ends its transaction. A repetition is kept back as if the network had lost it, so that the
// transaction goes on to listen.
type fence struct {
	ask  func() error  // asks nobody outside the process
	kept func(error)   // told once why a repetition was kept back; nil once it was
	ring time.Duration // how long after its first writing it may be written; zero: without end

	mu      sync.Mutex
	first   uptime.Instant // of the writings
	refusal error          // the first no: there is no yes after it
}

// may says whether the INVITE may be written now.
func (f *fence) may() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mayAt(uptime.Now())
}

// mayAt asks, until the first no. The caller holds f.mu.
func (f *fence) mayAt(now uptime.Instant) error {
	switch {
	case f.refusal != nil:
	case f.ring > 0 && !f.first.IsZero() && !now.Before(f.first.Add(f.ring)):
		f.refusal = errRangOut
	default:
		f.refusal = f.ask()
	}
	return f.refusal
}

// write lets send write, which asks right before it does, and each time anew when it had to wait. A repetition that does not
// leave is no error.
func (f *fence) write(send func(may func() error) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var asked uptime.Instant
	var refused error
	err := send(func() error {
		asked = uptime.Now()
		refused = f.mayAt(asked)
		return refused
	})
	switch {
	case err == nil && f.first.IsZero():
		f.first = asked
	case refused != nil && !f.first.IsZero():
		if f.kept != nil {
			go f.kept(refused)
			f.kept = nil
		}
		return nil
	}
	return err
}

// left notes that the INVITE has left by a stream, where nothing repeats it.
func (f *fence) left() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first.IsZero() {
		f.first = uptime.Now()
	}
}

// close lets nothing be written any more, and holds no call in memory: the dialog lingers.
func (f *fence) close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refusal == nil {
		f.refusal = errGivenUp
	}
	f.ask, f.kept = nil, nil
}

// written reports whether the INVITE has left at all.
func (f *fence) written() bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.first.IsZero()
}

// fences finds the fence of an INVITE by the branch of its Via. A fenced branch shows what it is, so that one whose fence is gone
// is kept back too, while agents' INVITEs and those inside a dialog pass.
type fences struct{ byBranch sync.Map }

const fencedBranch = sip.RFC3261BranchMagicCookie + ".rm-customer."

// guard gives the INVITE a branch of its own behind the fence, until release.
func (f *fences) guard(invite *sip.Request, of *fence) (release func()) {
	name := sip.GenerateTagN(16)
	invite.Via().Params.Add("branch", fencedBranch+name)
	f.byBranch.Store(name, of)
	return func() { f.byBranch.Delete(name) }
}

var (
	inviteStart = []byte("INVITE ")
	branchStart = []byte("branch=" + fencedBranch)
)

// of finds the fence that a datagram stands behind. It may be unknown: then its transaction has ended.
func (f *fences) of(datagram []byte) (of *fence, fenced bool) {
	if !bytes.HasPrefix(datagram, inviteStart) {
		return nil, false
	}
	_, branch, fenced := bytes.Cut(datagram, branchStart)
	if !fenced {
		return nil, false
	}
	if end := bytes.IndexAny(branch, ";,\r\n \t"); end >= 0 {
		branch = branch[:end]
	}
	found, _ := f.byBranch.Load(string(branch))
	of, _ = found.(*fence)
	return of, true
}

// fencedSocket is our UDP socket, with the fences at its write.
type fencedSocket struct {
	*net.UDPConn
	fences *fences
}

func (s fencedSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	of, fenced := s.fences.of(b)
	switch {
	case !fenced:
		return s.UDPConn.WriteTo(b, to)
	case of == nil:
		return len(b), nil
	}
	return len(b), of.write(func(may func() error) error { return writeAsking(s.UDPConn, b, to, may) })
}
