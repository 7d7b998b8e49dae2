package amd

// SIT is which special information tones were heard: three tones, each higher than the one before. ITU-T E.180 (Q.35) has them of
// one length and knows no kinds; networks of North America tell kinds by the frequencies and lengths of the first two.
type SIT string

// The special information tones.
const (
	NoSIT        SIT = ""
	General      SIT = "general"            // ITU-T: the number cannot be reached, and neither is it busy nor the network congested
	Intercept    SIT = "intercept"          // IC: changed or disconnected
	VacantCode   SIT = "vacant_code"        // VC: no such number
	Reorder      SIT = "reorder"            // RO': incomplete digits, or the local exchange failed
	ReorderFar   SIT = "reorder_carrier"    // RO'': the carrier failed
	NoCircuit    SIT = "no_circuit"         // NC': all circuits busy
	NoCircuitFar SIT = "no_circuit_carrier" // NC'': all circuits of the carrier busy
	Ineffective  SIT = "ineffective"        // IO: misdialed, or another failure
	FutureUse    SIT = "reserved"           // not given out
)

// NotInService says that nobody has this number: dialing it again is of no use.
func (s SIT) NotInService() bool { return s == General || s == Intercept || s == VacantCode }

// Congested says that the network had no way, and the number may be good.
func (s SIT) Congested() bool {
	return s == Reorder || s == ReorderFar || s == NoCircuit || s == NoCircuitFar
}

// pitch is which of a tone's three standard frequencies it has.
type pitch byte

const (
	low    pitch = 'l'
	middle pitch = 'm' // ITU-T's
	high   pitch = 'h'
)

// The frequencies, and the lengths' bounds in frames: short ones last 274 ms, long ones 380, ITU-T's 330 ± 70.
var sitTones = [3]sitTone{{913.8, 950, 985.2}, {1370.6, 1400, 1428.5}, {1776.7, 1800, 1776.7}}

type sitTone struct{ low, middle, high float64 }

// pitch is the nearest of the three.
func (s sitTone) pitch(frequency float64) pitch {
	switch {
	case frequency < (s.low+s.middle)/2:
		return low
	case frequency > (s.middle+s.high)/2:
		return high
	}
	return middle
}

const (
	shortestSIT = 11 // 220 ms
	longestSIT  = 23 // 460 ms
	longSIT     = 16.4
	sitDecides  = 19 // frames of the third tone that are enough, if it does not end before
	sitGap      = 4  // frames between two tones; the standard says 0 to 30 ms
	sitSpread   = 30.0
)

// sitKinds are the kinds by length (s, l) and pitch of the first and second tone.
var sitKinds = map[[2]string]SIT{
	{"sl", "lh"}: Reorder, {"ls", "hl"}: VacantCode, {"ll", "hh"}: NoCircuit, {"ss", "ll"}: Intercept,
	{"sl", "hl"}: ReorderFar, {"ll", "lh"}: NoCircuitFar, {"ls", "lh"}: Ineffective, {"ss", "hh"}: FutureUse,
}

// sit says which special information tones the last three tones were; the newest may be in its course.
func (t *tones) sit() SIT {
	three := t.ended
	if t.current.sure() {
		three = [3]tone{t.ended[1], t.ended[2], t.current}
	}
	var lengths, pitches [2]byte
	mid := false
	for i, one := range three {
		want := sitTones[i]
		if one.second != 0 || one.frames < shortestSIT || one.frames > longestSIT || one.frequency < want.low-sitSpread ||
			one.frequency > max(want.high, want.middle)+sitSpread {
			return NoSIT
		}
		if i > 0 && one.begun-(three[i-1].begun+three[i-1].frames) > sitGap {
			return NoSIT
		}
		if i == 2 {
			break
		}
		p := want.pitch(one.frequency)
		mid = mid || p == middle
		pitches[i], lengths[i] = byte(p), 's'
		if float64(one.frames) > longSIT {
			lengths[i] = 'l'
		}
	}
	if mid {
		return General
	}
	if kind, known := sitKinds[[2]string{string(lengths[:]), string(pitches[:])}]; known {
		return kind
	}
	return General
}
