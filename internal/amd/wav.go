package amd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Bounds of a sound file.
const (
	longestFile = 600 // seconds that are read
	largestHead = 1 << 20
)

// Forms of sound in a WAV file (RFC 2361).
const (
	formPCM        = 1
	formALaw       = 6
	formULaw       = 7
	formExtensible = 0xFFFE
)

// ErrWAV says that a file is not one whose sound can be judged.
var ErrWAV = errors.New("not a WAV file that can be judged")

// Sound is what a WAV file holds: 8 kHz, channel by channel. Of a longer file it is the first ten minutes.
type Sound struct {
	Channels [][]int16
	Rate     int // in the file
}

// wavForm is what the fmt part says.
type wavForm struct {
	form, channels, bits int
	rate                 int
}

// ReadWAV reads a file of 16-bit PCM at 8 or 16 kHz or of G.711 at 8 kHz, with one or two channels.
func ReadWAV(r io.Reader) (Sound, error) {
	var riff [12]byte
	if _, err := io.ReadFull(r, riff[:]); err != nil || string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return Sound{}, fmt.Errorf("%w: it does not begin with RIFF and WAVE", ErrWAV)
	}
	var form *wavForm
	for passed := 0; ; {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return Sound{}, fmt.Errorf("%w: it ends before its sound", ErrWAV)
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		switch string(head[:4]) {
		case "data":
			if form == nil {
				return Sound{}, fmt.Errorf("%w: its sound comes before its form (fmt)", ErrWAV)
			}
			return form.read(r, size)
		case "fmt ":
			if size < 16 || size > 1024 {
				return Sound{}, fmt.Errorf("%w: its form (fmt) has %d bytes; want 16 to 1024", ErrWAV, size)
			}
			part := make([]byte, size+size&1)
			if _, err := io.ReadFull(r, part); err != nil {
				return Sound{}, fmt.Errorf("%w: it ends within its form (fmt)", ErrWAV)
			}
			read, err := readForm(part)
			if err != nil {
				return Sound{}, err
			}
			form = &read
		default:
			if passed += int(min(size, largestHead)); passed >= largestHead {
				return Sound{}, fmt.Errorf("%w: more than 1 MiB stands before its sound", ErrWAV)
			}
			if _, err := io.CopyN(io.Discard, r, size+size&1); err != nil {
				return Sound{}, fmt.Errorf("%w: it ends before its sound", ErrWAV)
			}
		}
	}
}

// readForm reads the fmt part and refuses what cannot be judged.
func readForm(part []byte) (wavForm, error) {
	le := binary.LittleEndian
	form := wavForm{form: int(le.Uint16(part)), channels: int(le.Uint16(part[2:])), rate: int(le.Uint32(part[4:])),
		bits: int(le.Uint16(part[14:]))}
	if form.form == formExtensible && len(part) >= 26 {
		form.form = int(le.Uint16(part[24:]))
	}
	if form.channels != 1 && form.channels != 2 {
		return form, fmt.Errorf("%w: %d channels; want 1 or 2", ErrWAV, form.channels)
	}
	switch form.form {
	case formPCM:
		if form.bits != 16 {
			return form, fmt.Errorf("%w: %d bits a sample; want 16", ErrWAV, form.bits)
		}
		if form.rate != Rate && form.rate != 2*Rate {
			return form, fmt.Errorf("%w: %d samples a second; want 8000 or 16000", ErrWAV, form.rate)
		}
	case formALaw, formULaw:
		if form.bits != 8 || form.rate != Rate {
			return form, fmt.Errorf("%w: G.711 with %d bits and %d samples a second; want 8 and 8000", ErrWAV, form.bits, form.rate)
		}
	default:
		return form, fmt.Errorf("%w: sound of form %d; want PCM (1), a-law (6) or mu-law (7)", ErrWAV, form.form)
	}
	return form, nil
}

// read reads the sound. A size beyond the end of the file, as of a recording in its course, means up to the end.
func (f *wavForm) read(r io.Reader, size int64) (Sound, error) {
	block := f.channels * f.bits / 8
	size = min(size, int64(longestFile*f.rate*block))
	data, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil {
		return Sound{}, err
	}
	count := len(data) / block
	if count == 0 {
		return Sound{}, fmt.Errorf("%w: it holds no sound", ErrWAV)
	}
	sound := Sound{Channels: make([][]int16, f.channels), Rate: f.rate}
	for c := range sound.Channels {
		samples := make([]int16, count)
		for i := range samples {
			at := i*block + c*f.bits/8
			switch f.form {
			case formPCM:
				samples[i] = int16(binary.LittleEndian.Uint16(data[at:]))
			case formALaw:
				samples[i] = linear[ALaw][data[at]]
			default:
				samples[i] = linear[ULaw][data[at]]
			}
		}
		if f.rate == 2*Rate {
			samples = halved(samples)
		}
		sound.Channels[c] = samples
	}
	return sound, nil
}

// lowpass lets pass what is below 3.6 kHz of 16 kHz: half of a symmetric filter, a sinc under a Hamming window.
var lowpass = func() (taps [32]float64) {
	const cut = 3600.0 / 16000
	for i := range taps {
		x := float64(i)
		taps[i] = 2 * cut * (0.54 + 0.46*math.Cos(math.Pi*x/32))
		if i > 0 {
			taps[i] *= math.Sin(2*math.Pi*cut*x) / (2 * math.Pi * cut * x)
		}
	}
	return taps
}()

// halved is sound of 16 kHz at 8.
func halved(samples []int16) []int16 {
	half := make([]int16, len(samples)/2)
	for i := range half {
		sum := lowpass[0] * float64(samples[2*i])
		for k := 1; k < len(lowpass); k++ {
			if at := 2*i - k; at >= 0 {
				sum += lowpass[k] * float64(samples[at])
			}
			if at := 2*i + k; at < len(samples) {
				sum += lowpass[k] * float64(samples[at])
			}
		}
		half[i] = int16(max(-32768, min(32767, math.Round(sum))))
	}
	return half
}
