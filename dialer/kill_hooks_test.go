package dialer_test

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer"
)

func (h *house) ctx() context.Context { return context.Background() }

// dying makes a node's neighbours kill the process at the step that its life names.
func dying(l life) func(*dialer.Deps) {
	var count atomic.Int64
	at := func(step string) {
		if step == l.Step && count.Add(1) == int64(l.Nth) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more is done, however late the signal comes
		}
	}
	return func(d *dialer.Deps) {
		// Short, so that a new life soon finds what the old one has left.
		d.Limits = dialer.Limits{Lease: 900 * time.Millisecond, Stale: time.Second, Reconcile: 150 * time.Millisecond,
			Drain: 2 * time.Second}
		d.Store = &faultyStore{
			Store: d.Store,
			plan:  func(step string) (bool, bool) { at(step + " before"); return false, false },
			done:  func(step string) { at(step + " after") },
		}
		for name, network := range d.Networks {
			d.Networks[name] = dyingNetwork{network, at}
		}
	}
}

type dyingNetwork struct {
	dialer.PhoneNetwork
	at func(step string)
}

func (n dyingNetwork) Place(ctx context.Context, c dialer.Call) (dialer.LiveCall, error) {
	n.at("place before")
	live, err := n.PhoneNetwork.Place(ctx, c)
	n.at("place after")
	if err != nil {
		return nil, err
	}
	told := make(chan dialer.Progress, cap(live.Progress()))
	go func() {
		defer close(told)
		for p := range live.Progress() {
			if p.Kind == dialer.CustomerDialing {
				n.at("rung")
			}
			told <- p
		}
	}()
	return dyingCall{live, told, n.at}, nil
}

func (n dyingNetwork) AbandonedMessage() bool { return true }

type dyingCall struct {
	dialer.LiveCall
	told <-chan dialer.Progress
	at   func(step string)
}

func (c dyingCall) Progress() <-chan dialer.Progress { return c.told }

func (c dyingCall) Join(ctx context.Context, ext agents.Extension) error {
	c.at("join before")
	err := c.LiveCall.(dialer.Joiner).Join(ctx, ext)
	c.at("join after")
	return err
}
