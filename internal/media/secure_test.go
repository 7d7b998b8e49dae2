package media

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

func TestParseCrypto(t *testing.T) {
	const key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj" // of RFC 4568
	for _, w := range []struct{ value, err string }{
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key, ""},
		{"2 aes_cm_128_hmac_sha1_32 inline:" + key + "|2^20", ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|1:4", "identifier"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key + " UNENCRYPTED_SRTP", "nothing else"},
		{"1 F8_128_HMAC_SHA1_80 inline:" + key, "not known"},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" + key, "tag"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", "30 bytes"},
		{"1 AES_256_CM_HMAC_SHA1_80 inline:" + key, "46 bytes"},
		{"1 AES_CM_128_HMAC_SHA1_80 " + key, "inline"},
		{"", "want TAG"},
	} {
		c, err := ParseCrypto(w.value)
		if w.err != "" {
			if err == nil || !strings.Contains(err.Error(), w.err) || strings.Contains(err.Error(), key) {
				t.Errorf("%q: %v", w.value, err)
			}
			continue
		}
		if err != nil || !strings.Contains(c.SDP(), key) {
			t.Errorf("%q: %v", w.value, err)
		}
		if shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(shown, key[:8]) || strings.Contains(shown, "key") {
			t.Errorf("the key is shown: %s", shown)
		}
	}
}

// TestSecuredSound speaks SRTP with a far end made of pion/srtp alone; what is in the clear, or of another key, is not heard.
func TestSecuredSound(t *testing.T) {
	ports, _ := NewPorts(48000, 48999)
	u, err := ports.Open(loop)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, ours := range OfferCrypto() {
		theirs := AnswerCrypto(ours)
		phone, addr := far(t)
		if err := u.Agree(Terms{To: addr, Signalling: loop, Keys: &Keys{Ours: ours, Theirs: theirs}}); err != nil {
			t.Fatal(err)
		}
		profile, key, _, _ := profileOf(theirs.suite)
		seal, err1 := srtp.CreateContext(theirs.key[:key], theirs.key[key:], profile)
		open, err2 := srtp.CreateContext(ours.key[:key], ours.key[key:], profile)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		heard := make(chan byte, 10)
		u.Listen(func(p *Packet) { heard <- p.Payload[0] })
		at := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: u.Port()}
		plain := []byte{0x80, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 'c'}
		_, _ = phone.WriteToUDP(plain, at)
		plain[3], plain[12] = 2, 's'
		sealed, err := seal.EncryptRTP(nil, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = phone.WriteToUDP(sealed, at)
		if b := <-heard; b != 's' {
			t.Errorf("%s: heard %q", ours, b)
		}
		u.Send(&Packet{Codec: ULaw, SSRC: 5, Arrived: time.Now(), Payload: []byte("hello")})
		buf := make([]byte, 1500)
		n, err := phone.Read(buf)
		if err != nil || bytes.Contains(buf[:n], []byte("hello")) {
			t.Fatalf("%s: % x, %v", ours, buf[:n], err)
		}
		if got, err := open.DecryptRTP(nil, buf[:n], nil); err != nil || string(got[12:]) != "hello" {
			t.Errorf("%s: %q, %v", ours, got, err)
		}
	}
}
