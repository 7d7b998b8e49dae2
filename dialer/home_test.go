package dialer_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
)

// registered is a phone network whose phones are each registered at one node.
type registered struct {
	dialer.PhoneNetwork
	node string
	at   *atomic.Value // of string: where all phones are; empty: nowhere
}

func (r registered) Reachable(context.Context, agents.Extension) error {
	switch at := r.at.Load().(string); at {
	case r.node:
		return nil
	case "":
		return dialer.ErrNotRegistered
	default:
		return &dialer.ElsewhereError{Node: at, Err: errors.New("it is registered at node " + at)}
	}
}

// TestAnAgentIsAtHomeWhereThePhoneIs: only the node that holds an agent's phone can call it, so it becomes the agent's home,
// whatever home the login has chosen, and when the phone comes back at another node. A node that does not live does not.
func TestAnAgentIsAtHomeWhereThePhoneIs(t *testing.T) {
	each(t, steady, func(t *testing.T, h *house) {
		var at atomic.Value
		at.Store("n2")
		nodes := map[string]*node{}
		for _, name := range []string{"n1", "n2"} {
			nodes[name] = h.node(name, func(d *dialer.Deps) {
				d.Networks["simulated"] = registered{h.network, name, &at}
			})
		}
		a := nodes["n1"].agent("LINE")
		ext := strings.Replace(a.Login, "agent", "ext", 1)
		home := func(node string, reachable bool) {
			t.Helper()
			nodes["n1"].until(a.ID, "at home at "+node, func(l agents.Live) bool { return l.Node == node && l.Reachable == reachable })
		}
		home("n2", true)

		at.Store("") // as after the end of its node
		nodes["n2"].PhoneChanged(ext)
		home("n2", false)
		at.Store("n1")
		nodes["n1"].PhoneChanged(ext)
		home("n1", true)

		at.Store("n3")
		nodes["n1"].PhoneChanged(ext)
		home("n1", false)
	})
}
