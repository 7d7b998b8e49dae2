package sipua

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowListener takes its time with the answer.
type slowListener struct{ listener }

func (l *slowListener) notify(ev event) {
	if ev.kind == answered {
		time.Sleep(500 * time.Millisecond)
	}
	l.listener.notify(ev)
}

func TestOwnerHearsOfTheAnswerBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, f := wired(t)
		owner := &slowListener{listener{events: make(chan event, 10)}}
		d := e.dialogTo(f, owner)
		f.run(func(f *far) {
			f.answer(f.await("INVITE"), "200 OK", f.sdp())
			f.await("ACK")
			f.hangUp()
		})
		d.invite([]byte("v=0\r\n"), func() error { return nil })
		f.ended()
		if first, second := (<-owner.events).kind, (<-owner.events).kind; first != answered || second != hungUp {
			t.Errorf("told %d, then %d", first, second)
		}
	})
}

// TestSessionTimers plays RFC 4028 and the meeting of two offers on a clock of its own. answer is what our INVITE gets with its
// 200; the script goes on from the ACK.
func TestSessionTimers(t *testing.T) {
	update := extra("Allow: INVITE, ACK, BYE, UPDATE")
	refreshed := func(f *far, method string, after time.Duration, interval string) *message {
		began := time.Now()
		m := f.await(method)
		took := time.Since(began)
		f.check(took >= after && took < after+time.Second, "refreshed after %s, want %s", took, after)
		f.check(m.get("Session-Expires") == interval+";refresher=uac" && m.get("Supported") == "timer", "headers: %q", m.header)
		f.check(m.contact() != "", "no Contact")
		return m
	}
	for _, test := range []struct {
		name   string
		answer []extra
		script func(*far, *dialog)
		end    string // the cause of the end; empty: the dialog lives
	}{
		{"we refresh by UPDATE", []extra{"Session-Expires: 1800;refresher=uac", "Require: timer", update}, func(f *far, _ *dialog) {
			for range 3 {
				f.answer(refreshed(f, "UPDATE", 15*time.Minute, "1800"), "200 OK", "Session-Expires: 1800;refresher=uac")
			}
		}, ""},
		{"we refresh by re-INVITE", []extra{"Session-Expires: 600;refresher=uac"}, func(f *far, _ *dialog) {
			for range 2 {
				m := refreshed(f, "INVITE", 5*time.Minute, "600")
				f.check(m.body != "", "no offer")
				f.answer(m, "200 OK", "Session-Expires: 600;refresher=uac", f.sdp())
				answer := f.sent
				f.await("ACK")
				f.repeat(answer)
				f.resent("ACK")
			}
		}, ""},
		{"a header without a refresher leaves it to us", []extra{"x: 100", update}, func(f *far, _ *dialog) {
			f.answer(refreshed(f, "UPDATE", 50*time.Second, "100"), "200 OK") // and no more
			f.silence(time.Hour)
		}, ""},
		{"the interval is too small", []extra{"Session-Expires: 90;refresher=uac", update}, func(f *far, _ *dialog) {
			f.answer(refreshed(f, "UPDATE", 45*time.Second, "90"), "422 Session Interval Too Small", "Min-SE: 300")
			m := refreshed(f, "UPDATE", 0, "300")
			f.check(m.get("Min-SE") == "300", "Min-SE %q", m.get("Min-SE"))
			f.answer(m, "200 OK", "Session-Expires: 300;refresher=uac")
			f.answer(refreshed(f, "UPDATE", 150*time.Second, "300"), "200 OK", "Session-Expires: 300;refresher=uas")
			f.silence(time.Hour) // from now on it is theirs
		}, ""},
		{"UPDATE is not allowed after all", []extra{"Session-Expires: 90;refresher=uac", update}, func(f *far, _ *dialog) {
			f.answer(refreshed(f, "UPDATE", 45*time.Second, "90"), "405 Method Not Allowed")
			f.answer(refreshed(f, "INVITE", 0, "90"), "200 OK", f.sdp())
			f.await("ACK")
		}, ""},
		{"the far end does not know the call any more", []extra{"Session-Expires: 90;refresher=uac", update}, func(f *far, _ *dialog) {
			f.answer(f.await("UPDATE"), "481 Call/Transaction Does Not Exist")
			f.awaitBye()
		}, "session refresh: 481"},
		{"the far end is silent", []extra{"Session-Expires: 90;refresher=uac", update}, func(f *far, _ *dialog) {
			f.await("UPDATE")
			f.awaitBye()
		}, "session refresh: no response"},
		{"the far end is out of order until the session expires", []extra{"Session-Expires: 90;refresher=uac", update},
			func(f *far, _ *dialog) {
				for {
					m := f.next("UPDATE or BYE")
					if m.word() == "BYE" {
						f.answer(m, "200 OK")
						return
					}
					f.answer(m, "503 Service Unavailable")
				}
			}, "session refresh: 503"},
		{"both refresh at once", []extra{"Session-Expires: 90;refresher=uac"}, func(f *far, _ *dialog) {
			m := refreshed(f, "INVITE", 45*time.Second, "90")
			f.request("INVITE", f.sdp())
			f.status("491")
			f.acknowledge()
			f.request("UPDATE", f.sdp())
			f.status("491")
			f.request("UPDATE")
			f.status("200") // without Session-Expires: the timer is off
			f.answer(m, "491 Request Pending")
			f.await("ACK")
			f.silence(time.Hour)
		}, ""},
		{"491 makes us wait", []extra{"Session-Expires: 90;refresher=uac"}, func(f *far, _ *dialog) {
			f.answer(f.await("INVITE"), "491 Request Pending")
			f.await("ACK")
			began := time.Now()
			f.answer(f.await("INVITE"), "200 OK", "Session-Expires: 90;refresher=uac", f.sdp())
			f.check(time.Since(began) >= 2*time.Second && time.Since(began) <= 4*time.Second, "again after %s", time.Since(began))
			f.await("ACK")
		}, ""},
		{"BYE while our re-INVITE is on its way", []extra{"Session-Expires: 90;refresher=uac"}, func(f *far, _ *dialog) {
			m := f.await("INVITE")
			f.hangUp()
			f.answer(m, "487 Request Terminated")
			f.await("ACK")
			f.silence(time.Hour)
		}, "BYE"},
		{"a BYE of ours while our re-INVITE is on its way, which is then answered", []extra{"Session-Expires: 90;refresher=uac"},
			func(f *far, d *dialog) {
				m := f.await("INVITE")
				d.hangup()
				f.awaitBye()
				f.answer(m, "200 OK", f.sdp())
				f.await("ACK")
				f.silence(time.Hour)
			}, ""},
		{"the proxy wants to know who refreshes", []extra{"Session-Expires: 90;refresher=uac", update}, func(f *far, _ *dialog) {
			f.answer(f.await("UPDATE"), "407 Proxy Authentication Required", `Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"`)
			m := f.await("UPDATE")
			f.checkDigest(m, "Proxy-Authorization", "MD5", "auth")
			f.answer(m, "200 OK", "Session-Expires: 90;refresher=uac")
		}, ""},
		{"a re-INVITE without the header ends the timer", []extra{"Session-Expires: 90;refresher=uac"}, func(f *far, _ *dialog) {
			f.request("INVITE", f.sdp())
			f.check(f.status("200").get("Session-Expires") == "", "a timer that nobody asked for")
			f.ack()
			f.silence(time.Hour)
		}, ""},
		{"an UPDATE leaves the refreshes to us", []extra{update}, func(f *far, _ *dialog) {
			f.request("UPDATE", "Session-Expires: 100;refresher=uas", "Supported: timer")
			res := f.status("200")
			f.check(res.get("Session-Expires") == "100;refresher=uas", "answer %q", res.get("Session-Expires"))
			f.answer(refreshed(f, "UPDATE", 50*time.Second, "100"), "200 OK")
		}, ""},
		{"an UPDATE keeps the refreshes", []extra{update}, func(f *far, d *dialog) {
			f.request("UPDATE", "Session-Expires: 100", "Supported: timer")
			res := f.status("200")
			f.check(res.get("Session-Expires") == "100;refresher=uac" && res.get("Require") == "timer", "answer %q", res.header)
			f.check(!d.expired(time.Now().Add(99*time.Second)) && d.expired(time.Now().Add(101*time.Second)),
				"the promise is not kept in mind")
			f.silence(time.Hour)
		}, ""},
		{"our 200 is never acknowledged", nil, func(f *far, _ *dialog) {
			f.request("INVITE", f.sdp())
			f.status("200")
			f.awaitBye()
		}, "no ACK to our answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, f := wired(t)
				owner := &listener{events: make(chan event, 10)}
				d := e.dialogTo(f, owner)
				d.cred = &credentials{"u", "p"}
				f.run(func(f *far) {
					invite := f.await("INVITE")
					f.check(invite.get("Supported") == "timer" && invite.get("Session-Expires") == "", "our INVITE: %q", invite.header)
					f.answer(invite, "200 OK", append(test.answer, f.sdp())...)
					f.await("ACK")
					test.script(f, d)
				})
				d.invite([]byte("v=0\r\n"), func() error { return nil })
				f.ended()
				if kind := (<-owner.events).kind; kind != answered {
					t.Errorf("the first event is %d", kind)
				}
				select {
				case ev := <-owner.events:
					if ev.kind != hungUp || test.end == "" || !strings.Contains(ev.cause, test.end) {
						t.Errorf("got %d, %q; want %q", ev.kind, ev.cause, test.end)
					}
				case <-time.After(time.Second):
					if test.end != "" {
						t.Errorf("the dialog goes on, want %q", test.end)
					}
				}
				if d.finish(confirmed); d.session.timer != nil {
					t.Error("a refresh is left")
				}
				time.Sleep(2 * linger)
				if n := e.countDialogs(); n != 0 {
					t.Errorf("%d dialogs are left", n)
				}
			})
		})
	}
}
