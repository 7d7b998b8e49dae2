package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/internal/media"
)

// description is what we read of, and write into, SDP (RFC 8866): one audio stream. Browsers' SDP is pion's matter, but for
// the direction and the ICE name, which tell hold from a new path.
type description struct {
	addr      netip.AddrPort
	codecs    []media.Codec // in the order of preference
	eventPT   uint8         // of telephone events; zero: none
	direction string        // "sendrecv", "sendonly", "recvonly", "inactive"
	ufrag     string        // a=ice-ufrag
}

// maxSDP bounds what is parsed.
const maxSDP = 16 << 10

var errSDP = errors.New("sipua: SDP")

// parseSDP reads an offer or answer of a phone or trunk.
func parseSDP(body []byte) (description, error) {
	d := description{direction: "sendrecv"}
	if len(body) > maxSDP {
		return d, fmt.Errorf("%w: longer than %d bytes", errSDP, maxSDP)
	}
	var session, stream string // c= addresses
	inSession, inAudio, seen := true, false, false
	port := 0
	for line := range bytes.Lines(body) {
		kind, value, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), "=")
		if !ok {
			continue
		}
		switch {
		case kind == "m":
			inSession = false
			inAudio = !seen && strings.HasPrefix(value, "audio ")
			if inAudio {
				seen = true
				port = d.media(value)
			}
		case kind == "c" && (inSession || inAudio):
			if fields := strings.Fields(value); len(fields) == 3 {
				address, _, _ := strings.Cut(fields[2], "/")
				if inAudio {
					stream = address
				} else {
					session = address
				}
			}
		case kind == "a" && (inSession || inAudio):
			d.attribute(value)
		}
	}
	if !seen {
		return d, fmt.Errorf("%w: no audio", errSDP)
	}
	if stream == "" {
		stream = session
	}
	address, err := netip.ParseAddr(stream)
	if err != nil || !address.Unmap().Is4() {
		return d, fmt.Errorf("%w: connection address %q: want IPv4", errSDP, clean(stream))
	}
	if port < 0 || port > 65535 {
		return d, fmt.Errorf("%w: port %d", errSDP, port)
	}
	d.addr = netip.AddrPortFrom(address.Unmap(), uint16(port))
	if len(d.codecs) == 0 {
		return d, fmt.Errorf("%w: neither PCMA nor PCMU", errSDP)
	}
	if address.IsUnspecified() { // hold as in RFC 2543
		d.direction = "inactive"
	}
	return d, nil
}

// media reads m=audio PORT PROFILE PT…
func (d *description) media(value string) (port int) {
	fields := strings.Fields(value)
	if len(fields) < 3 {
		return -1
	}
	first, _, _ := strings.Cut(fields[1], "/")
	port, err := strconv.Atoi(first)
	if err != nil {
		return -1
	}
	for _, pt := range fields[3:] {
		if pt == "0" && len(d.codecs) < 2 {
			d.codecs = append(d.codecs, media.ULaw)
		}
		if pt == "8" && len(d.codecs) < 2 {
			d.codecs = append(d.codecs, media.ALaw)
		}
	}
	return port
}

func (d *description) attribute(value string) {
	name, rest, _ := strings.Cut(value, ":")
	switch name {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		d.direction = name
	case "ice-ufrag":
		d.ufrag = rest
	case "rtpmap":
		pt, encoding, _ := strings.Cut(rest, " ")
		if n, err := strconv.ParseUint(pt, 10, 7); err == nil && n >= 96 && strings.EqualFold(encoding, "telephone-event/8000") {
			d.eventPT = uint8(n)
		}
	}
}

// text writes the description as our offer or answer, in the given version.
func (d description) text(version int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "v=0\r\no=- 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %[2]s\r\nt=0 0\r\nm=audio %d RTP/AVP", version, d.addr.Addr(),
		d.addr.Port())
	for _, c := range d.codecs {
		fmt.Fprintf(&b, " %d", c)
	}
	if d.eventPT != 0 {
		fmt.Fprintf(&b, " %d", d.eventPT)
	}
	b.WriteString("\r\n")
	for _, c := range d.codecs {
		fmt.Fprintf(&b, "a=rtpmap:%d %s/8000\r\n", c, c)
	}
	if d.eventPT != 0 {
		fmt.Fprintf(&b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%[1]d 0-16\r\n", d.eventPT)
	}
	fmt.Fprintf(&b, "a=ptime:20\r\na=%s\r\n", d.direction)
	return b.Bytes()
}

// mirrored is the direction that answers one offered to us (RFC 3264, section 6.1).
func mirrored(direction string) string {
	switch direction {
	case "sendonly":
		return "recvonly"
	case "recvonly":
		return "sendonly"
	}
	return direction
}

// holds reports whether a far end that says direction does not want to hear us.
func holds(direction string) bool { return direction == "sendonly" || direction == "inactive" }

// readdress gives stored local SDP of a browser leg another direction and version, as answer to a re-offer that changes nothing
// else. Our first SDP was an offer, "actpass"; the browser chose to be DTLS client, so we stay the server.
func readdress(local []byte, direction string, version int) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(local) {
		text := strings.TrimRight(string(line), "\r\n")
		switch text {
		case "a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive":
			text = "a=" + direction
		case "a=setup:actpass":
			text = "a=setup:passive"
		}
		if fields := strings.Fields(text); strings.HasPrefix(text, "o=") && len(fields) == 6 {
			fields[2] = strconv.Itoa(version)
			text = strings.Join(fields, " ")
		}
		b.WriteString(text + "\r\n")
	}
	return b.Bytes()
}
