package agents

import (
	"context"
	"errors"

	"github.com/creditorro/ringmaster/internal/reason"
)

// Errors of a [Store].
var (
	ErrNoAgent          error = reason.New(reason.Missing, whyNoAgent, "agents: no such agent")
	ErrNoExtension      error = reason.New(reason.Missing, whyNoExtension, "agents: no such extension")
	ErrExtensionTaken   error = reason.New(reason.Conflict, whyExtensionTaken, "agents: extension belongs to another agent")
	ErrNoExtensionFree  error = reason.New(reason.Conflict, whyNoExtensionFree, "agents: no extension is free")
	ErrLoginUnderWay          = errors.New("agents: another login of the agent may be under way")
	ErrNameTaken        error = reason.New(reason.Conflict, whyNameTaken, "agents: name in use")
	ErrAgentIsLoggedIn  error = reason.New(reason.Conflict, whyLoggedIn, "agents: agent is logged in")
	ErrExtensionIsOwned error = reason.New(reason.Conflict, whyExtensionOwned, "agents: extension is owned")
)

// ErrCodeTooLate says that a call has its code already, or needs none any more.
var ErrCodeTooLate error = reason.New(reason.Conflict, whyCodeTooLate, "agents: the call has its code already")

// Store is what live agents need of the system of record. Flag, pause and Force Pause are written there first.
type Store interface {
	Agent(ctx context.Context, id int64) (Agent, error)
	AgentByLogin(ctx context.Context, login string) (Agent, error)

	// SetAutoCall and SetPause keep what must survive the loss of Redis; pauseID "0" means none.
	SetAutoCall(ctx context.Context, agentID int64, on bool) error
	SetPause(ctx context.Context, agentID int64, pauseID string, cause reason.Reason) error

	// TakeExtension gives the named extension to the agent, or a free one of the pool when name is empty (the one the agent
	// had last, if it is free), atomically; one owner at a time. The agent's former extension becomes free;
	// ErrLoginUnderWay: another login of the agent has taken that one a moment ago, and may be about to go through with it.
	TakeExtension(ctx context.Context, agentID int64, name string) (Extension, error)

	// ReleaseExtension frees an extension if its owner and the number of its taking are still as x says. Whoever learns late
	// that an agent has left cannot free it under a login that came meanwhile.
	ReleaseExtension(ctx context.Context, x Extension) error

	// Extensions lists all extensions, by id.
	Extensions(ctx context.Context) ([]Extension, error)

	Pauses(ctx context.Context) ([]Pause, error)
}
