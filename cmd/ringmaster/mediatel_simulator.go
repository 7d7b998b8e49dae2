package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/dialer/mediatel/mediateltest"
)

type simulatorCmd struct {
	Listen  string        `default:"127.0.0.1:8090" placeholder:"ADDR" help:"host:port to listen on (default ${default})."`
	Agents  int           `default:"20" placeholder:"N" help:"Agents mt_agent1 to mt_agentN, password \"mediatel\" (default ${default})."`
	Variant string        `placeholder:"NAME,…" help:"How it strays from the protocol: slow, lossy, repeating, misspelt, mixed, crashing."`
	Seed    uint64        `default:"1" help:"The same seed strays in the same way."`
	Auto    time.Duration `placeholder:"TIME" help:"Give an agent who is idle with the auto-call flag On a call of its own after this long, such as 15s (default: never)."`
}

// simulatedFate lets a front end see every end: the number's last digit chooses it.
func simulatedFate(number string) mediateltest.Fate {
	switch number[len(number)-1] {
	case '7':
		return mediateltest.Fate{Error: "Busy", After: time.Second}
	case '8':
		return mediateltest.Fate{Error: "No Answer", After: 10 * time.Second}
	case '9':
		return mediateltest.Fate{Error: "Invalid number", After: 500 * time.Millisecond}
	}
	return mediateltest.Fate{After: 2 * time.Second, Talk: 2 * time.Minute}
}

// Run serves until it is stopped.
func (s simulatorCmd) Run(ctx context.Context, c console) error {
	variant, err := mediateltest.ParseVariant(s.Variant)
	if err != nil {
		return usageError("%w", err)
	}
	if s.Agents < 1 || s.Agents > 10000 {
		return usageError("agents: want 1 to 10000")
	}
	if s.Auto < 0 {
		return usageError("auto: want no less than zero")
	}
	var list []mediateltest.Agent
	for i := range s.Agents {
		list = append(list, mediateltest.Agent{ID: fmt.Sprint(2001 + i), Login: fmt.Sprintf("mt_agent%d", i+1), Password: "mediatel", Queues: []string{"MANUAL_1", "AUTO_1"}})
	}
	server, err := mediateltest.New(mediateltest.Options{
		Agents: list, Variant: variant, Seed: s.Seed, Fate: simulatedFate, Answers: time.Second, GivesUp: 10 * time.Second, WrapUp: time.Minute, Auto: s.Auto,
		Log: slog.New(slog.NewTextHandler(c.Err, nil)),
	})
	if err != nil {
		return err
	}
	server.SetSilent("silent", true)
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(mediateltest.Path, server)
	mux.Handle(strings.TrimSuffix(mediateltest.Path, "/"), server)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(c.Out, `Mediatel, played: http://%s%s
agents mt_agent1 to mt_agent%d, password "mediatel", any extension; the extension "silent" is never answered
numbers that end in 7 are busy, in 8 not answered, in 9 invalid; the others answer after 2 s and talk for two minutes
`, listener.Addr(), strings.TrimSuffix(mediateltest.Path, "/"), s.Agents)
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	select {
	case err = <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = server.Close(last) // a page that does not ask again is not waited for
	_ = web.Close()
	<-ended
	return nil
}
