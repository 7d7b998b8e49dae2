package sipua

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// tone is a steady one.
func tone(hz float64, length time.Duration) []int16 {
	sound := make([]int16, length*media.Rate/time.Second)
	for i := range sound {
		sound[i] = int16(9000 * math.Sin(2*math.Pi*hz*float64(i)/media.Rate))
	}
	return sound
}

func pause(length time.Duration) []int16 { return make([]int16, length*media.Rate/time.Second) }

func sounds(parts ...[]int16) (all []int16) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

const mailbox = "You have reached the voice mailbox of the person whom you have called. Nobody can take your call " +
	"at the moment. Please leave your name and your number after the tone, and we will call you back."

// plays sends linear sound as A-law to our leg, at the pace of a phone, and then silence until the test ends.
func (f *far) plays(sound []int16) {
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: ourPort(f)}
	over := make(chan struct{})
	f.t.Cleanup(func() { close(over) })
	go func() {
		frame := make([]byte, media.FrameSize)
		for i := 0; ; i++ {
			for k := range frame {
				frame[k] = media.ALaw.Silence()
				if at := i*media.FrameSize + k; at < len(sound) {
					frame[k] = media.Encode(sound[at], media.ALaw)
				}
			}
			p := binary.BigEndian.AppendUint16([]byte{0x80, 8}, uint16(i))
			p = binary.BigEndian.AppendUint32(p, uint32(i*media.FrameSize))
			_, _ = f.sound.WriteToUDP(append(append(p, 1, 2, 3, 4), frame...), to)
			select {
			case <-over:
				return
			default:
				testdeps.Lasts(20 * time.Millisecond)
			}
		}
	}()
}

// answersWith is a customer's phone that is answered, and says this.
func (f *far) answersWith(sound []int16) {
	invite := f.await("INVITE")
	f.answer(invite, "180 Ringing")
	f.answer(invite, "200 OK", f.sdp())
	f.await("ACK")
	f.plays(sound)
}

// atCustomer places a call that listens, customer first, to a far end.
func atCustomer(t *testing.T, script func(*far)) (*Network, dialer.LiveCall, *far) {
	customer := newFar(t)
	customer.run(script)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer.addr}}
		o.MachineMessage, o.Abandoned = media.Tone(600, time.Second, 0), media.Tone(500, time.Minute, 0)
	})
	order := orderTo(nil)
	order.Listen, order.Ring = true, time.Minute
	return n, place(t, n, order), customer
}

func sounding(payload []byte) bool {
	return !bytes.Equal(payload, bytes.Repeat(payload[:1], len(payload)))
}

// TestAMachineIsHeardAndHungUp: it talks on, is known for a machine by its sound in RTP, and hears nothing of ours.
func TestAMachineIsHeardAndHungUp(t *testing.T) {
	t.Parallel()
	greeting := testdeps.Spoken(t, mailbox)
	_, c, customer := atCustomer(t, func(f *far) { f.answersWith(greeting); f.awaitBye() })
	until(t, c, dialer.CustomerAnswered)
	until(t, c, dialer.MachineHeard)
	c.Hangup("system")
	if got := until(t, c, dialer.Ended); got.HangupBy != "system" {
		t.Errorf("ended %+v", got)
	}
	customer.ended()
}

// TestTheMessageIsLeftAfterTheBeep: an agent who has the machine by then is let go first.
func TestTheMessageIsLeftAfterTheBeep(t *testing.T) {
	t.Parallel()
	sound := sounds(pause(time.Second), testdeps.Spoken(t, "Please leave a message after the tone."), pause(300*time.Millisecond),
		tone(1000, 400*time.Millisecond))
	heard := make(chan int, 1)
	n, c, customer := atCustomer(t, func(f *far) {
		f.answersWith(sound)
		heard <- f.hears(40, sounding) // of 50: the agent says a constant
		f.awaitBye()
	})
	agent := newFar(t)
	agent.run(func(f *far) {
		invite := f.await("INVITE")
		f.answer(invite, "200 OK", f.sdp())
		f.await("ACK")
		f.awaitBye()
	})
	until(t, c, dialer.CustomerAnswered)
	if err := c.(dialer.Joiner).Join(t.Context(), *agent.extension()); err != nil {
		t.Fatal(err)
	}
	if got := until(t, c, dialer.MachineHeard); got.Doubtful {
		t.Errorf("%+v", got)
	}
	if !n.MachineMessage() {
		t.Error("there is a message")
	}
	c.(dialer.MessageLeaver).LeaveMessage()
	until(t, c, dialer.AgentParted)
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || got.Cause != "message left" {
		t.Errorf("ended %+v", got)
	}
	<-heard
	agent.ended()
	customer.ended()
}

// TestThePersonIsLeftAlone: who says a few words and waits is no machine.
func TestThePersonIsLeftAlone(t *testing.T) {
	t.Parallel()
	sound := sounds(pause(500*time.Millisecond), testdeps.Spoken(t, "Hello?"))
	_, c, customer := atCustomer(t, func(f *far) {
		f.answersWith(sound)
		f.hears(250, func([]byte) bool { return true }) // five seconds of what a waiting customer hears
		f.hangUp()
	})
	for p := range c.Progress() {
		if p.Kind == dialer.MachineHeard {
			t.Errorf("taken for a machine: %+v", p)
		}
		if p.Kind == dialer.Ended && (p.Outcome != campaigns.Answered || p.HangupBy != "customer") {
			t.Errorf("ended %+v", p)
		}
	}
	customer.ended()
}

// TestTheNetworkSaysThatTheNumberIsGone: special information tones before the answer are an outcome, and end the call.
func TestTheNetworkSaysThatTheNumberIsGone(t *testing.T) {
	t.Parallel()
	tones := sounds(pause(500*time.Millisecond), tone(950, 330*time.Millisecond), tone(1400, 330*time.Millisecond),
		tone(1800, 330*time.Millisecond))
	_, c, customer := atCustomer(t, func(f *far) {
		invite := f.await("INVITE")
		f.answer(invite, "183 Session Progress", f.sdp())
		f.plays(tones)
		f.answer(f.await("CANCEL"), "200 OK")
		f.answer(invite, "487 Request Terminated")
		f.await("ACK")
	})
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.InvalidNumber || got.NotDialed {
		t.Errorf("ended %+v", got)
	}
	customer.ended()
}

// TestSilenceThatIsNotSent: a far end that sends nothing while it says nothing is heard to be silent, by time and by timestamps.
func TestSilenceThatIsNotSent(t *testing.T) {
	words := testdeps.Spoken(t, mailbox)[:3*media.Rate]
	begun := time.Now()
	for _, by := range []string{"time", "timestamps"} {
		e := &ear{news: make(chan struct{}, 1)}
		frame := make([]byte, media.FrameSize)
		var ts uint32
		say := func() {
			for at := 0; at+media.FrameSize <= len(words); at += media.FrameSize {
				for k := range frame {
					frame[k] = media.Encode(words[at+k], media.ULaw)
				}
				e.take(&media.Packet{Codec: media.ULaw, TS: ts, Arrived: begun, Payload: frame})
				ts += media.FrameSize
			}
		}
		say()
		if e.mayLeave() {
			t.Errorf("by %s: it still talks", by)
		}
		if by == "time" {
			for i := range 30 {
				e.pass(begun.Add(earWaits + time.Duration(i+1)*earPulse))
			}
		} else {
			ts += 28 * media.Rate / 10
			e.take(&media.Packet{Codec: media.ULaw, TS: ts, Arrived: begun, Noise: true, Payload: []byte{60}})
		}
		if !e.mayLeave() {
			t.Errorf("by %s: the silence was not noticed: %v", by, e.detector.Quiet())
		}
	}
}
