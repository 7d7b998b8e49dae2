package testdeps

import (
	wire "encoding/binary"
	"os/exec"
	"testing"
)

// Spoken has espeak-ng say something, as linear samples at 8 kHz; without it the test is skipped.
func Spoken(tb testing.TB, words string) []int16 {
	tb.Helper()
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		tb.Skip("espeak-ng is not installed: scripts/test-deps installs it")
	}
	out, err := exec.Command("espeak-ng", "-v", "en+m3", "-s", "150", "--stdout", words).Output()
	if err != nil || len(out) < 44 {
		tb.Fatalf("espeak-ng: %d bytes, %v", len(out), err)
	}
	step := float64(wire.LittleEndian.Uint32(out[24:])) / 8000
	at := func(i int) float64 { return float64(int16(wire.LittleEndian.Uint16(out[44+2*i:]))) }
	var said []int16
	for i := 0; ; i++ {
		from := int(float64(i) * step)
		if 44+2*(from+3) >= len(out) {
			return said
		}
		said = append(said, int16((at(from)+at(from+1)+at(from+2))/3))
	}
}
