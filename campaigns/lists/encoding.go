package lists

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/charmap"
	utf "golang.org/x/text/encoding/unicode"
)

// Encodings are those of text that can be named.
var Encodings = []string{"utf-8", "utf-16le", "utf-16be", "windows-1250", "windows-1251", "windows-1252", "koi8-u", "koi8-r",
	"cp866", "iso-8859-2"}

const (
	readAhead = 256 << 10
	sample    = 64 << 10 // bytes by which the encoding is guessed
)

var charsets = map[string]*charmap.Charmap{
	"windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251, "windows-1252": charmap.Windows1252,
	"koi8-u": charmap.KOI8U, "koi8-r": charmap.KOI8R, "cp866": charmap.CodePage866, "iso-8859-2": charmap.ISO8859_2,
}

// text is a list's text: UTF-8, or of a charset that agrees with ASCII, so that lines and separators are found undecoded.
type text struct {
	in       *bufio.Reader
	encoding string
	charset  *charmap.Charmap
	guessed  bool
	open     bool // so far all was ASCII: what comes later decides
}

// unzipped reads gzip, to a bound.
func unzipped(in *bufio.Reader) (*bufio.Reader, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, unreadable(whyGzip, err)
	}
	return bufio.NewReaderSize(&bounded{from: z, left: maxUnpacked}, readAhead), nil
}

// bounded refuses what unpacks to more than it may, and says of damage what it is.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, unreadable(whyUnpacks(maxUnpacked >> 30))
	}
	if err != nil && err != io.EOF {
		err = unreadable(whyGzip, err)
	}
	return n, err
}

// decoded finds the encoding: by its mark, as its owner says, or by the first bytes.
func decoded(in *bufio.Reader, encoding string) (*text, error) {
	head, _ := in.Peek(sample) // a shorter list is all there
	name := strings.ToLower(strings.TrimSpace(encoding))
	switch name {
	case "utf8":
		name = "utf-8"
	case "cp1251", "cp1250", "cp1252":
		name = "windows-" + name[2:]
	case "ibm866":
		name = "cp866"
	case "us-ascii", "auto", "utf-16":
		name = ""
	}
	t := &text{in: in, encoding: name}
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		_, _ = in.Discard(3)
		t.encoding = "utf-8"
	case bytes.HasPrefix(head, []byte("\xFF\xFE")):
		return t.wide(utf.LittleEndian), nil
	case bytes.HasPrefix(head, []byte("\xFE\xFF")):
		return t.wide(utf.BigEndian), nil
	case name == "utf-16le":
		return t.wide(utf.LittleEndian), nil
	case name == "utf-16be":
		return t.wide(utf.BigEndian), nil
	case charsets[name] != nil:
		t.charset = charsets[name]
	case name == "":
		return t.guess(head)
	case name != "utf-8":
		return nil, unreadable(whyEncoding(clip(encoding), Encodings))
	}
	return t, nil
}

func (t *text) wide(order utf.Endianness) *text {
	t.encoding = "utf-16le"
	if order == utf.BigEndian {
		t.encoding = "utf-16be"
	}
	t.in = bufio.NewReaderSize(utf.UTF16(order, utf.UseBOM).NewDecoder().Reader(t.in), readAhead)
	return t
}

func (t *text) guess(head []byte) (*text, error) {
	t.guessed = true
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	// Digits and separators have a zero beside them in UTF-16, always on the same side.
	if few := len(head) / 10; len(head) >= 8 && max(zeros[0], zeros[1]) > few && min(zeros[0], zeros[1]) <= few/10 {
		order := utf.LittleEndian
		if zeros[0] > zeros[1] {
			order = utf.BigEndian
		}
		return t.wide(order), nil
	}
	t.encoding = "utf-8"
	t.open = true
	t.decide(head)
	return t, nil
}

// decide goes by bytes that are not ASCII, when there are some.
func (t *text) decide(head []byte) {
	good, bad := 0, 0
	for rest := head; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			if utf8.FullRune(rest) { // else cut off by the end of what was read
				bad++
			}
		case n > 1:
			good++
		}
		rest = rest[n:]
	}
	switch {
	case good == 0 && bad == 0:
		return
	case good >= bad && good > 0: // UTF-8, with some damage perhaps
		t.open = false
		return
	}
	if best := bestCharset(head); best != "" {
		t.encoding, t.charset, t.open = best, charsets[best], false
	}
}

// bestCharset says which of the charsets reads most like text; none, when there is too little to go by.
func bestCharset(head []byte) string {
	high, besideLatin := 0, 0
	for i, b := range head {
		if b < 0x80 {
			continue
		}
		high++
		if i > 0 && latin(head[i-1]) || i+1 < len(head) && latin(head[i+1]) {
			besideLatin++
		}
	}
	if high < 2 {
		return ""
	}
	candidates := []string{"windows-1251", "koi8-u", "cp866"}
	if besideLatin*2 >= high {
		candidates = []string{"windows-1250", "windows-1252"}
	}
	best, score := "", 0
	for _, name := range candidates {
		if s := plausible(head, charsets[name]); best == "" || s > score {
			best, score = name, s
		}
	}
	if score <= 0 {
		return ""
	}
	return best
}

func latin(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// weights are how often letters are in Ukrainian and Russian, roughly a thousandth each, and those of Polish, Czech and others by
// hand.
var weights = func() map[rune]int {
	w := map[rune]int{}
	for i, group := range []string{"оаніи", "етвр", "снкл", "дмпу", "язьбгч", "йхжіїюшєцщфґ", "ыэъё"} {
		for _, r := range group {
			w[r] = 9 - i
		}
	}
	for _, r := range "ąćęłńóśźżáčďéěíňřšťúůýžäöüßő" {
		w[r] = 4
	}
	for _, r := range "àèìòùâêîôûçñåæø" {
		w[r] = 3
	}
	return w
}()

// plausible scores text: letters by their frequency, against small letters before capitals and signs inside words.
func plausible(head []byte, charset *charmap.Charmap) int {
	score := 0
	previous := ' '
	for _, b := range head {
		r := charset.DecodeByte(b)
		if b >= 0x80 {
			switch w := weights[unicode.ToLower(r)]; {
			case w > 0 && unicode.IsUpper(r) && unicode.IsLower(previous):
				score -= 12
			case w > 0 && unicode.IsUpper(r) && unicode.IsLetter(previous):
				score += w - 2
			case w > 0:
				score += w
			case unicode.IsLetter(r):
				score -= 3
			case strings.ContainsRune("№«»’“”–— \u00a0…", r):
			default:
				score -= 12
			}
		}
		previous = r
	}
	return score
}
