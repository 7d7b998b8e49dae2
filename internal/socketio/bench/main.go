//go:build linux

// Command bench measures the Socket.IO server beside the Node.js reference server, under the same load in one run: memory
// a connection, latency of echoes and of pushes to single sockets, CPU an echo, the time of a broadcast, and what a
// client that does not read costs.
//
// Each server is pinned to one core and the load generator to another. The bars are those of docs/design: the exit status
// is 1 when one is missed.
package main

import (
	"bytes"
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
	rounds := flag.Int("rounds", 2, "measure each server so often, in turn, and take its best figures")
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
		var results [2]result
		for round := range rounds {
			for i, start := range starters {
				r, err := measure(ctx, start, n, length)
				if err != nil {
					return missed, fmt.Errorf("%s, %d clients: %w", start.name, n, err)
				}
				if round > 0 {
					r = r.best(results[i])
				}
				results[i] = r
			}
		}
		missed += report(os.Stdout, n, results[0], results[1])
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

// best returns the lower of each figure: what else runs on the machine only ever adds to them.
func (r result) best(o result) result {
	return result{
		memory:       min(r.memory, o.memory),
		echo:         latencies{min(r.echo.p50, o.echo.p50), min(r.echo.p99, o.echo.p99)},
		push:         latencies{min(r.push.p50, o.push.p50), min(r.push.p99, o.push.p99)},
		cpuEcho:      min(r.cpuEcho, o.cpuEcho),
		broadcast:    min(r.broadcast, o.broadcast),
		cpuBroadcast: min(r.cpuBroadcast, o.cpuBroadcast),
	}
}

type latencies struct{ p50, p99 time.Duration }

func newLatencies(samples []time.Duration) latencies {
	slices.Sort(samples)
	return latencies{samples[len(samples)/2], samples[len(samples)*99/100]}
}

const (
	echoRate   = 1000 // a second
	pushRate   = 400  // a second
	broadcasts = 9
)

// measure runs one server through all measurements.
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
	r.broadcast, r.cpuBroadcast, err = measureBroadcast(s, c)
	return r, err
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

// measureBroadcast emits to everybody and waits for the last one.
func measureBroadcast(s *server, c *crowd) (median, cpu time.Duration, err error) {
	cpuBefore, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	all := make([]time.Duration, 0, broadcasts)
	for range broadcasts {
		c.expect(len(c.clients))
		begin := time.Now()
		if err := s.emit("", card); err != nil {
			return 0, 0, err
		}
		select {
		case at := <-c.all:
			all = append(all, at.Sub(begin))
		case <-time.After(20 * time.Second):
			return 0, 0, errors.New("a broadcast did not reach everybody")
		}
		time.Sleep(100 * time.Millisecond) // the generator settles
	}
	cpuAfter, err := s.cpu()
	return newLatencies(all).p50, (cpuAfter - cpuBefore) / broadcasts, err
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
