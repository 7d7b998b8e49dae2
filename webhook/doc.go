// Package webhook knows what the CRM is told, and sees to it that it arrives.
//
// An [Event] is written in the transaction that makes it true. Its journey to one endpoint is a [Delivery]; one HTTP
// request of that journey is a [Try]. Requests are signed by the Standard Webhooks scheme over the exact bytes that were
// stored, so that a CRM may verify, repeat and compare them for ever.
//
// A [Deliverer] finds what is due in SQL. Asynq's tasks only wake it, and a sweep each second finds whatever no task told
// of: Redis may be lost, and nothing else is. Each endpoint has a lane of its own that leases its deliveries, keeps its
// limits of rate and concurrency, and waits for nobody else's timeouts. A try that fails is made again after 5 seconds,
// then later and later for three days; an endpoint that fails for five days is disabled, and its events are kept.
//
// Where a request goes is judged by the address that is dialed, not by the name that was given: see [ParseURL] and
// [AllowList]. What CRM authors have to know is in event.go and docs/webhooks.md.
package webhook
