package day

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
)

// mouth is what a customer says from the answer on, and then nothing.
type mouth struct {
	says []byte // A-law
	beep time.Duration
}

// mouths are the customers of testdata/machines.xml: each says what belongs to its number, and keeps what it hears.
type mouths struct {
	conn *net.UDPConn
	of   func(number string) mouth

	mu      sync.Mutex
	calls   []*mouthed
	invited chan string // numbers
}

// mouthed is one call.
type mouthed struct {
	mouth
	number   string
	node     netip.AddrPort
	answered time.Time
	ended    bool      // another call may have the node's port by now
	said     int       // samples
	beepOver time.Time // when the end of the beep was sent, or would have been
	hears    [3]span   // by heardTones
}

// span is when something was heard first and last.
type span struct{ first, last time.Time }

// What a customer may hear.
const (
	fromAgent = iota
	fromMessage
	fromSorry
	sorryTone = 1600 // Hz, of the message for whom there is no agent
)

var heardTones = [...]float64{fromAgent: agentTone, fromMessage: messageTone, fromSorry: sorryTone}

func newMouths(t *testing.T, of func(number string) mouth) *mouths {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	m := &mouths{conn: conn, of: of, invited: make(chan string, 100)}
	var done sync.WaitGroup
	stop := make(chan struct{})
	done.Go(m.listen)
	done.Go(func() { m.speak(stop) })
	t.Cleanup(func() { close(stop); conn.Close(); done.Wait() })
	return m
}

// follow hears of the carrier's calls until the test ends.
func (m *mouths) follow(c *carrier) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for told := map[string]bool{}; ; {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			for id, d := range c.dialogs() {
				if len(d.invited) > 0 && d.sound > 0 && !told[id] {
					told[id] = true
					m.invited <- strings.TrimPrefix(d.number, "+")
				}
				if !d.answered.IsZero() && d.sound > 0 && !told[id+" answered"] {
					told[id+" answered"] = true
					m.answer(d)
				}
				if !d.ended.IsZero() && !told[id+" ended"] {
					told[id+" ended"] = true
					m.end(d)
				}
			}
		}
	})
	c.t.Cleanup(func() { close(stop); done.Wait() })
}

func (m *mouths) answer(d *dialog) {
	number := strings.TrimPrefix(d.number, "+")
	c := &mouthed{mouth: m.of(number), number: number, answered: d.answered,
		node: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(d.sound))}
	c.beepOver = c.answered.Add(c.beep) // or so
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, c)
}

func (m *mouths) end(d *dialog) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls {
		if c.number == strings.TrimPrefix(d.number, "+") {
			c.ended = true
		}
	}
}

func (m *mouths) port() int { return m.conn.LocalAddr().(*net.UDPAddr).Port }

func (m *mouths) listen() {
	sounds(m.conn, func(from netip.AddrPort, heard []byte, now time.Time) {
		m.mu.Lock()
		defer m.mu.Unlock()
		c := m.at(from)
		if c == nil {
			return
		}
		for i, hertz := range heardTones {
			if s := &c.hears[i]; loud(heard, hertz) {
				if s.first.IsZero() {
					s.first = now
				}
				s.last = now
			}
		}
	})
}

// at is the call that a node's port has now; nil: none. The caller holds m.mu.
func (m *mouths) at(node netip.AddrPort) *mouthed {
	for _, c := range slices.Backward(m.calls) {
		if c.node == node && !c.ended {
			return c
		}
	}
	return nil
}

// speak says to everybody what comes next.
func (m *mouths) speak(stop chan struct{}) {
	const frame = media.FrameSize
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	packet := make([]byte, 12+frame)
	packet[0], packet[1] = 0x80, 8
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		m.mu.Lock()
		for _, c := range m.calls {
			if c.ended {
				continue
			}
			// what the clock has missed is said now: a stall of this machine makes no greeting longer
			for due := int(time.Since(c.answered) * 8000 / time.Second); c.said+frame <= due; c.said += frame {
				for k := range frame {
					packet[12+k] = media.ALaw.Silence()
					if at := c.said + k; at < len(c.says) {
						packet[12+k] = c.says[at]
					}
				}
				binary.BigEndian.PutUint16(packet[2:], uint16(c.said/frame))
				binary.BigEndian.PutUint32(packet[4:], uint32(c.said))
				binary.BigEndian.PutUint32(packet[8:], uint32(c.node.Port()))
				_, _ = m.conn.WriteToUDPAddrPort(packet, c.node)
				if over := int(c.beep * 8000 / time.Second); c.beep > 0 && c.said < over && c.said+frame >= over {
					c.beepOver = time.Now()
				}
			}
		}
		m.mu.Unlock()
	}
}

// call is what the customer of a number has said and heard; nil: none has answered.
func (m *mouths) call(number string) *mouthed {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls {
		if c.number == number {
			copied := *c
			return &copied
		}
	}
	return nil
}
