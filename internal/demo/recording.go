package demo

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	sampleRate = 8000 // Hz, 16 bits, agent left and customer right
	turns      = 6
)

// Recording plays something at a recording's link. Simulated phones have no voices, so it is two of tones that take turns:
// agent on the left, customer on the right, each call with its own melody.
func Recording(w http.ResponseWriter, r *http.Request) {
	id := ""
	for name, values := range r.URL.Query() {
		if strings.EqualFold(name, "calltraceID") {
			id = values[0]
		}
	}
	if id == "" || len(id) > 20 || strings.Trim(id, "0123456789") != "" {
		http.Error(w, "calltraceID: want decimal digits", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "audio/wav")
	if r.URL.Query().Get("download") == "1" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+id+`.wav"`)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(wav(melody(id))))
}

// melody makes interleaved samples; the same id makes the same.
func melody(id string) []int16 {
	h := fnv.New64a()
	h.Write([]byte(id))
	random := rand.New(rand.NewPCG(h.Sum64(), 0))
	var samples []int16
	for turn := range turns {
		side, base := turn%2, []float64{220, 294}[turn%2]
		for range 3 + random.IntN(5) { // syllables
			pitch := base * math.Pow(2, float64(random.IntN(8))/12)
			length := sampleRate/8 + random.IntN(sampleRate/6)
			for i := range length {
				swell := math.Sin(math.Pi * float64(i) / float64(length))
				tone := math.Sin(2*math.Pi*pitch*float64(i)/sampleRate) + 0.3*math.Sin(4*math.Pi*pitch*float64(i)/sampleRate)
				pair := [2]int16{}
				pair[side] = int16(7000 * swell * tone)
				samples = append(samples, pair[:]...)
			}
		}
		samples = append(samples, make([]int16, 2*sampleRate/4)...) // a breath
	}
	return samples
}

// wav puts a header before interleaved stereo samples.
func wav(samples []int16) []byte {
	const channels, width = 2, 2
	size := uint32(len(samples) * width)
	b := make([]byte, 0, 44+size)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, 36+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, channels)
	b = binary.LittleEndian.AppendUint32(b, sampleRate)
	b = binary.LittleEndian.AppendUint32(b, sampleRate*channels*width)
	b = binary.LittleEndian.AppendUint16(b, channels*width)
	b = binary.LittleEndian.AppendUint16(b, 8*width)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}
