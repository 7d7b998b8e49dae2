package gateway

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Why a command was not carried out, or a login refused. The words are made for the tab that is told.
var (
	whyTooMany    = reason.With1[int]("command.too_many", "count")
	whyFailed     = reason.Plain("command.failed")
	whyLate       = reason.Plain("command.late")
	whyMalformed  = reason.Plain("command.malformed")
	whyUnknown    = reason.With1[string]("command.unknown", "command")
	whyNotNow     = reason.With1[string]("command.not_now", "command")
	whyNotWhile   = reason.With2[string, reason.Term]("command.not_while", "command", "state")
	whyForced     = reason.With2[string, reason.Reason]("command.not_in_force_pause", "command", "why")
	whyLoggedOn   = reason.With1[string]("command.logged_on", "login")
	whyLogInFirst = reason.Plain("command.log_in_first")
	whyNumber     = reason.With1[int]("command.number", "count")
	whyNoQueues   = reason.Plain("command.no_queues")
	whyQueue      = reason.With2[string, []string]("command.unknown_queue", "queue", "queues")
	whyPause      = reason.With1[string]("command.unknown_pause", "pause")
	whyNoCode     = reason.With1[string]("command.unknown_code", "code")
	whySkipReason = reason.With1[int]("command.skip_reason", "count")
	whyNotPlaced  = reason.Plain("command.call_not_placed")

	whyPast          = reason.Plain("code.past")
	whyNothingToCode = reason.Plain("code.no_call")
	whyOtherCall     = reason.With1[string]("code.other_call", "call")
	whyCoded         = reason.Plain("code.over")

	whyCredentials = reason.Plain("login.credentials")
	whyNotYours    = reason.Plain("login.not_yours")
	whyTooOften    = reason.With1[time.Duration]("login.too_often", "wait")
	whyNoExtension = reason.Plain("login.no_extension")
	whyTaken       = reason.Plain("login.extension_taken")
	whyNoneFree    = reason.Plain("login.none_free")
	whyElsewhere   = reason.Plain("login.elsewhere")
	whyAgain       = reason.Plain("login.again")
)
