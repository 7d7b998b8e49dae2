package amd

import "math"

// Bounds of what is a tone. Times are in frames.
const (
	steadyHz    = 14.0 // a tone's frequency moves less
	steadyLevel = 7.0  // dB, and its level
	gapInTone   = 3    // frames that a lost packet may take out
	sureTone    = 5    // frames after which a steady tone is one: 100 ms
)

// tone is a steady tone, in its course or ended.
type tone struct {
	frequency float64 // Hz, the mean
	second    float64 // Hz, of two
	level     float64 // dB
	begun     int     // frame
	frames    int     // from its first to its last
	seen      int     // frames in which it was seen
	missed    int     // frames since
}

// tones follows one tone at a time.
type tones struct {
	current tone
	next    tone    // what may be another one, or a gap in the current one
	ended   [3]tone // the last ones that were sure, newest last
}

// hear takes the next frame and returns the tone that has just ended, if one has.
func (t *tones) hear(at int, heard sound) (ended tone, is bool) {
	now := &t.current
	if heard.tone != 0 && now.seen > 0 && now.like(heard) {
		now.take(at, heard)
		t.next = tone{}
		return tone{}, false
	}
	switch {
	case heard.tone == 0:
		t.next = tone{}
	case t.next.seen > 0 && t.next.like(heard):
		t.next.take(at, heard)
	default:
		t.next = tone{}
		t.next.take(at, heard)
	}
	if now.missed++; now.seen > 0 && now.missed <= gapInTone {
		return tone{}, false
	}
	if now.sure() {
		ended, is = *now, true
		copy(t.ended[:], t.ended[1:])
		t.ended[2] = ended
	}
	t.current, t.next = t.next, tone{}
	return ended, is
}

// take goes on with a tone, or begins it.
func (t *tone) take(at int, heard sound) {
	if t.seen == 0 {
		t.begun = at
	}
	n := float64(t.seen)
	t.frequency = (t.frequency*n + heard.tone) / (n + 1)
	t.second = (t.second*n + heard.second) / (n + 1)
	t.level = (t.level*n + heard.level) / (n + 1)
	t.seen++
	t.frames, t.missed = at-t.begun+1, 0
}

// like says whether a frame goes on with this tone.
func (t *tone) like(heard sound) bool {
	return math.Abs(heard.tone-t.frequency) <= steadyHz && math.Abs(heard.second-t.second) <= steadyHz &&
		math.Abs(heard.level-t.level) <= steadyLevel
}

func (t *tone) sure() bool { return t.seen >= sureTone }

// Progress tones of networks and exchanges (ITU-T E.180, supplement 2): dial, ringing and busy tones are of these frequencies.
var progress = [...]float64{350, 400, 425, 440, 450, 480, 620}

// isProgress says whether a tone is of a progress tone's frequency.
func (t *tone) isProgress() bool {
	for _, f := range progress {
		if math.Abs(t.frequency-f) <= 8 {
			return true
		}
	}
	return false
}

// isKey says whether a tone is of a key of a phone (ITU-T Q.23).
func (t *tone) isKey() bool {
	low, high := min(t.frequency, t.second), max(t.frequency, t.second)
	return low >= 680 && low <= 960 && high >= 1190 && high <= 1660
}

// Lengths of beeps, in frames: shorter are crackle or a flute-like vowel, longer are something else.
const (
	shortestBeep = 6
	surelyBeep   = 10  // low as a voice, without a word before it, or made of two
	afterBeep    = 8   // without another tone: it is no special information tone
	longestBeep  = 150 // 3 s
	longestOfNet = 60  // of a progress tone's frequency: 1.2 s
)

// Fax machines answer with 2100 Hz for 2.6 to 4 s (ITU-T T.30, CED).
const (
	faxTone   = 2100.0
	faxFrames = 75
)

// highestVoice is the highest tone of voices, in Hz: a vowel whose second line stands out can look like a tone for 100 ms.
const highestVoice = 600.0

// isBeep says whether an ended tone is an answering machine's. spoken says that words were before it.
func (t *tone) isBeep(spoken bool) bool {
	switch {
	case t.seen < shortestBeep || t.frames > longestBeep || t.frequency < 380 || t.isKey():
		return false
	case !spoken && (t.isProgress() || t.seen < surelyBeep):
		return false
	case (t.second != 0 || t.frequency < highestVoice) && t.seen < surelyBeep:
		return false
	}
	return !t.isProgress() || t.frames <= longestOfNet
}

// isFax says whether a tone, perhaps in its course, is a fax machine's.
func (t *tone) isFax() bool {
	return math.Abs(t.frequency-faxTone) <= 20 && t.second == 0 && t.seen >= faxFrames
}
