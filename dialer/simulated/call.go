package simulated

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// stage is how far a call has come.
type stage int

const (
	placed     stage = iota
	agentRings       // the agent's phone rings
	fencing          // BeforeCustomer is asked
	dialed           // the customer's phone is dialed, or rings
	alone            // customer first: the customer answered and waits for an agent
	joining          // the waited-for agent's phone rings
	talking          // both sides are up
	leaving          // a machine hears the message
	ended
)

// A call never waits for a reader: its channel has room for progressRoom steps. The vital ones of its life always find a
// place; a hold or a retrieval that finds none is refused.
const (
	progressRoom = 18
	vital        = 10
)

// call is one call; its mutex guards everything below it.
type call struct {
	net      *Network
	order    dialer.Call
	fate     fate
	progress chan dialer.Progress
	ctx      context.Context // ends with the call
	cancel   context.CancelFunc
	waits    moment
	listens  moment // for who has answered

	mu     sync.Mutex
	stage  stage
	rang   bool
	held   bool
	muted  bool
	joined chan error // of Join, while joining
	agents int        // who were rung for the waiting customer
}

func (c *call) Progress() <-chan dialer.Progress { return c.progress }

func (c *call) tell(kind dialer.ProgressKind) {
	c.progress <- dialer.Progress{Kind: kind, At: c.net.clock.Now()}
}

// after waits for a scripted duration, then takes the step if the call is still in the stage it was in.
func (c *call) after(d time.Duration, step func()) {
	at := c.stage
	c.net.agenda.set(&c.waits, d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.stage == at {
			step()
		}
	})
}

// begin rings the agent's phone, or goes straight to the customer.
func (c *call) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.order.Agent == nil {
		c.fence()
		return
	}
	if c.net.condition(c.order.Agent.Name) == Unreachable {
		c.end(campaigns.AgentNoAnswer, "system", "404 no phone of the agent is registered")
		return
	}
	c.stage = agentRings
	c.tell(dialer.AgentRinging)
	silent := func() { c.end(campaigns.AgentNoAnswer, "system", "408 the agent's phone was not answered") }
	answers, _ := c.net.condition(c.order.Agent.Name).answers(c.fate.agentAnswers)
	if c.fate.agentSilent || c.order.AgentRing > 0 && answers > c.order.AgentRing {
		c.after(c.order.AgentRing, silent)
		return
	}
	c.after(answers, func() {
		if _, ever := c.net.condition(c.order.Agent.Name).answers(0); !ever {
			c.after(c.order.AgentRing-answers, silent)
			return
		}
		c.tell(dialer.AgentAnswered)
		c.fence()
	})
}

// fence asks whether the customer may be dialed; the answer may take a database's time, so it has a goroutine.
func (c *call) fence() {
	c.stage = fencing
	go func() {
		err := error(nil)
		if c.order.BeforeCustomer != nil {
			ctx, cancel := context.WithTimeout(c.ctx, fenceLimit)
			err = c.order.BeforeCustomer(ctx)
			cancel()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.stage != fencing {
			return // hung up meanwhile
		}
		if err == nil {
			err = c.order.Write()
		}
		if err == nil {
			err = c.net.ring(c.order.AttemptID, c.order.Customer)
		}
		if err != nil {
			c.end(campaigns.Unknown, "system", err.Error())
			return
		}
		c.dial()
	}()
}

// dial rings the customer's phone and plays its fate.
func (c *call) dial() {
	c.stage, c.rang = dialed, true
	c.tell(dialer.CustomerDialing)
	refuse := func() { c.end(c.fate.outcome, "customer", causes[c.fate.outcome]) }
	c.after(c.fate.setUp, func() {
		switch c.fate.outcome {
		case campaigns.InvalidNumber, campaigns.Congestion, campaigns.Busy:
			refuse()
			return
		}
		c.tell(dialer.CustomerRinging)
		answers := c.fate.answers
		if c.fate.outcome == campaigns.NoAnswer || c.order.Ring > 0 && answers > c.order.Ring {
			c.after(c.order.Ring, func() { c.end(campaigns.NoAnswer, "system", "487 Request Terminated") })
			return
		}
		c.after(answers, func() {
			if c.fate.outcome != campaigns.Answered {
				refuse()
				return
			}
			c.answered()
		})
	})
}

// answered is the customer's answer.
func (c *call) answered() {
	c.tell(dialer.CustomerAnswered)
	if c.order.Listen && c.fate.machine {
		c.net.agenda.set(&c.listens, c.fate.heard, c.hear)
	}
	if c.order.Agent == nil {
		c.stage = alone
		c.after(c.fate.talk, c.customerLeaves)
		return
	}
	c.talk()
}

// hear is the moment at which a machine is known for one.
func (c *call) hear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stage != ended {
		c.progress <- dialer.Progress{Kind: dialer.MachineHeard, At: c.net.clock.Now(), Cause: "simulated machine"}
	}
}

// LeaveMessage implements [dialer.MessageLeaver]: the beep and the message take messageTime.
func (c *call) LeaveMessage() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.stage {
	case talking:
		c.tell(dialer.AgentParted)
	case joining:
		c.joined <- fmt.Errorf("simulated: a machine has answered: %w", dialer.ErrNobodyWaits)
		c.joined = nil
	case alone:
	default:
		return
	}
	c.stage = leaving
	c.after(messageTime, func() { c.end(campaigns.Answered, "system", "message left") })
}

const messageTime = 5 * time.Second

// customerLeaves is the end of a customer who waits for no agent any longer.
func (c *call) customerLeaves() { c.end(campaigns.Answered, "customer", "customer_left") }

// talk plays the conversation to its end.
func (c *call) talk() {
	c.stage = talking
	length, by := c.fate.talk, "customer"
	if c.fate.agentHangsUp {
		by = "agent"
	}
	if c.order.MaxDuration > 0 && length > c.order.MaxDuration {
		length, by = c.order.MaxDuration, "system"
	}
	c.after(length, func() { c.end(campaigns.Answered, by, "BYE") })
}

// end tells the end of the call; the mutex is held.
func (c *call) end(outcome campaigns.Outcome, by, cause string) {
	if c.stage == ended {
		return
	}
	if c.joined != nil {
		c.joined <- fmt.Errorf("simulated: the call ended: %s: %w", cause, dialer.ErrNobodyWaits)
		c.joined = nil
	}
	c.stage = ended
	c.cancel()
	c.net.agenda.drop(&c.waits)
	c.net.agenda.drop(&c.listens)
	c.net.over(c, c.rang)
	c.progress <- dialer.Progress{
		Kind: dialer.Ended, At: c.net.clock.Now(), Outcome: outcome, HangupBy: by, Cause: cause, NotDialed: !c.rang, Confirmed: true,
	}
	close(c.progress)
}

// Hangup ends the call at any stage. What is due by then comes before it.
func (c *call) Hangup(by string) {
	if due := c.net.agenda.take(&c.waits); due != nil {
		due()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stage == talking || c.stage == leaving:
		c.end(campaigns.Answered, by, "BYE")
	case c.stage == alone || c.stage == joining:
		c.end(campaigns.Abandoned, by, "BYE")
	case by == "agent":
		c.end(campaigns.AgentGaveUp, by, "CANCEL")
	case c.rang:
		c.end(campaigns.NoAnswer, by, "CANCEL")
	default:
		c.end(campaigns.Unknown, by, "hung up before the customer's phone rang")
	}
}

// errNotTalking says that the order needs both sides up.
var errNotTalking = errors.New("simulated: not in a talk")

func (c *call) setHeld(held bool, kind dialer.ProgressKind) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stage != talking {
		return errNotTalking
	}
	if c.held == held {
		return nil
	}
	if len(c.progress) > progressRoom-vital {
		return errors.New("simulated: nobody follows this call")
	}
	c.held = held
	c.tell(kind)
	return nil
}

// Hold puts the customer on hold; the talk's scripted length runs on.
func (c *call) Hold(context.Context) error { return c.setHeld(true, dialer.HeldProgress) }

// Retrieve ends a hold.
func (c *call) Retrieve(context.Context) error { return c.setHeld(false, dialer.ResumedProgress) }

// Mute silences the agent.
func (c *call) Mute(_ context.Context, on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stage != talking {
		return errNotTalking
	}
	c.muted = on
	return nil
}

// Join rings the agent's phone while the customer waits, and returns when both talk.
func (c *call) Join(ctx context.Context, ext agents.Extension) error {
	joined := make(chan error, 1)
	c.mu.Lock()
	if c.stage != alone {
		c.mu.Unlock()
		return fmt.Errorf("simulated: %w", dialer.ErrNobodyWaits)
	}
	condition := c.net.condition(ext.Name)
	if condition == Unreachable {
		c.mu.Unlock()
		return fmt.Errorf("simulated: extension %s: %w", ext.Name, dialer.ErrNotRegistered)
	}
	c.stage, c.joined = joining, joined
	c.net.agenda.drop(&c.waits)
	if c.agents++; c.agents == 1 {
		c.tell(dialer.AgentRinging)
	}
	if answers, ever := condition.answers(c.fate.agentAnswers); ever && !c.fate.agentSilent {
		c.after(answers, func() {
			c.tell(dialer.AgentAnswered)
			c.tell(dialer.Joined)
			c.joined <- nil
			c.joined = nil
			c.talk()
		})
	}
	c.mu.Unlock()
	select {
	case err := <-joined:
		return err
	case <-ctx.Done():
		c.leave(joined, fmt.Errorf("simulated: extension %s did not answer in time: %w", ext.Name, ctx.Err()))
		return <-joined
	}
}

// leave takes back a Join that took too long, if it is not answered by now; the customer waits on.
func (c *call) leave(joined chan error, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stage == joining && c.joined == joined {
		c.joined <- why
		c.joined = nil
		c.stage = alone
		c.after(c.fate.talk, c.customerLeaves)
	}
}
