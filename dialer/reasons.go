package dialer

import (
	"errors"
	"regexp"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Why there is no call, as agents are told and attempts keep it.
var (
	whyNotNow     = reason.Plain("call.not_now")
	whyNumberBusy = reason.Plain("call.number_busy")
	whyNoQueue    = reason.Plain("call.no_campaign")
	whyGivenUp    = reason.Plain("call.given_up")
	whyNoLonger   = reason.Plain("call.no_longer_allowed")
	whyRefused    = reason.With1[[]reason.Reason]("call.refused", "refusals")
	whyRefusedTo  = reason.With2[[]reason.Reason, time.Time]("call.refused_until", "refusals", "next")
	whyNotPlaced  = reason.With1[reason.Reason]("call.not_placed", "why")
	whyLate       = reason.Plain("call.task_late")
	whyNoRoom     = reason.Plain("call.no_room")
	whyNobodyFree = reason.Plain("call.nobody_free")
	whyNoTask     = reason.Plain("call.task_not_sent")
	whyAgentBusy  = reason.Plain("call.agent_not_free")
	whyForbidden  = reason.Plain("call.forbidden")
	whyNoHome     = reason.Plain("call.no_dialer")
	whyNoCall     = reason.Plain("call.none")
	whyCoded      = reason.Plain("call.coded")
	whyNoCode     = reason.Plain("call.no_such_code")
	whyStopping   = reason.Plain("call.process_stops")

	whyNotShown  = reason.Plain("preview.ended")
	whyShownLong = reason.Plain("preview.time_over")
	whySkipped   = reason.With1[string]("preview.skipped", "reason")

	whyUnregistered = reason.With1[string]("phone.not_registered", "extension")
	whyUnreachable  = reason.With2[string, reason.Reason]("phone.cannot_be_called", "extension", "why")
	whyNoNetwork    = reason.With1[string]("phone.no_network", "network")
	whyNoPhoneThere = reason.With1[string]("phone.none_there", "cause")
	whyNotNailed    = reason.With2[string, string]("phone.not_nailed_up", "extension", "cause")

	whyOutcome      = reason.With1[reason.Term]("call.ended", "outcome")
	whyOutcomeCause = reason.With2[reason.Term, string]("call.ended_with", "outcome", "cause")
)

// statusLine is the beginning of a cause that the far end has given: a SIP status.
var statusLine = regexp.MustCompile(`^[1-7]\d\d [ -~]{1,80}$`)

// whyEnded says of a call that reached nobody what came of it, with the far end's own words where they are a SIP status line. Any
// other cause is for the record.
func whyEnded(end Progress) reason.Reason {
	if statusLine.MatchString(end.Cause) {
		return whyOutcomeCause(end.Outcome.Word(), end.Cause)
	}
	return whyOutcome(end.Outcome.Word())
}

// why is what the agent reads: what the rules say, and when the number may be called.
func (e *RefusedError) why() reason.Reason {
	reasons := make([]reason.Reason, len(e.Verdict.Refusals))
	for i, r := range e.Verdict.Refusals {
		reasons[i] = r.Reason
	}
	if next := e.Verdict.NextEligible(); !next.IsZero() {
		return whyRefusedTo(reasons, next)
	}
	return whyRefused(reasons)
}

// whyNot says why an extension's phone could not be called.
func whyNot(ext agents.Extension, err error) reason.Reason {
	if errors.Is(err, ErrNotRegistered) {
		return whyUnregistered(ext.Name)
	}
	return whyUnreachable(ext.Name, reason.OrUnspecific(err))
}
