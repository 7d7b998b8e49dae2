// Package mediatel is an existing Mediatel installation as a phone network: its agents' phones ring, and its lines reach the
// customers.
//
// For each agent who is logged on with an extension of this network, and whose home is this node, [Network] holds a session:
// the agent's Socket.IO connection to the Mediatel server, as the agent's browser would hold it. A session logs the agent in,
// gives the dialer's orders as Mediatel's commands, and reads what became of them out of the whole states that the server
// sends after each change. No order has an answer of its own, so a state that fits is the answer, and one that does not come
// has the session connect anew, because a server tells the state on connecting.
//
// Mediatel dials the customer by itself once the extension has answered. The self-fence is therefore asked before makeCall,
// and makeCall is sent once an attempt: what a lost connection leaves open is read out of the next state, never ordered again.
//
// docs/mediatel.md tells how it is set up.
package mediatel
