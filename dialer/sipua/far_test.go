package sipua

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/media"
)

// far is a far end that says what its script says, and nothing else: a phone or a carrier over UDP, written without the library
// that we use. A script runs beside the test; what it did not expect ends it and fails the test.
//
//	invite := f.await("INVITE")
//	f.answer(invite, "180 Ringing")
//	f.answer(invite, "200 OK", f.sdp())
//	f.await("ACK")
//	f.request("BYE")
//	f.status("200")
type far struct {
	t     testing.TB
	conn  net.PacketConn
	addr  string        // where it is called
	sound *net.UDPConn  // its RTP; nil: none
	in    chan *message // what came for the first time, in order
	again chan *message // what came again
	done  chan struct{} // closed when the script has ended
	wait  time.Duration // for each thing that the script awaits

	peer   net.Addr // who calls
	invite *message // the last INVITE that opened a call
	tag    string   // ours, in the dialog
	cseq   int      // of our requests
	sent   *message // the last request of ours

	mu   sync.Mutex
	wire []string // "<INVITE" came, ">200" went, resends not
}

// patience bounds each wait of a script: a machine may be slow and a talk long, but no script is stuck for ever.
const patience = 150 * time.Second

// message is one SIP message as it was on the wire.
type message struct {
	start  string
	header [][2]string
	body   string
	from   net.Addr
}

func parseMessage(b []byte, from net.Addr) *message {
	head, body, _ := strings.Cut(string(b), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := &message{start: lines[0], body: body, from: from}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		m.header = append(m.header, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return m
}

// all are the values of a header, get is the first of them, or "".
func (m *message) all(name string) (values []string) {
	for _, h := range m.header {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return values
}

func (m *message) get(name string) string {
	if all := m.all(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// word is a request's method or a response's code.
func (m *message) word() string {
	first, rest, _ := strings.Cut(m.start, " ")
	if first == "SIP/2.0" {
		first, _, _ = strings.Cut(rest, " ")
	}
	return first
}

// uri is what a request is sent to, or the address in a header.
func (m *message) uri() string { return strings.Fields(m.start)[1] }

func (m *message) contact() string {
	_, rest, _ := strings.Cut(m.get("Contact"), "<")
	uri, _, _ := strings.Cut(rest, ">")
	return uri
}

// newFar starts a far end; run gives it a script.
func newFar(t testing.TB) *far {
	t.Helper()
	return newFarAt(t, "127.0.0.1")
}

func newFarAt(t testing.TB, ip string) *far {
	t.Helper()
	conn, err := net.ListenPacket("udp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	sound, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sound.Close() })
	f := farOn(t, conn)
	f.sound = sound
	return f
}

// farOn is a far end on a socket of the test's.
func farOn(t testing.TB, conn net.PacketConn) *far {
	f := &far{t: t, conn: conn, addr: conn.LocalAddr().String(), in: make(chan *message, 100), again: make(chan *message, 100),
		done: make(chan struct{}), wait: patience, tag: "far" + strconv.FormatInt(testSerial.Add(1), 10)}
	t.Cleanup(func() { _ = conn.Close() })
	go f.read()
	return f
}

func (f *far) read() {
	seen := map[string]bool{}
	for buf := make([]byte, 65536); ; {
		n, from, err := f.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if n > 0 && buf[0]>>6 == 2 {
			continue // RTP of another test's far end: the port was our leg's, a moment ago
		}
		m := parseMessage(buf[:n], from)
		key := m.word() + m.get("CSeq") + m.get("Via") + m.get("To")
		if seen[key] {
			select {
			case f.again <- m:
			default:
			}
			continue
		}
		seen[key] = true
		f.note("<" + m.word())
		f.in <- m
	}
}

func (f *far) note(what string) {
	f.mu.Lock()
	f.wire = append(f.wire, what)
	f.mu.Unlock()
}

// extension is the far end as an agent's phone.
func (f *far) extension() *agents.Extension {
	return &agents.Extension{Name: "3444", Network: Name, Number: "3444", Server: f.addr}
}

// run plays a script, once.
func (f *far) run(script func(*far)) {
	go func() {
		defer close(f.done)
		script(f)
	}()
}

// ended waits for the script's end. Nothing may have come that the script did not take.
func (f *far) ended() {
	f.t.Helper()
	<-f.done // each wait of a script is bounded
	select {
	case m := <-f.in:
		f.t.Errorf("the far end did not expect %q", m.start)
	default:
	}
}

func (f *far) fail(format string, args ...any) {
	f.mu.Lock()
	wire := strings.Join(f.wire, " ")
	f.mu.Unlock()
	f.t.Errorf("far end: "+format+"; so far: "+wire, args...)
	runtime.Goexit()
}

// check fails the script unless ok.
func (f *far) check(ok bool, format string, args ...any) {
	if !ok {
		f.fail(format, args...)
	}
}

// next is what comes next, for the first time.
func (f *far) next(what string) *message {
	select {
	case m := <-f.in:
		return m
	case <-time.After(f.wait):
		f.fail("no %s", what)
		return nil
	}
}

// await takes a request; anything else is a fault.
func (f *far) await(method string) *message {
	m := f.next(method)
	f.check(m.word() == method, "wanted %s, got %q", method, m.start)
	if method == "INVITE" && !strings.Contains(m.get("To"), "tag=") {
		f.invite, f.peer = m, m.from
	}
	return m
}

// status takes a response to our last request; provisional ones are passed over.
func (f *far) status(code string) *message {
	for {
		m := f.next(code)
		if w := m.word(); w == "100" && code != "100" {
			continue
		}
		f.check(m.word() == code, "wanted %s, got %q", code, m.start)
		return m
	}
}

// resent takes something that comes again: a request's method, or a response's code.
func (f *far) resent(word string) *message {
	for deadline := time.After(f.wait); ; {
		select {
		case m := <-f.again:
			if m.word() == word {
				return m
			}
		case <-deadline:
			f.fail("%s does not come again", word)
		}
	}
}

// silence fails the script if anything new comes within d.
func (f *far) silence(d time.Duration) {
	select {
	case m := <-f.in:
		f.fail("wanted silence, got %q", m.start)
	case <-time.After(d):
	}
}

// extra is a part of a message: a header line such as "Reason: Q.850;cause=17", or a body made by sdp. A header that every
// message has is replaced: "To: …", "Contact: …", "CSeq: …". "-Contact" leaves it out.
type extra string

// answer answers a request: "486 Busy Here". A final answer to an INVITE, and everything after, has our tag.
func (f *far) answer(req *message, status string, extras ...extra) {
	to := req.get("To")
	if !strings.Contains(to, "tag=") && !strings.HasPrefix(status, "100") {
		to += ";tag=" + f.tag
	}
	var lines []string
	for _, via := range req.all("Via") {
		lines = append(lines, "Via: "+via)
	}
	lines = append(lines, "From: "+req.get("From"), "To: "+to, "Call-ID: "+req.get("Call-ID"), "CSeq: "+req.get("CSeq"),
		"Contact: <sip:far@"+f.addr+">")
	f.write("SIP/2.0 "+status, lines, extras, req.from)
}

// request sends a request inside the call's dialog.
func (f *far) request(method string, extras ...extra) *message {
	f.cseq++
	return f.send(method, f.cseq, extras...)
}

// send is request with a CSeq of its own.
func (f *far) send(method string, cseq int, extras ...extra) *message {
	f.check(f.invite != nil, "%s without a call", method)
	return f.write(method+" "+f.invite.contact()+" SIP/2.0", []string{
		"Via: SIP/2.0/UDP " + f.addr + ";branch=z9hG4bK" + strconv.FormatInt(testSerial.Add(1), 36) + ";rport",
		"Max-Forwards: 70", "From: " + strings.ReplaceAll(f.invite.get("To"), ";tag="+f.tag, "") + ";tag=" + f.tag,
		"To: " + f.invite.get("From"), "Call-ID: " + f.invite.get("Call-ID"), fmt.Sprintf("CSeq: %d %s", cseq, method),
		"Contact: <sip:far@" + f.addr + ">",
	}, extras, f.peer)
}

// ack acknowledges a 2xx to our last INVITE.
func (f *far) ack(extras ...extra) { f.send("ACK", f.cseq, extras...) }

func (f *far) write(start string, lines []string, extras []extra, to net.Addr) *message {
	body := ""
	for _, e := range extras {
		name, _, _ := strings.Cut(string(e), ":")
		switch {
		case strings.Contains(string(e), "\r\n\r\n"):
			head, text, _ := strings.Cut(string(e), "\r\n\r\n")
			lines, body = append(lines, head), text
			continue
		case strings.HasPrefix(name, "-"):
			lines = without(lines, name[1:])
			continue
		case name == "To" || name == "Contact" || name == "CSeq" || name == "From" || name == "Via" || name == "Call-ID":
			lines = without(lines, name)
		}
		lines = append(lines, string(e))
	}
	text := start + "\r\n" + strings.Join(lines, "\r\n") + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	m := parseMessage([]byte(text), to)
	f.note(">" + m.word())
	if _, err := f.conn.WriteTo([]byte(text), to); err != nil {
		f.fail("%v", err)
	}
	f.sent = m
	return m
}

func without(lines []string, name string) []string {
	kept := lines[:0:0]
	for _, l := range lines {
		if n, _, _ := strings.Cut(l, ":"); !strings.EqualFold(n, name) {
			kept = append(kept, l)
		}
	}
	return kept
}

// repeat sends a message of ours once more, as when it was lost.
func (f *far) repeat(m *message) {
	var b strings.Builder
	b.WriteString(m.start + "\r\n")
	for _, h := range m.header {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	if _, err := f.conn.WriteTo([]byte(b.String()+"\r\n"+m.body), m.from); err != nil {
		f.fail("%v", err)
	}
}

// sdp is our audio in a direction, "sendrecv" if none is named.
func (f *far) sdp(direction ...string) extra {
	d := description{addr: f.soundAddr(), codecs: []media.Codec{media.ALaw}, eventPT: 101, direction: "sendrecv"}
	if len(direction) > 0 {
		d.direction = direction[0]
	}
	return rawSDP(string(d.text(int(testSerial.Add(1)))))
}

// rawSDP is a body of SDP of the script's own.
func rawSDP(text string) extra { return extra("Content-Type: application/sdp\r\n\r\n" + text) }

// talk says a tone to whoever offered SDP last, until the test ends.
func (f *far) talk() {
	d, err := parseSDP([]byte(f.invite.body))
	f.check(err == nil, "offer: %v", err)
	ctx, stop := context.WithCancel(context.Background())
	f.t.Cleanup(stop)
	go chatter(ctx, f.sound, net.UDPAddrFromAddrPort(d.addr))
}

// pickUp takes a call, rings, answers and begins to talk.
func (f *far) pickUp(extras ...extra) {
	invite := f.await("INVITE")
	f.answer(invite, "180 Ringing")
	f.answer(invite, "200 OK", append(extras, f.sdp())...)
	f.await("ACK")
	if f.sound != nil {
		f.talk()
	}
}

// awaitBye waits for the end of the call by us, and agrees.
func (f *far) awaitBye() {
	f.answer(f.await("BYE"), "200 OK")
}

// hangUp ends the call by BYE.
func (f *far) hangUp(extras ...extra) {
	f.request("BYE", extras...)
	f.status("200")
}

// soundAddr is where we hear.
func (f *far) soundAddr() netip.AddrPort {
	if f.sound == nil {
		return netip.MustParseAddrPort("192.0.2.2:4000")
	}
	return f.sound.LocalAddr().(*net.UDPAddr).AddrPort()
}

// mediaLines are the m= lines of SDP, without "m=".
func mediaLines(sdp string) (lines []string) {
	for line := range strings.Lines(sdp) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "m="); ok {
			lines = append(lines, rest)
		}
	}
	return lines
}
