package sipua

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"pgregory.net/rapid"
)

var (
	ann = netip.MustParseAddr("192.0.2.1")
	bob = netip.MustParseAddr("2001:db8::2")
)

func TestNonces(t *testing.T) {
	t.Parallel()
	now := time.Now()
	key := []byte("a key")
	here := newNonces(key, "n1 realm", now)
	given := here.issue(ann, now)
	for _, w := range []struct {
		name       string
		by         *nonces
		nonce      string
		client     netip.Addr
		at         time.Time
		ours, good bool
	}{
		{"fresh", here, given, ann, now.Add(time.Minute), true, true},
		{"old", here, given, ann, now.Add(6 * time.Minute), true, false},
		{"from the future", here, here.issue(ann, now.Add(time.Hour)), ann, now, true, false},
		{"somebody else's", here, given, bob, now, true, false},
		{"another node's", newNonces(key, "n2 realm", now), given, ann, now, true, false},
		{"another realm's", newNonces(key, "n1 other", now), given, ann, now, true, false},
		{"of a life before", newNonces(key, "n1 realm", now), given, ann, now, true, false},
		{"with another secret", newNonces([]byte("another"), "n1 realm", now), given, ann, now, false, false},
		{"changed", here, "A" + given[1:], ann, now, given[0] == 'A', given[0] == 'A'},
		{"cut", here, given[:60], ann, now, false, false},
		{"garbage", here, "?", ann, now, false, false},
		{"empty", here, "", ann, now, false, false},
	} {
		if _, ours, good := w.by.check(w.nonce, w.client, w.at); ours != w.ours || good != w.good {
			t.Errorf("%s: got %t, %t", w.name, ours, good)
		}
	}
}

// TestNothingServesTwice: whatever clients answer, in whatever order and over whatever time, no count of a nonce is taken twice.
func TestNothingServesTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		n := newNonces([]byte("a key"), "n1 realm", now)
		var given []string
		used := map[string]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "seconds")) * time.Second)
			if len(given) == 0 || rapid.Bool().Draw(t, "new") {
				given = append(given, n.issue(ann, now))
			}
			nonce := rapid.SampledFrom(given).Draw(t, "nonce")
			count := rapid.SampledFrom([]uint32{1, 2, 3, 9, spent}).Draw(t, "count")
			id, _, good := n.check(nonce, ann, now)
			if !good || n.seen(id, count) {
				continue
			}
			if !n.use(id, count, now) {
				t.Fatal("not seen, and yet not to be had")
			}
			if key := fmt.Sprint(nonce, count); used[key] || used[nonce+"once"] {
				t.Fatalf("count %d of a nonce served twice", count)
			} else {
				used[key] = true
			}
			used[nonce+"once"] = count == spent
		}
	})
}

func TestUsedNoncesAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	n := newNonces([]byte("a key"), "n1 realm", now)
	first := n.issue(ann, now)
	id, _, _ := n.check(first, ann, now)
	n.use(id, 1, now)
	now = now.Add(time.Second)
	for i := range maxNonces {
		n.use(serial{1, byte(i), byte(i >> 8), byte(i >> 16)}, 1, now)
	}
	if held := len(n.current) + len(n.before); held > maxNonces {
		t.Errorf("%d are remembered", held)
	}
	if _, _, good := n.check(first, ann, now); good {
		t.Error("what is not remembered any more serves again")
	}
	if _, _, good := n.check(n.issue(ann, now), ann, now); !good {
		t.Error("a new one does not serve")
	}
}

// challenge asks without credentials and returns the challenge for MD5.
func (d *desk) challenge(user string) *digest.Challenge {
	d.t.Helper()
	d.write("REGISTER", user, "")
	return d.challenged(d.read(5 * time.Second))
}

func (d *desk) challenged(res *sip.Response) *digest.Challenge {
	d.t.Helper()
	if res == nil || res.StatusCode != 401 {
		d.t.Fatalf("want a challenge, got %v", res)
	}
	for _, h := range res.GetHeaders("WWW-Authenticate") {
		if c, err := digest.ParseChallenge(h.Value()); err == nil && c.Algorithm == "MD5" {
			return c
		}
	}
	d.t.Fatal("no challenge for MD5")
	return nil
}

// answer is the Authorization of a phone.
func (d *desk) answer(c *digest.Challenge, user, password string, count int) string {
	d.t.Helper()
	cred, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: "sip:127.0.0.1", Username: user, Password: password,
		Count: count})
	if err != nil {
		d.t.Fatal(err)
	}
	return "Authorization: " + cred.String() + "\r\n"
}

// sends registers with this header and returns the status.
func (d *desk) sends(user, headers string) *sip.Response {
	d.t.Helper()
	d.write("REGISTER", user, headers)
	res := d.read(5 * time.Second)
	if res == nil {
		d.t.Fatal("no answer")
	}
	return res
}

func isStale(d *desk, res *sip.Response) bool {
	return res.StatusCode == 401 && d.challenged(res).Stale
}

// TestAnswersServeOnce: an Authorization that somebody has overheard works from nowhere, while the phone goes on by counting.
func TestAnswersServeOnce(t *testing.T) {
	t.Parallel()
	credentials := func(o *Options) { o.Credentials = stored{"desk1": "right"} }
	n := startNetwork(t, credentials)
	other := startNetwork(t, func(o *Options) { credentials(o); o.Node = "n2" })
	d := dialDesk(t, "tcp", n)
	c := d.challenge("desk1")
	first := d.answer(c, "desk1", "right", 1)
	if res := d.sends("desk1", first); res.StatusCode != 200 {
		t.Fatal(res)
	}
	for name, from := range map[string]*desk{"the same connection": d, "another": dialDesk(t, "tcp", n),
		"UDP":          dialDesk(t, "udp", n),
		"another node": dialDesk(t, "tcp", other)} {
		if res := from.sends("desk1", first); !isStale(from, res) {
			t.Errorf("again from %s: %v", name, res)
		}
	}
	for _, count := range []int{2, 3, 7} {
		if res := d.sends("desk1", d.answer(c, "desk1", "right", count)); res.StatusCode != 200 {
			t.Errorf("count %d: %v", count, res)
		}
	}
	if res := d.sends("desk1", d.answer(c, "desk1", "right", 5)); !isStale(d, res) {
		t.Errorf("a count that was passed over: %v", res)
	}
	if res := d.sends("desk1", d.answer(d.challenge("desk1"), "desk1", "right", 1)); res.StatusCode != 200 {
		t.Errorf("with a new challenge: %v", res)
	}
}

// TestPhonesOlderThanCounts: RFC 2069's answer, without qop and count, serves once.
func TestPhonesOlderThanCounts(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { o.Credentials = stored{"desk1": "right"} })
	d := dialDesk(t, "udp", n)
	old := func(c *digest.Challenge, password string) string {
		md5 := hashes["MD5"]
		response := md5(HA1("MD5", "desk1", c.Realm, password) + ":" + c.Nonce + ":" + md5("REGISTER:sip:127.0.0.1"))
		return fmt.Sprintf("Authorization: Digest username=\"desk1\", realm=%q, nonce=%q, uri=\"sip:127.0.0.1\", response=%q\r\n",
			c.Realm, c.Nonce, response)
	}
	c := d.challenge("desk1")
	if res := d.sends("desk1", old(c, "right")); res.StatusCode != 200 {
		t.Fatal(res)
	}
	res := d.sends("desk1", old(c, "right"))
	if !isStale(d, res) {
		t.Fatalf("again: %v", res)
	}
	if res := d.sends("desk1", d.answer(c, "desk1", "right", 1)); !isStale(d, res) {
		t.Errorf("then with a count: %v", res)
	}
	if res := d.sends("desk1", old(d.challenged(res), "right")); res.StatusCode != 200 {
		t.Errorf("to the new challenge: %v", res)
	}
	if res := d.sends("desk1", old(d.challenge("desk1"), "wrong")); res.StatusCode != 403 {
		t.Errorf("wrong: %v", res)
	}
}

// TestAmongOthersAnswers: what a phone says to a proxy on its way is not ours to judge.
func TestAmongOthersAnswers(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(o *Options) { o.Credentials = stored{"desk1": "right"} })
	d := dialDesk(t, "tcp", n)
	foreign := "Authorization: Digest username=\"desk1\", realm=\"elsewhere\", nonce=\"x\", uri=\"sip:h\", response=\"y\"\r\n"
	if res := d.sends("desk1", foreign+d.answer(d.challenge("desk1"), "desk1", "right", 1)); res.StatusCode != 200 {
		t.Error(res)
	}
	if res := d.sends("desk1", "Authorization: Digest nc=zz\r\n"); res.StatusCode != 401 || strings.Contains(res.String(),
		"stale=true") {
		t.Error(res)
	}
}

func FuzzAuthorization(f *testing.F) {
	f.Add(`Digest username="desk1", realm="127.0.0.1", nonce="AAAA", uri="sip:127.0.0.1", cnonce="c", nc=00000001, qop=auth, response="r"`)
	f.Add(`Digest username="desk1",realm=127.0.0.1,nonce="",algorithm=SHA-256`)
	f.Add(`Digest a=",`)
	n := &Network{opts: Options{Realm: "127.0.0.1", Algorithms: []string{"MD5"}, Credentials: stored{"desk1": "right"}},
		nonces: newNonces([]byte("k"), "p", time.Now()), flows: newFlows(func(string) {}, nil)}
	f.Fuzz(func(t *testing.T, value string) {
		req := sip.NewRequest(sip.REGISTER, sip.Uri{Host: "127.0.0.1"})
		req.SetTransport("UDP")
		req.SetSource("192.0.2.1:5060")
		req.AppendHeader(sip.NewHeader("Authorization", value))
		if user, _, verdict := n.authenticate(req); verdict == proven {
			t.Errorf("%q came in as %q", value, user)
		}
	})
}
