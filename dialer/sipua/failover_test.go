package sipua

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestNextTrunk: a trunk that certainly did not take the call is followed by the next one in the same attempt, and no other trunk
// is.
func TestNextTrunk(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, test := range []struct {
		name  string
		first []string // what the first trunk does; none: nobody listens there
		want  campaigns.Outcome
		next  bool
		cause string
		fault bool
	}{
		{"503", []string{"INVITE", "503", "ACK"}, campaigns.Answered, true, "", false},
		{"503 after 100", []string{"INVITE", "100", "503", "ACK"}, campaigns.Answered, true, "", false},
		{"500", []string{"INVITE", "500", "ACK"}, campaigns.Answered, true, "", false},
		{"403", []string{"INVITE", "403", "ACK"}, campaigns.Answered, true, "", false},
		{"404 of the network", []string{"INVITE", "404 Reason: Q.850;cause=38", "ACK"}, campaigns.Answered, true, "", false},
		{"no connection", nil, campaigns.Answered, true, "", false},
		{"503 after a ring", []string{"INVITE", "180", "503", "ACK"}, campaigns.Congestion, false, "503", false},
		{"503 after early media", []string{"INVITE", "183+sdp", "503", "ACK"}, campaigns.Congestion, false, "503", false},
		{"404", []string{"INVITE", "404", "ACK"}, campaigns.InvalidNumber, false, "404", false},
		{"480 of the network", []string{"INVITE", "480 Reason: Q.850;cause=34", "ACK"}, campaigns.Congestion, false, "480", true},
		{"486", []string{"INVITE", "486", "ACK"}, campaigns.Busy, false, "486", false},
		{"600", []string{"INVITE", "600", "ACK"}, campaigns.Busy, false, "600", false},
		{"603", []string{"INVITE", "603", "ACK"}, campaigns.Rejected, false, "603", false},
		{"603 of the network", []string{"INVITE", "603 Reason: Q.850;cause=38", "ACK"}, campaigns.Rejected, false, "603", false},
		{"604", []string{"INVITE", "604", "ACK"}, campaigns.InvalidNumber, false, "604", false},
		{"606", []string{"INVITE", "606", "ACK"}, campaigns.Congestion, false, "606", true},
		{"607", []string{"INVITE", "607", "ACK"}, campaigns.Rejected, false, "607", false},
		{"608", []string{"INVITE", "608", "ACK"}, campaigns.Rejected, false, "608", false},
		{"silence", []string{"INVITE", "pause 1500", "180", "CANCEL", "200", "=487", "ACK"}, campaigns.Unknown, false, noResponse,
			false},
		{"100 alone", []string{"INVITE", "100", "CANCEL", "200", "=487", "ACK"}, campaigns.Unknown, false, "100 Trying", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			second := startSIPp(t, 1, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
			trunks := []Trunk{{Name: "a", Host: closed.Addr().String(), Transport: "tcp"}, {Name: "b", Host: second.addr}}
			var first *sipp
			if test.first != nil {
				first = startSIPp(t, 1, test.first...)
				trunks[0] = Trunk{Name: "a", Host: first.addr}
			}
			n := startNetwork(t, func(o *Options) { o.Trunks = trunks })
			phone := agentPhone(t)
			order := orderTo(phone)
			if test.want == campaigns.Unknown {
				order.Ring = time.Second
			}
			asked := 0
			order.BeforeCustomer = func(context.Context) error { asked++; return nil }
			c := place(t, n, order)
			wantAsked := 1
			if test.next {
				until(t, c, dialer.CustomerAnswered)
				c.Hangup("agent")
				if first != nil { // without a connection there is nothing to ask about yet
					wantAsked = 2
				}
			}
			got := until(t, c, dialer.Ended)
			if got.Outcome != test.want || got.Fault != test.fault || got.NotDialed || !strings.Contains(got.Cause, test.cause) {
				t.Errorf("got %+v", got)
			}
			if asked != wantAsked {
				t.Errorf("the fence was asked %d times, want %d", asked, wantAsked)
			}
			phone.passed()
			if first != nil {
				first.passed()
			}
			if test.next {
				second.passed()
			} else if f := n.TrunkStatus()[1].Figures; f.Calls != 0 {
				t.Errorf("the second trunk had %d calls", f.Calls)
			}
		})
	}
}

func TestNextTrunkAsksTheFenceAgain(t *testing.T) {
	t.Parallel()
	first, second := startSIPp(t, 1, "INVITE", "503", "ACK"), startSIPp(t, 1, "INVITE", "486", "ACK")
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "a", Host: first.addr}, {Name: "b", Host: second.addr}} })
	order := orderTo(nil)
	asked := 0
	order.BeforeCustomer = func(context.Context) error {
		if asked++; asked == 2 {
			return errors.New("lease lost")
		}
		return nil
	}
	if got := until(t, place(t, n, order), dialer.Ended); got.Cause != "lease lost" || got.Outcome != campaigns.Unknown {
		t.Errorf("got %+v", got)
	}
	first.passed()
	select {
	case <-second.done:
		t.Error("the customer was dialed")
	case <-time.After(300 * time.Millisecond): // long enough for an INVITE on loopback
	}
}

// TestRestingTrunk: a trunk that asked to be left alone is, and the agent's phone is not rung for a call that cannot be made.
func TestRestingTrunk(t *testing.T) {
	t.Parallel()
	trunk := startSIPp(t, 1, "INVITE", "503 Retry-After: 3600", "ACK")
	n := startNetwork(t, trunkTo(trunk))
	if got := until(t, place(t, n, orderTo(nil)), dialer.Ended); !got.Fault || got.NotDialed {
		t.Errorf("got %+v", got)
	}
	trunk.passed()
	phone := startSIPp(t, 1, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
	got := until(t, place(t, n, orderTo(phone)), dialer.Ended)
	if !got.Fault || !got.NotDialed || !strings.Contains(got.Cause, "left alone") {
		t.Errorf("got %+v", got)
	}
	if calls, why := n.Room(); calls != 0 || !strings.Contains(why, "t asked to be left alone for") {
		t.Errorf("room for %d calls, %q", calls, why)
	}
	select {
	case <-phone.done:
		t.Error("the agent's phone rang")
	case <-time.After(300 * time.Millisecond):
	}
}

// TestBreaker: a trunk that refuses one call after the other gets no more, but for one that tries it.
func TestBreaker(t *testing.T) {
	t.Parallel()
	bad := startSIPp(t, 3, "INVITE", "500", "ACK")
	well := startSIPp(t, 6, "INVITE", "486", "ACK")
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "a", Host: bad.addr}, {Name: "b", Host: well.addr}} })
	for range 6 {
		if got := until(t, place(t, n, orderTo(nil)), dialer.Ended); got.Outcome != campaigns.Busy || got.Fault {
			t.Errorf("got %+v", got)
		}
	}
	bad.passed()
	well.passed()
	status := n.TrunkStatus()
	if a := status[0]; a.Up || !strings.Contains(a.Cause, "refused one call after the other") || a.Figures.Failures[500] != 3 {
		t.Errorf("got %+v", a)
	}
	if b := status[1]; !b.Up || b.Figures.Calls != 6 || b.Figures.Failures[486] != 6 {
		t.Errorf("got %+v", b)
	}
}

// TestRegistrationIsRefreshedInTime: a carrier grants a few seconds only, and wants a longer registration first.
func TestRegistrationIsRefreshedInTime(t *testing.T) {
	t.Parallel()
	carrier := startSIPp(t, 1, "REGISTER", "423 Min-Expires: 7200", "REGISTER", "200 Expires: 2", "REGISTER", "200 Expires: 2",
		"REGISTER", "200 Expires: 3600")
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: carrier.addr, Username: "u", Password: "p", Register: true}}
	})
	testdeps.Eventually(t, "the trunk registers us", func() bool { return n.TrunkStatus()[0].Up })
	carrier.passed() // 48 minutes would be the next pause, had it not listened
}

func TestRegistrationTimes(t *testing.T) {
	for _, test := range []struct{ granted, want time.Duration }{
		{time.Hour, 48 * time.Minute}, {time.Minute, 30 * time.Second}, {30 * time.Second, 15 * time.Second},
		{2 * time.Second, time.Second},
		{time.Second, 500 * time.Millisecond}, {2 * time.Minute, 90 * time.Second},
	} {
		if got := refreshAfter(test.granted); got != test.want {
			t.Errorf("granted %s: refreshed after %s, want %s", test.granted, got, test.want)
		}
	}
}
