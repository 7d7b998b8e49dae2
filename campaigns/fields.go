package campaigns

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Why a campaign cannot be as somebody wants it, beside what every field may meet with (internal/reason/field).
var (
	whyRegionMissing    = reason.Plain("campaign.region_missing")
	whyZoneMissing      = reason.Plain("campaign.time_zone_missing")
	whyProfileMissing   = reason.With2[[]string, string]("campaign.profile_missing", "profiles", "none")
	whyAllHide          = reason.With1[string]("campaign.all_trunks_hide", "profile")
	whyBetween          = reason.With2[float64, float64]("campaign.between", "least", "most")
	whyNoMessage        = reason.With1[string]("campaign.no_message", "profile")
	whyNoMachineMessage = reason.Plain("campaign.no_machine_message")
	whyNoMachineAction  = reason.Plain("campaign.no_machine_action")
	whyMinimumRing      = reason.With2[string, time.Duration]("campaign.minimum_ring", "profile", "least")
	whyLaw              = reason.With1[[]string]("campaign.law", "changes")
	whyLawReason        = reason.With1[[]string]("campaign.law_reason", "changes")
	whyE164             = reason.Plain("campaign.caller_id")
	whyCron             = reason.Plain("campaign.cron")
	whyCronNever        = reason.Plain("campaign.cron_never")
	whyExceptionHours   = reason.Plain("campaign.exception_hours")
	whyOpenAlready      = reason.Plain("campaign.exception_open_already")
	whyClockSkips       = reason.Plain("campaign.exception_skipped")
	whyContradicts      = reason.With1[int]("campaign.exception_contradicts", "number")
	whyCodeID           = reason.Plain("campaign.call_code_id")
	whyCodeTwice        = reason.With1[string]("campaign.call_code_twice", "code")
	whyNoSuchCode       = reason.Plain("campaign.default_code")
	whyNoTrace          = reason.With1[string]("campaign.link_without", "placeholder")("{calltraceid}")
	whyLinkBlank        = reason.Plain("campaign.link_blank")
	whyPlaceholder      = reason.With1[[]string]("campaign.link_placeholder", "placeholders")
	whyNotLink          = reason.Plain("campaign.link")
	whyLinkUser         = reason.Plain("campaign.link_user")
	whyLinkHost         = reason.Plain("campaign.link_host")
)

func badField(why reason.Reason) error {
	return reason.New(reason.Invalid, why, "campaigns: "+why.String())
}
