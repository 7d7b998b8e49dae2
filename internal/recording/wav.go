package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	rate        = 8000 // samples a second
	channels    = 2
	headerBytes = 58 // RIFF, fmt with an empty extension, fact, data
)

// header is the beginning of a µ-law stereo WAV file with n bytes of sound (RIFF MCI 1.0; format tag 7 needs cbSize and fact).
func header(n int64) []byte {
	n = min(n, 1<<32-1-headerBytes)
	b := make([]byte, 0, headerBytes)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(headerBytes-8+n+n&1))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 18)
	b = le.AppendUint16(b, 7)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, rate*channels)
	b = le.AppendUint16(b, channels) // block
	b = le.AppendUint16(b, 8)        // bits
	b = le.AppendUint16(b, 0)        // extension
	b = append(b, "fact"...)
	b = le.AppendUint32(b, 4)
	b = le.AppendUint32(b, uint32(n/channels))
	b = append(b, "data"...)
	return le.AppendUint32(b, uint32(n))
}

// errNotOurs says that a file was not written by a Recorder.
var errNotOurs = errors.New("recording: not a recording of ours")

// repair makes the header of a recording whose process was killed agree with its length.
func repair(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("recording: repair: %w", err)
	}
	defer f.Close()
	var have [headerBytes]byte
	if _, err := io.ReadFull(f, have[:]); err != nil || string(have[:4]) != "RIFF" || string(have[50:54]) != "data" {
		return fmt.Errorf("%w: %s", errNotOurs, path)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("recording: repair: %w", err)
	}
	if _, err := f.WriteAt(header(info.Size()-headerBytes), 0); err != nil {
		return fmt.Errorf("recording: repair: %w", err)
	}
	return nil
}
