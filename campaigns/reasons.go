package campaigns

import (
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

var whyImportCut = reason.Plain("store.import_cut_off")

// What the gates on the way to a call have to say: the facts that they judge by, true of a permit and of a refusal.
var (
	whyListed    = reason.Plain("policy.do_not_call")
	whyNotListed = reason.Plain("policy.not_on_do_not_call")

	whyListedUntil    = reason.With1[time.Time]("policy.do_not_call_until", "until")
	whyProtected      = reason.Plain("policy.protected")
	whyProtectedUntil = reason.With1[time.Time]("policy.protected_until", "until")

	whyNoProfile = reason.With1[string]("policy.no_such_profile", "profile")
	whyNoZone    = reason.With1[string]("policy.no_such_time_zone", "zone")

	whyLifted     = reason.With1[time.Time]("policy.lifted", "until")
	whyNotThere   = reason.With1[string]("policy.not_number", "number")
	whyNoWish     = reason.Plain("policy.no_wish")
	whyUnsaidZone = reason.Plain("policy.time_zone_unknown")
	whyUnclear    = reason.Plain("policy.person_unclear")

	whyHours      = reason.With4[string, string, string, string]("policy.hours", "from", "to", "now", "zone")
	whyWeekend    = reason.With2[reason.Term, string]("policy.weekend", "day", "zone")
	whyHoliday    = reason.With2[reason.Day, string]("policy.holiday", "day", "zone")
	whyNoHoliday  = reason.With2[reason.Day, string]("policy.no_holiday", "day", "zone")
	whyWindow     = reason.With1[time.Time]("policy.window_open", "until")
	whyNoWindow   = reason.With1[time.Time]("policy.window_closed", "until")
	whyNeverOpen  = reason.Plain("policy.window_never")
	whyWindowZone = reason.With1[string]("policy.window_unreadable", "zone")

	whyAlwaysOpen = reason.Plain("policy.always_open")
	whyOpenOn     = reason.With2[reason.Day, time.Time]("policy.open_on", "day", "until")
	whyOpenFor    = reason.With3[reason.Day, string, time.Time]("policy.open_on_for", "day", "note", "until")
	whyClosedOn   = reason.With2[reason.Day, time.Time]("policy.closed_on", "day", "until")
	whyClosedFor  = reason.With3[reason.Day, string, time.Time]("policy.closed_on_for", "day", "note", "until")

	whyClosedUnread  = reason.With2[reason.Day, time.Time]("policy.closed_on_unread", "day", "until")
	whyClosedUndated = reason.With1[int]("policy.closed_undated", "number")
	whyClosedForGood = reason.With1[reason.Day]("policy.closed_on_for_good", "day")

	whyInCall    = reason.With1[string]("policy.in_call", "number")
	whyMayRing   = reason.With2[string, time.Time]("policy.may_ring", "number", "until")
	whyNotInCall = reason.Plain("policy.not_in_call")

	whyAttempts   = reason.With2[int, int]("policy.max_attempts", "count", "most")
	whyPerDay     = reason.With3[int, string, int]("policy.per_day", "count", "zone", "most")
	whyPerPeriod  = reason.With3[int, time.Duration, int]("policy.per_period", "count", "period", "most")
	whyGap        = reason.With2[time.Duration, time.Time]("policy.minimum_gap", "gap", "last")
	whyNoGap      = reason.With1[time.Duration]("policy.minimum_gap_first", "gap")
	whyTalked     = reason.With2[time.Duration, time.Time]("policy.conversation_rest", "rest", "last")
	whyNotTalked  = reason.With1[time.Duration]("policy.conversation_none", "rest")
	whyAbandoned  = reason.With2[time.Duration, time.Time]("policy.abandoned_rest", "rest", "last")
	whyNone       = reason.With1[time.Duration]("policy.abandoned_none", "rest")
	whyMeaningful = reason.With3[int, string, int]("policy.meaningful_per_day", "count", "zone", "most")
	whyAutomatic  = reason.With4[time.Duration, string, time.Duration, time.Duration]("policy.auto_dialing", "rang", "zone", "ring",
		"most")
	whyFaults   = reason.With3[int, string, int]("policy.infrastructure", "count", "zone", "most")
	whyNoFaults = reason.With1[string]("policy.infrastructure_none", "zone")

	whyStatus      = reason.With1[reason.Term]("explain.campaign_status", "status")
	whyContact     = reason.With1[reason.Term]("explain.contact_state", "state")
	whyFinished    = reason.With1[reason.Reason]("explain.contact_finished", "why")
	whyCode        = reason.With1[string]("contact_end.code", "code")
	whyNoCode      = reason.Plain("contact_end.no_code")
	whyEndedByHand = reason.Plain("contact_end.by_hand")
	whyErased      = reason.Plain("contact_end.erased")
	whyWasBarred   = reason.Plain("contact_end.do_not_call")
	whyListClosed  = reason.Plain("contact_end.list_closed")
	whySpent       = reason.Plain("contact_end.max_attempts")
	whySpentBy     = reason.With1[reason.Term]("contact_end.max_attempts_of", "outcome")
	whyNoNumber    = reason.Plain("contact_end.no_contact")
	whyBadNumber   = reason.Plain("contact_end.invalid_number")
	whyPhones      = reason.With2[int, int]("explain.phones", "count", "total")
	whyPasses      = reason.Plain("explain.passes")
	whyRefuses     = reason.Plain("explain.refuses")
	whyNow         = reason.Plain("explain.may_be_called")
	whyFrom        = reason.With1[time.Time]("explain.may_be_called_from", "at")
	whyNever       = reason.Plain("explain.not_called")
	whyHeading     = reason.With4[string, string, string, string]("explain.heading", "contact", "crm_id", "campaign", "name")
	whyNext        = reason.With1[time.Time]("explain.from", "at")
	whyDueSince    = reason.With1[time.Time]("explain.due_since", "at")
	whyDueAt       = reason.With1[time.Time]("explain.due_at", "at")
)

// Why what was told of a person cannot be accepted.
var (
	whyIDOrNumber = reason.Plain("field.id_or_number")
	whyToCome     = reason.Plain("interaction.to_come")
	whyTimes      = reason.Plain("consent.times")
	whyWishPast   = reason.Plain("consent.past")
	whyCallsRing  = reason.Plain("interaction.calls_ring")
)

// Why a number cannot be called. WhyScientific is told of lists' cells too, which are read before they are numbers.
var (
	WhyScientific  = reason.With1[string]("number.scientific", "number")
	whyLetters     = reason.With1[string]("number.letters", "number")
	whyCharacter   = reason.With2[string, string]("number.character", "number", "character")
	whyPlusInside  = reason.With1[string]("number.plus_inside", "number")
	whyNoDigits    = reason.Plain("number.none")
	whyTooShort    = reason.With1[string]("number.too_short", "number")
	whyTooLong     = reason.With1[string]("number.too_long", "number")
	whyNoCountry   = reason.With1[string]("number.no_country_code", "number")
	whyNotANumber  = reason.With1[string]("number.not_one", "number")
	whyNotInPlan   = reason.With2[string, string]("number.not_in_plan", "number", "code")
	whyNotInRegion = reason.With2[string, string]("number.not_in_region", "number", "region")
)

var (
	statusWord  = reason.Terms("campaign_status", Draft, Running, Paused, Stopped, Finished)
	contactWord = reason.Terms("contact_state", Waiting, Calling, Coding, Complete)
	weekdayWord = reason.Terms("weekday", "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
	weekdays    = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

var outcomeWord = reason.Terms("outcome", Outcomes...)

// Word is the outcome's in the catalogues.
func (o Outcome) Word() reason.Term { return outcomeWord(o) }

// WhyOver says why a contact is finished, of what its record says.
func WhyOver(end string) reason.Reason {
	kind, detail, _ := strings.Cut(end, ":")
	switch {
	case kind == "code" && detail != "":
		return whyCode(detail)
	case kind == "max_attempts" && detail != "":
		return whySpentBy(Outcome(detail).Word())
	case kind == "max_attempts":
		return whySpent
	case kind == "no_code":
		return whyNoCode
	case kind == FinishedByHand:
		return whyEndedByHand
	case kind == ErasedPerson:
		return whyErased
	case kind == "no_contact" || kind == "no_number":
		return whyNoNumber
	case kind == ruleDoNotCall:
		return whyWasBarred
	case kind == ListClosed:
		return whyListClosed
	case kind == "invalid_number":
		return whyBadNumber
	}
	return reason.Said(end)
}

// Word is the status's in the catalogues.
func (s Status) Word() reason.Term { return statusWord(s) }

// Word is the state's in the catalogues.
func (s ContactState) Word() reason.Term { return contactWord(s) }
