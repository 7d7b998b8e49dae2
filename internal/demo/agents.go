package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/dialer/simulated"
	"github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/socketio"
)

// Seat is a simulated agent's login and extension.
type Seat struct{ Login, Extension string }

// AgentsDeps are what simulated agents work with.
type AgentsDeps struct {
	URL    string                             // of the gateway, such as "http://127.0.0.1:8080/mediatel/socket.io/"
	Cookie func(login string) (string, error) // a Cookie header's value that lets the agent in, "VouchCookie=…"
	Seats  []Seat

	Phone    func(extension string, c simulated.Condition) // makes an agent's phone like that; nil: none can be
	Password string                                        // of all of them
	Speed    float64                                       // divides every wait; 0: 1
	Seed     uint64
	Logger   *slog.Logger // nil: slog.Default
}

// Agents are the demo's simulated agents: each is a tab of its own at the real gateway.
type Agents struct {
	deps  AgentsDeps
	seats map[string]*seat
	over  chan struct{} // closed when Run is to end
}

// seat is one simulated agent.
type seat struct {
	Seat
	deps   *AgentsDeps
	random *rand.Rand

	mu       sync.Mutex
	visitors int           // tabs of people who took this agent over
	mood     string        // of moods; empty: well
	changed  chan struct{} // visitors became 0, or was
}

// NewAgents makes agents that sit still before Run.
func NewAgents(deps AgentsDeps) (*Agents, error) {
	if deps.URL == "" || deps.Cookie == nil {
		return nil, errors.New("demo: agents need the gateway's URL and a cookie")
	}
	if deps.Speed <= 0 {
		deps.Speed = 1
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	a := &Agents{deps: deps, seats: map[string]*seat{}, over: make(chan struct{})}
	for i, s := range deps.Seats {
		random := rand.New(rand.NewPCG(deps.Seed, uint64(i)))
		a.seats[s.Login] = &seat{Seat: s, deps: &a.deps, random: random, changed: make(chan struct{}, 1)}
	}
	return a, nil
}

// Run lets the agents work until ctx ends and waits for all of them. It is called once.
func (a *Agents) Run(ctx context.Context) error {
	var working sync.WaitGroup
	working.Go(func() {
		<-ctx.Done()
		close(a.over) // visitors go too
	})
	for _, s := range a.seats {
		working.Go(func() { s.run(ctx) })
	}
	working.Wait()
	return nil
}

// TakeOver lets a visitor have the agent's seat until giveBack is called; false: there is no such agent. The simulated agent's
// tab closes without a logout, so that a call under way is the visitor's.
func (a *Agents) TakeOver(login string) (giveBack func(), ok bool) {
	if a == nil || a.seats[login] == nil {
		return nil, false
	}
	s := a.seats[login]
	s.visit(1)
	return sync.OnceFunc(func() { s.visit(-1) }), true
}

// moods are how a simulated agent's phone may misbehave.
var moods = map[string]simulated.Condition{
	"well": simulated.Well, "silent": simulated.Silent, "no_microphone": simulated.Unreachable, "slow": simulated.Slow,
}

// Behave has a simulated agent's phone be like that from now on; false: there is no such agent or mood.
func (a *Agents) Behave(login, mood string) bool {
	condition, known := moods[mood]
	if a == nil || a.seats[login] == nil || a.deps.Phone == nil || !known {
		return false
	}
	s := a.seats[login]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood = mood
	a.deps.Phone(s.Extension, condition)
	return true
}

// moods are those of the agents who are not well.
func (a *Agents) moods() map[string]string {
	list := map[string]string{}
	for login, s := range a.seats {
		s.mu.Lock()
		if s.mood != "" && s.mood != "well" {
			list[login] = s.mood
		}
		s.mu.Unlock()
	}
	return list
}

func (a *Agents) taken(login string) bool {
	return a != nil && a.seats[login] != nil && a.seats[login].taken()
}

func (s *seat) visit(n int) {
	s.mu.Lock()
	s.visitors += n
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *seat) taken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visitors > 0
}

// run works while no visitor does.
func (s *seat) run(ctx context.Context) {
	for ctx.Err() == nil {
		if s.taken() {
			select {
			case <-ctx.Done():
			case <-s.changed:
			}
			continue
		}
		working, stop := context.WithCancel(ctx)
		over := make(chan error, 1)
		go func() { over <- s.work(working) }()
		var err error
		for ended := false; !ended; {
			select {
			case err = <-over:
				ended = true
			case <-s.changed:
				if s.taken() {
					stop()
				}
			}
		}
		stop()
		if err != nil && ctx.Err() == nil && !s.taken() {
			s.deps.Logger.Warn("a demo agent could not work", slog.String("agent", s.Login), slog.Any("error", err))
			retry.Sleep(ctx, retry.Spread(2*time.Second, 0.25))
		}
	}
}

// work opens a tab and does what its state asks for until ctx ends. The client comes back by itself when the connection is
// lost; the state then says what is to be done, as it does at any time.
func (s *seat) work(ctx context.Context) error {
	cookie, err := s.deps.Cookie(s.Login)
	if err != nil {
		return fmt.Errorf("demo: cookie of %s: %w", s.Login, err)
	}
	client, err := socketio.NewClient(s.deps.URL, socketio.ClientOptions{
		Header: http.Header{"Cookie": {cookie}}, Logger: s.deps.Logger,
		Reconnect: socketio.ReconnectOptions{Delay: 200 * time.Millisecond, MaxDelay: 2 * time.Second},
	})
	if err != nil {
		return fmt.Errorf("demo: tab of %s: %w", s.Login, err)
	}
	states := make(chan mediatelwire.State, 1)
	client.On(mediatelwire.EventData, func(ev *socketio.Event) {
		var state mediatelwire.State
		if err := ev.Decode(0, &state); err != nil {
			s.deps.Logger.Warn("a demo agent was sent no state", slog.String("agent", s.Login), slog.Any("error", err))
			return
		}
		select { // the latest state is the whole truth; an unread one is out of date
		case <-states:
		default:
		}
		states <- state
	})
	if err := client.Connect(ctx); err != nil {
		client.Close()
		return fmt.Errorf("demo: tab of %s: %w", s.Login, err)
	}
	defer client.Close()
	s.follow(ctx, states, func(c mediatelwire.Command) error { return client.Emit(mediatelwire.EventData, c) })
	return nil
}

// again is when a command is given once more if the state has not moved.
const again = 10 * time.Second

// follow answers each new state with what the agent does about it, after a while.
func (s *seat) follow(ctx context.Context, states <-chan mediatelwire.State, emit func(mediatelwire.Command) error) {
	var (
		state mediatelwire.State
		next  mediatelwire.Command
		timer = time.NewTimer(time.Hour)
	)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-states:
			if moment(now) == moment(state) {
				continue
			}
			state = now
			timer.Stop()
			if command, wait := s.decide(state); command.Type != "" {
				next = command
				timer.Reset(time.Duration(float64(wait) / s.deps.Speed))
			}
		case <-timer.C:
			if err := emit(next); err != nil {
				s.deps.Logger.Debug("a demo agent's command was not sent", slog.String("agent", s.Login),
					slog.Any("command", next), slog.Any("error", err))
			}
			timer.Reset(again)
		}
	}
}

// moment is what has to change before the agent thinks again.
func moment(s mediatelwire.State) string {
	return fmt.Sprint(s.State, s.Since.UnixMilli(), s.AutoCall, s.PauseID, s.CallTraceID)
}

// decide says what the agent does in a state, and how long that takes. The zero command: wait.
func (s *seat) decide(state mediatelwire.State) (mediatelwire.Command, time.Duration) {
	switch state.State {
	case mediatelwire.StateLogout:
		login := mediatelwire.Command{Type: mediatelwire.Login, User: s.Login, Password: s.deps.Password, Extension: s.Extension}
		return login, s.between(0, 0.3)
	case mediatelwire.StateIdle:
		if !state.AutoCall {
			return mediatelwire.Command{Type: mediatelwire.Predictive}, s.between(0.1, 0.8)
		}
		if len(state.Pauses) > 0 && s.random.IntN(40) == 0 {
			pause := state.Pauses[s.random.IntN(len(state.Pauses))]
			return mediatelwire.Command{Type: mediatelwire.SetPause, ID: pause.ID}, s.between(0.2, 1)
		}
	case mediatelwire.StatePause: // Force Pause too
		return mediatelwire.Command{Type: mediatelwire.SetPause, ID: "0"}, s.between(8, 30)
	case mediatelwire.StateClerical:
		if code := s.code(state.Codes); code != "" {
			return mediatelwire.Command{Type: mediatelwire.SetCode, ID: code}, s.between(2, 9)
		}
	}
	return mediatelwire.Command{}, 0
}

func (s *seat) between(least, most float64) time.Duration {
	return time.Duration((least + s.random.Float64()*(most-least)) * float64(time.Second))
}

// code chooses a call code as such talks end.
func (s *seat) code(offered []mediatelwire.Code) string {
	weights := map[string]int{promiseToPay: 42, callBackLater: 16, wrongPerson: 12, refuses: 20, badLine: 7, doNotCall: 3}
	total := 0
	for _, c := range offered {
		total += weights[c.ID]
	}
	if total == 0 {
		return ""
	}
	n := s.random.IntN(total)
	for _, c := range offered {
		if n -= weights[c.ID]; n < 0 {
			return c.ID
		}
	}
	return ""
}
