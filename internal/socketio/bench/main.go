//go:build linux

// Command bench measures the Socket.IO server beside the Node.js reference server, under the same load in one run: memory
// a connection, latency of echoes and of pushes to single sockets, CPU an echo, the time of a broadcast, and what a
// client that does not read costs.
//
// Each server is pinned to one core and the load generator to another. They are measured in turn, several times, and the median of each
// figure counts. The bars are those of docs/operations.md: the exit status is 1 when one is missed.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	sizes := flag.String("clients", "1000,5000,10000", "numbers of connected clients, comma-separated")
	seconds := flag.Int("seconds", 5, "length of each latency measurement, in `seconds`")
	rounds := flag.Int("rounds", 3, "measure each server so often, in turn, and take the median of each figure")
	flag.Parse()
	missed, err := run(context.Background(), *sizes, *rounds, time.Duration(*seconds)*time.Second)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if missed > 0 {
		fmt.Printf("%d bars missed\n", missed)
		os.Exit(1)
	}
	fmt.Println("all bars met")
}

func run(ctx context.Context, sizes string, rounds int, length time.Duration) (missed int, err error) {
	starters, cleanup, err := prepare(ctx)
	if err != nil {
		return 0, err
	}
	defer cleanup()
	for size := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(size))
		if err != nil || n < 1 || n > 19_000 {
			return missed, fmt.Errorf("-clients: %q is no number from 1 to 19000", size)
		}
		var results [2][]result
		for range max(rounds, 1) {
			for i, start := range starters {
				r, err := measure(ctx, start, n, length)
				if err != nil {
					return missed, fmt.Errorf("%s, %d clients: %w", start.name, n, err)
				}
				results[i] = append(results[i], r)
			}
			for _, together := range together(n) {
				if err := measureBroadcasts(ctx, starters, together, n, results); err != nil {
					return missed, fmt.Errorf("broadcasts to %d clients: %w", n, err)
				}
			}
		}
		missed += report(os.Stdout, n, median(results[0]), median(results[1]))
	}
	var grown [2]float64
	for i, start := range starters {
		if grown[i], err = measureNonReader(ctx, start); err != nil {
			return missed, fmt.Errorf("%s, a client that does not read: %w", start.name, err)
		}
	}
	return missed + reportNonReader(os.Stdout, grown[0], grown[1]), nil
}

// result is what was measured of one server at one number of clients.
type result struct {
	memory       float64 // bytes of resident memory a connection
	echo, push   latencies
	cpuEcho      time.Duration // CPU of the server an echo
	broadcast    time.Duration // until the last client has it, median
	cpuBroadcast time.Duration // CPU of the server a broadcast
}

// median takes the median of each figure: what else runs on the machine makes some of them worse, and what a server does to
// itself, such as collecting garbage, is its own and stays in.
func median(of []result) result {
	return result{
		memory: middle(of, func(r result) float64 { return r.memory }),
		echo: latencies{middle(of, func(r result) time.Duration { return r.echo.p50 }),
			middle(of, func(r result) time.Duration { return r.echo.p99 })},
		push: latencies{middle(of, func(r result) time.Duration { return r.push.p50 }),
			middle(of, func(r result) time.Duration { return r.push.p99 })},
		cpuEcho:      middle(of, func(r result) time.Duration { return r.cpuEcho }),
		broadcast:    middle(of, func(r result) time.Duration { return r.broadcast }),
		cpuBroadcast: middle(of, func(r result) time.Duration { return r.cpuBroadcast }),
	}
}

func middle[T cmp.Ordered](of []result, figure func(result) T) T {
	figures := make([]T, len(of))
	for i, r := range of {
		figures[i] = figure(r)
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

type latencies struct{ p50, p99 time.Duration }

func newLatencies(samples []time.Duration) latencies {
	slices.Sort(samples)
	return latencies{samples[len(samples)/2], samples[len(samples)*99/100]}
}

const (
	echoRate   = 1000 // a second
	pushRate   = 400  // a second
	broadcasts = 15   // to be measured of each server in a round
	firstOnes  = 3    // before them, which warm it up
)

// measure runs one server through all measurements but the broadcasts.
func measure(ctx context.Context, start starter, n int, length time.Duration) (r result, err error) {
	s, err := start.start(ctx)
	if err != nil {
		return r, err
	}
	defer s.stop()
	before, err := s.rss()
	if err != nil {
		return r, err
	}
	c, err := dialCrowd(s.addr, n)
	if err != nil {
		return r, err
	}
	defer c.close()
	if r.echo, r.cpuEcho, err = measureEcho(s, c, length); err != nil {
		return r, err
	}
	if r.push, err = measurePush(s, c, length); err != nil {
		return r, err
	}
	// Memory after the work rather than before: buffers that grow with use are in it.
	time.Sleep(2 * time.Second)
	after, err := s.rss()
	if err != nil {
		return r, err
	}
	r.memory = float64(after-before) / float64(n)
	return r, nil
}

// measureEcho sends echoes at a steady rate, each on another client.
func measureEcho(s *server, c *crowd, length time.Duration) (l latencies, cpu time.Duration, err error) {
	samples, began := make(chan time.Duration, echoRate), time.Now()
	cpuBefore, err := s.cpu()
	if err != nil {
		return l, 0, err
	}
	total := int(length.Seconds() * echoRate)
	failed := make(chan error, total)
	go func() {
		for i := range total {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / echoRate)))
			cl := c.clients[i*7919%len(c.clients)]
			go func() {
				d, err := cl.echo(i)
				if err != nil {
					failed <- err
				}
				samples <- d
			}()
		}
	}()
	all := make([]time.Duration, 0, total)
	for range total {
		all = append(all, <-samples)
	}
	select {
	case err := <-failed:
		return l, 0, err
	default:
	}
	cpuAfter, err := s.cpu()
	return newLatencies(all), (cpuAfter - cpuBefore) / time.Duration(total), err
}

// measurePush posts events for single sockets and takes the time from the post to the socket.
func measurePush(s *server, c *crowd, length time.Duration) (l latencies, err error) {
	total := int(length.Seconds() * pushRate)
	all := make([]time.Duration, 0, total)
	began := time.Now()
	for i := range total {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / pushRate)))
		room := "u" + strconv.Itoa(i*7919%len(c.clients))
		begin := time.Now()
		posted := make(chan error, 1)
		go func() { posted <- s.emit(room, card) }()
		select {
		case at := <-c.pushed:
			all = append(all, at.Sub(begin))
		case <-time.After(10 * time.Second):
			return l, errors.New("a push did not arrive")
		}
		if err := <-posted; err != nil {
			return l, err
		}
	}
	return newLatencies(all), nil
}

// card is what an agent's tab receives with a call, about 300 bytes.
var card = []byte(`{"attempt":"7241123412341234","link":"https://crm.example.org/contacts/881123/card?call=7241123412341234",` +
	`"phone":"+380441234567","campaign":"reminders-2026-11","state":"ringing","contact":{"id":"881123","name":"O. Kovalenko",` +
	`"zone":"Europe/Kyiv"},"at":"2026-11-22T14:03:11.123Z"}`)

// together says which servers broadcast at a time: both, one broadcast each in turn, so that a machine that is faster at one moment
// than at another is so for both; or one after the other, where the generator may not open so many sockets.
func together(n int) [][]int {
	if allowsFiles(2*n + 1000) {
		return [][]int{{0, 1}}
	}
	return [][]int{{0}, {1}}
}

// measureBroadcasts emits to everybody by some of the servers in turn, and adds the figures to their latest results.
func measureBroadcasts(ctx context.Context, starters [2]starter, which []int, n int, results [2][]result) error {
	var servers [2]*server
	var crowds [2]*crowd
	for _, i := range which {
		var err error
		if servers[i], err = starters[i].start(ctx); err != nil {
			return err
		}
		defer servers[i].stop()
		if crowds[i], err = dialCrowd(servers[i].addr, n); err != nil {
			return err
		}
		defer crowds[i].close()
	}
	var times, cpus [2][]time.Duration
	for b := range firstOnes + broadcasts {
		for _, i := range which {
			took, cpu, err := broadcast(servers[i], crowds[i])
			if err != nil {
				return fmt.Errorf("%s: %w", starters[i].name, err)
			}
			if b >= firstOnes {
				times[i], cpus[i] = append(times[i], took), append(cpus[i], cpu)
			}
		}
	}
	for _, i := range which {
		last := &results[i][len(results[i])-1]
		last.broadcast, last.cpuBroadcast = newLatencies(times[i]).p50, newLatencies(cpus[i]).p50
	}
	return nil
}

// broadcast emits once to everybody and waits for the last one. The server's CPU counts what it does soon afterwards, too.
func broadcast(s *server, c *crowd) (took, cpu time.Duration, err error) {
	before, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	c.expect(len(c.clients))
	begin := time.Now()
	if err := s.emit("", card); err != nil {
		return 0, 0, err
	}
	select {
	case at := <-c.all:
		took = at.Sub(begin)
	case <-time.After(20 * time.Second):
		return 0, 0, errors.New("a broadcast did not reach everybody")
	}
	time.Sleep(200 * time.Millisecond)
	after, err := s.cpu()
	return took, after - before, err
}

// measureNonReader sends 200 MB to a client that does not read, on a server of its own, and returns how much the server
// grew at most.
func measureNonReader(ctx context.Context, start starter) (float64, error) {
	s, err := start.start(ctx)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	stalled, err := dialStalled(s.addr, "stalled")
	if err != nil {
		return 0, err
	}
	defer stalled.Close()
	before, err := s.rss()
	if err != nil {
		return 0, err
	}
	body := append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, 200_000)...), '"')
	most := before
	for range 1000 {
		if err := s.emit("stalled", body); err != nil {
			return 0, err
		}
		now, err := s.rss()
		if err != nil {
			return 0, err
		}
		most = max(most, now)
	}
	return float64(most - before), nil
}

var httpClient = &http.Client{Timeout: 20 * time.Second}
