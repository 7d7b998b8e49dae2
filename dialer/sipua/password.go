package sipua

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// secrets derives all that is derived from the configured secret: a key for each purpose, so that a nonce is never a password.
type secrets struct{ nonces, passwords []byte }

func newSecrets(secret []byte) secrets {
	key := func(purpose string) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte("ringmaster sipua " + purpose))
		return h.Sum(nil)
	}
	return secrets{nonces: key("nonce"), passwords: key("password of an agent's tab")}
}

// Login is what a browser registers with.
type Login struct {
	Username string // for digest; its address may be this name or the extension's
	Password string
	Realm    string
	Expires  time.Time
}

// BrowserLogin makes a password for the phone in a browser of an extension's owner, good for so long. Nothing is stored: the
// user name says when the password ends, which agent it is for and which extension, as "1767225600.2001.3444", and the
// password follows from all of it.
func (n *Network) BrowserLogin(ext agents.Extension, lifetime time.Duration) Login {
	return n.secrets.login(n.opts.Realm, ext, n.opts.Now().Add(lifetime))
}

// BrowserLogin makes what [Network.BrowserLogin] does, good until a moment, for a process that knows the networks' secret and
// realm and has no telephony of its own.
func BrowserLogin(secret []byte, realm string, ext agents.Extension, until time.Time) Login {
	return newSecrets(secret).login(realm, ext, until)
}

func (s secrets) login(realm string, ext agents.Extension, until time.Time) Login {
	until = until.Truncate(time.Second)
	user := fmt.Sprintf("%d.%d.%s", until.Unix(), ext.OwnerID, ext.Name)
	return Login{Username: user, Password: s.password(user), Realm: realm, Expires: until}
}

func (s secrets) password(user string) string {
	h := hmac.New(sha256.New, s.passwords)
	h.Write([]byte(user))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:24])
}

// tabName is what a browser's user name says.
type tabName struct {
	extension string
	agentID   int64 // who owned the extension then
	until     time.Time
}

// browserUser reads a browser's user name; false: it is a desk phone's.
func browserUser(user string) (t tabName, ok bool) {
	parts := strings.SplitN(user, ".", 3)
	if len(parts) != 3 || len(parts[0]) != 10 || parts[2] == "" {
		return tabName{}, false
	}
	until, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || until < 1e9 {
		return tabName{}, false
	}
	agentID, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || agentID < 1 {
		return tabName{}, false
	}
	return tabName{parts[2], agentID, time.Unix(until, 0)}, true
}

// hashes are the digest algorithms that we know (RFC 8760).
var hashes = map[string]func(string) string{
	"MD5":     func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) },
	"SHA-256": func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) },
}

// HA1 is what a desk phone's password is stored as, for an algorithm: "MD5" or "SHA-256".
func HA1(algorithm, user, realm, password string) string {
	return hashes[algorithm](user + ":" + realm + ":" + password)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
