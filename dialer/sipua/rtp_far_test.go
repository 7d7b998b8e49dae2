package sipua

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestSIPpIsHeardAndRecorded has SIPp as the customer, which sends back the RTP that it hears: the agent hears the own voice, by
// way of the carrier, and it is on both channels of the recording.
func TestSIPpIsHeardAndRecorded(t *testing.T) {
	t.Parallel()
	recordings := keepRecordings(t)
	trunk := startSIPpAt(t, "127.0.0.1", 1, []string{"-rtp_echo"}, "INVITE", "180", "200+sdp", "ACK", "BYE", "200")
	agent := newFar(t)
	heard := make(chan int, 1)
	agent.run(func(f *far) {
		f.pickUp()
		heard <- f.hears(200, func(payload []byte) bool {
			return len(payload) == 160 && !bytes.Equal(payload, bytes.Repeat(payload[:1], 160))
		})
		f.awaitBye()
	})
	n := startNetwork(t, func(o *Options) { trunkTo(trunk)(o); recordings.options(o) })
	order := orderTo(nil)
	order.Agent = agent.extension()
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	<-heard // four seconds of sound: what rings before the answer is less
	c.Hangup("system")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || !got.Confirmed {
		t.Errorf("ended %+v", got)
	}
	agent.ended()
	trunk.passed()
	rec := recordings.await(t)
	if l, r := loudness(t, rec.Path, 0, 800), loudness(t, rec.Path, 1, 800); l < 0.9 || r < 0.9 {
		t.Errorf("in the recording, the agent's tone is %.2f of the left, what SIPp sent back %.2f of the right", l, r)
	}
	if rec.Customer.Packets < 100 || rec.Customer.Lost > 0 {
		t.Errorf("of SIPp's sound %+v", rec.Customer)
	}
}

// hears waits for so many packets of our leg that are as wanted.
func (f *far) hears(packets int, wanted func(payload []byte) bool) (n int) {
	port := ourPort(f)
	_ = f.sound.SetReadDeadline(time.Now().Add(f.wait))
	for buf := make([]byte, 2048); n < packets; {
		k, from, err := f.sound.ReadFromUDPAddrPort(buf)
		if err != nil {
			f.fail("%d of %d packets were heard: %v", n, packets, err)
		}
		if int(from.Port()) == port && k > 12 && wanted(buf[12:k]) {
			n++
		}
	}
	return n
}

// ourPort is where our leg takes sound, by the INVITE's SDP.
func ourPort(f *far) int {
	found := regexp.MustCompile(`(?m)^m=audio (\d+) `).FindStringSubmatch(f.invite.body)
	f.check(found != nil, "the offer has no audio: %s", f.invite.body)
	port, _ := strconv.Atoi(found[1])
	return port
}

// says sends packets full of one byte until the test ends, each as seal makes it.
func (f *far) says(what byte, seal func(packet []byte) []byte) {
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: ourPort(f)}
	ctx, stop := context.WithCancel(context.Background())
	f.t.Cleanup(stop)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			p := append([]byte{0x80, 8, byte(i >> 8), byte(i), 0, byte(i * 160 >> 16), byte(i * 160 >> 8), byte(i * 160), 1, 2, 3, 4},
				bytes.Repeat([]byte{what}, 160)...)
			_, _ = f.sound.WriteToUDP(seal(p), to)
			testdeps.Lasts(20 * time.Millisecond) // as a phone does
		}
	}()
}

const sdesSuite = "AES_CM_128_HMAC_SHA1_80"

// sdesContext is SRTP by a key as SDES writes it.
func sdesContext(f *far, inline string) *srtp.Context {
	key, err := base64.StdEncoding.DecodeString(inline)
	f.check(err == nil && len(key) == 30, "key: %d bytes, %v", len(key), err)
	c, err := srtp.CreateContext(key[:16], key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80)
	f.check(err == nil, "SRTP: %v", err)
	return c
}

// TestSecuredTrunk talks over a trunk with signalling by TLS and sound by SRTP, whose far end has SRTP of its own: both hear each
// other, and nothing passes in the clear.
func TestSecuredTrunk(t *testing.T) {
	t.Parallel()
	const agentSays, customerSays = 0x31, 0x73
	server, clients := newAuthority(t), newAuthority(t)
	agent, customer := newFar(t), secureCarrier(t, server, clients)
	both := make(chan string, 2)
	agent.run(func(f *far) {
		invite := f.await("INVITE")
		f.answer(invite, "180 Ringing")
		f.answer(invite, "200 OK", f.sdp())
		f.await("ACK")
		f.says(agentSays, func(p []byte) []byte { return p })
		f.hears(50, func(p []byte) bool { return bytes.Equal(p, bytes.Repeat([]byte{customerSays}, 160)) })
		both <- "agent"
		f.awaitBye()
	})
	customer.run(func(f *far) {
		invite := f.await("INVITE")
		f.check(strings.Contains(invite.body, " RTP/SAVP 8"), "offer: %s", invite.body)
		theirs := regexp.MustCompile(`(?m)^a=crypto:(\d+) ` + sdesSuite + ` inline:([A-Za-z0-9+/=]+)`).FindStringSubmatch(invite.body)
		f.check(theirs != nil, "no key offered: %s", invite.body)
		key := make([]byte, 30)
		_, _ = rand.Read(key)
		ours := base64.StdEncoding.EncodeToString(key)
		f.answer(invite, "180 Ringing")
		f.answer(invite, "200 OK", rawSDP(fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
			"m=audio %d RTP/SAVP 8\r\na=crypto:%s %s inline:%s\r\n", f.soundAddr().Port(), theirs[1], sdesSuite, ours)))
		f.await("ACK")
		seals, opens := sdesContext(f, ours), sdesContext(f, theirs[2])
		f.says(customerSays, func(p []byte) []byte {
			sealed, err := seals.EncryptRTP(nil, p, nil)
			if err != nil {
				t.Error(err)
			}
			return sealed
		})
		port, n := ourPort(f), 0
		_ = f.sound.SetReadDeadline(time.Now().Add(f.wait))
		for buf := make([]byte, 2048); n < 50; {
			k, from, err := f.sound.ReadFromUDPAddrPort(buf)
			f.check(err == nil, "%d packets were heard: %v", n, err)
			if int(from.Port()) != port {
				continue
			}
			f.check(!bytes.Contains(buf[:k], bytes.Repeat([]byte{agentSays}, 8)), "sound in the clear")
			plain, err := opens.DecryptRTP(nil, buf[:k], nil)
			f.check(err == nil, "a packet that is not sealed with the key offered: %v", err)
			if bytes.Equal(plain[12:], bytes.Repeat([]byte{agentSays}, 160)) {
				n++
			}
		}
		both <- "customer"
		f.awaitBye()
	})
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: customer.addr, Transport: "tls", SRTP: true, TLS: &tls.Config{
			RootCAs: server.pool(), Certificates: []tls.Certificate{clients.pair(x509.ExtKeyUsageClientAuth)}}}}
	})
	order := orderTo(nil)
	order.Agent = agent.extension()
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	for range 2 {
		select {
		case <-both:
		case <-agent.done:
			t.Fatal("the agent's phone gave up")
		case <-customer.done:
			t.Fatal("the customer's far end gave up")
		}
	}
	c.Hangup("agent")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered || !got.Confirmed {
		t.Errorf("ended %+v", got)
	}
	agent.ended()
	customer.ended()
}
