package amd

import "math"

const (
	window   = 256        // samples under the window, 32 ms: a frame and what was right before it
	bins     = window / 2 // of the spectrum, each 31.25 Hz wide
	binWidth = float64(Rate) / window
)

// What the transform needs and never changes.
var (
	hann    [window]float64
	twiddle [bins]complex128 // e^(-2πik/window)
	swapped [bins]uint8      // bit-reversed indices of a transform of length bins
)

func init() {
	for i := range window {
		hann[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/window)
	}
	for i := range bins {
		sin, cos := math.Sincos(-2 * math.Pi * float64(i) / window)
		twiddle[i] = complex(cos, sin)
		for bit := range 7 {
			swapped[i] |= uint8(i >> bit & 1 << (6 - bit))
		}
	}
}

// spectrum writes the power of each bin of 256 samples: a real transform by a complex one of half the length. Full scale is 1.
func spectrum(power *[bins]float64, samples *[window]int16) {
	var z [bins]complex128
	for i := range bins {
		z[swapped[i]] = complex(float64(samples[2*i])*hann[2*i], float64(samples[2*i+1])*hann[2*i+1])
	}
	for half := 1; half < bins; half *= 2 {
		step := bins / half
		for start := 0; start < bins; start += 2 * half {
			for k := range half {
				low, high := z[start+k], z[start+k+half]*twiddle[k*step]
				z[start+k], z[start+k+half] = low+high, low-high
			}
		}
	}
	// A sine of full scale has half its power in each of two mirrored lines; the window spreads it and takes a factor of 3/8 on the
	// mean.
	const scale = 2.0 / (32768 * 32768 * window * window * 3 / 8)
	power[0] = 0
	for k := 1; k < bins; k++ {
		a, b := z[k], z[bins-k]
		even := complex(real(a)+real(b), imag(a)-imag(b)) / 2
		odd := complex(imag(a)+imag(b), real(b)-real(a)) / 2
		x := even + twiddle[k]*odd
		power[k] = (real(x)*real(x) + imag(x)*imag(x)) * scale
	}
}
