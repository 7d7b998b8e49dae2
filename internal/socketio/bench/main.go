//go:build linux

// Command bench measures the Socket.IO server beside the Node.js reference server and the prescribed server in Go, under the same
// load in one run: memory a connection, latency of echoes and of pushes to single sockets, CPU an echo, what a client that does
// not read costs, and how soon clients that are cut off are noticed.
//
// Each server is pinned to one core and the load generator to another. They are measured in turn, several times, and the median
// of each figure counts. The bars are those of docs/operations.md: the exit status is 1 when one is missed.
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
	sizes := flag.String("clients", "1000,10000", "numbers of connected clients, comma-separated")
	seconds := flag.Int("seconds", 3, "length of each latency measurement, in `seconds`")
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
		var results [3][]result
		for range max(rounds, 1) {
			for i, start := range starters {
				r, err := measure(ctx, start, n, length)
				if err != nil {
					return missed, fmt.Errorf("%s, %d clients: %w", start.name, n, err)
				}
				results[i] = append(results[i], r)
			}
		}
		missed += report(os.Stdout, n, median(results[0]), median(results[1]), median(results[2]))
	}
	var grown [3]float64
	var noticed [3]int
	for i, start := range starters {
		if grown[i], err = measureNonReader(ctx, start); err != nil {
			return missed, fmt.Errorf("%s, a client that does not read: %w", start.name, err)
		}
	}
	for i, start := range starters {
		if noticed[i], err = measureCuts(ctx, start); err != nil {
			return missed, fmt.Errorf("%s, clients cut off: %w", start.name, err)
		}
	}
	return missed + reportNonReader(os.Stdout, grown) + reportCuts(os.Stdout, noticed), nil
}

// result is what was measured of one server at one number of clients.
type result struct {
	memory     float64 // bytes of resident memory a connection
	echo, push latencies
	cpuEcho    time.Duration // CPU of the server an echo
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
		cpuEcho: middle(of, func(r result) time.Duration { return r.cpuEcho }),
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
	echoRate = 1000 // a second
	pushRate = 400  // a second

	cuts        = 300
	cutsNoticed = 3 * time.Second
)

// measure runs one server through all measurements at one number of clients.
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

// measureCuts cuts clients off at once, half of them by FIN and half by RST, and returns how many the server has noticed in time.
func measureCuts(ctx context.Context, start starter) (noticed int, err error) {
	s, err := start.start(ctx)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	c, err := dialCrowd(s.addr, cuts)
	if err != nil {
		return 0, err
	}
	c.cut()
	for deadline := time.Now().Add(cutsNoticed); ; time.Sleep(20 * time.Millisecond) {
		left, err := s.clients()
		if err != nil || left == 0 || time.Now().After(deadline) {
			return cuts - left, err
		}
	}
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
