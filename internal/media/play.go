package media

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// Clip is sound to be played: µ-law, 8 kHz, mono.
type Clip []byte

// maxClip bounds what ReadClip takes: ten minutes.
const maxClip = 10 * 60 * Rate

// ReadClip reads an announcement from a WAV file: 8 kHz, one channel, 16-bit linear, A-law or µ-law, at most ten minutes.
func ReadClip(path string) (Clip, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("media: announcement: %w", err)
	}
	defer f.Close()
	clip, err := parseClip(io.LimitReader(f, 2*maxClip+1<<16))
	if err != nil {
		return nil, fmt.Errorf("media: announcement %s: %w", path, err)
	}
	return clip, nil
}

var errClip = errors.New("want a WAV file of 8000 Hz, one channel, 16-bit linear, A-law or µ-law")

func parseClip(r io.Reader) (Clip, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errClip
	}
	var tag, bits uint16
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		chunk := b[:min(max(size, 0), len(b))]
		switch {
		case id == "fmt " && len(chunk) >= 16:
			tag, bits = binary.LittleEndian.Uint16(chunk), binary.LittleEndian.Uint16(chunk[14:])
			if binary.LittleEndian.Uint16(chunk[2:]) != 1 || binary.LittleEndian.Uint32(chunk[4:]) != Rate {
				return nil, errClip
			}
		case id == "data":
			return clipOf(chunk, tag, bits)
		}
		b = b[min(len(chunk)+len(chunk)&1, len(b)):]
	}
	return nil, errClip
}

func clipOf(data []byte, tag, bits uint16) (Clip, error) {
	switch {
	case tag == 1 && bits == 16:
		clip := make(Clip, len(data)/2)
		for i := range clip {
			clip[i] = Encode(int16(binary.LittleEndian.Uint16(data[2*i:])), ULaw)
		}
		return clip, nil
	case tag == 6 && bits == 8:
		clip := make(Clip, len(data))
		Convert(clip, data, ALaw, ULaw)
		return clip, nil
	case tag == 7 && bits == 8:
		return Clip(data), nil
	}
	return nil, errClip
}

// Tone is a sine of hz for on, then silence for off, at about -15 dBm0.
func Tone(hz float64, on, off time.Duration) Clip {
	clip := make(Clip, (on+off)*Rate/time.Second)
	speaking := int(on * Rate / time.Second)
	for i := range clip {
		clip[i] = ULaw.Silence()
		if i < speaking {
			clip[i] = Encode(int16(5000*math.Sin(2*math.Pi*hz*float64(i)/Rate)), ULaw)
		}
	}
	return clip
}

// Ringback is what an agent hears while a customer's phone rings and the network sends no sound of its own (ITU-T E.182).
func Ringback() Clip { return Tone(425, time.Second, 4*time.Second) }

// Quiet is silence, for a far end that must see packets.
func Quiet() Clip { return Tone(0, 0, time.Second) }

// Play speaks clip into leg until it ends, or ctx does; in a loop it never ends by itself.
func Play(ctx context.Context, leg Leg, clip Clip, loop bool) {
	if len(clip) == 0 {
		return
	}
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	p := Packet{Codec: ULaw, Marker: true, SSRC: rand.Uint32()}
	for at := 0; ; {
		p.Payload = clip[at:min(at+FrameSize, len(clip))]
		p.Arrived = time.Now()
		leg.Send(&p)
		at += len(p.Payload)
		p.Seq, p.TS, p.Marker = p.Seq+1, p.TS+uint32(len(p.Payload)), false
		if at == len(clip) {
			if !loop {
				return
			}
			at = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-leg.Closed():
			return
		case <-ticker.C:
		}
	}
}

// digits are the telephone events of RFC 4733, section 3.2.
const digits = "0123456789*#ABCD"

// Digit presses a key for the far end of leg, as telephone events; false: it is no key, or the far end takes none. What else is
// said into leg meanwhile must be held back.
func Digit(ctx context.Context, leg Leg, key byte, length time.Duration) bool {
	event := strings.IndexByte(digits, key)
	if event < 0 || leg.Format().EventPT == 0 {
		return false
	}
	length = min(max(length, 80*time.Millisecond), 2*time.Second)
	p := Packet{Event: true, Marker: true, SSRC: rand.Uint32()}
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	frames := int(length / frameTime)
	for i := 1; i <= frames+2; i++ { // the end is said three times
		end, samples := byte(0), min(i, frames)*FrameSize
		if i >= frames {
			end = 0x80
		}
		p.Payload = []byte{byte(event), end | 10, byte(samples >> 8), byte(samples)}
		p.Arrived = time.Now()
		leg.Send(&p)
		p.Seq, p.Marker = p.Seq+1, false
		if i >= frames {
			continue
		}
		select {
		case <-ctx.Done():
			return true
		case <-ticker.C:
		}
	}
	return true
}
