package store

import (
	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/webhook"
)

// What the rooms need of the system of record.
var (
	_ dialer.Store  = (*Store)(nil)
	_ agents.Store  = (*Store)(nil)
	_ access.Store  = (*Store)(nil)
	_ webhook.Store = (*Store)(nil)
)
