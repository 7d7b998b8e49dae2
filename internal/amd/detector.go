package amd

import (
	"math"
	"time"
)

// Sound is taken at this rate, in frames of 20 ms.
const (
	Rate          = 8000
	FrameSamples  = 160
	FrameDuration = 20 * time.Millisecond
)

// Times that make the verdict, in frames.
const (
	patience    = 55   // a pause of 1.1 s ends the first thing said
	waits       = 55   // who is silent for 1.1 s after it waits for the caller
	longSaid    = 200  // nobody greets with more than 4 s of speech before such a pause
	longFirst   = 240  // or for longer than 4.8 s, its short pauses included
	longTalk    = 320  // or says more than 6.4 s in all while nobody replies
	mayRevise   = 300  // by talk a person may still turn out a machine for 6 s
	mayBeep     = 500  // and by a beep for 10 s
	heardOut    = 3000 // a machine's beep is waited for 60 s
	spoken      = 20   // so much speech before a tone makes it likelier a beep
	longIfCut   = 160  // who is cut off after 3.2 s of talk without a pause would have gone on
	cutSilence  = 24   // the silence that Ended adds, and a breath
	isAnnounced = 110  // words before the answer are an announcement from 2.2 s on
)

// Detector hears one call. The zero value is ready, and hears what is before the answer as if it were after it; see
// [Detector.Early]. It is of fixed size, allocates nothing and is for one goroutine.
type Detector struct {
	early   bool
	frames  int // heard
	recent  [window]int16
	fresh   int // samples at the end of recent that are of no frame yet
	power   [bins]float64
	speech  speech
	tones   tones
	beep    tone // one that may yet be the first of three
	verdict Verdict
	since   int // the frame in which a person was found
}

// Early makes the detector hear what is before the answer: announcements and special information tones, and no person or machine.
func (d *Detector) Early() { d.early = true }

// Answered makes the detector begin anew: from here on the sound is of who answered.
func (d *Detector) Answered() { *d = Detector{} }

// Verdict is what is known by now.
func (d *Detector) Verdict() Verdict {
	if d.verdict.Kind == "" {
		return Verdict{Kind: Undecided, Key: ByNothing}
	}
	return d.verdict
}

// Heard is how much sound there was: the detector's clock.
func (d *Detector) Heard() time.Duration { return time.Duration(d.frames) * FrameDuration }

// Quiet is how long nothing has been said; zero where nothing was said at all.
func (d *Detector) Quiet() time.Duration {
	found := d.speech.stretches(patience)
	if found.total == 0 {
		return 0
	}
	return time.Duration(found.silence) * FrameDuration
}

// Hear takes the next linear samples, any number, and returns what is known by now.
func (d *Detector) Hear(samples []int16) Verdict {
	for len(samples) > 0 {
		n := min(FrameSamples-d.fresh, len(samples))
		copy(d.recent[window-FrameSamples+d.fresh:], samples[:n])
		samples = samples[n:]
		d.took(n)
	}
	return d.Verdict()
}

// HearCodes takes the next samples as G.711's codes.
func (d *Detector) HearCodes(codes []byte, c Companding) Verdict {
	table := c.table()
	for len(codes) > 0 {
		n := min(FrameSamples-d.fresh, len(codes))
		at := d.recent[window-FrameSamples+d.fresh:]
		for i, code := range codes[:n] {
			at[i] = table[code]
		}
		codes = codes[n:]
		d.took(n)
	}
	return d.Verdict()
}

// Ended says that no more will be heard, and returns the last verdict: somebody who was still speaking has been heard out.
func (d *Detector) Ended() Verdict {
	for range gapInTone + afterBeep + 2 {
		if d.verdict.Final {
			return d.verdict
		}
		d.take(sound{level: silent})
		d.frames++
	}
	if v := d.Verdict(); v.Kind != Undecided || v.Key == ByNothing || d.early {
		return v
	}
	found := d.speech.stretches(patience)
	v := Verdict{Kind: Person, Key: ByEnd, Final: true}
	if found.said >= longIfCut && found.silence <= cutSilence {
		v = Verdict{Kind: Machine, Key: ByGreeting, Final: true}
	}
	d.decide(v, found.numbers(), nil)
	return d.verdict
}

// took counts samples, and judges the frame when it is full.
func (d *Detector) took(n int) {
	if d.fresh += n; d.fresh < FrameSamples {
		return
	}
	d.fresh = 0
	if !d.verdict.Final {
		spectrum(&d.power, &d.recent)
		d.take(listen(&d.power, d.verdict.Numbers.Noise))
	}
	d.frames++
	copy(d.recent[:window-FrameSamples], d.recent[FrameSamples:])
}

// take takes the next frame's sound.
func (d *Detector) take(heard sound) {
	d.speech.hear(heard.level)
	ended, is := d.tones.hear(d.frames, heard)
	now := &d.tones.current
	switch {
	case now.seen == sureTone: // its first frames were taken for speech
		d.speech.forget(now.frames)
	case now.seen > sureTone:
		d.speech.forget(1)
	}
	found := d.speech.stretches(patience)
	numbers := found.numbers()
	if kind := d.tones.sit(); kind != NoSIT && (is || now.frames >= sitDecides) {
		d.decide(Verdict{Kind: Special, Key: BySIT, SIT: kind, Final: true}, numbers, now)
		return
	}
	if d.early {
		d.before(found, numbers)
		return
	}
	d.after(found, numbers, ended, is)
}

// before judges what is heard before the answer.
func (d *Detector) before(found stretches, numbers Numbers) {
	switch {
	case found.total >= isAnnounced:
		d.decide(Verdict{Kind: Announcement, Key: ByWords}, numbers, nil)
	case d.verdict.Kind != Announcement:
		d.decide(Verdict{Kind: Undecided, Key: ByNothing}, numbers, nil)
	}
}

// after judges who answered.
func (d *Detector) after(found stretches, numbers Numbers, ended tone, is bool) {
	person := d.verdict.Kind == Person
	now := &d.tones.current
	switch {
	case now.isFax():
		d.decide(Verdict{Kind: Machine, Key: ByFax, Final: true}, numbers, now)
	case is && ended.isBeep(found.total >= spoken):
		d.beep = ended
	case d.beep.seen > 0 && !now.sure() && d.frames-d.beep.begun-d.beep.frames >= afterBeep:
		d.beeped(numbers)
	case d.verdict.Kind == Machine:
		d.verdict.Final = d.frames >= heardOut
	case person && d.frames-d.since > mayRevise, d.frames >= most && !person:
		d.verdict.Final = person && d.frames-d.since > mayBeep || d.frames >= heardOut
	case found.said >= longSaid || found.first >= longFirst:
		d.decide(Verdict{Kind: Machine, Key: ByGreeting}, numbers, nil)
	case found.total >= longTalk:
		d.decide(Verdict{Kind: Machine, Key: ByTalk}, numbers, nil)
	case person:
	case found.any && found.silence >= waits:
		d.since = d.frames
		d.decide(Verdict{Kind: Person, Key: ByReply}, numbers, nil)
	case found.any:
		d.decide(Verdict{Kind: Undecided, Key: ByListening}, numbers, nil)
	default:
		d.decide(Verdict{Kind: Undecided, Key: ByNothing}, numbers, nil)
	}
}

// beeped decides by the beep that was heard.
func (d *Detector) beeped(numbers Numbers) {
	beep := time.Duration(d.beep.begun+d.beep.frames) * FrameDuration
	d.decide(Verdict{Kind: Machine, Key: ByBeep, Beep: beep, Final: true}, numbers, &d.beep)
}

// decide keeps a verdict with its numbers. The moment of one that only goes on stays.
func (d *Detector) decide(v Verdict, numbers Numbers, by *tone) {
	v.At, v.Numbers = d.Heard()+FrameDuration, numbers
	if v.Kind == d.verdict.Kind && v.Key == d.verdict.Key {
		v.At = d.verdict.At
	}
	if by != nil {
		v.Numbers.Tone, v.Numbers.ToneLength = math.Round(by.frequency), seconds(by.frames)
	}
	d.verdict = v
}

// numbers are what was found, for people.
func (s stretches) numbers() Numbers {
	return Numbers{Greeting: seconds(s.first), Speech: seconds(s.total), Stretches: s.number, Silence: seconds(s.silence),
		Level: float64(s.peak), Noise: float64(s.noise)}
}

func seconds(frames int) float64 { return float64(frames) / (Rate / FrameSamples) }
