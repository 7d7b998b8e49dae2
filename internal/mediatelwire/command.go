package mediatelwire

import (
	"log/slog"
	"time"
)

// Values of Command.Type.
const (
	Login      = "login"         // User, Password, Extension
	Logout     = "logout"        //
	MakeCall   = "makeCall"      // PhoneNumber, QueueName
	CloseCall  = "closeCall"     //
	SetPause   = "pause"         // ID; "0" ends the pause
	Predictive = "predictive"    // toggles the auto-call flag
	HoldCall   = "holdCall"      //
	Retrieve   = "retrieveCall"  //
	MuteCall   = "muteCall"      // toggles
	SetCode    = "resolutionSet" // ID of the call code; CallbackAt, CallTraceID (ours)
	Skip       = "skip"          // ours: Reason; lets go of the contact that is shown
	Exit       = "exit"          // restarts the agent's process
)

// Names of the commands in State.Commands. The last four are ours: no name of Mediatel's is known.
const (
	CmdLogin      = "CMD_LOGIN"
	CmdLogout     = "CMD_LOGOUT"
	CmdMakeCall   = "CMD_MAKECALL"
	CmdPause      = "CMD_PAUSE"
	CmdPredictive = "CMD_PREDICTIVE"
	CmdHoldCall   = "CMD_HOLDCALL"
	CmdMute       = "CMD_MUTE"
	CmdExit       = "CMD_EXIT"
	CmdCloseCall  = "CMD_CLOSECALL"
	CmdRetrieve   = "CMD_RETRIEVECALL"
	CmdSetCode    = "CMD_RESOLUTION"
	CmdSkip       = "CMD_SKIP"
)

// Command is what an agent's tab asks for. Only the fields that its Type names mean anything.
type Command struct {
	Type        string
	User        string
	Password    string // never in a log
	Extension   string
	PhoneNumber string
	QueueName   string
	ID          string    // of a pause or a call code
	CallbackAt  time.Time // ours: when a customer wants to be called back, with SetCode
	Reason      string    // ours: why a contact is skipped
	CallTraceID string    // ours: of the call that the code is for, with SetCode; empty: the present or last one
}

// LogValue hides what is nobody's business.
func (c Command) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", c.Type), slog.String("user", c.User), slog.String("queue", c.QueueName),
		slog.String("id", c.ID))
}

// MarshalJSON writes the command with the fields that its type names.
func (c Command) MarshalJSON() ([]byte, error) {
	o := object{b: append(make([]byte, 0, 128), '{')}
	o.text("type", c.Type)
	switch c.Type {
	case Login:
		o.text("user", c.User)
		o.text("password", c.Password)
		o.text("extension", c.Extension)
	case MakeCall:
		o.text("phoneNumber", c.PhoneNumber)
		if c.QueueName != "" {
			o.text("queueName", c.QueueName)
		}
	case Skip:
		o.text("reason", c.Reason)
	case SetPause, SetCode:
		o.text("id", c.ID)
		if c.Type == SetCode && !c.CallbackAt.IsZero() {
			o.text("callbackAt", c.CallbackAt.Format(time.RFC3339))
		}
		if c.Type == SetCode && c.CallTraceID != "" {
			o.text("callTraceID", c.CallTraceID)
		}
	}
	return append(o.b, '}'), nil
}
