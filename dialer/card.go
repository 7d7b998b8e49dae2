package dialer

import (
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
		})
	}
	return card
}
