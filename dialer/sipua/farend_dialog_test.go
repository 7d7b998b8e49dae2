package sipua

import (
	"fmt"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// afterwards is a customer's side that picks up, does something in the dialog, and hangs up.
func afterwards(do func(*far)) func(*far) {
	return func(f *far) { f.pickUp(); do(f); f.hangUp() }
}

// hangsUp is what we do in calls that we end.
func hangsUp(t *testing.T, c dialer.LiveCall) {
	until(t, c, dialer.CustomerAnswered)
	c.Hangup("agent")
}

// dialogBehaviours are about requests inside a dialog and the names by which it is known.
var dialogBehaviours = []behaviour{
	{name: "a talk and a BYE with a reason",
		customer: func(f *far) { f.pickUp(); f.hangUp("Reason: Q.850;cause=16") },
		outcome:  campaigns.Answered, by: "customer", cause: "BYE; Q.850;cause=16",
		wire: "<INVITE >180 >200 <ACK >BYE <200"},
	{name: "our BYE meets 481",
		customer: func(f *far) { f.pickUp(); f.answer(f.await("BYE"), "481 Call/Transaction Does Not Exist") }, we: hangsUp,
		outcome: campaigns.Answered, by: "agent", wire: "<INVITE >180 >200 <ACK <BYE >481"},
	{name: "our first BYE is lost",
		customer: func(f *far) { f.pickUp(); bye := f.await("BYE"); f.resent("BYE"); f.answer(bye, "200 OK") }, we: hangsUp,
		outcome: campaigns.Answered, by: "agent"},
	{name: "both say BYE at once",
		customer: func(f *far) {
			f.pickUp()
			bye := f.await("BYE")
			f.request("BYE")
			f.status("200")
			f.answer(bye, "200 OK")
		}, we: hangsUp,
		outcome: campaigns.Answered, by: "agent"},
	{name: "the answer comes again, as when our ACK was lost",
		customer: func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "200 OK", f.sdp())
			answer := f.sent
			f.await("ACK")
			f.repeat(answer)
			f.resent("ACK")
			f.talk()
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "a CSeq lower than one seen",
		customer: afterwards(func(f *far) {
			f.send("INFO", 20)
			f.status("200")
			f.send("INFO", 19)
			f.status("500")
			f.cseq = 20
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "a request for a dialog that is none",
		customer: afterwards(func(f *far) {
			for i, names := range [][]extra{{"Call-ID: another"}, {"To: <sip:x@y>;tag=another"}, {"From: <sip:x@y>;tag=another"}} {
				for _, method := range []string{"BYE", "UPDATE", "INFO", "INVITE"} {
					f.send(method, 30+i, names...)
					f.status("481")
					if method == "INVITE" {
						f.acknowledge(names...)
					}
				}
			}
			f.cseq = 40
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "a call to us",
		customer: afterwards(func(f *far) {
			f.request("INVITE", "To: <sip:ringmaster@127.0.0.1>", f.sdp())
			f.status("403")
			f.acknowledge("To: <sip:ringmaster@127.0.0.1>")
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "a new Contact by re-INVITE is where our BYE goes",
		customer: func(f *far) {
			f.pickUp()
			f.request("INVITE", extra("Contact: <sip:moved@"+f.addr+">"), f.sdp())
			f.status("200")
			f.ack()
			f.checkBye("sip:moved@" + f.addr)
		}, we: func(t *testing.T, c dialer.LiveCall) {
			until(t, c, dialer.CustomerAnswered)
			c.(*call).customer.awaitTarget(t, "moved")
			c.Hangup("agent")
		},
		outcome: campaigns.Answered, by: "agent"},
	{name: "hold and resume",
		customer: afterwards(func(f *far) {
			for _, w := range [][2]string{{"sendonly", "recvonly"}, {"inactive", "inactive"}, {"sendrecv", "sendrecv"}} {
				f.request("INVITE", f.sdp(w[0]))
				answer := f.status("200")
				f.ack()
				f.check(strings.Contains(answer.body, "a="+w[1]+"\r\n"), "answer to %s: %s", w[0], answer.body)
			}
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "our 200 to a re-INVITE comes until it is acknowledged",
		customer: afterwards(func(f *far) {
			f.request("INVITE", f.sdp())
			f.status("200")
			f.resent("200")
			f.ack()
		}),
		outcome: campaigns.Answered, by: "customer"},
}

// acknowledge sends the ACK of a refused INVITE, which belongs to the same transaction.
func (f *far) acknowledge(names ...extra) {
	f.send("ACK", f.cseqOf(f.sent), append(names, extra("Via: "+f.sent.get("Via")))...)
}

func (f *far) cseqOf(m *message) int {
	n := 0
	_, err := fmt.Sscan(m.get("CSeq"), &n)
	f.check(err == nil, "CSeq: %v", err)
	return n
}

// checkBye takes our BYE, which is for a certain address.
func (f *far) checkBye(uri string) {
	bye := f.await("BYE")
	f.check(bye.uri() == uri, "BYE to %s, want %s", bye.uri(), uri)
	f.answer(bye, "200 OK")
}

// awaitTarget waits until the far end has named another user in its Contact.
func (d *dialog) awaitTarget(t *testing.T, user string) {
	t.Helper()
	eventually(t, "the new target", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.target.User == user })
}
