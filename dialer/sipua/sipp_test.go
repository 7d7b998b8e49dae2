package sipua

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// sipp is a SIPp process that plays a trunk or a phone.
type sipp struct {
	addr string
	t    *testing.T
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan error
	dir  string
}

// startSIPp runs a scenario of steps for calls calls:
//
//	INVITE ACK BYE CANCEL …   wait for that request
//	?BYE                      the same, but it may also not come
//	180 200 486 …             answer the last request; "200+sdp" with SDP; a header may follow: "503 Retry-After: 7"
//	=200                      answer the INVITE once more, as a retransmission
//	>BYE >INVITE+sendonly     send a request inside the dialog, perhaps with "header|body|…"; <200 waits for its answer
//	pause 300                 milliseconds
func startSIPp(t *testing.T, calls int, steps ...string) *sipp {
	t.Helper()
	return startSIPpAt(t, "127.0.0.1", calls, nil, steps...)
}

func startSIPpAt(t *testing.T, ip string, calls int, args []string, steps ...string) *sipp {
	t.Helper()
	if _, err := exec.LookPath("sipp"); err != nil {
		t.Skip("sipp is not installed: apt-get install sip-tester")
	}
	for range 5 {
		if s := trySIPp(t, ip, calls, args, steps); s != nil {
			return s
		}
	}
	t.Fatal("sipp finds no free ports")
	return nil
}

// trySIPp starts SIPp at ports of its own; nil: one of them is another's.
func trySIPp(t *testing.T, ip string, calls int, args, steps []string) *sipp {
	t.Helper()
	s := &sipp{t: t, dir: t.TempDir(), done: make(chan error, 1)}
	file := filepath.Join(s.dir, "scenario.xml")
	if err := os.WriteFile(file, []byte(scenario(steps)), 0o600); err != nil {
		t.Fatal(err)
	}
	slot := sippSlot.Add(1)
	port := 11000 + int(slot)
	s.addr = net.JoinHostPort(ip, strconv.Itoa(port))
	s.cmd = exec.Command("sipp", "-sf", file, "-i", ip, "-p", strconv.Itoa(port), "-m", strconv.Itoa(calls),
		"-nostdin", "-timeout", "60s", "-timeout_error", "-trace_err", "-error_file", filepath.Join(s.dir, "errors"),
		"-mp", strconv.Itoa(13000+10*int(slot)), "-default_behaviors", "all,-bye,-abortunexp", "-deadcall_wait", "0")
	s.cmd.Args = append(s.cmd.Args, args...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	taken := false
	testdeps.Eventually(t, "sipp listens", func() bool {
		select {
		case err := <-s.done:
			if taken = bytes.Contains(s.out.Bytes(), []byte("already in use")); taken {
				return true
			}
			t.Fatalf("sipp: %v\n%s", err, s.out.Bytes())
		default:
		}
		file := "/proc/net/udp"
		if slices.Contains(args, "-t") {
			file = "/proc/net/tcp"
		}
		if ip == "::1" {
			file += "6"
		}
		sockets, err := os.ReadFile(file)
		return err == nil && bytes.Contains(sockets, fmt.Appendf(nil, ":%04X ", port))
	})
	if taken {
		return nil
	}
	return s
}

// passed waits until SIPp has seen what its scenario asks, and nothing else.
func (s *sipp) passed() {
	s.t.Helper()
	select {
	case err := <-s.done:
		s.done <- err
		if err != nil {
			errors, _ := os.ReadFile(filepath.Join(s.dir, "errors"))
			s.t.Errorf("sipp: %v\n%s", err, errors)
		}
	case <-time.After(45 * time.Second):
		errors, _ := os.ReadFile(filepath.Join(s.dir, "errors"))
		s.t.Errorf("sipp still waits\n%s", errors)
	}
}

// sippSlot gives each SIPp ports of its own below the ephemeral ones: it needs several, and dies when one is taken.
var sippSlot = func() *atomic.Int64 {
	var slot atomic.Int64
	slot.Store(int64(os.Getpid() % 1000))
	return &slot
}()

const sippSDP = `Content-Type: application/sdp
Content-Length: [len]

v=0
o=u 1 %d IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=%s
`

func scenario(steps []string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><scenario name="test">` + "\n")
	version, cseq := 0, 10
	for _, step := range steps {
		word, extra, _ := strings.Cut(step, " ")
		body := func(direction string) string {
			version++
			return fmt.Sprintf(sippSDP, version, direction)
		}
		switch {
		case word == "pause":
			fmt.Fprintf(&b, "<pause milliseconds=%q/>\n", extra)
		case word == "INVITE":
			b.WriteString(`<recv request="INVITE"><action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>` +
				`<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="2"/>` +
				`<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="3"/><ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="4"/>` +
				`</action></recv>` + "\n")
		case word[0] == '?':
			fmt.Fprintf(&b, "<recv request=%q optional=\"true\"/>\n", word[1:])
		case word[0] == '<':
			fmt.Fprintf(&b, "<recv response=%q/>\n", word[1:])
		case word[0] == '>':
			method, direction, sdp := strings.Cut(word[1:], "+")
			cseq++
			n := cseq
			if method == "ACK" {
				n = cseq - 1
				cseq--
			}
			text := method + " [$2] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n" +
				"From: <sip:c@[local_ip]:[local_port]>;tag=[pid]T[call_number]\nTo:[$1]\nCall-ID: [call_id]\n" +
				fmt.Sprintf("CSeq: %d %s\nContact: <sip:c@[local_ip]:[local_port]>\nMax-Forwards: 70\n", n, method)
			if header, content, _ := strings.Cut(extra, "|"); extra != "" {
				text += header + "\n"
				if content != "" {
					text += "Content-Length: [len]\n\n" + strings.ReplaceAll(content, "|", "\n") + "\n"
					fmt.Fprintf(&b, "<send><![CDATA[\n%s\n]]></send>\n", text)
					continue
				}
			}
			if sdp {
				text += body(direction)
			} else {
				text += "Content-Length: 0\n"
			}
			fmt.Fprintf(&b, "<send><![CDATA[\n%s\n]]></send>\n", text)
		case word[0] >= '0' && word[0] <= '9' || word[0] == '=':
			again := word[0] == '='
			code, direction, sdp := strings.Cut(strings.TrimPrefix(word, "="), "+")
			if direction == "sdp" {
				direction = "sendrecv"
			}
			head := "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]T[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n"
			if again { // the INVITE's answer, though other requests came since
				head = "Via:[$3]\nFrom:[$1]\nTo: <sip:c@[local_ip]:[local_port]>;tag=[pid]T[call_number]\n[last_Call-ID:]\nCSeq:[$4]\n"
			}
			if code == "407" || code == "401" || code == "100" {
				head = strings.Replace(head, ";tag=[pid]T[call_number]", "", 1)
			}
			text := "SIP/2.0 " + code + " " + strings.ReplaceAll(reasonHeader(code), "_", " ") + "\n" + head
			if extra != "" {
				text += extra + "\n"
			}
			text += "Contact: <sip:c@[local_ip]:[local_port]>\n"
			if sdp {
				text += body(direction)
			} else {
				text += "Content-Length: 0\n"
			}
			fmt.Fprintf(&b, "<send><![CDATA[\n%s\n]]></send>\n", text)
		default:
			fmt.Fprintf(&b, "<recv request=%q/>\n", word)
		}
	}
	if strings.Contains(b.String(), "assign_to") { // SIPp wants each variable used
		b.WriteString(`<Reference variables="1,2,3,4"/>`)
	}
	b.WriteString("</scenario>")
	return b.String()
}

func reasonHeader(code string) string {
	phrase, ok := map[string]string{"180": "Ringing", "183": "Session_Progress", "200": "OK", "404": "Not_Found", "486": "Busy_Here",
		"401": "Unauthorized", "487": "Request_Terminated", "503": "Service_Unavailable", "407": "Proxy_Authentication_Required",
		"302": "Moved_Temporarily"}[code]
	if !ok {
		return "Whatever" // SIPp cuts a line's trailing space off, and a status line without one is none
	}
	return phrase
}
