package sipua

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestBrowserTalksForMinutes is a talk of three minutes with a tab: JsSIP refreshes the session at 45 s and 90 s, the agent
// holds, the socket is lost, the session is refreshed by the new one, and the tab is reloaded.
func TestBrowserTalksForMinutes(t *testing.T) {
	if os.Getenv("SIPUA_TALK") == "" {
		t.Skip("talks for three minutes in a browser when SIPUA_TALK is set (make bench-talks)")
	}
	customer := talkingPhone(t)
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer}}
		browserOptions(o)
	})
	phone := openTab(t, n, "3444", goodCookie)
	phone.await("registered")
	order := orderTo(nil)
	order.Agent = &agents.Extension{Name: "3444", OwnerID: theOwner, Network: Name, Codecs: []string{"g711a", "g711u"}}
	order.Automatic = true
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	phone.await("confirmed")
	heard := func(when string) {
		t.Helper()
		var got struct{ Packets float64 }
		phone.do("heard")
		if err := json.Unmarshal([]byte(strings.TrimPrefix(phone.await("heard "), "heard ")), &got); err != nil || got.Packets < 30 {
			t.Errorf("%s the browser heard %+v, %v", when, got, err)
		}
	}
	testdeps.Lasts(95 * time.Second) // the length of the talk is the subject
	heard("after two refreshes")
	phone.do("hold")
	until(t, c, dialer.HeldProgress)
	phone.await("hold done")
	phone.do("unhold")
	until(t, c, dialer.ResumedProgress)
	phone.await("unhold done")
	phone.do("drop")
	phone.await("disconnected")
	phone.await("registered")
	testdeps.Lasts(50 * time.Second)
	heard("after a refresh by another socket")
	phone.do("reload")
	phone.await("registered")
	phone.await("confirmed")
	testdeps.Lasts(35 * time.Second)
	heard("after the reload")
	phone.do("bye")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || got.HangupBy != "agent" {
		t.Errorf("got %+v", got)
	}
}
