package store

import (
	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// What the rooms need of the system of record. internal/api divides what it needs in the same way; internal/node puts it
// together.
var (
	_ dialer.Store    = Dialing{}
	_ dialer.Previews = Previews{}
	_ dialer.Queues   = Queues{}
	_ agents.Store    = Agents{}
	_ access.Store    = Users{}
	_ webhook.Store   = Webhooks{}
)

type (
	// Campaigns are the campaigns, with their call codes.
	Campaigns struct{ *db }

	// Contacts are who is to be called, the do-not-call list and the promised callbacks.
	Contacts struct{ *db }

	// Imports are lists on their way into campaigns, and the lists by which contacts came.
	Imports struct{ *db }

	// People are who is who over all campaigns, and what happened with them outside of our calls.
	People struct{ *db }

	// Dialing is the way of an attempt from its plan to its call code: what [dialer.Store] asks for.
	Dialing struct{ *db }

	// Queues are who is next in campaigns, looked after beside the plans.
	Queues struct{ *db }

	// Previews are prepared attempts whose contacts are shown to agents.
	Previews struct{ *db }

	// Attempts are the attempts to be read, and their codes to be corrected.
	Attempts struct{ *db }

	// Recordings are what was kept of calls.
	Recordings struct{ *db }

	// Agents are the agents with their pauses, extensions and one-time logins.
	Agents struct{ *db }

	// Credentials are by what agents and their phones enter elsewhere: hashed or encrypted.
	Credentials struct{ *db }

	// Users are those who may enter, with their tokens and sessions.
	Users struct{ *db }

	// Audits are what people have done.
	Audits struct{ *db }

	// Webhooks are the endpoints, their secrets and what they are to be sent.
	Webhooks struct{ *db }

	// Journal is every event and delivery, to be read in order.
	Journal struct{ *db }

	// Replies are those to requests under Idempotency-Keys.
	Replies struct{ *db }
)
