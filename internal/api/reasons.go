package api

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Why a request is refused as a whole.
var (
	whyFields         = reason.Plain("request.fields")
	whyNoBody         = reason.Plain("request.no_body")
	whyUnreadable     = reason.Plain("request.unreadable")
	whyTooLarge       = reason.With1[int]("request.too_large", "bytes")
	whyTooSlow        = reason.Plain("request.too_slow")
	whyMediaType      = reason.With1[[]string]("request.media_type", "types")
	whyNotAcceptable  = reason.Plain("request.not_acceptable")
	whyNoPath         = reason.With1[string]("request.no_such_path", "path")
	whyMethod         = reason.With3[string, []string, string]("request.method", "path", "allowed", "method")
	whyTooLong        = reason.Plain("request.took_too_long")
	whyGone           = reason.Plain("request.client_gone")
	whyFailed         = reason.Plain("request.failed")
	whyRefused        = reason.Plain("request.refused")
	whyWeekdays       = reason.Plain("consent.weekdays")
	whyIntoAmong      = reason.Plain("people.into_among_others")
	whyContradiction  = reason.Plain("request.contradiction")
	whyTooManyStreams = reason.Plain("request.too_many_streams")
	whyUnderWay       = reason.Plain("request.under_way")
	whyKeyUsed        = reason.Plain("request.key_used")
)

// What is not there.
var (
	whyNoThing    = reason.Plain("missing.thing")
	whyNoBarred   = reason.Plain("missing.do_not_call")
	whyNobody     = reason.Plain("missing.dossier")
	whyNoType     = reason.With1[string]("missing.event_type", "type")
	whyNoAttempt  = reason.Plain("missing.attempt_of_yours")
	whyNoDelivery = reason.Plain("missing.delivery_of_endpoint")

	// missing are what paths are about, by what stands before the id.
	missing = map[string]reason.Reason{
		"campaigns":  reason.Plain("missing.campaign"),
		"templates":  reason.Plain("missing.template"),
		"contacts":   whyNoContact,
		"callbacks":  whyNoContact,
		"attempts":   reason.Plain("missing.attempt"),
		"webhooks":   reason.Plain("missing.webhook"),
		"deliveries": reason.Plain("missing.delivery"),
		"events":     reason.Plain("missing.event"),
		"imports":    reason.Plain("missing.import"),
		"lists":      reason.Plain("missing.list"),
		"consents":   reason.Plain("missing.consent"),
		"people":     reason.Plain("missing.person"),
		"users":      reason.Plain("missing.user"),
		"tokens":     reason.Plain("missing.token"),
		"agents":     reason.Plain("missing.agent"),
	}
	whyNoContact = reason.Plain("missing.contact")
	whyNotInCall = reason.Plain("missing.call_of_yours")
)

// Why somebody may not.
var (
	whySignIn      = reason.With1[string]("access.sign_in", "path")
	whyNotAccepted = reason.Plain("access.not_accepted")
	whyRole        = reason.With2[[]string, string]("access.role", "roles", "role")
	whyNobodyKnown = reason.Plain("access.unknown_now")
	whyOwnAttempts = reason.Plain("access.own_attempts")
	whyOwnCallback = reason.Plain("access.own_callback")
	whyOwnLanguage = reason.Plain("access.own_language")
	whyNoSession   = reason.Plain("access.no_session")
	whyWrong       = reason.Plain("access.wrong_password")
	whyTooMany     = reason.With1[time.Duration]("access.too_many_tries", "wait")
	whyOrigin      = reason.Plain("access.origin")
	whyTokenOnly   = reason.Plain("access.token_without_session")
	whyYourself    = reason.Plain("access.yourself")
	whyLinkDead    = reason.Plain("access.link_dead")
)

// Why a field cannot be accepted, beside what every field may meet with (internal/reason/field).
var (
	whyNoMediatel      = reason.Plain("field.no_mediatel")
	whyNoModel         = reason.Plain("field.no_such_model")
	whyPasswordOf      = reason.Plain("field.mediatel_password")
	whyNoPasswords     = reason.Plain("field.no_passwords")
	whyAgentOfUser     = reason.Plain("field.agent_of_user")
	whyNumberOrID      = reason.Plain("field.number_or_crm_id")
	whyOneSearch       = reason.Plain("field.number_name_or_crm_id")
	whyPersonOrContact = reason.Plain("field.crm_id_or_contact_id")
	whyAfterSince      = reason.With1[string]("field.after", "other")
	whyCursor          = reason.Plain("field.cursor")
	whyAttemptID       = reason.Plain("field.attempt_id")
	whyCampaignID      = reason.Plain("field.campaign_id")
	whyCallCode        = reason.Plain("field.call_code")
	whyCallback        = reason.Plain("field.callback")
	whyNotBoth         = reason.Plain("field.delivery_or_span")
	whyNeither         = reason.Plain("field.delivery_or_span_missing")
	whyBeingSent       = reason.Plain("webhook.being_sent")
	whyRotate          = reason.Plain("field.secret_rotates")
	whyHeadersAnew     = reason.Plain("webhook.give_anew")
	whyEndpointKey     = reason.With1[string]("webhook.other_key_at", "endpoint")
	whyWindowsSpan     = reason.Plain("field.windows_span")
	whyFiguresSpan     = reason.Plain("field.figures_span")
	whyAgentInCall     = reason.Plain("agents.in_call")
	whyParameters      = reason.With1[[]string]("field.parameters", "values")
	whyDelimiter       = reason.Plain("field.delimiter")
	whyOver            = reason.Plain("field.expires_in_past")
	whyChoice          = reason.With1[[]string]("field.choice", "values")
	whyListName        = reason.Plain("field.list_name")
	whyTextLong        = reason.With1[int]("field.text_long", "most")
	whyTrueFalse       = reason.Plain("field.true_or_false")
	whyExpires         = reason.With1[string]("bar.expires", "text")
	whyBarBy           = reason.Plain("field.bar_by")
	whyMapping         = reason.Plain("field.mapping")
	whyListTooLarge    = reason.With1[int]("list.too_large", "bytes")
	whyListBad         = reason.With1[reason.Reason]("list.unreadable", "why")
)
