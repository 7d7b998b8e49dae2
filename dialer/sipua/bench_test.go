package sipua

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/recording"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// The benches of `make bench PARTS=sip` run the engine alone in a process on one core; far ends have the other one. CPU is
// the engine process's own accounting, user and system.

// TestMain lets this binary be the other processes of the benches.
func TestMain(m *testing.M) {
	switch role := os.Getenv("SIPUA_BENCH"); role {
	case "":
		os.Exit(m.Run())
	case "engine":
		benchEngine()
	case "far":
		benchFar()
	case "tabs":
		benchTabs()
	default:
		fmt.Fprintln(os.Stderr, "no such role:", role)
		os.Exit(2)
	}
}

// load is what the engine is asked to do, and report what came of it.
type load struct {
	Phone, Trunk string        // addresses of the far ends
	Calls        int           // in all
	Rate         float64       // a second
	Hold         time.Duration // talk of each call
	Record       string        // folder; empty: not recorded
	WS           string        // where tabs come in; empty: the agents' phones are Phone
}

type report struct {
	Good     int
	CPU      time.Duration // from the first call's order to the last one's end
	Steady   time.Duration // CPU of the middle of the hold, over Window
	Window   time.Duration
	P50, P99 time.Duration // from the order to both sides up
	Took     time.Duration
	Lost     uint64
	Packets  uint64
	Heap     uint64 // after the last call's end, when the dialogs still linger
	Outcomes map[string]int
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchEngine() {
	var l load
	if err := json.NewDecoder(os.Stdin).Decode(&l); err != nil {
		panic(err)
	}
	r := report{Outcomes: map[string]int{}}
	var mu sync.Mutex
	opts := Options{Node: "bench", Advertise: "127.0.0.1", Listen: Listen{UDP: "127.0.0.1:0"}, Secret: make([]byte, 32),
		RTPLow: 40000, RTPHigh: 59998, Log: slog.New(slog.DiscardHandler), Trunks: []Trunk{{Name: "t", Host: l.Trunk, Check: -1}},
		Owner: func(context.Context, string) (int64, error) { return theOwner, nil }}
	if l.Record != "" {
		library, err := recording.NewLibrary(l.Record)
		if err != nil {
			panic(err)
		}
		opts.Recordings = library
		opts.RecordingDone = func(_ context.Context, _ string, rec Recording) {
			mu.Lock()
			defer mu.Unlock()
			r.Lost += rec.Agent.Lost + rec.Customer.Lost
			r.Packets += rec.Agent.Packets + rec.Customer.Packets
		}
	}
	if l.WS != "" {
		opts.Listen.Media = "127.0.0.1:0"
		opts.CheckRequest = func(*http.Request) error { return nil }
	}
	n, err := New(opts)
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	<-n.ready
	if l.WS != "" {
		listener, err := net.Listen("tcp", l.WS)
		if err != nil {
			panic(err)
		}
		go func() { _ = http.Serve(listener, n.ServeWS()) }()
		for len(n.locations.all()) < l.Calls {
			testdeps.Lasts(10 * time.Millisecond)
		}
	}

	var setups []time.Duration
	var calls sync.WaitGroup
	began, before := time.Now(), cpu()
	if l.Hold > 4*time.Second {
		ramp := time.Duration(float64(l.Calls) / l.Rate * float64(time.Second))
		r.Window = l.Hold - ramp - 2*time.Second
		time.AfterFunc(ramp+time.Second, func() {
			start := cpu()
			time.AfterFunc(r.Window, func() { r.Steady = cpu() - start })
		})
	}
	for i := range l.Calls {
		due := began.Add(time.Duration(float64(i) / l.Rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			testdeps.Lasts(wait)
		}
		order := dialer.Call{AttemptID: dialer.AttemptID(testIDs.Next(time.Now())), Customer: "+447700900123",
			AgentRing: 10 * time.Second, Ring: 10 * time.Second,
			Agent: &agents.Extension{Name: "a", Number: "a", Server: l.Phone, Codecs: []string{"g711a"}}}
		if l.WS != "" {
			order.Agent = &agents.Extension{Name: strconv.Itoa(i), OwnerID: theOwner, Codecs: []string{"g711a"}}
		}
		calls.Go(func() {
			ordered := time.Now()
			c, err := n.Place(ctx, order)
			if err != nil {
				panic(err)
			}
			for p := range c.Progress() {
				switch p.Kind {
				case dialer.CustomerAnswered:
					mu.Lock()
					setups = append(setups, p.At.Sub(ordered))
					mu.Unlock()
					time.AfterFunc(l.Hold, func() { c.Hangup("system") })
				case dialer.Ended:
					mu.Lock()
					if p.Outcome == campaigns.Answered {
						r.Good++
					}
					r.Outcomes[string(p.Outcome)+" "+p.Cause]++
					mu.Unlock()
				}
			}
		})
	}
	calls.Wait()
	r.CPU, r.Took = cpu()-before, time.Since(began)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.Heap = m.HeapAlloc
	slices.Sort(setups)
	if len(setups) > 0 {
		r.P50, r.P99 = setups[len(setups)/2], setups[len(setups)*99/100]
	}
	stop()
	<-done
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

// benchFar is both far ends of talking calls: it answers on two SIP sockets and says a tone into every call, 50 packets a second.
func benchFar() {
	for range 2 {
		sound, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			panic(err)
		}
		_ = sound.SetReadBuffer(8 << 20)
		sip, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			panic(err)
		}
		talkers := &talkers{conn: sound, to: map[string]*net.UDPAddr{}}
		go talkers.listen()
		go talkers.talk()
		go talkers.answer(sip)
		fmt.Println(sip.LocalAddr())
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

type talkers struct {
	conn *net.UDPConn
	mu   sync.Mutex
	to   map[string]*net.UDPAddr // by Call-ID
}

func (s *talkers) listen() {
	buf := make([]byte, 2048)
	for {
		if _, _, err := s.conn.ReadFromUDPAddrPort(buf); err != nil {
			return
		}
	}
}

func (s *talkers) answer(sip *net.UDPConn) {
	sdp := string(description{addr: s.conn.LocalAddr().(*net.UDPAddr).AddrPort(), codecs: []media.Codec{media.ALaw},
		direction: "sendrecv"}.text(1))
	buf := make([]byte, 4096)
	for {
		k, from, err := sip.ReadFromUDP(buf)
		if err != nil {
			return
		}
		msg := string(buf[:k])
		_, rest, _ := strings.Cut(msg, "Call-ID: ")
		id, _, _ := strings.Cut(rest, "\r\n")
		switch method, _, _ := strings.Cut(msg, " "); method {
		case "ACK":
			continue
		case "INVITE":
			if d, err := parseSDP([]byte(msg[strings.Index(msg, "\r\n\r\n")+4:])); err == nil {
				s.mu.Lock()
				s.to[id] = &net.UDPAddr{IP: d.addr.Addr().AsSlice(), Port: int(d.addr.Port())}
				s.mu.Unlock()
			}
		case "BYE":
			s.mu.Lock()
			delete(s.to, id)
			s.mu.Unlock()
		}
		_, _ = sip.WriteToUDP([]byte(phoneAnswer(msg, sip.LocalAddr().String(), sdp)), from)
	}
}

func (s *talkers) talk() {
	pkt := make([]byte, 172)
	pkt[0], pkt[1] = 0x80, byte(media.ALaw)
	ticker := time.NewTicker(20 * time.Millisecond)
	for i := 0; ; i++ {
		pkt[2], pkt[3] = byte(i>>8), byte(i)
		ts := i * 160
		pkt[4], pkt[5], pkt[6], pkt[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
		s.mu.Lock()
		for _, to := range s.to {
			_, _ = s.conn.WriteToUDP(pkt, to)
		}
		s.mu.Unlock()
		<-ticker.C
	}
}

// pinned is a command bound to a core, where there are several.
func pinned(core int, name string, args ...string) *exec.Cmd {
	if _, err := exec.LookPath("taskset"); err != nil {
		return exec.Command(name, args...)
	}
	return exec.Command("taskset", append([]string{"-c", strconv.Itoa(core), name}, args...)...)
}

func runEngine(b *testing.B, l load) report {
	b.Helper()
	cmd := pinned(0, os.Args[0])
	cmd.Env = append(os.Environ(), "SIPUA_BENCH=engine", "GOMAXPROCS=1")
	text, _ := json.Marshal(l)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		b.Fatal(err)
	}
	if r.Good < l.Calls {
		b.Logf("of %d calls: %v", l.Calls, r.Outcomes)
	}
	return r
}

// BenchmarkSetup sets up two-leg calls against SIPp without media: the agent's phone, then the customer, then the hang-up.
func BenchmarkSetup(b *testing.B) {
	for _, rate := range []float64{100, 300, 600, 900} {
		b.Run(fmt.Sprintf("rate=%.0f", rate), func(b *testing.B) {
			l := load{Phone: sippFar(b), Trunk: sippFar(b), Calls: int(rate * 8), Rate: rate}
			for range b.N {
				r := runEngine(b, l)
				b.ReportMetric(float64(r.CPU.Microseconds())/float64(l.Calls)/1000, "ms-CPU/call")
				b.ReportMetric(float64(r.P50.Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(r.P99.Microseconds())/1000, "p99-ms")
				b.ReportMetric(float64(r.Good)/float64(l.Calls)*100, "good-%")
				b.ReportMetric(float64(r.Good)/r.Took.Seconds(), "calls/s")
				b.ReportMetric(float64(r.Heap)/float64(l.Calls)/1024, "kB/ended-call")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

func sippFar(b *testing.B) string {
	slot := sippSlot.Add(1)
	port := strconv.Itoa(11000 + int(slot))
	scenario, err := filepath.Abs("testdata/sipp/answer.xml")
	if err != nil {
		b.Fatal(err)
	}
	cmd := pinned(1, "sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", port, "-mp", strconv.Itoa(13000+10*int(slot)), "-nostdin",
		"-buff_size", "8000000")
	cmd.Dir = b.TempDir()
	if err := cmd.Start(); err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	testdeps.Lasts(time.Second)
	return "127.0.0.1:" + port
}

// startFar runs another role of this binary on the other core, and returns its first lines.
func startFar(b *testing.B, role string, lines int, env ...string) []string {
	b.Helper()
	far := pinned(1, os.Args[0])
	far.Env = append(append(os.Environ(), "SIPUA_BENCH="+role), env...)
	far.Stderr = os.Stderr
	stdin, err := far.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := far.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := far.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stdin.Close(); _ = far.Wait() })
	in := bufio.NewScanner(stdout)
	said := make([]string, lines)
	for i := range said {
		in.Scan()
		said[i] = in.Text()
	}
	return said
}

// BenchmarkTalk holds bridged G.711 calls: trunk to trunk, unrecorded and recorded, and recorded with browsers as agents.
func BenchmarkTalk(b *testing.B) {
	for _, w := range []struct {
		name               string
		recorded, browsers bool
	}{{"plain", false, false}, {"recorded", true, false}, {"recorded-browsers", true, true}} {
		for _, calls := range []int{50, 100} {
			b.Run(fmt.Sprintf("%s/calls=%d", w.name, calls), func(b *testing.B) {
				far := startFar(b, "far", 2)
				l := load{Phone: far[0], Trunk: far[1], Calls: calls, Rate: 50, Hold: 15 * time.Second}
				if w.recorded {
					l.Record = b.TempDir()
				}
				if w.browsers {
					l.WS = fmt.Sprintf("127.0.0.1:%d", 12000+sippSlot.Add(1))
					startFar(b, "tabs", 0, "SIPUA_TABS="+strconv.Itoa(calls), "SIPUA_WS="+l.WS)
				}
				for range b.N {
					r := runEngine(b, l)
					b.ReportMetric(float64(r.Steady.Microseconds())/r.Window.Seconds()/float64(calls)/1000, "ms-CPU/call-s")
					b.ReportMetric(float64(r.Good)/float64(calls)*100, "good-%")
					if w.recorded {
						b.ReportMetric(float64(r.Lost)/float64(max(r.Packets, 1))*100, "lost-%")
						b.ReportMetric(float64(r.Packets)/r.Took.Seconds()/float64(calls), "packets/call-s")
					}
					b.ReportMetric(0, "ns/op")
				}
			})
		}
	}
}
