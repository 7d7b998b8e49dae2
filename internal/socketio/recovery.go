package socketio

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/socketio/engineio"
)

// isRecoverable tells whether a client may resume after a disconnect for this reason: after an accident, not after
// a decision.
func isRecoverable(reason string) bool {
	switch reason {
	case ReasonTransportClose, ReasonTransportError, ReasonPingTimeout, ReasonForcedClose, ReasonServerShutdown, ReasonSlowReader:
		return true
	}
	return false
}

// departed is what is remembered of a socket that may come back.
type departed struct {
	id    string
	rooms []string
	data  any
	at    time.Time
	pid   string
}

// logged is an event that a returning client may have missed.
type logged struct {
	target   target
	messages []engineio.Message // with their offset
	at       time.Time
	cost     int
}

// recoveryLog keeps a namespace's recent events and the sockets that were cut off. Offsets are <epoch>.<number>, numbers
// counting from 1 in one life of the server.
type recoveryLog struct {
	o     RecoveryOptions
	epoch string
	now   func() time.Time

	mu     sync.Mutex
	events []logged
	first  uint64 // number of events[0]
	bytes  int
	gone   map[string]departed // by pid
	order  []departed          // of departure: the first to expire come first
}

func newRecoveryLog(o RecoveryOptions) *recoveryLog {
	return &recoveryLog{o: o, epoch: newID(), now: time.Now, first: 1, gone: map[string]departed{}}
}

// append logs an event and returns its messages with their offset. It is called with l.mu held.
func (l *recoveryLog) append(t target, messages []engineio.Message) []engineio.Message {
	number := l.first + uint64(len(l.events))
	messages = withOffset(messages, l.epoch+"."+strconv.FormatUint(number, 10))
	cost := loggedOverhead
	for _, m := range messages {
		cost += messageOverhead + len(m.Data())
	}
	l.events = append(l.events, logged{t, messages, l.now(), cost})
	l.bytes += cost
	l.prune()
	return messages
}

const (
	loggedOverhead  = 256 // of an event
	messageOverhead = 64  // of a message, in the log or a send queue
)

// prune forgets what is too old or too much.
func (l *recoveryLog) prune() {
	deadline := l.now().Add(-l.o.MaxDisconnection)
	n := 0
	for n < len(l.events) {
		e := &l.events[n]
		if len(l.events)-n <= l.o.MaxPackets && l.bytes <= l.o.MaxBytes && e.at.After(deadline) {
			break
		}
		l.bytes -= e.cost
		*e = logged{}
		n++
	}
	l.events = l.events[n:]
	l.first += uint64(n)

	n = 0
	for n < len(l.order) && (len(l.order)-n > l.o.MaxPackets || !l.order[n].at.After(deadline)) {
		delete(l.gone, l.order[n].pid)
		n++
	}
	l.order = slices.Delete(l.order, 0, n)
}

// remember keeps a socket that was cut off. It is called with l.mu held.
func (l *recoveryLog) remember(pid string, d departed) {
	d.pid, d.at = pid, l.now()
	l.gone[pid] = d
	l.order = append(l.order, d)
	l.prune()
}

// take returns the socket that left with this pid, once, if all is kept that it missed after the offset, and the number
// of the first of that. It is called with l.mu held.
func (l *recoveryLog) take(pid, offset string) (d departed, next uint64, ok bool) {
	l.prune()
	d, ok = l.gone[pid]
	if !ok {
		return d, 0, false
	}
	delete(l.gone, pid)
	l.order = slices.DeleteFunc(l.order, func(o departed) bool { return o.pid == pid })
	number, found := strings.CutPrefix(offset, l.epoch+".")
	last, err := strconv.ParseUint(number, 10, 64)
	if !found || err != nil || last >= l.first+uint64(len(l.events)) {
		return d, 0, false
	}
	return d, last + 1, l.keeps(last + 1)
}

// keeps tells whether no event from this number on is forgotten. It is called with l.mu held.
func (l *recoveryLog) keeps(number uint64) bool { return number >= l.first }

// recall makes a returning client's socket what it was, before any middleware or handler sees it, and reports whether it
// did.
func (n *Namespace) recall(s *Socket) bool {
	if n.recovery == nil {
		return false
	}
	var auth struct{ PID, Offset string }
	if err := json.Unmarshal(s.auth, &auth); err != nil || auth.PID == "" || auth.Offset == "" {
		return false
	}
	n.recovery.mu.Lock()
	defer n.recovery.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone { // again: what is remembered of it stays
		return false
	}
	d, next, ok := n.recovery.take(auth.PID, auth.Offset)
	if !ok {
		return false
	}
	if _, ok := n.missed(&Socket{id: d.id, rooms: d.rooms}, next); !ok {
		return false
	}
	s.id, s.pid, s.recovered, s.data = d.id, auth.PID, true, d.data
	s.rooms, s.next = d.rooms, next
	return true
}

// missed returns the events that a socket has missed, from a number on. It reports false when some are forgotten, or when
// they are more than a client may leave unread: it would be closed for that as often as it came. It is called with
// the locks of n.recovery and n held.
func (n *Namespace) missed(s *Socket, next uint64) (messages []engineio.Message, ok bool) {
	if !n.recovery.keeps(next) {
		return nil, false
	}
	cost := 0
	for _, e := range n.recovery.events[next-n.recovery.first:] {
		if e.target.includes(s) {
			messages = append(messages, e.messages...)
			cost += e.cost
		}
	}
	return messages, cost <= n.srv.o.SendQueue
}

// reenter connects a recalled socket, which is told what it missed. It reports false when that can no longer be told.
func (n *Namespace) reenter(s *Socket) bool {
	n.recovery.mu.Lock() // no event between what is missed and what comes
	defer n.recovery.mu.Unlock()
	n.mu.RLock()
	messages, ok := n.missed(s, s.next)
	n.mu.RUnlock()
	if !ok {
		return false
	}
	// A client that returns to several namespaces at once gets what it missed in each before it can read any of it.
	extra := n.srv.o.SendQueue * n.srv.countNamespaces()
	_ = s.conn.session.SendExtra(extra, append([]engineio.Message{s.greeting()}, messages...)...) // closed: leave follows
	n.index(s)
	return true
}
