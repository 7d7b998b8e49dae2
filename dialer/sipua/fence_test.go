package sipua

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sys/unix"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/internal/uptime"
)

// The fence is tried by a real process that is stopped while its lease runs out: a test of this package that is run as a program
// of its own.
const (
	stoppedCalls = 300
	stoppedLease = 1200 * time.Millisecond
)

// TestStoppedProcess stops a process with unanswered INVITEs until its lease is over. When it goes on no INVITE may leave.
func TestStoppedProcess(t *testing.T) {
	if trunk := os.Getenv("RINGMASTER_TEST_STOPPED"); trunk != "" {
		beStopped(t, trunk)
		return
	}
	trunk, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer trunk.Close()
	_ = trunk.SetReadBuffer(8 << 20)
	in := make(chan string, 100_000) // an INVITE's Call-ID, or the mark
	go listenFor(trunk, in)

	child := startStoppable(t, "TestStoppedProcess", "RINGMASTER_TEST_STOPPED="+trunk.LocalAddr().String())

	calls := map[string]bool{}
	for len(calls) < stoppedCalls {
		calls[receive(t, in)] = true
	}
	fmt.Fprintln(child.orders, "the lease begins")
	awaitLine(t, child.lines, "leased") // it ends from now on
	began := uptime.Now()
	child.stop()
	testdeps.Lasts(stoppedLease + 500*time.Millisecond - uptime.Now().Sub(began))
	mark(t, trunk)
	for receive(t, in) != theMark { // what left before the end of the lease
	}
	child.signal(syscall.SIGCONT)
	awaitLine(t, child.lines, fmt.Sprintf("%d calls kept back", stoppedCalls))
	mark(t, trunk)
	late := 0
	for receive(t, in) != theMark {
		late++
	}
	if late > 0 {
		t.Errorf("%d INVITEs left after the lease", late)
	}
}

// beStopped is the process that is stopped.
func beStopped(t *testing.T, trunk string) {
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: trunk, Check: -1}} })
	var lease lease
	calls := make([]dialer.LiveCall, stoppedCalls)
	for i := range calls {
		order := orderTo(nil)
		order.MayWrite, order.Ring = lease.mayWrite, time.Minute
		calls[i] = place(t, n, order)
	}
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	end := uptime.Now().Add(stoppedLease)
	lease.Store(&end)
	fmt.Println("leased")
	kept := 0
	for _, c := range calls {
		if got := until(t, c, dialer.Ended); got.Outcome == campaigns.Unknown && !got.NotDialed && got.Cause == "the lease is over" {
			kept++
		} else {
			fmt.Printf("%+v\n", got)
		}
	}
	fmt.Printf("%d calls kept back\n", kept)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has seen it
}

const theMark = "mark"

// mark sends a mark behind everything that the socket has not read yet.
func mark(t *testing.T, to *net.UDPConn) {
	t.Helper()
	if _, err := to.WriteTo([]byte(theMark), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

func listenFor(conn *net.UDPConn, in chan<- string) {
	for buf := make([]byte, 65536); ; {
		n, from, err := conn.ReadFrom(buf)
		switch m := parseMessage(buf[:n], from); {
		case err != nil:
			return
		case m.start == theMark:
			in <- theMark
		case m.word() == "INVITE":
			in <- m.get("Call-ID")
		}
	}
}

func receive(t *testing.T, in <-chan string) string {
	t.Helper()
	select {
	case id := <-in:
		return id
	case <-time.After(patience):
		t.Fatal("nothing comes")
		return ""
	}
}

func awaitLine(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), want) {
			return
		}
		t.Log(lines.Text())
	}
	t.Fatalf("the process ended before it said %q", want)
}

// stoppable is another process of this test, which the test stops and lets go on.
type stoppable struct {
	*exec.Cmd
	t      *testing.T
	orders io.WriteCloser // its standard input
	lines  *bufio.Scanner // what it says
}

func startStoppable(t *testing.T, test, env string) *stoppable {
	t.Helper()
	s := &stoppable{Cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v"), t: t}
	s.Env, s.Stderr = append(os.Environ(), env), os.Stderr
	says, err := s.StdoutPipe()
	if err == nil {
		s.orders, err = s.StdinPipe()
	}
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill(); _ = s.Wait() })
	s.lines = bufio.NewScanner(says)
	return s
}

func (s *stoppable) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// stop returns when the process stands still.
func (s *stoppable) stop() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	testdeps.Eventually(s.t, "the process stands still", func() bool { return stopped(s.Process.Pid) })
}

// lease ends at the moment that is stored; before that it has no end.
type lease struct{ atomic.Pointer[uptime.Instant] }

func (l *lease) mayWrite() error {
	if until := l.Load(); until != nil && !uptime.Now().Before(*until) {
		return errors.New("the lease is over")
	}
	return nil
}

// stopped reports whether a process is in the state of SIGSTOP.
func stopped(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "T")
}

// relay carries datagrams between us and a far end, but for those that are dropped.
type relay struct {
	addr    string
	out, in atomic.Bool // drop what goes to, comes from the far end
	dropped chan string // first lines
}

func newRelay(t *testing.T, far string) *relay {
	t.Helper()
	near, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	beyond, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); beyond.Close() })
	to, err := net.ResolveUDPAddr("udp4", far)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: near.LocalAddr().String(), dropped: make(chan string, 1000)}
	var us atomic.Pointer[net.Addr]
	carry := func(from, by net.PacketConn, drop *atomic.Bool, dest func(src net.Addr) net.Addr) {
		for buf := make([]byte, 65536); ; {
			n, src, err := from.ReadFrom(buf)
			if err != nil {
				return
			}
			to := dest(src)
			if drop.Load() {
				line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
				r.dropped <- line
				continue
			}
			if to != nil {
				_, _ = by.WriteTo(buf[:n], to)
			}
		}
	}
	go carry(near, beyond, &r.out, func(src net.Addr) net.Addr { us.Store(&src); return to })
	go carry(beyond, near, &r.in, func(net.Addr) net.Addr {
		if p := us.Load(); p != nil {
			return *p
		}
		return nil
	})
	return r
}

// TestPartition cuts the way to the trunk, and the lease ends meanwhile.
func TestPartition(t *testing.T) {
	for _, test := range []struct {
		name     string
		out      bool // nothing reaches the far end; else nothing of it reaches us
		customer func(f *far, healed <-chan struct{})
	}{
		{"nothing has reached the far end", true, func(f *far, healed <-chan struct{}) {
			<-healed
			f.silence(3 * time.Second) // the resends would be due after 2 s at the latest
		}},
		{"the phone rings, and nobody told us", false, func(f *far, healed <-chan struct{}) {
			invite := f.await("INVITE")
			f.answer(invite, "180 Ringing")
			<-healed
			f.answer(invite, "180 Ringing")
			f.answer(f.await("CANCEL"), "200 OK")
			f.answer(invite, "487 Request Terminated")
			f.await("ACK")
		}},
		{"the customer answers, and nobody told us", false, func(f *far, healed <-chan struct{}) {
			invite := f.await("INVITE")
			f.answer(invite, "180 Ringing")
			<-healed
			f.answer(invite, "200 OK", f.sdp())
			hungUpAtOnce(f)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			customer := newFar(t)
			r := newRelay(t, customer.addr)
			r.out.Store(test.out)
			r.in.Store(!test.out)
			healed := make(chan struct{})
			customer.run(func(f *far) { test.customer(f, healed) })
			n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: r.addr}} })
			var over atomic.Bool
			order := orderTo(nil)
			order.MayWrite = func() error {
				if over.Load() {
					return errors.New("the lease is over")
				}
				return nil
			}
			c := place(t, n, order)
			<-r.dropped // an INVITE, or what was said to it
			over.Store(true)
			if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Unknown || got.NotDialed || got.Cause != "the lease is over" {
				t.Errorf("ended %+v", got)
			}
			r.out.Store(false)
			r.in.Store(false)
			close(healed)
			customer.ended()
			select {
			case m := <-customer.again:
				if m.word() == "INVITE" && test.out {
					t.Errorf("late: %q", m.start)
				}
			default:
			}
		})
	}
}

// TestDeadCarrier ends calls to a carrier that says nothing: no INVITE of an ended attempt leaves.
func TestDeadCarrier(t *testing.T) {
	t.Parallel()
	customer := newFar(t)
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: customer.addr}} })
	order := orderTo(nil)
	order.Ring = 700 * time.Millisecond
	c := place(t, n, order)
	until(t, c, dialer.Ended)
	for drained := false; !drained; {
		select {
		case <-customer.in:
		case <-customer.again:
		default:
			drained = true
		}
	}
	customer.run(func(f *far) {
		f.silence(4 * time.Second)
		select {
		case m := <-f.again:
			f.fail("%q after the end", m.start)
		default:
		}
	})
	customer.ended()
}

// TestFenceOnAStream refuses an INVITE when the connection stands: not a byte of it leaves.
func TestFenceOnAStream(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			accepted <- c
		}
	}()
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: l.Addr().String(), Transport: "tcp"}} })
	order := orderTo(nil)
	var trunk net.Conn
	order.BeforeCustomer = func(context.Context) error { trunk = <-accepted; return nil } // the way is there when it is asked
	order.MayWrite = func() error { return errors.New("the lease is over") }
	c := place(t, n, order)
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Unknown || !got.NotDialed {
		t.Errorf("ended %+v", got)
	}
	defer trunk.Close()
	if err := trunk.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if k, err := trunk.Read(make([]byte, 100)); k > 0 || !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes have left: %v", k, err)
	}
}

// TestStreamsAreDropped looks at the setting that keeps an INVITE from waiting in the kernel for longer than its lease.
func TestStreamsAreDropped(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := streamDialer(nil)
	conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ms int
	if err2 := raw.Control(func(fd uintptr) {
		ms,
			err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); err2 != nil || err != nil {
		t.Fatal(err2, err)
	}
	if got := time.Duration(ms) * time.Millisecond; got != streamAcked || streamAcked+streamWrite > 5*time.Second {
		t.Errorf("a stream is dropped after %s and %s", got, streamWrite)
	}
}

func TestFenceJudges(t *testing.T) {
	no := errors.New("no")
	sent, told := 0, make(chan error, 2)
	var refusal error
	f := &fence{ring: time.Hour, ask: func() error { return refusal }, kept: func(err error) { told <- err }}
	send := func() error {
		return f.write(func(may func() error) error {
			if err := may(); err != nil {
				return err
			}
			sent++
			return nil
		})
	}

	if err := f.write(func(func() error) error { return no }); err != no || f.written() {
		t.Errorf("a write that failed: %v, written %v", err, f.written())
	}
	if err := send(); err != nil || sent != 1 || !f.written() {
		t.Errorf("the first: %v, %d sent", err, sent)
	}
	if err := send(); err != nil || sent != 2 {
		t.Errorf("the second: %v, %d sent", err, sent)
	}
	refusal = no
	if err := send(); err != nil || sent != 2 || <-told != no {
		t.Errorf("a resend that may not leave: %v, %d sent", err, sent)
	}
	refusal = nil
	if err := send(); err != nil || sent != 2 || f.may() != no {
		t.Errorf("there was a yes after a no: %v, %d sent", err, sent)
	}

	f = &fence{ask: func() error { return no }, kept: func(error) { t.Error("told of a first write") }}
	if err := send(); err != no || sent != 2 || f.written() {
		t.Errorf("a first that may not leave: %v, %d sent", err, sent)
	}

	f = &fence{ring: time.Minute, first: uptime.Now().Add(-time.Minute), ask: func() error { return nil }}
	if err := send(); err != nil || sent != 2 || f.may() != errRangOut {
		t.Errorf("after its ring: %v, %d sent, %v", err, sent, f.may())
	}
}

// TestFenceBehindTheQueue has a resend wait behind another writer of the socket until the lease is over: it is asked about after
// the wait.
func TestFenceBehindTheQueue(t *testing.T) {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	raw, err := udp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	go func() { _ = raw.Write(func(uintptr) bool { close(held); <-release; return true }) }()
	<-held

	var over atomic.Bool
	kept := make(chan error, 1)
	no := errors.New("the lease is over")
	f := &fence{first: uptime.Now(), kept: func(err error) { kept <- err }, ask: func() error {
		if over.Load() {
			return no
		}
		return nil
	}}
	socket := fencedSocket{udp, &fences{}}
	invite := sip.NewRequest(sip.INVITE, sip.Uri{Host: "127.0.0.1"})
	invite.AppendHeader(&sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "127.0.0.1",
		Params: sip.NewParams()})
	defer socket.fences.guard(invite, f)()
	written := make(chan error, 1)
	go func() {
		_, err := socket.WriteTo([]byte(invite.String()), far.LocalAddr())
		written <- err
	}()
	testdeps.Lasts(100 * time.Millisecond) // it stands in the queue
	over.Store(true)
	close(release)
	if err := <-written; err != nil || <-kept != no {
		t.Errorf("a resend that came too late: %v", err)
	}
	if _, err := udp.WriteTo([]byte("end"), far.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2000)
	if n, _, err := far.ReadFrom(buf); err != nil || string(buf[:n]) != "end" {
		t.Errorf("the trunk got %q, %v", buf[:n], err)
	}
}

func TestFencesPassTheRest(t *testing.T) {
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: "127.0.0.1:9"}} })
	<-n.ready
	e := n.endpoint
	invite := e.request("INVITE", sip.Uri{Scheme: "sip", Host: "127.0.0.1"}, hop{transport: "UDP", addr: "127.0.0.1:9"})
	if _, fenced := e.fences.of([]byte(invite.String())); fenced {
		t.Error("an INVITE inside a dialog, or to an agent, is fenced")
	}
	mine := &fence{}
	release := e.fences.guard(invite, mine)
	if of, fenced := e.fences.of([]byte(invite.String())); !fenced || of != mine {
		t.Errorf("a customer's INVITE: fenced %v, %p", fenced, of)
	}
	for _, method := range []string{"ACK", "CANCEL", "BYE", "OPTIONS"} {
		if _, fenced := e.fences.of([]byte(strings.Replace(invite.String(), "INVITE", method, 1))); fenced {
			t.Errorf("%s is fenced", method)
		}
	}
	release()
	if of, fenced := e.fences.of([]byte(invite.String())); !fenced || of != nil {
		t.Errorf("an INVITE whose transaction has ended: fenced %v, %p", fenced, of)
	}
}
