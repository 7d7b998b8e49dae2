package agents

import (
	"context"
	"errors"
)

// Errors of a [Store].
var (
	ErrNoAgent          = errors.New("agents: no such agent")
	ErrNoExtension      = errors.New("agents: no such extension")
	ErrExtensionTaken   = errors.New("agents: extension belongs to another agent")
	ErrNoExtensionFree  = errors.New("agents: no extension is free")
	ErrNameTaken        = errors.New("agents: name in use")
	ErrAgentIsLoggedIn  = errors.New("agents: agent is logged in")
	ErrExtensionIsOwned = errors.New("agents: extension is owned")
)

// ErrNoneFree says that no agent is free to take a call.
var ErrNoneFree = errors.New("agents: nobody is free")

// Store is what live agents need of the system of record. Flag, pause and Force Pause are written there first.
type Store interface {
	Agent(ctx context.Context, id int64) (Agent, error)
	AgentByLogin(ctx context.Context, login string) (Agent, error)
	Agents(ctx context.Context) ([]Agent, error)

	// SetAutoCall and SetPause keep what must survive the loss of Redis; pauseID "0" means none.
	SetAutoCall(ctx context.Context, agentID int64, on bool) error
	SetPause(ctx context.Context, agentID int64, pauseID, cause string) error

	// TakeExtension gives the named extension to the agent, or a free one of the pool when name is empty (the one the agent
	// had last, if it is free), atomically; one owner at a time. The agent's former extension becomes free.
	TakeExtension(ctx context.Context, agentID int64, name string) (Extension, error)
	ReleaseExtension(ctx context.Context, agentID int64) error

	Pauses(ctx context.Context) ([]Pause, error)
}
