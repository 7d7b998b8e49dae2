package sipua

import "github.com/creditorro/ringmaster/internal/reason"

// Why a phone cannot be called.
var (
	whyElsewhere = reason.With1[string]("phone.at_other_node", "node")
	whySilent    = reason.Plain("phone.server_silent")
	whySays      = reason.With1[string]("phone.server_says", "status")
	whyNoTrunk   = reason.Plain("phone.no_trunk")
)
