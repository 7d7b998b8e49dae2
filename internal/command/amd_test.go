package command

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/amd"
)

// toneFile is a WAV file of a second of silence, a tone and a second of silence.
func toneFile(t *testing.T, rate uint32) string {
	t.Helper()
	var sound []byte
	for i := range int(3 * rate) {
		x := 0.0
		if s := uint32(i); s > rate && s < rate+rate/2 {
			x = 8000 * math.Sin(2*math.Pi*1000*float64(i)/float64(rate))
		}
		sound = binary.LittleEndian.AppendUint16(sound, uint16(int16(x)))
	}
	file := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00")
	file = binary.LittleEndian.AppendUint32(file, rate)
	file = binary.LittleEndian.AppendUint32(file, 2*rate)
	file = append(file, "\x02\x00\x10\x00data"...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(sound)))
	path := filepath.Join(t.TempDir(), "tone.wav")
	if err := os.WriteFile(path, append(file, sound...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMD(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.wav")
	if err := os.WriteFile(text, []byte("no sound at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing, wide := filepath.Join(t.TempDir(), "missing.wav"), toneFile(t, 44100)
	var out, failed bytes.Buffer
	err := AMD{Files: []string{toneFile(t, 8000), text, missing, wide, toneFile(t, 16000)}, Channel: "both", JSON: true}.
		Run(t.Context(), Console{Out: &out, Err: &failed})
	if err == nil || !strings.Contains(err.Error(), "3 of 5 files") {
		t.Errorf("%v", err)
	}
	for _, want := range []string{text + ": not a WAV file", missing + ": ",
		wide + ": not a WAV file that can be judged: 44100 samples a second; want 8000 or 16000"} {
		if !strings.Contains(failed.String(), want) {
			t.Errorf("want %q in:\n%s", want, &failed)
		}
	}
	decoder, judgements := json.NewDecoder(&out), 0
	for decoder.More() {
		var one fileVerdict
		if err := decoder.Decode(&one); err != nil {
			t.Fatal(err)
		}
		if judgements++; one.Verdict != amd.Machine || one.Key != amd.ByBeep || one.Beep < 1.4 || one.Beep > 1.6 ||
			one.Numbers.Tone != 1000 {
			t.Errorf("%+v", one)
		}
	}
	if judgements != 2 {
		t.Errorf("%d judgements", judgements)
	}
}

func TestAMDRefusesAChannelThatIsNotThere(t *testing.T) {
	var out, failed bytes.Buffer
	err := AMD{Files: []string{toneFile(t, 8000)}, Channel: "2"}.Run(t.Context(), Console{Out: &out, Err: &failed})
	if err == nil || !strings.Contains(failed.String(), "one channel") || out.Len() > 0 {
		t.Errorf("%v, %q, %q", err, &failed, &out)
	}
}
