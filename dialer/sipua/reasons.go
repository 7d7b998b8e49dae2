package sipua

import (
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/cause"
)

// Why a phone cannot be called.
var (
	whyElsewhere = reason.With1[string]("phone.at_other_node", "node")
	whySilent    = reason.Plain("phone.server_silent")
	whySays      = reason.With1[string]("phone.server_says", "status")
	whyNoTrunk   = reason.Plain("phone.no_trunk")
)

// Why a trunk is not up.
var (
	whyLookup        = reason.Plain("trunk.looked_up")
	whyNoNAPTR       = reason.Plain("trunk.naptr")
	whyNoService     = reason.With1[string]("trunk.no_service", "name")
	whyUnregistered  = reason.Plain("trunk.not_registered_yet")
	whyNotRegistered = reason.With1[reason.Reason]("trunk.not_registered", "why")
	whyUnasked       = reason.Plain("trunk.not_asked_yet")
	whyDown          = reason.With1[reason.Reason]("trunk.down", "why")
	whyNoAnswer      = reason.Plain("trunk.no_answer")
	whyStatus        = reason.With1[string]("trunk.says", "status")
	whyLeftAlone     = reason.With1[time.Time]("trunk.left_alone", "until")
	whyRefusals      = reason.Plain("trunk.refusals")
	whySilence       = reason.Plain("trunk.silence")
	whyNumbers       = reason.With2[int, int]("trunk.unknown_numbers", "count", "of")
	whyTriedNext     = reason.With1[reason.Reason]("trunk.tried_next", "why")
	whyTried         = reason.With1[reason.Reason]("trunk.tried", "why")
	whyTriedAt       = reason.With2[reason.Reason, time.Time]("trunk.tried_at", "why", "at")
)

// trunkFault is why a trunk failed: its reason, or its kind.
func trunkFault(err error) reason.Reason {
	if why := cause.Of(err); !why.IsZero() {
		return why
	}
	return reason.Unspecific()
}

// statusError is a response that is no success.
func statusError(method string, res *sip.Response) error {
	status := fmt.Sprintf("%d %s", res.StatusCode, clean(res.Reason))
	return reason.New(reason.Unavailable, whyStatus(status), "sipua: "+method+": "+status)
}
