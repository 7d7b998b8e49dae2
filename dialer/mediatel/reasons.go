package mediatel

import "github.com/creditorro/ringmaster/internal/reason"

// Why an agent's phone at Mediatel cannot be called.
var (
	whyNotConnected = reason.Plain("mediatel.not_connected")
	whyInCall       = reason.Plain("mediatel.in_call")
	whyOthers       = reason.Plain("mediatel.others_session")
	whyLogin        = reason.With1[string]("mediatel.login_refused", "text")
	whyLoggingIn    = reason.Plain("mediatel.logging_in")
	whyNotFree      = reason.With1[string]("mediatel.not_free", "text")
)
