package media

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// packed sends packets of these lengths through a stream, as the far end of f receives them.
func packed(f Format, lengths ...int) (said []byte, heard []Packet) {
	o, seq, ts, now := outward{}, uint16(65530), uint32(1<<32-100), time.Now()
	f.Hear[0] = SoundULaw
	for _, n := range lengths {
		p := Packet{Codec: ULaw, SSRC: 7, Seq: seq, TS: ts, Arrived: now}
		for range n {
			p.Payload = append(p.Payload, byte(len(said)+len(p.Payload)))
		}
		said = append(said, p.Payload...)
		o.write(&p, &f, func(b []byte) {
			var got Packet
			if _, ok := f.parse(bytes.Clone(b), &got); ok {
				heard = append(heard, got)
			}
		})
		seq, ts, now = seq+1, ts+uint32(n), now.Add(time.Duration(n)*time.Second/Rate)
	}
	return said, heard
}

// TestPacketLengths has each side send in its own length and the other ask for another.
func TestPacketLengths(t *testing.T) {
	for _, from := range []int{10, 20, 30, 40, 60} {
		for _, to := range []int{10, 20, 30, 60} {
			t.Run(fmt.Sprintf("%d to %d ms", from, to), func(t *testing.T) {
				lengths := make([]int, 1200/from)
				for i := range lengths {
					lengths[i] = 8 * from
				}
				said, heard := packed(Format{Length: 8 * to}, lengths...)
				if len(heard) != 1200/to {
					t.Fatalf("%d packets, want %d", len(heard), 1200/to)
				}
				var sound []byte
				for i, p := range heard {
					if len(p.Payload) != 8*to {
						t.Fatalf("packet %d has %d samples, want %d", i, len(p.Payload), 8*to)
					}
					if i > 0 && (p.Seq != heard[i-1].Seq+1 || p.TS != heard[i-1].TS+uint32(8*to) || p.Marker) {
						t.Fatalf("packet %d after %d: number %d after %d, time %d after %d", i, i-1, p.Seq, heard[i-1].Seq, p.TS, heard[i-1].TS)
					}
					sound = append(sound, p.Payload...)
				}
				if !bytes.Equal(sound, said) {
					t.Error("other sound came than was said")
				}
			})
		}
	}
}

// TestMostOfAPacket: who only says what it can take at most is sent no more, and else what comes.
func TestMostOfAPacket(t *testing.T) {
	for _, test := range []struct {
		f    Format
		came int
		want []int
	}{
		{Format{Most: 320}, 480, []int{160, 160, 160}}, {Format{Most: 320}, 240, []int{240}}, {Format{Most: 80}, 160, []int{80, 80}},
		{Format{Length: 480, Most: 160}, 480, []int{160, 160, 160}}, {Format{}, 480, []int{480}}, {Format{Length: 9999}, 160, nil},
	} {
		_, heard := packed(test.f, test.came)
		var got []int
		for _, p := range heard {
			got = append(got, len(p.Payload))
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%+v: %d samples came as %v, want %v", test.f.Length, test.came, got, test.want)
		}
	}
}

// TestPackedSoundIsWhole: whatever lengths a source mixes, sound keeps its order and its place in time.
func TestPackedSoundIsWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := 8 * rapid.SampledFrom([]int{10, 20, 30, 60}).Draw(rt, "length")
		lengths := rapid.SliceOfN(rapid.IntRange(1, 600), 1, 60).Draw(rt, "packets")
		said, heard := packed(Format{Length: size}, lengths...)
		var sound []byte
		for i, p := range heard {
			sound = append(sound, p.Payload...)
			if i > 0 && (p.Seq != heard[i-1].Seq+1) {
				rt.Fatalf("packet %d: number %d after %d", i, p.Seq, heard[i-1].Seq)
			}
			if len(p.Payload) > size {
				rt.Fatalf("packet %d has %d samples", i, len(p.Payload))
			}
		}
		if !bytes.HasPrefix(said, sound) || len(said)-len(sound) >= size {
			rt.Fatalf("%d of %d samples came", len(sound), len(said))
		}
	})
}

// TestPackedLosses loses, repeats and delays packets of 30 ms to somebody who asked for 20.
func TestPackedLosses(t *testing.T) {
	o, f := outward{}, Format{Length: 160}
	f.Hear[0] = SoundULaw
	var times []uint32
	var numbers []uint16
	now := time.Now()
	for _, i := range []int{0, 1, 4, 3, 4, 5, 6} { // 2 is lost, 3 comes late, 4 twice
		p := Packet{Codec: ULaw, SSRC: 7, Seq: uint16(i), TS: uint32(i * 240),
			Arrived: now.Add(time.Duration(i) * 30 * time.Millisecond), Payload: make([]byte, 240)}
		o.write(&p, &f, func(b []byte) {
			var got Packet
			_, _ = f.parse(b, &got)
			times, numbers = append(times, got.TS), append(numbers, got.Seq)
		})
	}
	began := times[0]
	for i := range times {
		times[i] -= began
	}
	if got, want := fmt.Sprint(times), "[0 160 320 960 1120 1280 1440]"; got != want {
		t.Errorf("times %s, want %s", got, want)
	}
	if gap := numbers[3] - numbers[2]; gap != 3 {
		t.Errorf("after the loss the numbers go on by %d, want 3: two packets are missing", gap)
	}
}
