package simulator

import (
	"slices"
	"strconv"
	"strings"
	"time"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// desk is one agent's process at the server. All of it is guarded by the server's mutex.
type desk struct {
	s         *Server
	agent     Agent
	sockets   map[Socket]bool
	state     string
	since     time.Time
	extension string
	pause     string // in force
	nextPause string // asked for in a call
	autoCall  bool
	turn      int // counts what ends the wait for a call of the server's own
	muted     bool
	error     failure
	call      *call
}

type failure struct{ id, text string }

var (
	noError  = failure{}
	noAnswer = failure{"-223", "No Answer from agent"}
)

// call is the present call or, in Clerical, the last.
type call struct {
	number, customer, queue, trace, card string
	automatic, reached                   bool
	code                                 string
	startedAt                            time.Time
}

var statuses = map[string]string{
	wire.StateLogout: wire.StatusOffline, wire.StateIdle: wire.StatusAvailable, wire.StateOrdered: wire.StatusDialing,
	wire.StateDelivered: wire.StatusDialing, wire.StateActive: wire.StatusInCall, wire.StateHold: wire.StatusOnHold,
	wire.StateClerical: wire.StatusClerical, wire.StateFailed: wire.StatusAvailable, wire.StatePause: wire.StatusPause,
}

// commands are what each state takes.
var commands = map[string][]string{
	wire.StateLogout:    {wire.Exit},
	wire.StateIdle:      {wire.MakeCall, wire.SetPause, wire.Predictive, wire.Logout, wire.Exit},
	wire.StateOrdered:   {wire.CloseCall, wire.SetPause, wire.Predictive, wire.Exit},
	wire.StateDelivered: {wire.CloseCall, wire.SetPause, wire.Predictive, wire.SetCode, wire.Exit},
	wire.StateActive:    {wire.CloseCall, wire.SetPause, wire.Predictive, wire.SetCode, wire.HoldCall, wire.MuteCall, wire.Exit},
	wire.StateHold:      {wire.CloseCall, wire.SetPause, wire.Predictive, wire.SetCode, wire.Retrieve, wire.MuteCall, wire.Exit},
	wire.StateClerical:  {wire.SetCode, wire.SetPause, wire.Predictive, wire.Logout, wire.Exit},
	wire.StatePause:     {wire.SetPause, wire.Predictive, wire.Logout, wire.Exit},
}

var commandNames = map[string]string{
	wire.MakeCall: wire.CmdMakeCall, wire.SetPause: wire.CmdPause, wire.Predictive: wire.CmdPredictive, wire.Logout: wire.CmdLogout,
	wire.Exit: wire.CmdExit, wire.CloseCall: wire.CmdCloseCall, wire.SetCode: wire.CmdSetCode, wire.HoldCall: wire.CmdHoldCall,
	wire.MuteCall: wire.CmdMute, wire.Retrieve: wire.CmdRetrieve,
}

// firstQueueID numbers the queues of an agent.
const firstQueueID = 8

// seat gives the desk a connection.
func (d *desk) seat(socket Socket) {
	if old := deskOf(socket); old != nil {
		delete(old.sockets, socket)
	}
	socket.SetData(d)
	d.sockets[socket] = true
}

// move changes the state and shows it.
func (d *desk) move(state string) {
	d.state, d.since = state, d.s.Now()
	d.shown()
	d.awaitCall()
}

func (d *desk) shown() {
	for socket := range d.sockets {
		d.s.emit(socket, d.snapshot())
	}
}

func (d *desk) snapshot() wire.State {
	state := wire.State{
		State: d.state, Status: statuses[d.state], Available: true, Host: "MTAgentFarm-01", Pauses: d.s.Pauses, PauseID: d.pause,
		AutoCall: d.autoCall, Muted: d.muted, CallErrorID: d.error.id, CallError: d.error.text, ServerTime: d.s.Now(), Since: d.since,
	}
	for _, c := range commands[d.state] {
		state.Commands = append(state.Commands, commandNames[c])
	}
	if d.state == wire.StateLogout {
		state.Commands = append(state.Commands, wire.CmdLogin)
		return state
	}
	state.AgentID, state.AgentName, state.AgentExt, state.Queues = d.agent.ID, d.agent.Login, d.extension, d.agent.Queues
	if c := d.call; c != nil {
		state.ANI, state.DNIS, state.CallTraceID, state.CallCustomerID, state.QueueName = c.number, d.extension, c.trace, c.customer,
			c.queue
		state.CallType, state.CallStart = "1", c.startedAt.Format("2006-01-02 15:04:05")
		state.CardType, state.Card = "3", c.card
		if c.automatic {
			state.CallType = "3"
		}
		if i := slices.Index(d.agent.Queues, c.queue); i >= 0 {
			state.QueueID = strconv.Itoa(firstQueueID + i)
		}
		if c.trace != "" {
			state.Codes = d.s.Codes
		}
	}
	return state
}

// obey carries out a command; false: it is not allowed now, and nothing has changed.
func (d *desk) obey(c wire.Command) bool {
	if !slices.Contains(commands[d.state], c.Type) {
		return false
	}
	switch c.Type {
	case wire.MakeCall:
		return d.makeCall(c)
	case wire.CloseCall:
		d.hangUp()
	case wire.HoldCall:
		d.move(wire.StateHold)
	case wire.Retrieve:
		d.move(wire.StateActive)
	case wire.MuteCall:
		d.muted = !d.muted
		d.shown()
	case wire.Predictive:
		d.autoCall = !d.autoCall
		d.shown()
		d.awaitCall()
	case wire.SetPause:
		return d.setPause(c.ID)
	case wire.SetCode:
		return d.setCode(c.ID)
	case wire.Logout, wire.Exit:
		d.reset()
		d.move(wire.StateLogout)
	}
	return true
}

func (d *desk) reset() {
	d.call, d.pause, d.nextPause, d.muted, d.error = nil, "", "", false, noError
}

func (d *desk) setPause(id string) bool {
	switch {
	case id == "0" && d.state == wire.StatePause:
		d.pause, d.error = "", noError
		d.move(wire.StateIdle)
	case id == "0":
		d.nextPause = ""
		return false
	case !slices.ContainsFunc(d.s.Pauses, func(p wire.Pause) bool { return p.ID == id }) || d.pause == ForcePause:
		return false
	case d.state == wire.StateIdle || d.state == wire.StatePause:
		d.pause = id
		d.move(wire.StatePause)
	default:
		d.nextPause = id
		d.shown()
	}
	return true
}

func (d *desk) setCode(id string) bool {
	if d.call.trace == "" || !slices.ContainsFunc(d.s.Codes, func(c wire.Code) bool { return c.ID == id }) {
		return false
	}
	d.call.code = id
	if d.state == wire.StateClerical {
		d.rest()
		return true
	}
	d.shown()
	return true
}

// rest is Available, or the pause that was asked for meanwhile. The call's code is kept.
func (d *desk) rest() {
	d.s.keepCode(d.call)
	d.call, d.muted = nil, false
	if d.nextPause != "" {
		d.pause, d.nextPause = d.nextPause, ""
		d.move(wire.StatePause)
		return
	}
	d.move(wire.StateIdle)
}

func (d *desk) makeCall(c wire.Command) bool {
	if c.QueueName == "" && len(d.agent.Queues) > 0 {
		c.QueueName = d.agent.Queues[0]
	}
	if strings.Trim(c.PhoneNumber, "+0123456789") != "" || c.PhoneNumber == "" || !slices.Contains(d.agent.Queues, c.QueueName) {
		return false
	}
	d.ring(&call{number: c.PhoneNumber, queue: c.QueueName, startedAt: d.s.Now()})
	return true
}

// ring calls the extension.
func (d *desk) ring(c *call) {
	d.call, d.error = c, noError
	d.move(wire.StateOrdered)
	d.in(c, d.s.Rings, func() {
		d.move(wire.StateDelivered)
		if d.s.silent[d.extension] {
			d.in(c, d.s.GivesUp, d.forcePause)
			return
		}
		d.in(c, d.s.Answers, d.dial)
	})
}

// in does something later if the call still goes on.
func (d *desk) in(c *call, after time.Duration, do func()) {
	d.s.after(after, func() {
		if d.call == c && d.state != wire.StateClerical {
			do()
		}
	})
}

func (d *desk) forcePause() {
	d.reset()
	d.pause, d.error = ForcePause, noAnswer
	d.move(wire.StatePause)
}

// dial reaches for the customer: from here on the call has its number.
func (d *desk) dial() {
	c := d.call
	c.trace = d.s.nextTrace()
	d.s.placed = append(d.s.placed, Placed{Agent: d.agent.Login, Number: c.number, Queue: c.queue, CallTraceID: c.trace})
	d.shown()
	fate := d.s.Fate(c.number)
	d.in(c, max(fate.After, time.Millisecond), func() {
		if fate.Error != "" {
			d.error = failure{"-101", fate.Error}
			d.hangUp()
			return
		}
		c.reached = true
		d.move(wire.StateActive)
		if fate.Talk > 0 {
			d.in(c, fate.Talk, d.hangUp)
		}
	})
}

// hangUp leads to Clerical; a call of Mediatel's own that reached nobody is only told.
func (d *desk) hangUp() {
	c := d.call
	if c.trace == "" || c.automatic && !c.reached {
		d.move(wire.StateFailed)
		d.rest()
		return
	}
	d.muted = false
	d.move(wire.StateClerical)
	if d.s.WrapUp > 0 {
		d.s.after(d.s.WrapUp, func() {
			if d.call == c && d.state == wire.StateClerical {
				d.rest()
			}
		})
	}
}

// crash is the end of the agent's process: it starts again and knows nothing.
func (d *desk) crash() {
	d.reset()
	d.state, d.extension = wire.StateLogout, ""
	d.awaitCall()
	for socket := range d.sockets {
		socket.Disconnect(true)
	}
}
