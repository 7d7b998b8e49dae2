package node

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/creditorro/ringmaster/internal/config"
)

// TestOneFileIsSeveralSounds: who was abandoned and an answering machine may well be told the same.
func TestOneFileIsSeveralSounds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "message.wav")
	if err := os.WriteFile(file, second(), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Data: t.TempDir()}
	cfg.Telephony.SIP.Abandoned, cfg.Telephony.SIP.MachineMessage, cfg.Telephony.SIP.Notice = file, file, file
	o, err := SIPOptions(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, clip := range map[string]int{"abandoned": len(o.Abandoned), "machine_message": len(o.MachineMessage),
		"notice": len(o.Notice)} {
		if clip != 8000 {
			t.Errorf("%s has %d samples, want 8000", name, clip)
		}
	}
	if len(o.Comfort)+len(o.StartTone) > 0 {
		t.Error("sounds that nobody has set")
	}
}

// second is a WAV file of a second of silence, 8 kHz, µ-law.
func second() []byte {
	wav := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x12\x00\x00\x00\x07\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08"+
		"\x00\x00\x00data\x40\x1f\x00\x00"), make([]byte, 8000)...)
	for i := range wav[46:] {
		wav[46+i] = 0xff
	}
	binary.LittleEndian.PutUint32(wav[4:], uint32(len(wav)-8))
	return wav
}
