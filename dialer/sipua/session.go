package sipua

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// session is the session timer of a dialog (RFC 4028). We never ask for one; a far end that wants one gets it, and the refreshes
// too if it leaves them to us.
type session struct {
	interval time.Duration // zero: the session does not expire
	ours     bool          // we refresh it
	expires  time.Time
	minimum  time.Duration // the far end's Min-SE
	timer    *time.Timer   // of our next refresh
}

const (
	// minSession and maxSession bound a session's length: shorter ones are refused where we may, longer ones are cut.
	minSession = 10 * time.Second
	maxSession = 24 * time.Hour
	// advisedSession is the least that RFC 4028, section 4, knows; it is what we say when we refuse a shorter one.
	advisedSession = 90 * time.Second
	// statusIntervalTooSmall is RFC 4028's 422.
	statusIntervalTooSmall = 422
	// maxRetries bounds how often one refresh is tried in another way at once.
	maxRetries = 3
)

// sessionExpires reads the header; zero: there is none that makes sense.
func sessionExpires(msg sipMessage) (interval time.Duration, refresher string) {
	h := anyHeader(msg, "Session-Expires", "x")
	value, params, _ := strings.Cut(h, ";")
	seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	if err != nil || seconds == 0 {
		return 0, ""
	}
	for p := range strings.SplitSeq(params, ";") {
		if name, role, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(strings.TrimSpace(name), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(role))
		}
	}
	return min(time.Duration(seconds)*time.Second, maxSession), refresher
}

// sipMessage is a request or a response.
type sipMessage interface {
	sip.Message
	Headers() []sip.Header
}

// headersOf yields a message's headers of one name. The library's own search makes a lower-case copy of every name that it
// passes.
func headersOf(msg sipMessage, name string) iter.Seq[sip.Header] {
	return func(yield func(sip.Header) bool) {
		for _, h := range msg.Headers() {
			if strings.EqualFold(h.Name(), name) && !yield(h) {
				return
			}
		}
	}
}

// anyHeader is the value of the first header that has one of the names.
func anyHeader(msg sipMessage, names ...string) string {
	for _, name := range names {
		for h := range headersOf(msg, name) {
			return h.Value()
		}
	}
	return ""
}

// lists reports whether one of the headers, a list of words, has the word.
func lists(msg sipMessage, word string, names ...string) bool {
	for _, name := range names {
		for h := range headersOf(msg, name) {
			for w := range strings.SplitSeq(h.Value(), ",") {
				if strings.EqualFold(strings.TrimSpace(w), word) {
					return true
				}
			}
		}
	}
	return false
}

// keepSession begins the session anew as a 2xx says, ours or the far end's; without an interval it expires no more. The caller
// holds d.mu.
func (d *dialog) keepSession(interval time.Duration, ours bool) {
	s := &d.session
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.interval, s.ours, s.expires = interval, ours, time.Time{}
	if interval == 0 || d.state == over {
		return
	}
	s.expires = time.Now().Add(interval)
	if ours {
		d.refreshIn(max(interval/2, time.Second))
	}
}

// refreshIn refreshes the session after a while. The caller holds d.mu.
func (d *dialog) refreshIn(wait time.Duration) {
	d.session.timer = time.AfterFunc(wait, func() { d.e.job(d.refresh) })
}

// sessionOf takes the timer from the far end's 2xx to a request of ours.
func (d *dialog) sessionOf(res *sip.Response) {
	interval, refresher := sessionExpires(res)
	d.keepSession(interval, refresher != "uas")
}

// expired reports whether the far end broke its promise to refresh the session.
func (d *dialog) expired(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.session.ours && !d.session.expires.IsZero() && now.After(d.session.expires)
}

// refresh keeps a session alive by UPDATE where the far end takes it, else by a re-INVITE that changes nothing. Refused for good,
// or never answered, the call is hung up (RFC 4028, section 10); anything else is tried again while there is time.
func (d *dialog) refresh() {
	for range maxRetries {
		d.mu.Lock()
		s := d.session
		method := sip.INVITE
		if d.takesUpdate {
			method = sip.UPDATE
		}
		up, busy := d.state == confirmed && s.interval != 0, d.unacked != nil || d.offering()
		if up && busy { // the other offer comes first
			d.refreshIn(time.Second)
		}
		d.mu.Unlock()
		if !up || busy {
			return
		}
		headers := []sip.Header{sip.NewHeader("Session-Expires", seconds(s.interval)+";refresher=uac")}
		if s.minimum != 0 {
			headers = append(headers, sip.NewHeader("Min-SE", seconds(s.minimum)))
		}
		ctx, stop := context.WithTimeout(context.Background(), min(linger, max(time.Until(s.expires), time.Second)))
		res, err := d.ask(ctx, method, headers)
		stop()
		if err != nil || !d.otherWay(method, res) {
			d.refreshed(res, err)
			return
		}
	}
	d.refreshed(nil, errors.New("refused"))
}

// otherWay reports whether a refused refresh may succeed at once in another form.
func (d *dialog) otherWay(method sip.RequestMethod, res *sip.Response) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch res.StatusCode {
	case statusIntervalTooSmall:
		n, err := strconv.ParseUint(strings.TrimSpace(anyHeader(res, "Min-SE")), 10, 31)
		least := min(time.Duration(n)*time.Second, maxSession)
		if err != nil || least <= d.session.interval {
			return false
		}
		d.session.minimum, d.session.interval = least, least
		return true
	case sip.StatusMethodNotAllowed, sip.StatusNotImplemented:
		if method == sip.UPDATE {
			d.takesUpdate = false
			return true
		}
	}
	return false
}

// refreshed is what came of a refresh.
func (d *dialog) refreshed(res *sip.Response, err error) {
	cause := "session refresh: "
	again := time.Duration(0)
	switch {
	case err == nil && res.IsSuccess():
		return // ask has begun the session anew
	case errors.Is(err, errFlowLost): // the phone may come back
		cause, again = cause+err.Error(), 2*time.Second
	case err != nil:
		cause += verdictOfError(err).cause
	case res.StatusCode == sip.StatusCallTransactionDoesNotExists || res.StatusCode == sip.StatusRequestTimeout:
		cause += verdictOf(res).cause
	case res.StatusCode == sip.StatusRequestPending: // RFC 3261, section 14.1: the Call-ID is ours
		cause, again = cause+verdictOf(res).cause, 2100*time.Millisecond+rand.N(1900*time.Millisecond)
	default:
		cause, again = cause+verdictOf(res).cause, 5*time.Second
	}
	d.mu.Lock()
	if d.session.interval == 0 { // the timer was ended meanwhile
		d.mu.Unlock()
		return
	}
	late := time.Now().Add(again).After(d.session.expires)
	if again != 0 && !late && d.state == confirmed {
		d.refreshIn(again)
	}
	d.mu.Unlock()
	if again == 0 || late {
		d.broken(cause)
	}
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
