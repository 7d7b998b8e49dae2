package agents

import "github.com/creditorro/ringmaster/internal/reason"

// What the state machine itself has to say.
var (
	whyNoAnswer = reason.Plain("phone.not_answered")
	whyCallLost = reason.Plain("call.lost")
)

// States in words.
var stateWord = reason.Terms("agent_state", LoggedOff, Available, Ordered, Delivered, Talking, Holding, Clerical, Paused, ForcePause)

// Word is the state's in the catalogues.
func (s State) Word() reason.Term { return stateWord(s) }
