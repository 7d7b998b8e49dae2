package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// Play is a simulator for people: whoever writes a front end sees every end of a call with it, by the number's last digit.
type Play struct {
	Agents  int // mt_agent1 to mt_agentN, password "mediatel"
	Variant Variant
	Seed    uint64
	Auto    time.Duration // as in Options
	Out     io.Writer     // where it says what there is
	Log     *slog.Logger
}

// fateByDigit lets a front end see every end: the number's last digit chooses it.
func fateByDigit(number string) Fate {
	switch number[len(number)-1] {
	case '7':
		return Fate{Error: "Busy", After: time.Second}
	case '8':
		return Fate{Error: "No Answer", After: 10 * time.Second}
	case '9':
		return Fate{Error: "Invalid number", After: 500 * time.Millisecond}
	}
	return Fate{After: 2 * time.Second, Talk: 2 * time.Minute}
}

// Serve plays at the listener until ctx ends; it closes the listener.
func (p Play) Serve(ctx context.Context, listener net.Listener) error {
	var list []Agent
	for i := range p.Agents {
		list = append(list, Agent{ID: fmt.Sprint(2001 + i), Login: fmt.Sprintf("mt_agent%d", i+1), Password: "mediatel",
			Queues: []string{"MANUAL_1", "AUTO_1"}})
	}
	server, err := New(Options{
		Agents: list, Variant: p.Variant, Seed: p.Seed, Fate: fateByDigit, Answers: time.Second, GivesUp: 10 * time.Second,
		WrapUp: time.Minute, Auto: p.Auto,
		Log: p.Log,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server.SetSilent("silent", true)
	mux := http.NewServeMux()
	mux.Handle(Path, server)
	mux.Handle(strings.TrimSuffix(Path, "/"), server)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(p.Out, `Mediatel, played: http://%s%s
agents mt_agent1 to mt_agent%d, password "mediatel", any extension; the extension "silent" is never answered
numbers that end in 7 are busy, in 8 not answered, in 9 invalid; the others answer after 2 s and talk for two minutes
`, listener.Addr(), strings.TrimSuffix(Path, "/"), p.Agents)
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
