package media

import "github.com/zaf/g711"

// Codec is a G.711 variant; its value is the static RTP payload type (RFC 3551, table 4).
type Codec uint8

const (
	ULaw Codec = 0 // PCMU
	ALaw Codec = 8 // PCMA
)

// Rate is the sampling rate of G.711 and the RTP clock, in Hz; a sample is one byte.
const Rate = 8000

// String is the codec's name in SDP.
func (c Codec) String() string {
	if c == ALaw {
		return "PCMA"
	}
	return "PCMU"
}

// Silence is the code of a zero sample.
func (c Codec) Silence() byte {
	if c == ALaw {
		return 0xD5
	}
	return 0xFF
}

// The codes are zaf/g711's; the tables are ours, because its functions for whole packets allocate a new one each time.
var (
	ulawToALaw, alawToULaw [256]byte
	ulawLinear, alawLinear [256]int16
)

func init() {
	for i := range 256 {
		b := byte(i)
		ulawToALaw[i], alawToULaw[i] = g711.Ulaw2AlawFrame(b), g711.Alaw2UlawFrame(b)
		ulawLinear[i], alawLinear[i] = g711.DecodeUlawFrame(b), g711.DecodeAlawFrame(b)
	}
}

// Convert writes src, coded as from, into dst, coded as to. dst is at least as long as src; they may be the same slice.
func Convert(dst, src []byte, from, to Codec) {
	if from == to {
		copy(dst, src)
		return
	}
	table := &ulawToALaw
	if from == ALaw {
		table = &alawToULaw
	}
	for i, b := range src {
		dst[i] = table[b]
	}
}

// Decode gives the linear sample of a code.
func Decode(b byte, c Codec) int16 {
	if c == ALaw {
		return alawLinear[b]
	}
	return ulawLinear[b]
}

// Encode gives the code of a linear sample.
func Encode(s int16, c Codec) byte {
	if c == ALaw {
		return g711.EncodeAlawFrame(s)
	}
	return g711.EncodeUlawFrame(s)
}
