package sipua

import (
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestHundredTalks holds many recorded talks at once and counts, at the far ends, whether a packet of ours is missing. It runs
// when SIPUA_TALK says how long they are to talk, such as 5m (make bench-talks).
func TestHundredTalks(t *testing.T) {
	hold, err := time.ParseDuration(os.Getenv("SIPUA_TALK"))
	if err != nil {
		t.Skip("SIPUA_TALK says how long to talk, such as 5m")
	}
	const calls = 100
	recordings := keepRecordings(t)
	recordings.done = make(chan Recording, calls)
	agent, customer := newManyFars(t), newManyFars(t)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer.addr}}
		recordings.options(o)
	})
	before := kernelDrops(t)
	cpuBefore, began := cpu(), time.Now()
	var running sync.WaitGroup
	for i := range calls {
		testdeps.Lasts(time.Second / 25) // a campaign's start
		order := orderTo(nil)
		order.Agent = &agents.Extension{Name: strconv.Itoa(i), Network: Name, Number: strconv.Itoa(3000 + i), Server: agent.addr,
			Codecs: []string{"g711a"}}
		c := place(t, n, order)
		until(t, c, dialer.CustomerAnswered)
		running.Go(func() {
			hang := time.AfterFunc(hold, func() { c.Hangup("agent") })
			defer hang.Stop()
			for p := range c.Progress() {
				if p.Kind == dialer.Ended && (p.Outcome != campaigns.Answered || p.HangupBy != "agent") {
					t.Errorf("call %d: %+v", i, p)
				}
			}
		})
	}
	running.Wait()
	took, used := time.Since(began), cpu()-cpuBefore
	var heard, missing uint64
	for range calls {
		rec := recordings.await(t)
		heard += rec.Agent.Packets + rec.Customer.Packets
		missing += rec.Agent.Lost + rec.Customer.Lost
	}
	dropped := kernelDrops(t) - before
	delivered := uint64(0)
	for _, side := range []*manyFars{agent, customer} {
		got, lost := side.heard()
		delivered += got
		t.Logf("far end heard %d packets, %d missing", got, lost)
		if lost > dropped {
			t.Errorf("%d packets of ours are missing, the kernel dropped %d", lost, dropped)
		}
	}
	if delivered < heard*99/100 {
		t.Errorf("we heard %d packets and handed on %d", heard, delivered)
	}
	t.Logf("%d talks of %s in %s: %s CPU, the far ends' work with it; we heard %d packets, missed %d; the kernel dropped %d", calls,
		hold,
		took.Round(time.Second), used.Round(time.Millisecond), heard, missing, dropped)
	if missing > dropped {
		t.Errorf("we missed %d packets", missing)
	}
}

// manyFars is talkers that count what they hear, stream by stream.
type manyFars struct {
	*talkers
	addr string

	mu      sync.Mutex
	streams map[uint32]*heardStream // by SSRC
}

type heardStream struct {
	first, last uint16
	turns, got  uint64 // turns of the sequence number
}

func newManyFars(t *testing.T) *manyFars {
	t.Helper()
	sound, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = sound.SetReadBuffer(8 << 20)
	sip, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sound.Close(); _ = sip.Close() })
	c := &manyFars{talkers: &talkers{conn: sound, to: map[string]*net.UDPAddr{}}, addr: sip.LocalAddr().String(),
		streams: map[uint32]*heardStream{}}
	go c.listen()
	go c.talk()
	go c.answer(sip)
	return c
}

func (c *manyFars) listen() {
	buf := make([]byte, 2048)
	for {
		n, _, err := c.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if n < 12 || buf[1]&0x7F > 34 { // RTCP, or a key
			continue
		}
		ssrc, seq := uint32(buf[8])<<24|uint32(buf[9])<<16|uint32(buf[10])<<8|uint32(buf[11]), uint16(buf[2])<<8|uint16(buf[3])
		c.mu.Lock()
		s := c.streams[ssrc]
		if s == nil {
			s = &heardStream{first: seq, last: seq}
			c.streams[ssrc] = s
		}
		s.got++
		if int16(seq-s.last) > 0 {
			if seq < s.last {
				s.turns++
			}
			s.last = seq
		}
		c.mu.Unlock()
	}
}

// heard is how many packets came, and how many did not.
func (c *manyFars) heard() (got, lost uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		sent := s.turns<<16 + uint64(s.last) - uint64(s.first) + 1
		got, lost = got+s.got, lost+sent-min(s.got, sent)
	}
	return got, lost
}

// kernelDrops counts the datagrams that the kernel had no room for, of all processes.
func kernelDrops(t *testing.T) uint64 {
	t.Helper()
	b, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		t.Skip(err)
	}
	var names []string
	for line := range strings.SplitSeq(string(b), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		sum := uint64(0)
		for i, name := range names {
			if name == "RcvbufErrors" || name == "SndbufErrors" {
				n, _ := strconv.ParseUint(fields[i], 10, 64)
				sum += n
			}
		}
		return sum
	}
	return 0
}
