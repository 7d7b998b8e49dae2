package amd

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// voice is a synthesiser's voice. Tuning voices set the bounds, the others measure.
type voice struct {
	engine, language, name string
	speed, pitch           int // espeak-ng's
	held                   bool
}

func (v voice) String() string {
	return fmt.Sprintf("%s-%s-%s-%d-%d", v.engine, v.language, strings.ReplaceAll(v.name, "+", "_"), v.speed, v.pitch)
}

// voices are those of Debian's synthesisers: espeak-ng's formants in all languages, flite and festival in English and Russian.
func voices() (all []voice) {
	tuning := []string{"m1", "m3", "f1", "f3", "klatt2", "Andy"}
	held := []string{"m2", "m7", "f2", "f5", "klatt4", "anika"}
	for _, language := range []string{"en", "uk", "ru"} {
		for i, name := range tuning {
			all = append(all, voice{"espeak-ng", language, name, 135 + 15*(i%4), 35 + 10*(i%4), false})
		}
		for i, name := range held {
			all = append(all, voice{"espeak-ng", language, name, 130 + 17*(i%4), 30 + 12*(i%4), true})
		}
	}
	return append(all,
		voice{"flite", "en", "kal16", 0, 0, false}, voice{"flite", "en", "awb", 0, 0, false},
		voice{"flite", "en", "slt", 0, 0, true}, voice{"flite", "en", "rms", 0, 0, true},
		voice{"festival", "en", "ked_diphone", 0, 0, false}, voice{"festival", "en", "cmu_us_slt_arctic_hts", 0, 0, true},
		voice{"festival", "ru", "msu_ru_nsh_clunits", 0, 0, true},
	)
}

// needSynthesisers skips a test where Debian's synthesisers are not installed.
func needSynthesisers(t testing.TB) {
	t.Helper()
	for _, program := range []string{"espeak-ng", "flite", "festival"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: scripts/test-deps installs it", program)
		}
	}
}

// studio has sentences spoken once, and keeps the files.
type studio struct {
	folder string
	mu     sync.Mutex
	made   map[string][]float64
}

func newStudio(t testing.TB) *studio {
	folder := os.Getenv("AMD_SOUNDS") // kept between runs
	if folder == "" {
		folder = t.TempDir()
	}
	return &studio{folder: folder, made: map[string][]float64{}}
}

func (s *studio) path(v voice, sentence string) string {
	var sum uint64 = 14695981039346656037
	for _, b := range []byte(v.String() + "|" + sentence) {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return filepath.Join(s.folder, strconv.FormatUint(sum, 36)+".wav")
}

// say is a sentence at 8 kHz, its loudest sample 1, without the silence around it.
func (s *studio) say(t testing.TB, v voice, sentence string) []float64 {
	t.Helper()
	path := s.path(v, sentence)
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.made[path]; have != nil {
		return have
	}
	if _, err := os.Stat(path); err != nil {
		s.synthesise(t, v, []string{sentence})
	}
	sound := trimmed(load(t, path))
	s.made[path] = sound
	return sound
}

// prepare makes many sentences of a voice at once: festival takes long to start.
func (s *studio) prepare(t testing.TB, v voice, sentences []string) {
	t.Helper()
	var missing []string
	for _, sentence := range sentences {
		if _, err := os.Stat(s.path(v, sentence)); err != nil {
			missing = append(missing, sentence)
		}
	}
	if len(missing) > 0 {
		s.synthesise(t, v, missing)
	}
}

func (s *studio) synthesise(t testing.TB, v voice, sentences []string) {
	t.Helper()
	if v.engine == "festival" {
		script := "(voice_" + v.name + ")\n"
		for _, sentence := range sentences {
			script += fmt.Sprintf("(utt.save.wave (utt.synth (Utterance Text %q)) %q 'riff)\n", sentence, s.path(v, sentence))
		}
		program := exec.Command("festival", "--pipe")
		program.Stdin = strings.NewReader(script)
		if out, err := program.CombinedOutput(); err != nil {
			t.Fatalf("festival: %v: %s", err, out)
		}
		return
	}
	for _, sentence := range sentences {
		program := exec.Command("flite", "-voice", v.name, "-t", sentence, "-o", s.path(v, sentence))
		if v.engine == "espeak-ng" {
			program = exec.Command("espeak-ng", "-v", v.language+"+"+v.name, "-s", strconv.Itoa(v.speed), "-p", strconv.Itoa(v.pitch),
				"-w", s.path(v, sentence), sentence)
		}
		if out, err := program.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", v.engine, err, out)
		}
	}
}

// load reads 16-bit PCM of one channel at any rate, as 8 kHz.
func load(t testing.TB, path string) []float64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 44 || string(data[:4]) != "RIFF" {
		t.Fatalf("%s: not a WAV file: %d bytes", path, len(data))
	}
	rate := float64(binary.LittleEndian.Uint32(data[24:]))
	at := strings.Index(string(data[:min(len(data), 4096)]), "data")
	data = data[at+8:]
	wide := make([]float64, len(data)/2)
	for i := range wide {
		wide[i] = float64(int16(binary.LittleEndian.Uint16(data[2*i:]))) / 32768
	}
	return resampled(wide, rate)
}

// resampled is sound at 8 kHz: a sinc under a Hann window, cut at 3.5 kHz as telephones do.
func resampled(wide []float64, rate float64) []float64 {
	const zeros, cut = 12, 3500.0
	reach := zeros * rate / (2 * cut)
	out := make([]float64, int(float64(len(wide))*8000/rate))
	for i := range out {
		center := float64(i) * rate / 8000
		for k := max(0, int(center-reach)); k <= min(len(wide)-1, int(center+reach)); k++ {
			x := (float64(k) - center) / rate * 2 * cut
			w := 1.0
			if x != 0 {
				w = math.Sin(math.Pi*x) / (math.Pi * x)
			}
			out[i] += wide[k] * w * (0.5 + 0.5*math.Cos(math.Pi*x/zeros)) * 2 * cut / rate
		}
	}
	return out
}

// trimmed cuts the silence around, and makes the loudest sample 1.
func trimmed(sound []float64) []float64 {
	var loudest float64
	for _, x := range sound {
		loudest = max(loudest, math.Abs(x))
	}
	if loudest == 0 {
		return []float64{}
	}
	first, last := -1, 0
	for i, x := range sound {
		if math.Abs(x) > loudest/60 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	out := make([]float64, last-first+1)
	for i := range out {
		out[i] = sound[first+i] / loudest
	}
	return out
}
