//go:build linux

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// The bars.
const (
	maxMemory        = 12_000 // bytes a connection, at 10,000 clients
	maxMemoryRatio   = 0.8    // of the reference's
	maxLatencyRatio  = 1.0
	maxNonReader     = 200e6 // bytes: the send memory, and what the collector leaves
	memoryBarClients = 10_000
)

// report prints one row a measurement, with the ratio and its bar, and returns how many bars were missed. The memory
// bar holds at 10,000 clients: with fewer, what a server needs anyway blurs it.
func report(w io.Writer, n int, ours, reference, prescribed result) (missed int) {
	fmt.Fprintf(w, "%d clients\n", n)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tringmaster\tsocket.io\tratio\tbar\t\tzishang520\t")
	row := func(name, unit string, a, b, c, bar float64) {
		verdict := ""
		if bar > 0 {
			verdict = "met"
			if a/b > bar {
				verdict = "MISSED"
				missed++
			}
			fmt.Fprintf(t, "%s\t%.2f %s\t%.2f %s\t%.2f\t≤ %.2f\t%s\t%.2f %s\t\n", name, a, unit, b, unit, a/b, bar, verdict, c, unit)
			return
		}
		fmt.Fprintf(t, "%s\t%.2f %s\t%.2f %s\t%.2f\t\t\t%.2f %s\t\n", name, a, unit, b, unit, a/b, c, unit)
	}
	memoryBar := 0.0
	if n >= memoryBarClients {
		memoryBar = min(maxMemoryRatio, maxMemory/reference.memory)
	}
	ms := func(d interface{ Seconds() float64 }) float64 { return d.Seconds() * 1e3 }
	row("memory a connection", "kB", ours.memory/1e3, reference.memory/1e3, prescribed.memory/1e3, memoryBar)
	row("echo p50", "ms", ms(ours.echo.p50), ms(reference.echo.p50), ms(prescribed.echo.p50), maxLatencyRatio)
	row("echo p99", "ms", ms(ours.echo.p99), ms(reference.echo.p99), ms(prescribed.echo.p99), maxLatencyRatio)
	row("CPU an echo", "µs", ms(ours.cpuEcho)*1e3, ms(reference.cpuEcho)*1e3, ms(prescribed.cpuEcho)*1e3, 0)
	row("push p50", "ms", ms(ours.push.p50), ms(reference.push.p50), ms(prescribed.push.p50), maxLatencyRatio)
	row("push p99", "ms", ms(ours.push.p99), ms(reference.push.p99), ms(prescribed.push.p99), maxLatencyRatio)
	_ = t.Flush()
	return missed
}

// reportNonReader prints what a client that does not read made the servers grow by.
func reportNonReader(w io.Writer, grown [3]float64) (missed int) {
	verdict := "met"
	if grown[0] > maxNonReader {
		verdict, missed = "MISSED", 1
	}
	fmt.Fprintf(w, "200 MB sent to a client that does not read: ringmaster grew by %.0f MB, socket.io by %.0f MB, zishang520 by "+
		"%.0f MB; bar ≤ %.0f MB: %s\n",
		grown[0]/1e6, grown[1]/1e6, grown[2]/1e6, maxNonReader/1e6, verdict)
	return missed
}

// reportCuts prints how many of the clients that were cut off the servers noticed in time.
func reportCuts(w io.Writer, noticed [3]int) (missed int) {
	verdict := "met"
	if noticed[0] < cuts {
		verdict, missed = "MISSED", 1
	}
	fmt.Fprintf(w, "%d clients cut at once, noticed within %v: ringmaster %d, socket.io %d, zishang520 %d; bar all: %s\n",
		cuts, cutsNoticed, noticed[0], noticed[1], noticed[2], verdict)
	return missed
}
