package amd

import "time"

// Kind is who or what was heard.
type Kind string

// The kinds.
const (
	Undecided    Kind = "undecided"
	Person       Kind = "person"
	Machine      Kind = "machine"
	Special      Kind = "sit"          // special information tones: the network says that the call failed
	Announcement Kind = "announcement" // before the answer: an operator's recorded words
)

// Key says why a verdict is as it is; each has its words at the edges.
type Key string

// The keys.
const (
	ByNothing   Key = "amd.nothing"        // undecided: not a word
	ByListening Key = "amd.listening"      // undecided: too few words, and no pause yet
	ByReply     Key = "amd.short_greeting" // person: said a little and waits
	ByEnd       Key = "amd.ended"          // person: the sound ended after a few words
	ByGreeting  Key = "amd.long_greeting"  // machine: talks longer than people greet
	ByTalk      Key = "amd.talks_on"       // machine: pauses, and goes on unasked
	ByBeep      Key = "amd.beep"           // machine
	ByFax       Key = "amd.fax"            // machine
	BySIT       Key = "amd.sit"            // special information tones
	ByWords     Key = "amd.announcement"   // words before the answer
)

// Verdict is what is known by now, and the numbers behind it.
type Verdict struct {
	Kind    Kind
	Key     Key
	At      time.Duration // of the sound, when it was decided
	Beep    time.Duration // of the sound, when a beep was over; 0 if none was heard
	SIT     SIT
	Final   bool // whatever is heard later does not change it
	Numbers Numbers
}

// Numbers are what a verdict was made of: the arguments of its key.
type Numbers struct {
	Greeting   float64 `json:"greeting"`   // seconds of what was said before the first long pause
	Speech     float64 `json:"speech"`     // seconds of all that was said
	Stretches  int     `json:"stretches"`  // of speech
	Silence    float64 `json:"silence"`    // seconds since the last word
	Level      float64 `json:"level"`      // of the speaker, dB below full scale
	Noise      float64 `json:"noise"`      // of the room, dB below full scale
	Tone       float64 `json:"tone"`       // Hz, of the tone that decided
	ToneLength float64 `json:"toneLength"` // seconds
}
