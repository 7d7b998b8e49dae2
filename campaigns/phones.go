package campaigns

import "slices"

// missesATurn is how often nobody answers a phone before the next one has its turn.
const missesATurn = 2

// NextPhone is the number to try next. Each phone has its turn: it is tried until nobody has answered it twice, and then the next
// one is. The first are those with the labels that the campaign names, in its order, the others follow as the list has them; when
// all have had their turn it begins anew. Phones that do not exist, or were tried as often as the campaign allows, are left out.
// False: none is left.
func NextPhone(c *Campaign, contact *Contact) (Phone, bool) {
	best := -1
	for i, p := range contact.Phones {
		if c.LeavesOut(p) {
			continue
		}
		if best < 0 || c.before(p, contact.Phones[best]) {
			best = i
		}
	}
	if best < 0 {
		return Phone{}, false
	}
	return contact.Phones[best], true
}

// LeavesOut says that a phone has no turn any more: its number does not exist, or was dialed as often as the campaign dials one.
func (c *Campaign) LeavesOut(p Phone) bool {
	return p.Invalid || c.PhoneTries > 0 && p.Tries >= c.PhoneTries
}

// before says whether a phone comes before one that stands earlier in the list.
func (c *Campaign) before(a, b Phone) bool {
	if a.Turn != b.Turn {
		return a.Turn < b.Turn
	}
	return c.labelRank(a.Label) < c.labelRank(b.Label)
}

func (c *Campaign) labelRank(label string) int {
	i := slices.Index(c.PhoneOrder, label)
	if i < 0 {
		return len(c.PhoneOrder)
	}
	return i
}

// TryPhone notes on the contact's phone what came of a dialed attempt at it.
func TryPhone(c *Campaign, contact *Contact, number string, outcome Outcome) {
	i := slices.IndexFunc(contact.Phones, func(p Phone) bool { return p.Number == number })
	if i < 0 {
		return
	}
	p := &contact.Phones[i]
	p.Tries++
	p.Last = outcome
	switch {
	case outcome == Answered || outcome == Abandoned:
		p.Missed = 0
		return
	case outcome.GaveUp():
		p.Missed++
		if p.Missed%missesATurn == 0 {
			p.Turn++
			return
		}
	}
	if c.Retry[outcome].OtherPhone {
		p.Turn++
	}
}

// Keeping is the phone as a list or a person says it, with what is known of it from before: that it does not exist, and what came
// of calls to it. Else a list that is sent again would have it dialed beyond its bounds.
func (p Phone) Keeping(known Phone) Phone {
	known.Label, known.Extension = p.Label, p.Extension
	return known
}

// PassPhone gives the turn of a contact's phone to the next one.
func PassPhone(contact *Contact, number string) {
	for i := range contact.Phones {
		if contact.Phones[i].Number == number {
			contact.Phones[i].Turn++
		}
	}
}
