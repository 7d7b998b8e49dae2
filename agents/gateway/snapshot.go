package gateway

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// names are the two words that Mediatel has for each state.
var names = map[agents.State][2]string{
	agents.LoggedOff:  {wire.StateLogout, wire.StatusOffline},
	agents.Available:  {wire.StateIdle, wire.StatusAvailable},
	agents.Ordered:    {wire.StateOrdered, wire.StatusDialing},
	agents.Delivered:  {wire.StateDelivered, wire.StatusDialing},
	agents.Talking:    {wire.StateActive, wire.StatusInCall},
	agents.Holding:    {wire.StateHold, wire.StatusOnHold},
	agents.Clerical:   {wire.StateClerical, wire.StatusClerical},
	agents.Paused:     {wire.StatePause, wire.StatusPause},
	agents.ForcePause: {wire.StatePause, wire.StatusPause},
}

// allowed are the commands that each state takes.
var allowed = map[agents.State][]string{
	agents.LoggedOff: {wire.CmdLogin, wire.CmdExit},
	agents.Available: {wire.CmdPause, wire.CmdLogout, wire.CmdMakeCall, wire.CmdPredictive, wire.CmdExit},
	agents.Ordered:   {wire.CmdPause, wire.CmdCloseCall, wire.CmdPredictive, wire.CmdExit},
	agents.Delivered: {wire.CmdPause, wire.CmdCloseCall, wire.CmdPredictive, wire.CmdSetCode, wire.CmdExit},
	agents.Talking: {wire.CmdPause, wire.CmdCloseCall, wire.CmdHoldCall, wire.CmdMute, wire.CmdPredictive, wire.CmdSetCode,
		wire.CmdExit},
	agents.Holding: {wire.CmdPause, wire.CmdCloseCall, wire.CmdRetrieve, wire.CmdMute, wire.CmdPredictive, wire.CmdSetCode,
		wire.CmdExit},
	agents.Clerical:   {wire.CmdPause, wire.CmdLogout, wire.CmdPredictive, wire.CmdSetCode, wire.CmdExit},
	agents.Paused:     {wire.CmdPause, wire.CmdLogout, wire.CmdPredictive, wire.CmdExit},
	agents.ForcePause: {wire.CmdPause, wire.CmdLogout, wire.CmdPredictive, wire.CmdExit},
}

// Values that the notes show without explaining them.
const (
	callAutomatic = "3"
	callByHand    = "1"
	cardURL       = "3" // crmConnectType: crmConnectTarget is the card's URL
)

// snapshot is the whole state of an agent as a tab is shown it.
func (g *Gateway) snapshot(l agents.Live) *wire.State {
	words, say := names[l.State], g.book(l.Language)
	s := &wire.State{
		State: words[0], Status: words[1],
		AgentExt: l.Extension.Name,
		AutoCall: l.AutoCall, PauseID: l.PauseID, PausePending: l.NextPause, Pauses: *g.pauses.Load(), Queues: g.callable(l),
		Commands: commandsOf(l), Muted: l.Muted, Available: true, Host: g.Host,
		CallErrorID: l.ErrorID, CallError: say.Line(shownError(l)), CardType: cardURL,
		ServerTime: g.Now(), Since: l.Since,
	}
	if l.State != agents.LoggedOff {
		s.AgentID, s.AgentName = strconv.FormatInt(l.AgentID, 10), l.Login
	}
	if l.State == agents.Clerical {
		s.CodeDueAt = l.CodeDueAt
	}
	switch {
	case l.Call != nil:
		g.showCall(s, l)
	case l.Preview != nil:
		g.showPreview(s, l)
	}
	return s
}

// shownError is why the last call failed, why there is Force Pause, or why no call comes.
func shownError(l agents.Live) reason.Reason {
	switch {
	case l.State == agents.ForcePause && l.ErrorText.IsZero():
		return l.PauseCause
	case l.State == agents.Available && !l.Reachable && (l.ErrorID == agents.NoError || l.ErrorID == ""):
		return l.WhyNot
	}
	return l.ErrorText
}

// book is the words of an agent's language; of one who has none, those of the server's.
func (g *Gateway) book(language string) *phrasebook.Book {
	return phrasebook.For(cmp.Or(language, g.Language))
}

func (g *Gateway) showCall(s *wire.State, l agents.Live) {
	c := l.Call
	s.ANI, s.DNIS = c.Number, l.Extension.Number
	if l.Extension.Server != "" {
		s.DNIS += "@" + l.Extension.Server
	}
	s.CallTraceID, s.CallCustomerID = c.CallTraceID, c.CRMID
	s.CallType = callType(c.Automatic)
	if !c.StartedAt.IsZero() {
		s.CallStart = c.StartedAt.In(g.Location).Format("2006-01-02 15:04:05")
	}
	s.MaxCall = c.MaxDuration
	s.QueueName, s.Card = c.Queue, c.CardLink
	if c.CampaignID != 0 {
		s.QueueID = strconv.FormatInt(c.CampaignID, 10)
	}
	for _, code := range c.Codes {
		s.Codes = append(s.Codes, wire.Code(code))
	}
	for _, past := range c.History {
		s.History = append(s.History, wire.PastCall{SampleID: s.CallCustomerID, CallType: callType(past.Automatic)})
	}
}

// showPreview fills in the contact that the agent may call, in a state that is Available to whoever does not know previews.
func (g *Gateway) showPreview(s *wire.State, l agents.Live) {
	shown := agents.Live{Extension: l.Extension, Call: l.Preview}
	g.showCall(s, shown)
	s.DNIS, s.PreviewUntil = "", l.PreviewUntil
}

func callType(automatic bool) string {
	if automatic {
		return callAutomatic
	}
	return callByHand
}

// callable are the agent's queues in which the agent may place calls.
func (g *Gateway) callable(l agents.Live) []string {
	queues := make([]string, 0, len(l.Queues))
	for _, q := range l.Queues {
		if g.MayCall(q) {
			queues = append(queues, q)
		}
	}
	return queues
}

// failed is the passing state of a call that could not be placed, shown once before the state that the agent is in.
func (g *Gateway) failed(l agents.Live) *wire.State {
	s := g.snapshot(l)
	s.State, s.Status, s.Since = wire.StateFailed, wire.StatusAvailable, l.FailedAt
	return s
}

// loggedOff is what a tab is shown that is not logged in.
func (g *Gateway) loggedOff(since time.Time, e loginError, say *phrasebook.Book) *wire.State {
	s := g.snapshot(agents.Off(0))
	s.Since, s.LoginErrorID, s.LoginError = since, e.id, say.Line(e.why)
	return s
}

// allows says whether a state takes a command.
func allows(l agents.Live, cmd string) bool { return slices.Contains(commandsOf(l), cmd) }

// commandsOf are those that the agent's state takes. Skip is there while a contact is shown.
func commandsOf(l agents.Live) []string {
	if l.Preview != nil {
		return append(slices.Clip(allowed[l.State]), wire.CmdSkip)
	}
	return allowed[l.State]
}
