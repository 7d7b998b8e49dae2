package sipua

import (
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
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
	ok    bool // a call may be sent now
	probe bool // and would be the one that tries it
	why   excuse
	until time.Time // resting: when one call will try it
}

// excuse is why a trunk is not up: in words, for logs and causes of calls; and as a reason, for people.
type excuse struct {
	text string
	why  reason.Reason
}

func (e excuse) and(more string, why func(reason.Reason) reason.Reason) excuse {
	return excuse{e.text + more, why(e.why)}
}

// stands says how the trunk stands. The caller holds t.mu.
func (t *trunk) stands(now time.Time) trunkStanding {
	switch {
	case !t.lookedUp:
		return trunkStanding{state: TrunkStarting, why: excuse{"has its servers looked up", whyLookup}}
	case t.unfound != nil:
		return trunkStanding{state: TrunkDown, why: excuse{inWords(t.unfound), trunkFault(t.unfound)}}
	case t.Register && now.After(t.registered) && t.unregistered == nil:
		return trunkStanding{state: TrunkStarting, why: excuse{"is not registered yet", whyUnregistered}}
	case t.Register && now.After(t.registered):
		return trunkStanding{state: TrunkDown, why: excuse{"is not registered: " + inWords(t.unregistered),
			whyNotRegistered(trunkFault(t.unregistered))}}
	case t.Check > 0 && t.checked.IsZero():
		return trunkStanding{state: TrunkStarting, why: excuse{"has not answered its first OPTIONS yet", whyUnasked}}
	}
	ok, probe, why := t.circuit.may(now)
	switch {
	case t.circuit.down:
		return trunkStanding{state: TrunkDown, why: excuse{"is down: " + inWords(t.fault), whyDown(trunkFault(t.fault))}}
	case ok && !probe:
		return trunkStanding{state: TrunkUp, ok: true}
	case ok:
		return trunkStanding{state: TrunkTrying, ok: true, probe: true,
			why: t.circuit.why().and("; the next call tries it", whyTriedNext)}
	case t.circuit.state == circuitProbing && !now.Before(t.circuit.rest):
		return trunkStanding{state: TrunkTrying, why: why}
	}
	return trunkStanding{state: TrunkResting, why: why, until: t.circuit.change(now)}
}

// inWords is an error as people are shown it: without our packages' names, on one line.
func inWords(err error) string {
	if err == nil { // it was well again in the meantime
		return ""
	}
	text := strings.ReplaceAll(err.Error(), "\n", ": ")
	return clean(strings.ReplaceAll(text, "sipua: ", ""))
}
