package amd

import "math"

// sound is what is known of one frame.
type sound struct {
	level  float64 // dB below full scale, in the band of speech
	tone   float64 // Hz of the tone that is nearly all of it, 0 if there is none
	second float64 // Hz of the other tone where two make it up
	rich   bool    // it has overtones
}

// Bounds of what is looked at, as bins.
const (
	speechLow  = 8   // 250 Hz: below it is hum
	speechHigh = 108 // 3375 Hz
	toneLow    = 11  // 345 Hz
	toneHigh   = 74  // 2300 Hz
	silent     = -72 // dB: digital silence and G.711's own noise
)

// Shares of a frame's power that make it a tone.
const (
	single   = 0.88 // of one line
	doubled  = 0.93 // of two
	withTops = 0.93 // of a line and its overtones

	noiseShare = 0.3 // of a frame's power is put down to the room at most
)

// listen makes a sound of a spectrum, in a room whose noise is so loud.
func listen(power *[bins]float64, noise float64) sound {
	var total float64
	peak := toneLow
	for k := speechLow; k <= speechHigh; k++ {
		total += power[k]
		if k >= toneLow && k <= toneHigh && power[k] > power[peak] {
			peak = k
		}
	}
	heard := sound{level: max(silent, 10*math.Log10(total+1e-12))}
	if heard.level <= silent+6 {
		return heard
	}
	total -= min(total*noiseShare, math.Pow(10, noise/10))
	first := line(power, peak)
	if first >= single*total {
		heard.tone = frequency(power, peak)
		return heard
	}
	if first < 0.4*total {
		return heard
	}
	tops := first
	for over := 2; over <= 6 && over*peak+2 <= speechHigh; over++ {
		at := int(math.Round(float64(over) * frequency(power, peak) / binWidth))
		tops += line(power, at)
	}
	if peak >= 13 && tops >= withTops*total { // from 400 Hz: no voice is so high
		heard.tone, heard.rich = frequency(power, peak), true
		return heard
	}
	other := -1
	for k := toneLow; k <= speechHigh-1; k++ {
		if (k < peak-3 || k > peak+3) && (other < 0 || power[k] > power[other]) {
			other = k
		}
	}
	if second := line(power, other); second >= 0.1*total && first+second >= doubled*total {
		heard.tone, heard.second = frequency(power, peak), frequency(power, other)
	}
	return heard
}

// line is the power of a tone whose highest bin is peak: the window spreads it over some bins.
func line(power *[bins]float64, peak int) (sum float64) {
	for k := max(1, peak-2); k <= min(bins-1, peak+2); k++ {
		sum += power[k]
	}
	return sum
}

// frequency is the frequency of a tone whose highest bin is peak, in Hz. For a Hann window the ratio r of the two highest
// amplitudes puts it (2r-1)/(r+1) bins from the peak.
func frequency(power *[bins]float64, peak int) float64 {
	top := math.Sqrt(power[peak])
	if top == 0 {
		return 0
	}
	below, above := math.Sqrt(power[peak-1]), math.Sqrt(power[peak+1])
	if above >= below {
		return binWidth * (float64(peak) + offset(above/top))
	}
	return binWidth * (float64(peak) - offset(below/top))
}

func offset(r float64) float64 { return (2*r - 1) / (r + 1) }
