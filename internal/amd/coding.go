package amd

import "github.com/zaf/g711"

// Companding is a law of G.711 by which samples are companded.
type Companding uint8

// The two forms.
const (
	ULaw Companding = iota
	ALaw
)

// linear are the samples of both forms' codes.
var linear [2][256]int16

func init() {
	for i := range 256 {
		linear[ULaw][i], linear[ALaw][i] = g711.DecodeUlawFrame(byte(i)), g711.DecodeAlawFrame(byte(i))
	}
}

func (c Companding) table() *[256]int16 {
	if c == ALaw {
		return &linear[ALaw]
	}
	return &linear[ULaw]
}
