package sipua

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/netip"
	"sync"
	"time"
)

const (
	// nonceLife is how long a challenge may be answered; then the phone is asked anew, as stale.
	nonceLife = 5 * time.Minute
	// maxNonces bounds what is remembered of used ones. Beyond it all that were given out before are stale.
	maxNonces = 200_000
	// spent is the count of a nonce that was answered without one, as phones older than RFC 2617 do: it serves once.
	spent = math.MaxUint32
)

// nonces are the challenges that phones answer. One needs no memory until it was answered well: it says when it was made, has
// a serial number, and is bound to who asked, to this life of this node and to the realm. What is remembered of an answered
// one is its count (RFC 7616, section 3.4: nc), so that no answer serves twice: not here, and not at another node or after a
// restart, where the nonce itself is not accepted. Whoever comes with the wrong nonce is asked anew, never refused.
type nonces struct {
	key   []byte
	place string    // this life of this node, and the realm
	began time.Time // times are counted from here by the monotonic clock: a wall clock that was put back would make old ones young

	mu      sync.Mutex
	floor   time.Duration // what is older is stale
	turned  time.Duration
	current map[serial]uint32 // the count last seen; what was answered within a life is here or in previous
	before  map[serial]uint32
}

type serial [8]byte

func newNonces(key []byte, place string, now time.Time) *nonces {
	return &nonces{key: key, place: place + " " + rand.Text(), began: now, current: map[serial]uint32{}, before: map[serial]uint32{}}
}

func (n *nonces) mac(size int, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, n.key)
	for _, p := range parts {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		_, _ = h.Write(p)
	}
	return h.Sum(nil)[:size]
}

// bond ties a nonce to who asked for it here.
func (n *nonces) bond(body []byte, client netip.Addr) []byte {
	return n.mac(16, []byte("bond"), body, []byte(n.place), []byte(client.String()))
}

// issue makes a nonce for a client.
func (n *nonces) issue(client netip.Addr, now time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(now.Sub(n.began)))
	b = append(b, make([]byte, 8)...)
	_, _ = rand.Read(b[8:])
	made, bond := n.mac(16, []byte("made"), b), n.bond(b, client)
	return base64.RawURLEncoding.EncodeToString(append(append(b, made...), bond...))
}

// check reports whether a nonce was made by an installation with our secret, and whether this client may still answer it here.
func (n *nonces) check(nonce string, client netip.Addr, now time.Time) (id serial, ours, good bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 48 || !hmac.Equal(b[16:32], n.mac(16, []byte("made"), b[:16])) {
		return id, false, false
	}
	at := time.Duration(binary.BigEndian.Uint64(b))
	age := now.Sub(n.began) - at
	n.mu.Lock()
	old := at < n.floor
	n.mu.Unlock()
	return serial(b[8:16]), true, !old && age >= 0 && age < nonceLife && hmac.Equal(b[32:], n.bond(b[:16], client))
}

// seen reports whether a count was answered before, or a higher one.
func (n *nonces) seen(id serial, count uint32) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.higher(id, count)
}

func (n *nonces) higher(id serial, count uint32) bool {
	last := max(n.current[id], n.before[id])
	return count > last && (count != spent || last == 0)
}

// use takes a count of a nonce, once; false: somebody else was faster.
func (n *nonces) use(id serial, count uint32, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.higher(id, count) {
		return false
	}
	since := now.Sub(n.began)
	if since-n.turned >= nonceLife {
		n.before, n.current, n.turned = n.current, map[serial]uint32{}, since
	}
	if len(n.current)+len(n.before) >= maxNonces {
		n.before, n.current, n.floor = map[serial]uint32{}, map[serial]uint32{}, since
	}
	n.current[id] = count
	return true
}
