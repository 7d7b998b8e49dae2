package dialer

import (
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
)

// cardFor is what the agent's tab is shown of a call, complete before the agent's phone rings.
func cardFor(claimed Claimed, login, trace string, now time.Time) agents.Call {
	a, campaign := claimed.Attempt, claimed.Campaign
	card := agents.Call{
		AttemptID: a.ID.String(), CallTraceID: trace, ContactID: a.ContactID, Number: a.Number,
		Queue: campaign.Queue, CampaignID: a.CampaignID, Automatic: a.Origin != ByHand,
		CardLink:    campaigns.CardLinkFor(campaign, claimed.Contact, a.Number, a.ID.String(), trace, login),
		MaxDuration: campaign.MaxDuration, StartedAt: now,
	}
	if claimed.Contact != nil {
		card.CRMID, card.Name = claimed.Contact.CRMID, claimed.Contact.Name
	}
	for _, code := range campaign.CallCodes {
		card.Codes = append(card.Codes, agents.Code{ID: code.ID, Name: code.Name, ActionFlag: code.ActionFlag})
	}
	for _, past := range claimed.History {
		card.History = append(card.History, agents.PastCall{
			AttemptID: past.ID.String(), At: past.PreparedAt, Outcome: string(past.Outcome), CodeID: past.Code,
			Automatic: past.Origin != ByHand,
		})
	}
	return card
}

// traced adds the calltraceid to the card, and the link that waits for it. It returns that link.
func (c *call) traced(trace string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.card.CallTraceID = trace
	if c.linked() {
		c.card.CardLink = campaigns.CardLinkFor(c.claimed.Campaign, c.claimed.Contact, c.card.Number, c.card.AttemptID, trace,
			c.agent.Login)
	}
	return c.card.CardLink
}

// linked says that the campaign has a link for the call, whether or not it can be filled in yet.
func (c *call) linked() bool {
	return campaigns.CardTemplate(c.claimed.Campaign, c.claimed.Contact) != ""
}

// complete adds to the card what the network itself would show: its link where the campaign has none, and those of its call
// codes that the campaign does not have. True: it is fuller now.
func (c *call) complete(of *Card) (fuller bool) {
	if of == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.theirs = of
	known := len(c.card.Codes)
	if c.card.CardLink == "" && of.Link != "" && !c.linked() {
		c.card.CardLink, fuller = of.Link, true
	}
	for _, code := range of.Codes {
		if !slices.ContainsFunc(c.card.Codes, func(have agents.Code) bool { return have.ID == code.ID }) {
			c.card.Codes = append(c.card.Codes[:len(c.card.Codes):len(c.card.Codes)], code)
		}
	}
	return fuller || len(c.card.Codes) > known
}

// showing is the card with what has been told and chosen until now.
func (c *call) showing() agents.Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	card := c.card
	if !c.course.code.TimedOut {
		card.CodeID = c.course.code.Code
	}
	return card
}

// foreign is a code of the card as the record keeps it should the campaign not have it, or no longer: as the campaign had it when
// the call was claimed, or as the network names it. Nil: the card does not have it either.
func foreign(campaign []campaigns.CallCode, card []agents.Code, id string) *campaigns.CallCode {
	for _, code := range campaign {
		if code.ID == id {
			return &code
		}
	}
	for _, code := range card {
		if code.ID == id {
			return &campaigns.CallCode{ID: code.ID, Name: code.Name, ActionFlag: code.ActionFlag}
		}
	}
	return nil
}
