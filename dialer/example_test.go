package dialer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/simulated"
)

// One call over a phone network: the agent's phone first, then, if the fence lets it pass, the customer's.
func ExamplePhoneNetwork() {
	script := simulated.Script{Rules: []simulated.Rule{
		{Suffix: "01", Outcome: campaigns.Answered, Talk: time.Millisecond},
		{Suffix: "02", Outcome: campaigns.Busy},
	}}
	network, err := simulated.New(simulated.Options{Script: script})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer network.Close()

	var phones dialer.PhoneNetwork = network
	agent := agents.Extension{Name: "Desk 3444", Number: "3444", Network: phones.Name()}
	for i, customer := range []string{"+380501234501", "+380501234502"} {
		call, err := phones.Place(context.Background(), dialer.Call{
			AttemptID: dialer.AttemptID(i + 1), Agent: &agent, Customer: customer, AgentRing: time.Minute, Ring: time.Minute,
			BeforeCustomer: func(context.Context) error { return nil }, // here a node asks its lease and the record
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		for progress := range call.Progress() {
			fmt.Print(progress.Kind, " ")
			if progress.Kind == dialer.Ended {
				fmt.Println(progress.Outcome, progress.Cause)
			}
		}
	}
	// Output:
	// agent_ringing agent_answered customer_dialing customer_ringing customer_answered ended answered BYE
	// agent_ringing agent_answered customer_dialing ended busy 486 Busy Here
}
