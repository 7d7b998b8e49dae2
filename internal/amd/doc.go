// Package amd tells from the sound of a call who answered: a person, or an answering machine and when its beep was, and what a
// network says instead of an answer: special information tones, or an announcement. It is pure: sound goes in, 8 kHz, and a
// [Verdict] with the numbers behind it comes out; the clock is the count of samples, there is no chance, and nothing of ours is
// imported.
//
// A person says a little and waits; a machine talks on. So the verdict is mostly one of times:
//
//   - each 20 ms are a level in the band of speech and, if there is one, a steady tone (sound.go, fourier.go);
//   - of the levels follow stretches of speech and pauses, with thresholds between the room's noise and the speaker's level as
//     they are known by now, for all that has been heard (speech.go);
//   - of the tones follow beeps, special information tones, fax machines, and what is none of these (tone.go, sit.go);
//   - of both follows the verdict (detector.go). "Person" comes early and may be revised; "machine" stays.
//
// docs/amd.md explains the rules and has their error rates.
package amd
