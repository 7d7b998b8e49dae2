package sipua

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

// hangsUpAfter is hangsUp once the customer's script has come so far.
func hangsUpAfter(far <-chan bool) func(*testing.T, dialer.LiveCall) {
	return func(t *testing.T, c dialer.LiveCall) {
		until(t, c, dialer.CustomerAnswered)
		select {
		case <-far:
		case <-time.After(patience):
			t.Error("the customer's script does not come so far")
		}
		c.Hangup("agent")
	}
}

var (
	joined             = make(chan bool, 1) // tells the agent's side of a script that the customer hears it
	reinvited, updated = make(chan bool, 1), make(chan bool, 1)
)

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
			reinvited <- true
			f.checkBye("sip:moved@" + f.addr)
		}, we: hangsUpAfter(reinvited),
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
	{name: "UPDATE and INFO before the answer",
		customer: func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "180 Ringing")
			f.request("UPDATE", "Supported: timer")
			f.status("200")
			f.request("INFO", "Content-Type: application/x-any\r\n\r\nhello")
			f.status("200")
			f.request("UPDATE", f.sdp()) // our offer has no answer yet
			f.status("491")
			f.answer(invite, "183 Session Progress", f.sdp())
			f.request("UPDATE", f.sdp())
			f.check(len(f.status("200").body) > 0, "the offer has no answer")
			f.request("BYE") // a callee may not
			f.status("481")
			f.request("INVITE", f.sdp())
			f.status("491")
			f.acknowledge()
			f.answer(invite, "200 OK", f.sdp())
			f.await("ACK")
			f.talk()
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "early dialogs fork, and one of them is answered",
		customer: func(f *far) {
			invite := f.await("INVITE")
			for _, f.tag = range []string{"first", "second"} {
				f.answer(invite, "180 Ringing")
				f.request("UPDATE")
				f.status("200")
			}
			f.answer(invite, "200 OK", f.sdp())
			f.await("ACK")
			f.tag = "first"
			f.request("UPDATE")
			f.status("481")
			f.tag = "second"
			f.talk()
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "the proxy and the far end behind it both challenge, INVITE and BYE",
		options: func(o *Options) { o.Trunks[0].Username, o.Trunks[0].Password = "u", "p" },
		customer: func(f *far) {
			challenged(f, "INVITE")
			invite := f.await("INVITE")
			f.checkDigest(invite, "Proxy-Authorization", "MD5", "auth")
			f.checkDigest(invite, "Authorization", "SHA-256", "auth-int")
			f.answer(invite, "200 OK", f.sdp())
			f.check(f.await("ACK").get("Proxy-Authorization") == invite.get("Proxy-Authorization"), "the ACK has other credentials")
			f.talk()
			challenged(f, "BYE")
			bye := f.await("BYE")
			f.checkDigest(bye, "Proxy-Authorization", "MD5", "auth")
			f.checkDigest(bye, "Authorization", "SHA-256", "auth-int")
			f.answer(bye, "200 OK")
		}, we: hangsUp,
		outcome: campaigns.Answered, by: "agent"},
	{name: "a wrong password is not tried for ever",
		options: func(o *Options) { o.Trunks[0].Username, o.Trunks[0].Password = "u", "p" },
		customer: func(f *far) {
			for range 2 {
				f.answer(f.await("INVITE"), "407 Proxy Authentication Required",
					`Proxy-Authenticate: Digest realm="a", nonce="b", qop="auth"`)
				f.await("ACK")
			}
		},
		outcome: campaigns.Congestion, by: "system", cause: "407", wire: "<INVITE >407 <ACK <INVITE >407 <ACK"},
	{name: "routes come back as they were written",
		customer: func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "200 OK", f.sdp(), `Record-Route: <sip:127.0.0.1:9;lr;x=y>;note="a, b\" <c>", "P, two" <sip:127.0.0.1:9;lr>`,
				extra("Record-Route: <sip:"+f.addr+";lr>;last"))
			ack := f.await("ACK")
			bye := f.await("BYE")
			for _, m := range []*message{ack, bye} {
				routes := m.all("Route")
				f.check(len(routes) == 3 && routes[0] == "<sip:"+f.addr+";lr>;last" && routes[1] == `"P, two" <sip:127.0.0.1:9;lr>` &&
					routes[2] == `<sip:127.0.0.1:9;lr;x=y>;note="a, b\" <c>"`, "Route: %q", routes)
			}
			f.answer(bye, "200 OK")
		}, we: hangsUp,
		outcome: campaigns.Answered, by: "agent"},
	{name: "a strict router",
		customer: func(f *far) {
			f.answer(f.await("INVITE"), "200 OK", f.sdp(), extra("Record-Route: <sip:"+f.addr+">"))
			ack := f.await("ACK")
			f.check(ack.uri() == "sip:"+f.addr && ack.get("Route") == "<sip:far@"+f.addr+">", "ACK to %s, Route %s", ack.uri(),
				ack.get("Route"))
			f.talk()
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
	{name: "requests that need what we do not have, or know",
		customer: afterwards(func(f *far) {
			for _, method := range []string{"INFO", "UPDATE", "INVITE", "OPTIONS", "BYE"} {
				f.request(method, "Require: timer, 100rel, x-none")
				f.check(f.status("420").get("Unsupported") == "100rel, x-none", "420 names other extensions")
				if method == "INVITE" {
					f.acknowledge()
				}
			}
			for _, method := range []string{"REFER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PRACK", "X-OWN"} {
				f.request(method)
				f.check(strings.Contains(f.status("405").get("Allow"), "UPDATE"), "405 without Allow")
			}
			f.request("UPDATE", "Content-Type: text/plain\r\n\r\nhello")
			f.check(f.status("415").get("Accept") == "application/sdp", "415 without Accept")
			f.request("UPDATE", "Session-Expires: 5", "Supported: timer")
			f.check(f.status("422").get("Min-SE") == "90", "422 without Min-SE")
			f.request("OPTIONS")
			f.check(f.status("200").get("Allow") != "", "OPTIONS without Allow")
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "an offer of several streams gets as many back",
		customer: afterwards(func(f *far) {
			sdp := string(f.sdp())
			_, body, _ := strings.Cut(sdp, "\r\n\r\n")
			head, audio, _ := strings.Cut(body, "m=")
			f.request("INVITE", rawSDP(head+"m=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm="+audio+
				"m=image 4002 udptl t38\r\nm=audio 4004 RTP/AVP 8\r\n"))
			lines := mediaLines(f.status("200").body)
			f.ack()
			f.check(len(lines) == 4 && lines[0] == "video 0 RTP/AVP 96" && strings.HasPrefix(lines[1], "audio ") &&
				!strings.HasPrefix(lines[1], "audio 0 ") && lines[2] == "image 0 udptl t38" && lines[3] == "audio 0 RTP/AVP 8", "answer %q",
				lines)
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "a re-INVITE without an offer takes ours, and answers it in the ACK",
		customer: afterwards(func(f *far) {
			f.request("INVITE")
			f.check(strings.Contains(f.status("200").body, "m=audio"), "no offer")
			f.request("UPDATE", f.sdp())
			f.status("491")
			f.cseq--
			f.ack(f.sdp())
			f.cseq++
			f.request("UPDATE", f.sdp())
			f.status("200")
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "a re-INVITE that cannot be agreed leaves the call as it was",
		customer: afterwards(func(f *far) {
			f.request("INVITE", rawSDP("v=0\r\no=- 1 9 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 "+
				"RTP/AVP 18\r\n"))
			f.status("488")
			f.acknowledge()
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "a re-INVITE comes again, and a second one before the ACK",
		customer: afterwards(func(f *far) {
			invite := f.request("INVITE", f.sdp())
			f.status("200")
			f.repeat(invite)
			f.resent("200")
			f.request("INVITE", f.sdp())
			f.status("491")
			f.acknowledge()
			f.cseq--
			f.ack()
			f.cseq++
			f.request("INVITE", f.sdp())
			f.status("200")
			f.ack()
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "BYE instead of the ACK to a re-INVITE",
		customer: afterwards(func(f *far) {
			f.request("INVITE", f.sdp())
			f.status("200")
		}),
		outcome: campaigns.Answered, by: "customer"},
	{name: "a new Contact by UPDATE, at another address, is where our BYE goes",
		customer: func(f *far) {
			f.pickUp()
			moved := newFar(f.t)
			f.request("UPDATE", extra("Contact: <sip:moved@"+moved.addr+">"))
			f.status("200")
			updated <- true
			moved.checkBye("sip:moved@" + moved.addr)
		}, we: hangsUpAfter(updated),
		outcome: campaigns.Answered, by: "agent"},
	{name: "keys pressed quickly arrive in order",
		agent: func(f *far) {
			f.pickUp()
			<-joined
			for _, key := range "1234567890*#" {
				f.request("INFO", extra("Content-Type: application/dtmf-relay\r\n\r\nSignal="+string(key)+"\r\nDuration=80\r\n"))
			}
			f.request("INFO", "Content-Type: application/dtmf\r\n\r\n5")
			f.request("INFO", "Content-Type: application/dtmf-relay; charset=x\r\n\r\nSignal=11\r\n")
			for range 14 {
				f.status("200")
			}
			f.awaitBye()
		},
		customer: func(f *far) {
			invite := f.await("INVITE")
			f.answer(invite, "200 OK", f.sdp())
			f.await("ACK")
			f.hear()
			joined <- true
			keys := f.keys(14)
			f.check(keys == "1234567890*#5#", "heard %q", keys)
			f.hangUp()
		},
		outcome: campaigns.Answered, by: "customer"},
}

// challenged asks for credentials of the proxy, and then, which must come with them, for those of the far end behind it.
func challenged(f *far, method string) {
	first := f.await(method)
	f.answer(first, "407 Proxy Authentication Required",
		`Proxy-Authenticate: Digest realm="edge", nonce="n1", qop="auth,auth-int", opaque="o"`)
	if method == "INVITE" {
		f.await("ACK")
	}
	second := f.await(method)
	f.checkDigest(second, "Proxy-Authorization", "MD5", "auth")
	f.check(second.get("Authorization") == "", "credentials that nobody asked for")
	f.answer(second, "401 Unauthorized", `WWW-Authenticate: Digest realm="core", nonce="n2", qop="auth-int", algorithm=MD5`,
		`WWW-Authenticate: Digest realm="core", nonce="n3", qop="auth-int", algorithm=SHA-256`)
	if method == "INVITE" {
		f.await("ACK")
	}
}

// checkDigest computes the response of digest credentials by RFC 7616 and compares.
func (f *far) checkDigest(m *message, header, algorithm, qop string) {
	p := map[string]string{}
	for _, part := range splitList(strings.TrimPrefix(m.get(header), "Digest ")) {
		name, value, _ := strings.Cut(part, "=")
		p[name] = strings.Trim(value, `"`)
	}
	h := hashes[algorithm]
	a2 := m.word() + ":" + p["uri"]
	if qop == "auth-int" {
		a2 += ":" + h(m.body)
	}
	want := h(h("u:"+p["realm"]+":p") + ":" + p["nonce"] + ":" + p["nc"] + ":" + p["cnonce"] + ":" + qop + ":" + h(a2))
	f.check(p["qop"] == qop && p["response"] == want && p["uri"] == m.uri(), "%s of %s: %s", header, m.word(), m.get(header))
}

// hear waits for a packet of sound.
func (f *far) hear() {
	_ = f.sound.SetReadDeadline(time.Now().Add(patience))
	_, err := f.sound.Read(make([]byte, 2048))
	f.check(err == nil, "nothing is heard: %v", err)
}

// keys hears n pressed keys.
func (f *far) keys(n int) string {
	var keys []byte
	last, buf := uint32(0), make([]byte, 2048)
	_ = f.sound.SetReadDeadline(time.Now().Add(patience))
	for len(keys) < n {
		k, err := f.sound.Read(buf)
		f.check(err == nil, "heard %q: %v", keys, err)
		stamp := uint32(buf[4])<<24 | uint32(buf[5])<<16 | uint32(buf[6])<<8 | uint32(buf[7])
		if k >= 16 && buf[1]&0x7F == 101 && (stamp != last || len(keys) == 0) {
			last = stamp
			keys = append(keys, "0123456789*#ABCD"[buf[12]&15])
		}
	}
	return string(keys)
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
