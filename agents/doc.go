// Package agents knows who talks, and how: the agent, the extension where the agent's phone rings, pauses, and the
// state machine that every agent lives by.
//
// [Next] is that machine: a pure function from the moment's state and an input to the state that follows. The moment's
// states of all agents are kept in Redis by package roster; package gateway shows them to the agents' tabs in Mediatel's
// words; package access says who may enter.
package agents
