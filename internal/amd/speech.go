package amd

import "math"

// Bounds of what is judged as speech. Times are in frames, levels in dB.
const (
	most = 512 // frames that are kept: 10 s of a call's beginning
)

const (
	bridged   = 18  // a shorter gap is part of a word or between two: 360 ms
	shortest  = 4   // fewer loud frames are a click: 80 ms
	overNoise = 7   // speech is so much above the noise
	belowPeak = 9   // and at most so much below the speaker's loudest
	contrast  = 9   // what is not so much above the noise is noise
	quietest  = -58 // what is below is not for ears
	loudFrame = 6   // the level of the speaker is that of the frame of this rank from the loudest
	noisePart = 12  // the level of the noise is that of the quietest twelfth
	notSpeech = -96 // stands for a frame of a tone
)

// speech keeps the levels since the call's beginning and finds stretches of speech in them. All is judged anew with each frame,
// because later frames tell what the noise and the speaker's level are.
type speech struct {
	levels    [most]int8
	count     int
	heard     [97]int // frames of each level, index -level
	counted   int
	threshold int // of the last judgement
}

// stretches is what a judgement has found. Times are in frames.
type stretches struct {
	any     bool
	begun   int // the first word
	first   int // length of what was said before the first pause as long as the patience
	said    int // of speech between two such pauses, the most; short gaps included
	total   int // of all speech, short gaps included
	number  int // of stretches
	silence int // since the last word
	noise   int // dB
	peak    int // dB
}

// hear takes the next level; at most the first most frames count.
func (s *speech) hear(level float64) {
	if s.count == most {
		return
	}
	at := min(0, max(silent, int(math.Round(level))))
	s.levels[s.count] = int8(at)
	s.count++
	s.heard[-at]++
	s.counted++
}

// forget takes the last frames out: they were a tone.
func (s *speech) forget(frames int) {
	for i := max(0, s.count-frames); i < s.count; i++ {
		if level := s.levels[i]; int(level) != notSpeech {
			s.heard[-level]--
			s.counted--
			s.levels[i] = int8(notSpeech)
		}
	}
}

// stretches finds the stretches, where a pause of at least patience ends the first thing said.
func (s *speech) stretches(patience int) (found stretches) {
	found.noise, found.peak = s.noise(), s.peak()
	if found.peak-found.noise < contrast {
		return found
	}
	s.threshold = max(found.noise+overNoise, found.peak-belowPeak, quietest)
	begin, end, loud := -1, -1, 0 // of the stretch that is being followed
	lastEnd, firstDone, said := 0, false, 0
	take := func() {
		if begin < 0 || loud < shortest {
			return
		}
		if !found.any {
			found.any, found.begun = true, begin
		} else if begin-lastEnd >= patience {
			firstDone, said = true, 0
		}
		lastEnd = end
		if !firstDone {
			found.first = end - found.begun
		}
		said += end - begin
		found.said = max(found.said, said)
		found.total += end - begin
		found.number++
	}
	for i := range s.count {
		if int(s.levels[i]) < s.threshold {
			continue
		}
		if begin < 0 || i-end > bridged {
			take()
			begin, loud = i, 0
		}
		end = i + 1
		loud++
	}
	take()
	if found.any {
		found.silence = s.count - lastEnd
	}
	return found
}

// noise is the level of the quietest part.
func (s *speech) noise() int {
	left := s.counted / noisePart
	for level := silent; level <= 0; level++ {
		if left -= s.heard[-level]; left < 0 {
			return level
		}
	}
	return 0
}

// peak is the level of the loudest frames but a few.
func (s *speech) peak() int {
	left := loudFrame
	for level := range 97 {
		if left -= s.heard[level]; left <= 0 {
			return -level
		}
	}
	return silent
}
