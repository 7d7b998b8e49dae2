// Package webhook knows what the CRM is told, and sees to it that it arrives.
//
// An [Event] is written in the transaction that makes it true. Its journey to one endpoint is a [Delivery]; one HTTP
// request of that journey is a [Try]. Requests are signed by the Standard Webhooks scheme over the exact bytes that were
// stored, so that a CRM may verify, repeat and compare them for ever.
package webhook
