package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// ErrAdminThere says that there is an admin: the link of the first one is dead.
var ErrAdminThere error = reason.New(reason.Conflict, reason.Plain("access.admin_there"), "access: there is an admin already")

const (
	// FirstAdminLife is how long the one-time link of the first admin is good.
	FirstAdminLife = time.Hour
	// FirstAdminNonce is the length of what one link differs from another by.
	FirstAdminNonce = 32
)

// FirstAdminToken is the secret part of the one-time link: 32 bytes that follow from the nodes' shared key and from the nonce on
// record, so that every node shows the same link and none of them keeps it.
func FirstAdminToken(key string, nonce []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("first admin\x00"))
	mac.Write(nonce)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
