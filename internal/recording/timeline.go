package recording

import "github.com/creditorro/ringmaster/internal/media"

const (
	maxDrift  = 400 * rate / 1000  // samples between where a packet belongs and when it came, before its source counts as a new one
	tolerance = 40 * rate / 1000   // of the mean of that distance: nobody hears by how much the sides lie beside each other
	smooth    = 1300 * rate / 1000 // samples over which the mean is taken
	settle    = 800 * rate / 1000  // samples in which a strayed clock is brought back
	stretchBy = 64                 // a packet is stretched or pressed by at most 1/64: nobody hears it
	pause     = 100 * rate / 1000  // from here on a gap is silence, in which a timeline may be set right at once
	seam      = 40 * rate / 1000   // a source that begins so soon after the last one ended goes on where that ended
)

// timeline places one side's sound on the recording's clock, which is ours. RTP timestamps say how packets lie to each other;
// their source's clock may run at another speed, leap, or be replaced by another source's. A clock that runs slower or faster is
// followed by stretching or pressing packets, so that neither holes come about nor sound is laid over sound.
type timeline struct {
	known bool
	ssrc  uint32
	ts    uint32  // of the newest packet
	pos   int64   // where its timestamp lies; a packet further by n samples lies n further
	n     int     // its samples
	next  int64   // behind its last sample
	drift float64 // mean of where packets belong less when they came, in samples
}

// position gives the position of a packet of n samples that came at now, and how many samples it is to take; none: it is dropped.
func (t *timeline) position(ssrc, ts uint32, n int, now int64) (at int64, samples int) {
	ahead := int64(int32(ts - t.ts))
	at = t.pos + ahead
	early := at - now
	switch {
	case !t.known || ssrc != t.ssrc:
		return t.begin(ssrc, ts, n, now)
	case early > maxDrift && ahead == int64(t.n): // the rest of a burst, after a stall: there is no time for it
		t.ts, t.n, t.pos = ts, n, t.next-int64(n)
		return at, 0
	case early > maxDrift, early < -maxDrift:
		return t.begin(ssrc, ts, n, now)
	case ahead == 0: // it came twice
		return at, 0
	case ahead < 0: // out of order
		return at, n
	case at-t.next >= pause && (early > tolerance || early < -tolerance):
		t.drift, at = 0, max(now, t.next)
	default:
		t.drift += (float64(early) - t.drift) * float64(n) / smooth
	}
	by := t.correction(n)
	t.drift += float64(by)
	t.ts, t.n, t.pos, t.next = ts, n, at+int64(by), at+int64(n+by)
	return at, n + by
}

// begin places the first packet of a source, or of one whose clock leapt.
func (t *timeline) begin(ssrc, ts uint32, n int, now int64) (int64, int) {
	at := now
	if t.known && t.next >= now-seam && t.next <= now+maxDrift {
		at = t.next
	}
	*t = timeline{known: true, ssrc: ssrc, ts: ts, pos: at, n: n, next: at + int64(n), drift: float64(at - now)}
	return at, n
}

// correction is by how many samples a packet of n is to be longer.
func (t *timeline) correction(n int) int {
	if t.drift < tolerance && t.drift > -tolerance {
		return 0
	}
	most := n / stretchBy
	return min(max(int(-t.drift*float64(n)/settle), -most), most)
}

// stretch writes sound, of another codec or length, into dst as µ-law.
func stretch(dst, sound []byte, codec media.Codec) {
	if len(dst) == len(sound) {
		media.Convert(dst, sound, codec, media.ULaw)
		return
	}
	last, steps := len(sound)-1, max(len(dst)-1, 1)
	for i := range dst {
		k, rest := i*last/steps, i*last%steps
		s := int(media.Decode(sound[k], codec))
		if rest > 0 {
			s += (int(media.Decode(sound[k+1], codec)) - s) * rest / steps
		}
		dst[i] = media.Encode(int16(s), media.ULaw)
	}
}
