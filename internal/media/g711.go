package media

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

var (
	ulawToALaw, alawToULaw [256]byte
	ulawLinear, alawLinear [256]int16
)

func init() {
	for i := range 256 {
		ulawLinear[i] = decodeULaw(byte(i))
		alawLinear[i] = decodeALaw(byte(i))
	}
	for i := range 256 {
		ulawToALaw[i] = encodeALaw(ulawLinear[i])
		alawToULaw[i] = encodeULaw(alawLinear[i])
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

// Decode answers the linear sample of a code.
func Decode(b byte, c Codec) int16 {
	if c == ALaw {
		return alawLinear[b]
	}
	return ulawLinear[b]
}

// Encode answers the code of a linear sample.
func Encode(s int16, c Codec) byte {
	if c == ALaw {
		return encodeALaw(s)
	}
	return encodeULaw(s)
}

// G.711 µ-law: sign, three bits of segment, four of mantissa, all inverted; a bias of 33 in 14-bit samples, 132 in 16-bit.
func decodeULaw(b byte) int16 {
	b = ^b
	t := (int16(b&0x0F)<<3 + 132) << (b >> 4 & 7)
	if b&0x80 != 0 {
		return 132 - t
	}
	return t - 132
}

func encodeULaw(s int16) byte {
	sign, v := byte(0), int32(s)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v = min(v, 32635) + 132
	segment := byte(7)
	for mask := int32(0x4000); segment > 0 && v&mask == 0; mask >>= 1 {
		segment--
	}
	return ^(sign | segment<<4 | byte(v>>(segment+3))&0x0F)
}

// G.711 A-law: as µ-law without the bias, and with every other bit inverted.
func decodeALaw(b byte) int16 {
	b ^= 0x55
	t := int16(b&0x0F)<<4 + 8
	if segment := b >> 4 & 7; segment > 0 {
		t = (t + 0x100) << (segment - 1)
	}
	if b&0x80 != 0 {
		return t
	}
	return -t
}

func encodeALaw(s int16) byte {
	sign, v := byte(0x80), int32(s)
	if v < 0 {
		sign, v = 0, -v-1
	}
	segment := byte(7)
	for mask := int32(0x4000); segment > 0 && v&mask == 0; mask >>= 1 {
		segment--
	}
	shift := max(segment, 1) + 3
	return (sign | segment<<4 | byte(v>>shift)&0x0F) ^ 0x55
}
