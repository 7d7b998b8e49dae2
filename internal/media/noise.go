package media

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
)

// loudestNoise is the level, in dB below the loudest that can be coded, above which comfort noise would comfort nobody.
const loudestNoise = 40

// noises are made once a level.
var noises [128]atomic.Pointer[Clip]

// noiseClip is half a second of background as comfort noise describes it (RFC 3389, section 3.1): white, at the level of its
// first octet. The spectrum that may follow is not played.
func noiseClip(payload []byte) *Clip {
	level := byte(127)
	if len(payload) > 0 {
		level = payload[0] & 0x7F
	}
	if made := noises[level].Load(); made != nil {
		return made
	}
	clip := make(Clip, Rate/2)
	amplitude := math.MaxInt16 * math.Pow(10, -float64(max(level, loudestNoise))/20)
	for i := range clip {
		clip[i] = Encode(int16(amplitude*max(-3, min(3, rand.NormFloat64()))), ULaw)
	}
	noises[level].Store(&clip)
	return &clip
}
