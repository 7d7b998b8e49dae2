package sipua

import (
	"strings"
	"time"
)

// TrunkState says, in a word, how a trunk stands.
type TrunkState string

const (
	TrunkStarting TrunkState = "starting" // its servers are looked up, or its first OPTIONS is on its way
	TrunkUp       TrunkState = "up"       // calls are sent over it
	TrunkDown     TrunkState = "down"     // it gives no sign of life, cannot be found, or does not register us
	TrunkResting  TrunkState = "resting"  // its calls failed, or it asked to be left alone: none are sent until a moment
	TrunkTrying   TrunkState = "trying"   // the rest is over: one call, the next or one on its way, tries it
)

// trunkStanding is how a trunk stands at a moment.
type trunkStanding struct {
	state TrunkState
	ok    bool      // a call may be sent now
	probe bool      // and would be the one that tries it
	why   string    // it is not up, in words for people
	until time.Time // resting: when one call will try it
}

// stands says how the trunk stands. The caller holds t.mu.
func (t *trunk) stands(now time.Time) trunkStanding {
	switch {
	case !t.lookedUp:
		return trunkStanding{state: TrunkStarting, why: "has its servers looked up"}
	case t.unfound != "":
		return trunkStanding{state: TrunkDown, why: t.unfound}
	case t.Register && now.After(t.registered) && t.unregistered == "":
		return trunkStanding{state: TrunkStarting, why: "is not registered yet"}
	case t.Register && now.After(t.registered):
		return trunkStanding{state: TrunkDown, why: "is not registered: " + t.unregistered}
	case t.Check > 0 && t.checked.IsZero():
		return trunkStanding{state: TrunkStarting, why: "has not answered its first OPTIONS yet"}
	}
	ok, probe, why := t.circuit.may(now)
	switch {
	case t.circuit.down:
		return trunkStanding{state: TrunkDown, why: "is down: " + t.fault}
	case ok && !probe:
		return trunkStanding{state: TrunkUp, ok: true}
	case ok:
		return trunkStanding{state: TrunkTrying, ok: true, probe: true, why: t.circuit.why() + "; the next call tries it"}
	case t.circuit.state == circuitProbing && !now.Before(t.circuit.rest):
		return trunkStanding{state: TrunkTrying, why: why}
	}
	return trunkStanding{state: TrunkResting, why: why, until: t.circuit.change(now)}
}

// inWords is an error as people are shown it: without our packages' names, on one line.
func inWords(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", ": ")
	return clean(strings.ReplaceAll(text, "sipua: ", ""))
}
