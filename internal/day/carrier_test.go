package day

import (
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// carrier is SIPp, which keeps every message of the wire. It may be killed and started again on the same port.
type carrier struct {
	t       *testing.T
	name    string
	address string
	media   int
	dir     string
	lives   int
	cmd     *exec.Cmd
	kills   []window
}

// window is a time in which something was broken.
type window struct{ from, to time.Time }

func (w window) overlaps(from, to time.Time) bool { return !from.After(w.to) && !to.Before(w.from) }

// startCarrier has customers talk between least and most.
func startCarrier(t *testing.T, name string, mediaPort int, least, most time.Duration) *carrier {
	t.Helper()
	return playCarrier(t, name, "testdata/carrier.xml", mediaPort, "LEAST", fmt.Sprint(least.Milliseconds()), "MOST",
		fmt.Sprint(most.Milliseconds()))
}

// playCarrier runs the scenario in the file, with words of it replaced.
func playCarrier(t *testing.T, name, file string, mediaPort int, words ...string) *carrier {
	t.Helper()
	c := &carrier{t: t, name: name, address: testdeps.FreeAddress(t), media: mediaPort, dir: t.TempDir()}
	scenario, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(words...).Replace(string(scenario))
	tone := make([]byte, 8000*10)
	for i := range tone {
		tone[i] = media.Encode(int16(8000*math.Sin(2*math.Pi*customerTone*float64(i)/8000)), media.ALaw)
	}
	for file, content := range map[string][]byte{"carrier.xml": []byte(text), "tone.alaw": tone} {
		if err := os.WriteFile(filepath.Join(c.dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.start()
	t.Cleanup(c.kill)
	return c
}

func (c *carrier) start() {
	c.t.Helper()
	c.lives++
	_, port, _ := net.SplitHostPort(c.address)
	c.cmd = exec.Command("sipp", "-sf", "carrier.xml", "-i", "127.0.0.1", "-p", port, "-mp", fmt.Sprint(c.media), "-nostdin",
		"-trace_msg",
		"-message_file", fmt.Sprintf("messages-%d", c.lives), "-trace_err", "-error_file", fmt.Sprintf("errors-%d", c.lives))
	c.cmd.Dir = c.dir
	if err := c.cmd.Start(); err != nil {
		c.t.Fatalf("sipp: %v; run: make test-deps", err)
	}
	if n := len(c.kills); n > 0 {
		c.kills[n-1].to = time.Now()
	}
}

// kill is a carrier's power cut: no BYE, no more sound.
func (c *carrier) kill() {
	if c.cmd != nil {
		c.kills = append(c.kills, window{from: time.Now(), to: time.Now().Add(time.Hour)})
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.cmd = nil
	}
}

// dialog is one call as the carrier saw it.
type dialog struct {
	callID, number, carrier string
	port                    string      // of the node that sent the INVITE, with its colon
	sound                   int         // the port that the INVITE names for the sound
	invited                 []time.Time // each time that an INVITE without a To-tag came in
	final                   int         // status of the final response; 0: none
	answered, acked         time.Time
	cancelled               time.Time
	ended                   time.Time // the first BYE, or its sending
	endedBy                 string    // "us", "customer"
	lastMessage, over       time.Time
}

var (
	messageHead = regexp.MustCompile(`^-{20,} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)`)
	digits      = regexp.MustCompile(`\+?\d{6,}`)
)

// dialogs reads what the carrier's lives have kept, by Call-ID.
func (c *carrier) dialogs() map[string]*dialog {
	c.t.Helper()
	all := map[string]*dialog{}
	for life := 1; life <= c.lives; life++ {
		text, err := os.ReadFile(filepath.Join(c.dir, fmt.Sprintf("messages-%d", life)))
		if err != nil {
			c.t.Fatal(err)
		}
		var block []string
		var at time.Time
		flush := func() {
			if len(block) > 2 {
				c.message(all, at, strings.Contains(block[0], "received"), block[1:])
			}
			block = nil
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if m := messageHead.FindStringSubmatch(line); m != nil {
				flush()
				at, _ = time.ParseInLocation("2006-01-02 15:04:05.000000", m[1], time.Local)
				continue
			}
			if line != "" || len(block) > 2 {
				block = append(block, line)
			}
		}
		flush()
	}
	return all
}

func (c *carrier) message(all map[string]*dialog, at time.Time, received bool, lines []string) {
	first := lines[0]
	header := func(name string) string {
		for _, l := range lines[1:] {
			if value, ok := strings.CutPrefix(l, name+":"); ok {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	id, cseq := header("Call-ID"), header("CSeq")
	if id == "" || strings.HasSuffix(cseq, "OPTIONS") {
		return
	}
	d := all[id]
	if d == nil {
		d = &dialog{callID: id, carrier: c.name}
		all[id] = d
	}
	d.lastMessage = at
	switch {
	case received && strings.HasPrefix(first, "INVITE ") && !strings.Contains(header("To"), "tag="):
		d.invited = append(d.invited, at)
		d.number = digits.FindString(first)
		if contact := regexp.MustCompile(`:\d+[;>]`).FindString(header("Contact")); contact != "" {
			d.port = contact[:len(contact)-1]
		}
		for _, l := range lines {
			_, _ = fmt.Sscanf(l, "m=audio %d ", &d.sound)
		}
	case received && strings.HasPrefix(first, "ACK ") && d.final == 200 && d.acked.IsZero():
		d.acked = at
	case received && strings.HasPrefix(first, "CANCEL "):
		d.cancelled = at
	case strings.HasPrefix(first, "BYE ") && d.ended.IsZero():
		d.ended, d.endedBy = at, "customer"
		if received {
			d.endedBy = "us"
		}
	case !received && strings.HasPrefix(first, "SIP/2.0 ") && strings.HasSuffix(cseq, "INVITE") && d.final == 0:
		var status int
		_, _ = fmt.Sscanf(first, "SIP/2.0 %d", &status)
		if status >= 200 {
			d.final = status
		}
		if status == 200 {
			d.answered = at
		}
	}
}

// stalls finds out how long this machine stood still: no assertion on times is sharper than that.
type stalls struct {
	mu    sync.Mutex
	worst time.Duration
	stop  chan struct{}
}

func watchStalls(t *testing.T) *stalls {
	s := &stalls{stop: make(chan struct{})}
	var done sync.WaitGroup
	done.Go(func() {
		const beat = 50 * time.Millisecond
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for last := time.Now(); ; {
			select {
			case <-s.stop:
				return
			case <-ticker.C:
				now := time.Now()
				s.mu.Lock()
				s.worst = max(s.worst, now.Sub(last)-beat)
				s.mu.Unlock()
				last = now
			}
		}
	})
	t.Cleanup(func() { close(s.stop); done.Wait() })
	return s
}

func (s *stalls) longest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worst
}
