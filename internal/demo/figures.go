package demo

import (
	"fmt"
	"time"
)

// Figures are how things stand at one moment, for the terminal.
type Figures struct {
	At                                 time.Time
	Waiting, Calling, Coding, Finished int   // contacts
	Dialed                             int   // customers' phones that were dialed since the campaign began
	Webhooks                           int64 // events that the CRM has
}

// Lines says how things stand, again and again.
type Lines struct{ past []Figures }

// Line is the line of these figures; calls a minute are counted since the oldest ones of the last minute.
func (l *Lines) Line(f Figures) string {
	l.past = append(l.past, f)
	for len(l.past) > 2 && f.At.Sub(l.past[1].At) >= time.Minute {
		l.past = l.past[1:]
	}
	rate, first := 0, l.past[0]
	if span := f.At.Sub(first.At); span > 0 {
		rate = int(float64(f.Dialed-first.Dialed)*float64(time.Minute)/float64(span) + 0.5)
	}
	return fmt.Sprintf("%s  %3d waiting  %2d calling  %2d coding  %3d finished  %3d calls/min  %4d webhooks",
		f.At.Local().Format(time.TimeOnly), f.Waiting, f.Calling, f.Coding, f.Finished, rate, f.Webhooks)
}

// Welcome says where to look.
func Welcome(base, password, last string) string {
	return fmt.Sprintf(`
  Ringmaster demo: nobody's phone is dialed, all people and numbers are invented.

    The console      %[1]s/
    The CRM          %[1]s/crm/
    An agent's desk  %[1]s/agent
    The API          %[1]s/docs

    Password of agent01 to %[3]s, supervisor and admin, until the end of this run: %[2]s

  Ctrl-C ends it.

`, base, password, last)
}
