package webhook

import (
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Why an endpoint cannot be as somebody wants it. What it has been sent is not repeated, but for the names of headers.
var (
	whyNoEndpoint       = reason.Plain("webhook.no_such_endpoint")
	whyTooManyEndpoints = reason.With1[int]("webhook.too_many_endpoints", "most")
	whyTooManySecrets   = reason.With1[int]("webhook.too_many_secrets", "most")
	whyPresentSecret    = reason.Plain("webhook.present_secret")
	whyNoSecret         = reason.Plain("webhook.no_such_secret")
	whyBadSecret        = reason.Plain("webhook.secret")
	whyNoKey            = reason.Plain("webhook.no_key")
	whyOtherKey         = reason.Plain("webhook.other_key")

	whyURLLong     = reason.With1[int]("webhook.url_long", "most")
	whyNotURL      = reason.Plain("webhook.url")
	whyScheme      = reason.Plain("webhook.url_scheme")
	whyNotHTTPS    = reason.Plain("webhook.url_not_https")
	whyNoHost      = reason.Plain("webhook.url_host_missing")
	whyHostName    = reason.Plain("webhook.url_host")
	whyURLUser     = reason.Plain("webhook.url_user")
	whyFragment    = reason.Plain("webhook.url_fragment")
	whyPort        = reason.Plain("webhook.url_port")
	whyPrivate     = reason.Plain("webhook.url_private")
	whyThisMachine = reason.Plain("webhook.url_this_machine")
	whyGuarded     = reason.With1[string]("webhook.address_not_public", "address")

	whyHeaderName  = reason.With1[string]("webhook.header_name", "header")
	whyHeaderOurs  = reason.With1[string]("webhook.header_ours", "header")
	whyHeaderTwice = reason.With1[string]("webhook.header_twice", "header")
	whyHeaderValue = reason.With2[string, int]("webhook.header_value", "header", "most")
	whyNoCA        = reason.Plain("webhook.ca")
	whyNoPair      = reason.Plain("webhook.certificate")
	whyPEMLong     = reason.With1[int]("webhook.pem_long", "most")
	whyEnded       = reason.With1[time.Time]("webhook.certificate_ended", "at")
)

// Why an endpoint is disabled.
var (
	whyGone   = reason.Plain("webhook.gone")
	whyFailed = reason.With1[time.Time]("webhook.failed_for_days", "since")
)

// WhyByHand and WhyKeyLost are why somebody disabled an endpoint.
var (
	WhyByHand  = reason.Plain("webhook.disabled_by_hand")
	WhyKeyLost = reason.Plain("webhook.key_lost")
)

// refuse makes the error of what cannot be accepted of an endpoint; text is for the log.
func refuse(why reason.Reason, text string) error {
	return reason.New(reason.Invalid, why, "webhook: "+text)
}

// clip bounds what is repeated of what somebody sent.
func clip(s string) string {
	const most = 40 // bytes
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
