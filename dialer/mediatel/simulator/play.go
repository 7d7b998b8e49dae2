package simulator

import (
	"context"
	"maps"
	"slices"

	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
)

// ForcePause is the pause of an agent whose extension was not answered.
const ForcePause = "1000"

// SetSilent has an extension ring in vain, or answer again.
func (s *Server) SetSilent(extension string, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent[extension] = silent
}

// SetAway refuses new connections, or takes them again.
func (s *Server) SetAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = away
}

// SetUnable has no agent process for the next connections: each is told agentUnavailable, and no state.
func (s *Server) SetUnable(connections int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unable = connections
}

// SetDeaf has connections carry nothing, either way, though they look alive; or carry all again.
func (s *Server) SetDeaf(deaf bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = deaf
}

// SetDeclined has the next commands of a type change nothing: each is answered with the present state.
func (s *Server) SetDeclined(command string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declined[command] = times
}

// Cut closes the agent's connections; the agent's process and call go on.
func (s *Server) Cut(login string) {
	s.at(login, func(d *desk) {
		for socket := range d.sockets {
			socket.Disconnect(true)
		}
	})
}

// Crash ends the agent's process: it starts again and knows nothing.
func (s *Server) Crash(login string) { s.at(login, (*desk).crash) }

// HangUp is the customer's.
func (s *Server) HangUp(login string) {
	s.at(login, func(d *desk) {
		if d.call != nil && d.state != wire.StateClerical {
			d.hangUp()
		}
	})
}

// Pause puts the agent into Force Pause, as after a call that was not answered.
func (s *Server) Pause(login string) { s.at(login, (*desk).forcePause) }

// Give gives the agent a call of Mediatel's own.
func (s *Server) Give(login, number, customer, queue, card string) {
	s.at(login, func(d *desk) {
		d.ring(&call{number: number, customer: customer, queue: queue, card: card, automatic: true, startedAt: s.Now()})
	})
}

// Storm shows the agent's state again and again.
func (s *Server) Storm(login string, states int) {
	s.at(login, func(d *desk) {
		for range states {
			d.shown()
		}
	})
}

func (s *Server) at(login string, do func(*desk)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.desks[login]; d != nil {
		do(d)
	}
}

// State is the agent's state as a connection would be shown it.
func (s *Server) State(login string) (state wire.State) {
	s.at(login, func(d *desk) { state = d.snapshot() })
	return state
}

// Placed are the calls to customers, in their order.
func (s *Server) Placed() []Placed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.placed)
}

// Commands counts the commands that came, by their type.
func (s *Server) Commands() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// CodesSet are the call codes that were set, by calltraceid.
func (s *Server) CodesSet() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.coded)
}

// keepCode notes the code of a call that is over.
func (s *Server) keepCode(c *call) {
	if c != nil && c.code != "" {
		s.coded[c.trace] = c.code
	}
}

// Connections counts the connections.
func (s *Server) Connections() int { return s.io.Len() }

// Close ends all connections and waits for what is under way.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for timer := range s.timers {
		if timer.Stop() {
			s.work.Done()
		}
	}
	s.mu.Unlock()
	err := s.io.Close(ctx)
	s.work.Wait()
	return err
}
