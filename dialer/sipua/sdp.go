package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/internal/media"
)

// description is what we read of, and write into, SDP (RFC 8866): one audio stream. Browsers' SDP is pion's matter, but for
// the direction and the ICE name, which tell hold from a new path.
type description struct {
	addr      netip.AddrPort
	control   netip.AddrPort // of RTCP; port 0: it wants none
	mux       bool           // RTCP comes to the port of RTP (RFC 5761)
	codecs    []media.Codec  // in the order of preference
	pts       [2]uint8       // their payload types where they are not the static ones; see pt
	eventPT   uint8          // of telephone events; zero: none
	hear      [128]media.Content
	direction string // "sendrecv", "sendonly", "recvonly", "inactive"
	profile   string // "RTP/AVP"
	length    int    // samples of sound that it wants in a packet, and at most; zero: it does not say
	most      int
	crypto    []media.Crypto

	streams []string // the values of all m= lines, ours among them
	at      int      // which of them is ours
}

const (
	maxSDP     = 16 << 10 // what is parsed
	maxStreams = 16
)

var errSDP = errors.New("sipua: SDP")

// stream is one m= line and what belongs to it; the first one is the session's part, before all m= lines.
type stream struct {
	line       string
	connection string
	attributes []string
	bandwidths []string
}

// parseSDP reads an offer or answer of a phone or trunk whose sound is in the clear.
func parseSDP(body []byte) (description, error) { return readSDP(body, false) }

// readSDP finds the first audio stream that we can speak: in the clear, or secured by SDES (RFC 4568).
func readSDP(body []byte, secure bool) (description, error) {
	parts, err := split(body)
	if err != nil {
		return description{}, err
	}
	d, err := description{}, fmt.Errorf("%w: no audio", errSDP)
	for i, s := range parts[1:] {
		d.streams = append(d.streams, s.line)
		if !strings.HasPrefix(s.line, "audio ") || len(d.codecs) > 0 {
			continue
		}
		found, bad := readStream(parts[0], s, secure)
		if err = bad; bad == nil {
			found.streams, found.at = d.streams, i
			d = found
		}
	}
	return d, err
}

func split(body []byte) ([]stream, error) {
	if len(body) > maxSDP {
		return nil, fmt.Errorf("%w: longer than %d bytes", errSDP, maxSDP)
	}
	parts := make([]stream, 1, 2)
	for line := range bytes.Lines(body) {
		kind, value, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), "=")
		part := &parts[len(parts)-1]
		switch {
		case !ok:
		case kind == "m" && len(parts) > maxStreams:
			return nil, fmt.Errorf("%w: more than %d streams", errSDP, maxStreams)
		case kind == "m":
			parts = append(parts, stream{line: value})
		case kind == "c":
			if fields := strings.Fields(value); len(fields) == 3 {
				part.connection, _, _ = strings.Cut(fields[2], "/")
			}
		case kind == "a":
			part.attributes = append(part.attributes, value)
		case kind == "b":
			part.bandwidths = append(part.bandwidths, value)
		}
	}
	return parts, nil
}

func readStream(session, s stream, secure bool) (description, error) {
	d := description{direction: "sendrecv"}
	fields := strings.Fields(s.line)
	if len(fields) < 3 {
		return d, fmt.Errorf("%w: %q: want m=audio PORT PROFILE FORMAT", errSDP, clean(s.line))
	}
	first, _, _ := strings.Cut(fields[1], "/")
	port, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return d, fmt.Errorf("%w: port %q", errSDP, clean(first))
	}
	if port == 0 {
		return d, fmt.Errorf("%w: audio is refused (port 0)", errSDP)
	}
	if s.connection == "" {
		s.connection = session.connection
	}
	address, err := netip.ParseAddr(s.connection)
	if err != nil {
		return d, fmt.Errorf("%w: connection address %q: want an IP address", errSDP, clean(s.connection))
	}
	address = address.Unmap().WithZone("")
	d.addr = netip.AddrPortFrom(address, uint16(port))
	d.profile = fields[2]
	if d.secured() != secure || !strings.HasPrefix(d.profile, "RTP/") {
		return d, fmt.Errorf("%w: profile %q: want %s", errSDP, clean(d.profile), profileOf(secure))
	}
	d.payloads(fields[3:], s.attributes)
	if len(d.codecs) == 0 {
		return d, fmt.Errorf("%w: neither PCMA nor PCMU", errSDP)
	}
	d.control = netip.AddrPortFrom(address, uint16(port)+1)
	for _, a := range slices.Concat(session.attributes, s.attributes) {
		d.attribute(a)
	}
	if bandwidths := append(session.bandwidths, s.bandwidths...); slices.Contains(bandwidths, "RS:0") && slices.Contains(bandwidths,
		"RR:0") {
		d.control = netip.AddrPortFrom(address, 0) // RFC 3556: no RTCP
	}
	if secure && len(d.crypto) == 0 {
		return d, fmt.Errorf("%w: no a=crypto that we know", errSDP)
	}
	if address.IsUnspecified() { // hold as in RFC 2543
		d.direction = "inactive"
	}
	return d, nil
}

func profileOf(secure bool) string {
	if secure {
		return "RTP/SAVP"
	}
	return "RTP/AVP"
}

func (d *description) secured() bool {
	return strings.HasPrefix(d.profile, "RTP/SAVP") || len(d.crypto) > 0
}

// payloads reads what each payload type of the m= line means.
func (d *description) payloads(listed, attributes []string) {
	names := map[string]string{"0": "PCMU/8000", "8": "PCMA/8000", "13": "CN/8000"}
	for _, a := range attributes {
		if rest, ok := strings.CutPrefix(a, "rtpmap:"); ok {
			pt, encoding, _ := strings.Cut(rest, " ")
			names[pt] = strings.ToUpper(strings.TrimSuffix(strings.TrimSpace(encoding), "/1"))
		}
	}
	for _, pt := range listed {
		n, err := strconv.ParseUint(pt, 10, 7)
		if err != nil {
			continue
		}
		switch names[pt] {
		case "PCMU/8000":
			d.codec(media.ULaw, uint8(n), media.SoundULaw)
		case "PCMA/8000":
			d.codec(media.ALaw, uint8(n), media.SoundALaw)
		case "CN/8000":
			d.hear[n] = media.Noise
		case "TELEPHONE-EVENT/8000":
			if n != 0 && d.eventPT == 0 {
				d.eventPT, d.hear[n] = uint8(n), media.Events
			}
		}
	}
}

func (d *description) codec(c media.Codec, pt uint8, means media.Content) {
	d.hear[pt] = means
	if slices.Contains(d.codecs, c) {
		return
	}
	d.codecs = append(d.codecs, c)
	if pt != uint8(c) {
		d.pts[c/media.ALaw] = pt
	}
}

// pt is the payload type of a codec.
func (d *description) pt(c media.Codec) uint8 {
	if pt := d.pts[c/media.ALaw]; pt != 0 {
		return pt
	}
	return uint8(c)
}

// samples is how many a length in milliseconds has; zero: it is none that sound is sent in.
func samples(ms string) int {
	n, err := strconv.ParseFloat(strings.TrimSpace(ms), 64)
	if err != nil || n < 5 || n > 150 {
		return 0
	}
	return int(n * media.Rate / 1000)
}

func (d *description) attribute(value string) {
	name, rest, _ := strings.Cut(value, ":")
	switch name {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		d.direction = name
	case "rtcp-mux":
		d.mux = true
	case "ptime":
		d.length = samples(rest)
	case "maxptime":
		d.most = samples(rest)
	case "rtcp": // RFC 3605: PORT [IN IP4 ADDRESS]
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			return
		}
		port, err := strconv.ParseUint(fields[0], 10, 16)
		if err != nil {
			return
		}
		address := d.addr.Addr()
		if len(fields) == 4 {
			if other, err := netip.ParseAddr(fields[3]); err == nil {
				address = other.Unmap().WithZone("")
			}
		}
		d.control = netip.AddrPortFrom(address, uint16(port))
	case "crypto":
		if c, err := media.ParseCrypto(rest); err == nil && len(d.crypto) < maxStreams {
			d.crypto = append(d.crypto, c)
		}
	}
}

// text writes the description as our offer or answer, in the given version.
func (d description) text(version int) []byte {
	var b bytes.Buffer
	family := "IP4"
	if d.addr.Addr().Is6() {
		family = "IP6"
	}
	fmt.Fprintf(&b, "v=0\r\no=- 1 %d IN %s %s\r\ns=-\r\nc=IN %[2]s %[3]s\r\nt=0 0\r\n", version, family, d.addr.Addr())
	for i := range max(len(d.streams), 1) {
		if len(d.streams) == 0 || i == d.at {
			d.stream(&b)
			continue
		}
		if fields := strings.Fields(d.streams[i]); len(fields) > 3 { // refused (RFC 3264, section 6)
			fmt.Fprintf(&b, "m=%s 0 %s\r\n", fields[0], strings.Join(fields[2:], " "))
		} else {
			b.WriteString("m=application 0 RTP/AVP 0\r\n")
		}
	}
	return b.Bytes()
}

func (d description) stream(b *bytes.Buffer) {
	profile := d.profile
	if profile == "" {
		profile = profileOf(len(d.crypto) > 0)
	}
	fmt.Fprintf(b, "m=audio %d %s", d.addr.Port(), profile)
	for _, c := range d.codecs {
		fmt.Fprintf(b, " %d", d.pt(c))
	}
	if d.eventPT != 0 {
		fmt.Fprintf(b, " %d", d.eventPT)
	}
	b.WriteString("\r\n")
	for _, c := range d.codecs {
		fmt.Fprintf(b, "a=rtpmap:%d %s/8000\r\n", d.pt(c), c)
	}
	if d.eventPT != 0 {
		fmt.Fprintf(b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%[1]d 0-16\r\n", d.eventPT)
	}
	for _, c := range d.crypto {
		fmt.Fprintf(b, "a=crypto:%s\r\n", c.SDP())
	}
	if d.mux {
		b.WriteString("a=rtcp-mux\r\n")
	}
	fmt.Fprintf(b, "a=ptime:20\r\na=%s\r\n", d.direction)
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

// browserSDP reads of a browser's SDP what is ours: the direction, and the name of its ICE session.
func browserSDP(body []byte) (direction, ufrag string, err error) {
	parts, err := split(body)
	if err != nil {
		return "", "", err
	}
	direction = "sendrecv"
	audio := slices.IndexFunc(parts, func(s stream) bool { return strings.HasPrefix(s.line, "audio ") })
	if audio < 0 {
		return "", "", fmt.Errorf("%w: no audio", errSDP)
	}
	for _, a := range slices.Concat(parts[0].attributes, parts[audio].attributes) {
		switch name, rest, _ := strings.Cut(a, ":"); name {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			direction = name
		case "ice-ufrag":
			ufrag = rest
		}
	}
	return direction, ufrag, nil
}

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
