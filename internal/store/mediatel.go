package store

import (
	"github.com/creditorro/ringmaster/campaigns"
)

// foreignCode is what a code of the phone network's own does to the contact: as the campaign's default, else it finishes it.
func foreignCode(campaign *campaigns.Campaign, code campaigns.CallCode) campaigns.CallCode {
	like, ok := codeOf(campaign, campaign.DefaultCode)
	if !ok {
		like.Action = campaigns.Finish
	}
	code.Action, code.After = like.Action, like.After
	return code
}
