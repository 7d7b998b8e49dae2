package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/demo"
	"github.com/creditorro/ringmaster/internal/node"
)

// demoCmd shows the whole house at work, with everything embedded and nobody's phone dialed.
type demoCmd struct {
	Listen   string        `default:"127.0.0.1:8080" placeholder:"ADDR" help:"host:port to listen on (default ${default})."`
	Data     string        `placeholder:"DIR" help:"Folder to keep the demo's data in (default: a temporary one, removed at the end)."`
	Speed    float64       `default:"1" placeholder:"N" help:"The phone network's clock against the wall's, 0.1 to 1000 (default ${default})."`
	Seed     uint64        `default:"1" help:"The same seed draws the same fates (default ${default})."`
	Duration time.Duration `placeholder:"TIME" help:"End by itself after this long, such as 30s (default: at a signal)."`
}

// Validate refuses what the phone network could not play.
func (d demoCmd) Validate() error {
	if !(d.Speed >= 0.1 && d.Speed <= 1000) {
		return usageError("--speed %v: want 0.1 to 1000", d.Speed)
	}
	if err := config.HostPort(d.Listen); err != nil {
		return usageError("--listen %q: %w", d.Listen, err)
	}
	return nil
}

// Run shows the house until ctx ends.
func (d demoCmd) Run(ctx context.Context, c console) error {
	if d.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Duration)
		defer cancel()
	}
	folder := d.Data
	if folder == "" {
		temporary, err := os.MkdirTemp("", "ringmaster-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		folder = temporary
	}
	listener, err := net.Listen("tcp", d.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another address with --listen", err)
	}
	n, err := node.New(ctx, d.config(folder, listener.Addr()), c.Err, version)
	if err != nil {
		listener.Close()
		return err
	}
	defer n.Close()
	return d.show(ctx, n, listener, c)
}

// config is a whole node on loopback, with a hurried phone network and a CRM that need not be public.
func (d demoCmd) config(folder string, address net.Addr) *config.Config {
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.Node = address.String(), folder, "demo"
	cfg.PublicURL = "http://" + reachable(address)
	cfg.Log.Level = "warn" // the terminal is for the line that says how things stand
	cfg.Telephony.Simulated = config.Simulated{
		Profile: "everyday", Speed: d.Speed, Seed: int(d.Seed), Ledger: filepath.Join(folder, "rings.log"),
	}
	cfg.Webhook.Allow = []string{"127.0.0.0/8", "::1", reachableHost(address)}
	cfg.Limits.DrainTimeout = 0
	cfg.Derive()
	return cfg
}

// reachable is where a browser on this machine finds the listener, also when it listens on every address.
func reachable(address net.Addr) string {
	_, port, _ := net.SplitHostPort(address.String())
	return net.JoinHostPort(reachableHost(address), port)
}

func reachableHost(address net.Addr) string {
	host, _, _ := net.SplitHostPort(address.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// show furnishes the house, opens it, and lets the simulated agents in.
func (d demoCmd) show(ctx context.Context, n *node.Node, listener net.Listener, c console) error {
	s, err := furnish(ctx, n, demo.Seed(d.Seed), d)
	if err != nil {
		return err
	}
	site := n.Site()
	site.Data = demo.PageData
	if err := n.MountPages(site); err != nil {
		return err
	}
	maps.Copy(n.Pages, map[string]http.Handler{
		"/crm/": s.crm, "/demo/": s.seats, "/records/mediatel-record": http.HandlerFunc(demo.Recording),
	})
	n.Outermost = s.openConsole
	var running sync.WaitGroup
	acting, exit := context.WithCancel(ctx)
	running.Go(func() { <-acting.Done(); s.crm.Close() })
	running.Go(func() { _ = s.agents.Run(acting) })
	running.Go(func() { d.tell(acting, s, c) })
	fmt.Fprint(c.Out, demo.Welcome(n.Config.PublicURL, s.password))
	if host, _, _ := net.SplitHostPort(listener.Addr().String()); !net.ParseIP(host).IsLoopback() {
		fmt.Fprintf(c.Err, "\n  !! The demo listens on %s: whoever reaches that address sees the console, and enters with the password above, as an administrator too.\n"+
			"  !! Its data is made up; leave --listen out to show it on this machine alone.\n\n", listener.Addr())
	}
	err = n.Run(ctx, listener)
	exit()
	running.Wait()
	if ctx.Err() != nil && d.Duration > 0 && context.Cause(ctx) == context.DeadlineExceeded {
		return nil // as it was asked to
	}
	return err
}

// tell says every few seconds how things stand.
func (d demoCmd) tell(ctx context.Context, s *stage, c console) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	var lines demo.Lines
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if figures, err := s.figures(ctx); err == nil { // else the log says it
				fmt.Fprintln(c.Out, " ", lines.Line(figures))
			}
		}
	}
}
