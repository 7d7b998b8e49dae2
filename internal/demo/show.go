package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
)

// Options of a demo.
type Options struct {
	Listener net.Listener // where the house is open
	Data     string       // folder for the demo's data
	Speed    float64      // the phone network's clock against the wall's
	Seed     uint64       // the same seed draws the same fates
	Agents   int          // 0: UsualAgents
	People   int          // on the list; 0: UsualPeople
	Version  string       // of the program
	Out      io.Writer    // how things stand
	Err      io.Writer    // warnings, and the log
}

// Run shows a whole house at work, with everything embedded and nobody's phone dialed, until ctx ends.
func Run(ctx context.Context, o Options) error {
	n, err := node.New(ctx, o.config(), o.Err, o.Version)
	if err != nil {
		o.Listener.Close()
		return err
	}
	defer n.Close()
	s, err := furnish(ctx, n, o)
	if err != nil {
		return err
	}
	site := n.Site()
	site.Data = PageData
	if err := n.MountPages(site); err != nil {
		return err
	}
	maps.Copy(n.Pages, map[string]http.Handler{
		"/crm/": s.crm, "/demo/": s.seats, "/records/mediatel-record": http.HandlerFunc(Recording),
	})
	n.Outermost = s.openConsole
	var running sync.WaitGroup
	acting, exit := context.WithCancel(ctx)
	running.Go(func() { <-acting.Done(); s.crm.Close() })
	running.Go(func() { _ = s.agents.Run(acting) })
	running.Go(func() { s.tell(acting, o.Out) })
	running.Go(func() { s.keepOn(acting) })
	fmt.Fprint(o.Out, Welcome(n.Config.PublicURL, s.password, loginOf(len(s.seed.Agents)-1)))
	if host, _, _ := net.SplitHostPort(o.Listener.Addr().String()); !net.ParseIP(host).IsLoopback() {
		fmt.Fprintf(o.Err, "\n  !! The demo listens on %s: whoever reaches that address sees the console, and enters with the "+
			"password above, as an administrator too.\n"+
			"  !! Its data is made up; leave --listen out to show it on this machine alone.\n\n", o.Listener.Addr())
	}
	err = n.Run(ctx, o.Listener)
	exit()
	running.Wait()
	return err
}

// config is a whole node on loopback, with a hurried phone network and a CRM that need not be public.
func (o Options) config() *config.Config {
	address := o.Listener.Addr()
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.Node = address.String(), o.Data, "demo"
	cfg.PublicURL = "http://" + reachable(address)
	cfg.Log.Level = "warn" // the terminal is for the line that says how things stand
	cfg.Telephony.Simulated = config.Simulated{
		Profile: "everyday", Speed: o.Speed, Seed: int(o.Seed), Ledger: filepath.Join(o.Data, "rings.log"),
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

// keepOn sees to it that there are always people to call.
func (s *scene) keepOn(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.goOn(ctx); err != nil && ctx.Err() == nil { // it is tried again
				s.node.Log.WarnContext(ctx, "the demo could not go on", slog.Any("error", err))
			}
		}
	}
}

// tell says every few seconds how things stand.
func (s *scene) tell(ctx context.Context, out io.Writer) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	var lines Lines
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if figures, err := s.figures(ctx); err == nil { // else the log says it
				fmt.Fprintln(out, " ", lines.Line(figures))
			}
		}
	}
}
