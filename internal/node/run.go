package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hibiken/asynq"

	"github.com/creditorro/ringmaster/agents/roster"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/tlsfile"
)

// Run works until ctx ends, and then in this order: no new calls, and running ones finish; what the CRM has not been told
// by then stays in SQL for the next process; the tabs and the API go. A second signal hangs up the calls that still run.
func (n *Node) Run(ctx context.Context, listener net.Listener) error {
	admin, err := n.adminListener()
	if err != nil {
		return err
	}
	if err := n.Roster.Enter(ctx); errors.Is(err, roster.ErrNodeLives) {
		return fmt.Errorf("%w; give each its own by node or --node", err)
	} else if err != nil {
		n.Log.Warn("nobody can say yet whether this node's name is free", slog.Any("error", err))
	}
	if n.Config.Has("gateway") {
		n.gateway.Restore(ctx)
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	// Circles that end one after the other: what dials, what tells the CRM of it, what agents see of it, and the roster,
	// of which all of them need to hear to the end.
	telling, endTelling := context.WithCancel(context.WithoutCancel(ctx))
	defer endTelling()
	seeing, endSeeing := context.WithCancel(context.WithoutCancel(ctx))
	defer endSeeing()
	hearing, endHearing := context.WithCancel(context.WithoutCancel(ctx))
	defer endHearing()
	var dials, tells, sees, hears sync.WaitGroup

	hears.Go(func() { n.Roster.Run(hearing) })
	hears.Go(func() { n.states.run(hearing) })
	hears.Go(func() { n.Gate.Run(hearing) })
	hears.Go(func() { n.watchNeighbours(hearing) })
	hears.Go(func() { n.Clocks.Run(hearing) })
	if n.Config.Has("scheduler") {
		tells.Go(func() { n.deliver(telling, fail) })
	}
	if n.Config.Has("gateway") {
		sees.Go(func() { n.gateway.Run(seeing) })
	}
	sees.Go(func() { n.serveHTTP(seeing, listener, n.Handler(), fail) })
	if admin != nil {
		sees.Go(func() { n.serveHTTP(seeing, admin, n.operations(), fail) })
	}
	if n.Config.Has("dialer") {
		dials.Go(func() {
			if err := n.dialer.Run(ctx); err != nil {
				fail(err)
			}
		})
	}
	tells.Go(func() { n.keepHouse(telling) })
	if n.Networks.SIP != nil {
		n.runTelephony(&tells, telling, fail)
	}
	if n.Networks.Mediatel != nil {
		tells.Go(func() { n.Networks.Mediatel.Run(telling) })
	}
	n.Log.Info("node started", slog.String("node", n.Config.Node), slog.String("listen", listener.Addr().String()),
		slog.Any("roles", n.Config.Roles), slog.String("record", n.Store.Engine()),
		slog.Bool("embedded_redis", n.Config.EmbeddedRedis()))
	if n.Config.Has("api") {
		n.Log.Info("pages", slog.String("console", n.Config.PublicURL+"/"), slog.String("desk", n.Config.PublicURL+"/agent"))
	}

	if n.Config.Has("dialer") && !n.Config.CanCall() {
		n.Log.Warn("no phone network is configured: nothing is dialed", slog.String("mend", HowToCall))
	}

	<-ctx.Done()
	stopListening := n.hangUpAtSignal()
	n.Log.Info("node stops: no new calls", slog.Int("running_calls", n.dialer.Active()))
	dials.Wait()
	stopListening()
	endTelling()
	tells.Wait()
	endSeeing()
	sees.Wait()
	endHearing()
	hears.Wait()
	n.Log.Info("node stopped")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// HowToCall says how a node gets a phone network, to whoever has none.
const HowToCall = "set one of telephony.sip.listen (our own telephony: phones register here, trunks reach customers), " +
	"telephony.mediatel.url (an existing Mediatel places the calls) or, for trying out, telephony.simulated.profile=everyday " +
	"(dials nobody); " +
	"deploy/ringmaster.yaml shows every setting"

// hangUpAtSignal waits for the second signal.
func (n *Node) hangUpAtSignal() (stop func()) {
	second := make(chan os.Signal, 1)
	signal.Notify(second, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-second:
			n.Log.Warn("second signal: calls are hung up", slog.Int("running_calls", n.dialer.Active()))
			n.dialer.HangupAll()
		case <-done:
		}
	}()
	return func() { signal.Stop(second); close(done) }
}

// deliver sends events to the CRM, woken by tasks.
func (n *Node) deliver(ctx context.Context, fail context.CancelCauseFunc) {
	waiting := redisconn.NewPatient(n.redis, n.webhookQueue())
	wakeUps := asynq.NewServerFromRedisClient(waiting, asynq.Config{
		Concurrency: 4, Queues: map[string]int{n.webhookQueue(): 1}, TaskCheckInterval: 10 * time.Millisecond,
		DelayedTaskCheckInterval: time.Minute, JanitorInterval: time.Minute, // no wake-up is delayed, retried or kept
		Logger: redisconn.AsynqLog(n.Log), LogLevel: asynq.WarnLevel,
	})
	if err := wakeUps.Start(n.deliverer); err != nil {
		fail(fmt.Errorf("webhook: %w", err))
		return
	}
	defer func() { waiting.Stop(); wakeUps.Shutdown() }()
	if err := n.deliverer.Run(ctx); err != nil {
		fail(err)
	}
}

// runTelephony serves phones and trunks, and keeps the recordings, until ctx ends: later than the last call does.
func (n *Node) runTelephony(group *sync.WaitGroup, ctx context.Context, fail context.CancelCauseFunc) {
	for _, run := range []func(context.Context) error{
		n.Networks.SIP.Run,
		func(ctx context.Context) error { n.recordings.run(ctx); return nil },
		func(ctx context.Context) error { return n.recordings.upload(ctx, n) },
	} {
		group.Go(func() {
			if err := run(ctx); err != nil {
				fail(fmt.Errorf("telephony: %w", err))
			}
		})
	}
}

// watchNeighbours keeps ringmaster_dependency_up true to life.
func (n *Node) watchNeighbours(ctx context.Context) {
	retry.OnBeat(ctx, 10*time.Second, nil, func(ctx context.Context) {
		if err := n.ready(ctx); err != nil && ctx.Err() == nil {
			n.Log.Warn("a neighbour is away: nothing new is dialed", slog.Any("error", err))
		}
	})
}

func (n *Node) adminListener() (net.Listener, error) {
	if n.Config.AdminListen == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", n.Config.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("admin_listen: %w", err)
	}
	return l, nil
}

// serveHTTP serves until ctx ends, and then for as long as requests under way take, five seconds at most.
func (n *Node) serveHTTP(ctx context.Context, l net.Listener, h http.Handler, fail context.CancelCauseFunc) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // VouchCookie may be large
		ErrorLog:          slog.NewLogLogger(n.Log.Handler(), slog.LevelDebug),
	}
	new(crowd).watch(server)
	if n.API != nil {
		server.RegisterOnShutdown(n.API.EndStreams)
	}
	secure := n.Config.TLS.Cert != "" && h != nil && l.Addr().String() != n.Config.AdminListen
	if secure {
		pair, err := tlsfile.NewPair(n.Config.TLS.Cert, n.Config.TLS.Key)
		if err != nil {
			fail(fmt.Errorf("tls.cert: %w", err))
			return
		}
		server.TLSConfig = &tls.Config{GetCertificate: pair.ForServer}
	}
	ended := make(chan error, 1)
	go func() {
		if secure {
			ended <- server.ServeTLS(l, "", "")
			return
		}
		ended <- server.Serve(l)
	}()
	select {
	case err := <-ended:
		fail(fmt.Errorf("listen: %w", err))
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			server.Close()
		}
		<-ended
	}
}
