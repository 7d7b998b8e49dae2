package agents

import "github.com/creditorro/ringmaster/internal/reason"

// What the state machine itself has to say.
var (
	whyNoAnswer = reason.Plain("phone.not_answered")
	whyCallLost = reason.Plain("call.lost")
)

// What the record has to say of agents and extensions.
var (
	whyNoAgent         = reason.Plain("agents.no_such_agent")
	whyNoExtension     = reason.Plain("agents.no_such_extension")
	whyExtensionTaken  = reason.Plain("agents.extension_taken")
	whyNoExtensionFree = reason.Plain("agents.no_extension_free")
	whyNameTaken       = reason.Plain("agents.name_taken")
	whyLoggedIn        = reason.Plain("agents.logged_in")
	whyExtensionOwned  = reason.Plain("agents.extension_owned")
	whyCodeTooLate     = reason.Plain("agents.code_too_late")
)

// States in words.
var stateWord = reason.Terms("agent_state", LoggedOff, Available, Ordered, Delivered, Talking, Holding, Clerical, Paused,
	ForcePause)

// Word is the state's in the catalogues.
func (s State) Word() reason.Term { return stateWord(s) }
