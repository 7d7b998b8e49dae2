package campaigns

import (
	"slices"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Gate is one condition on a contact's way to a call, as an explanation shows it.
type Gate struct {
	Rule   string
	Pass   bool
	Reason reason.Reason // the facts it judged by
	Source string        // the law or setting behind it: [Gate.Origin] has its words
	Hard   bool          // no role may override it
	Next   time.Time     // when it does not pass: the moment from which it alone would; zero: never, as things stand
	Until  time.Time     // when it passes: the moment at which it may not any more; zero: not by the mere passing of time
}

// Explanation says why a contact is not called, or that it may be.
type Explanation struct {
	Gates   []Gate
	Permit  bool
	NextAt  time.Time // when every gate passes, if nothing happens until then; zero: never, as things stand
	Verdict Verdict   // of policy alone, as the dialer was or will be told
}

// Names of the gates that are no rules of policy: where campaign and contact stand.
const (
	gateStatus  = "campaign_status"
	gateContact = "contact_state"
	gatePhone   = "phone"
	gateDue     = "due"
)

// Explain goes through every gate of an automatic call: where the campaign and the contact stand, and each rule of policy.
func Explain(q Question) Explanation {
	e := Explanation{Verdict: Decide(q), Gates: standing(&q)}
	if j, refusal := newJudge(&q); refusal != nil {
		e.Gates = append(e.Gates, Gate{Rule: refusal.Rule, Reason: refusal.Reason, Source: refusal.Source, Hard: refusal.Hard})
	} else {
		for i := range j.rules {
			r := &j.rules[i]
			a, teller := j.ask(r)
			g := Gate{Rule: r.name, Reason: r.tell(teller), Source: r.source, Hard: r.hard}
			if a.no && !a.at.IsZero() {
				g.Next = a.at.In(teller.loc)
			} else if !a.no {
				g.Pass, g.Until = true, a.at
			}
			e.Gates = append(e.Gates, g)
		}
	}
	e.Permit = !slices.ContainsFunc(e.Gates, func(g Gate) bool { return !g.Pass })
	if e.NextAt = e.next(q); !e.NextAt.IsZero() {
		e.NextAt = e.NextAt.In(whereabouts(&q))
	}
	return e
}

// Answer is what all gates together say.
func (e *Explanation) Answer() reason.Reason {
	switch {
	case e.Permit:
		return whyNow
	case e.NextAt.IsZero():
		return whyNever
	}
	return whyFrom(e.NextAt)
}

// Heading names who is asked about.
func (q *Question) Heading() reason.Reason {
	return whyHeading(strconv.FormatInt(q.Contact.ID, 10), q.Contact.CRMID, strconv.FormatInt(q.Campaign.ID, 10), q.Campaign.Name)
}

// From says from when the gate alone would pass; none, when it passes or never will.
func (g *Gate) From() reason.Reason {
	if g.Next.IsZero() {
		return reason.Reason{}
	}
	return whyNext(g.Next)
}

// origins are the words of what stands behind gates: what is no law, and the laws, which cite adds.
var origins = map[string]reason.Reason{
	sourceList:    reason.Plain("explain.by_list"),
	sourceSetting: reason.Plain("explain.by_setting"),
	sourceRecord:  reason.Plain("explain.by_record"),
	sourceWish:    reason.Plain("explain.by_wish"),
	sourceNetwork: reason.Plain("explain.by_network"),
	sourceCourse:  reason.Plain("explain.by_course"),
}

// cite defines what a law's rule rests on.
func cite(key string) reason.Reason {
	origins[key] = reason.Plain(key)
	return origins[key]
}

// Origin is the law or the setting behind the gate, for people; none, where there is none.
func (g *Gate) Origin() reason.Reason { return origins[g.Source] }

// Mark is whether it passes, in a word.
func (g *Gate) Mark() reason.Reason {
	if g.Pass {
		return whyPasses
	}
	return whyRefuses
}

// next is the first moment at which policy permits after the contact is due and its list may have another call.
func (e *Explanation) next(q Question) time.Time {
	for _, g := range e.Gates {
		if g.Pass {
			continue
		}
		if g.Next.IsZero() {
			return time.Time{}
		}
		if (g.Rule == gateDue || g.Rule == gateQuota) && g.Next.After(q.Now) {
			q.Now = g.Next
		}
	}
	return NextPermit(q)
}

// standing lists the gates that come before policy.
func standing(q *Question) []Gate {
	c := q.Campaign
	gates := []Gate{{
		Rule: gateStatus, Source: sourceSetting, Pass: c.Status == Running,
		Reason: whyStatus(c.Status.Word()),
	}}
	if q.Contact == nil {
		return gates
	}
	contact := q.Contact
	state := Gate{
		Rule: gateContact, Source: sourceCourse, Pass: contact.State == Waiting, Hard: contact.State == Calling,
		Reason: whyContact(contactWord(contact.State)),
	}
	if contact.State == Complete {
		state.Reason = whyFinished(WhyOver(contact.Reason))
	}
	_, callable := NextPhone(c, contact)
	phone := Gate{
		Rule: gatePhone, Source: sourceNetwork, Pass: callable,
		Reason: whyPhones(validPhones(contact), len(contact.Phones)),
	}
	gates = append(gates, state, phone)
	if contact.State == Waiting {
		loc := whereabouts(q)
		due := Gate{Rule: gateDue, Source: sourceSetting, Pass: !contact.NextAt.After(q.Now)}
		due.Reason = whyDueSince(contact.NextAt.In(loc))
		if !due.Pass {
			due.Reason, due.Next = whyDueAt(contact.NextAt.In(loc)), contact.NextAt
		}
		gates = append(gates, due)
		if q.List != nil {
			gates = append(gates, q.List.gate(c, q.Now))
		}
	}
	return gates
}

// whereabouts is the zone in which the person is told of: the first of those that it may be in.
func whereabouts(q *Question) *time.Location {
	if zones, _ := zonesOf(q); len(zones) > 0 {
		return zones[0]
	}
	return time.UTC
}
