package campaigns

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/creditorro/ringmaster/internal/reason/field"
)

// InteractionKind is how a person was met outside of our calls.
type InteractionKind string

// Kinds of interactions.
const (
	OutgoingCall InteractionKind = "call"         // placed by somebody of ours by other means
	InboundCall  InteractionKind = "inbound_call" // placed by the person
	ShortMessage InteractionKind = "sms"
	Letter       InteractionKind = "letter"
	Visit        InteractionKind = "visit"
)

// InteractionKinds lists them.
var InteractionKinds = []InteractionKind{OutgoingCall, InboundCall, ShortMessage, Letter, Visit}

// Interaction is a contact with a person that happened outside of our calls. The law counts it as it counts them.
type Interaction struct {
	ID         int64
	ExternalID string // the CRM's: one that is there already stays as it was
	Kind       InteractionKind
	CRMID      string // the person; empty: whoever has the number
	Number     string // E.164; empty: no telephone, or nobody knows which
	At         time.Time
	Ring, Talk time.Duration // of a call, as far as it is known
	Automatic  bool          // a dialer placed the call
	Meaningful *bool         // debt information was conveyed; nil: nobody says, so it counts as if
	Note       string
	MadeBy     string
	CreatedAt  time.Time
}

// futureInteraction is how far ahead of ours the clock of who reports may be.
const futureInteraction = 5 * time.Minute

// Validate refuses what cannot have happened, by a [ValidationError].
func (i *Interaction) Validate(now time.Time) error {
	v := &validation{}
	v.text("id", i.ExternalID, 1, 100)
	if !slices.Contains(InteractionKinds, i.Kind) {
		names := make([]string, len(InteractionKinds))
		for n, k := range InteractionKinds {
			names[n] = string(k)
		}
		v.bad("kind", field.OneOf(names))
	}
	if i.CRMID == "" && i.Number == "" {
		v.bad("number", whyIDOrNumber)
	}
	v.text("crm_id", i.CRMID, 0, 100)
	switch {
	case i.At.IsZero() || i.At.Year() < 2000:
		v.bad("at", field.Moment)
	case i.At.After(now.Add(futureInteraction)):
		v.bad("at", whyToCome)
	}
	v.lasts("ring", i.Ring, 0, longestCall)
	v.lasts("talk", i.Talk, 0, day)
	if call := i.Kind == OutgoingCall || i.Kind == InboundCall; !call && (i.Ring > 0 || i.Automatic) {
		v.bad("ring", whyCallsRing)
	}
	if len(i.Note) > 1000 || strings.ContainsFunc(i.Note, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		v.bad("note", field.MaxLength(1000))
	}
	if len(v.errors) == 0 {
		return nil
	}
	return v.errors
}

// Same reports whether two reports say the same.
func (i *Interaction) Same(o *Interaction) bool {
	said := (i.Meaningful == nil) == (o.Meaningful == nil) && (i.Meaningful == nil || *i.Meaningful == *o.Meaningful)
	return said && i.Kind == o.Kind && i.CRMID == o.CRMID && i.Number == o.Number && i.At.UnixMilli() == o.At.UnixMilli() &&
		i.Ring == o.Ring && i.Talk == o.Talk && i.Automatic == o.Automatic && i.Note == o.Note
}

// Past is the interaction as policy counts it.
func (i *Interaction) Past() PastCall {
	return PastCall{Kind: i.Kind, Number: i.Number, DialedAt: i.At, EndedAt: i.At.Add(i.Ring + i.Talk), Dialing: i.Ring,
		Talk:      i.Talk,
		Automatic: i.Automatic, Meaningful: i.Meaningful != nil && *i.Meaningful, Uncoded: i.Meaningful == nil}
}

// ours reports whether we have called the person.
func (p *PastCall) ours() bool { return p.Kind == "" || p.Kind == OutgoingCall }

// from reports whether it came from our side: not the person's own call.
func (p *PastCall) from() bool { return p.Kind != InboundCall }

// spoken reports whether it was by telephone.
func (p *PastCall) spoken() bool { return p.ours() || p.Kind == InboundCall }
