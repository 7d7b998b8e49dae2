package amd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// wav is a file of a form, with parts before its sound if asked.
func wav(form, channels, rate, bits int, sound []byte, extra ...byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\xff\xff\xff\xffWAVEfmt ")
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, uint16(form))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, extra...)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(sound)))
	return append(b, sound...)
}

func TestReadWAV(t *testing.T) {
	four := []byte{1, 0, 2, 0, 3, 0, 4, 0}
	for _, test := range []struct {
		name     string
		file     []byte
		channels int
		samples  int
		refused  string
	}{
		{"8 kHz", wav(1, 1, 8000, 16, four), 1, 4, ""},
		{"16 kHz", wav(1, 1, 16000, 16, four), 1, 2, ""},
		{"two channels", wav(1, 2, 8000, 16, four), 2, 2, ""},
		{"a-law", wav(6, 1, 8000, 8, four), 1, 8, ""},
		{"mu-law of two channels", wav(7, 2, 8000, 8, four), 2, 4, ""},
		{"a part before the sound", wav(1, 1, 8000, 16, four, []byte("LIST\x03\x00\x00\x00abc\x00")...), 1, 4, ""},
		{"nothing", nil, 0, 0, "does not begin with RIFF"},
		{"text", []byte("hello, this is no sound"), 0, 0, "does not begin with RIFF"},
		{"8 bits", wav(1, 1, 8000, 8, four), 0, 0, "8 bits a sample; want 16"},
		{"44.1 kHz", wav(1, 1, 44100, 16, four), 0, 0, "44100 samples a second; want 8000 or 16000"},
		{"floats", wav(3, 1, 8000, 32, four), 0, 0, "sound of form 3"},
		{"six channels", wav(1, 6, 8000, 16, four), 0, 0, "6 channels; want 1 or 2"},
		{"no sound", wav(1, 1, 8000, 16, nil), 0, 0, "holds no sound"},
		{"cut", wav(1, 1, 8000, 16, four)[:30], 0, 0, "ends within its form"},
		{"an endless part", wav(1, 1, 8000, 16, four, []byte("LIST\xff\xff\xff\x7f")...), 0, 0, "before its sound"},
	} {
		sound, err := ReadWAV(bytes.NewReader(test.file))
		if test.refused != "" {
			if !errors.Is(err, ErrWAV) || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil || len(sound.Channels) != test.channels || len(sound.Channels[0]) != test.samples {
			t.Errorf("%s: %v, %v", test.name, sound, err)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(wav(1, 2, 16000, 16, []byte{1, 2, 3, 4, 5, 6, 7, 8}))
	f.Add(wav(7, 1, 8000, 8, []byte{1, 2, 3}))
	f.Fuzz(func(t *testing.T, file []byte) {
		sound, err := ReadWAV(bytes.NewReader(file))
		if (err == nil) != (len(sound.Channels) > 0) {
			t.Fatalf("%v, %v", sound, err)
		}
		if err != nil && !errors.Is(err, ErrWAV) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	})
}
