package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
)

// Parameters of new hashes: OWASP's second choice for argon2id, 19 MiB and about 30 ms of one core.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	saltBytes    = 16
	keyBytes     = 32
)

const (
	minPassword = 8
	maxPassword = 1024 // bytes; longer ones only make us work
	atOnce      = 4    // hashes at once: bounds the memory that strangers can make us use
)

// ErrHash says that a stored hash is none, or one whose cost is out of bounds.
var ErrHash = errors.New("access: not a password hash that we take")

// Passwords makes and checks argon2id hashes, encoded as PHC strings. The zero value is ready.
type Passwords struct {
	once  sync.Once
	slots chan struct{}
	dummy string
}

func (p *Passwords) init() {
	p.once.Do(func() {
		p.slots = make(chan struct{}, atOnce)
		p.dummy = encode(params{argonMemory, argonTime, argonThreads}, make([]byte, saltBytes), make([]byte, keyBytes))
	})
}

// Hash makes the hash of a new password of 8 to 1,024 bytes.
func (p *Passwords) Hash(password string) (string, error) {
	if len(password) < minPassword || len(password) > maxPassword {
		return "", reason.New(reason.Invalid, field.Bytes(minPassword, maxPassword),
			fmt.Sprintf("access: password has %d bytes: want %d to %d", len(password), minPassword, maxPassword))
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand
	cost := params{argonMemory, argonTime, argonThreads}
	return encode(cost, salt, cost.key(password, salt, keyBytes)), nil
}

// Verify says whether the password fits the hash. An empty hash, as of an unknown user, takes as long as a real one and fits
// nothing. It waits for its turn at most until ctx ends.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	p.init()
	known := hash != ""
	if !known {
		hash = p.dummy
	}
	cost, salt, want, err := decode(hash)
	if err != nil {
		return false, err
	}
	if len(password) > maxPassword {
		return false, nil
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	fits := subtle.ConstantTimeCompare(cost.key(password, salt, uint32(len(want))), want) == 1
	return fits && known, nil
}

// params is the cost of a hash.
type params struct {
	memory uint32 // KiB
	time   uint32
	lanes  uint8
}

func (c params) key(password string, salt []byte, n uint32) []byte {
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.lanes, n)
}

func encode(c params, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.lanes, b64(salt), b64(key))
}

// decode reads a PHC string; a hash that would cost more than 256 MiB or 10 passes is refused.
func decode(hash string) (c params, salt, key []byte, err error) {
	if len(hash) > 512 {
		return c, nil, nil, ErrHash
	}
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, ErrHash
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.lanes); err != nil {
		return c, nil, nil, ErrHash
	}
	if fmt.Sprintf("m=%d,t=%d,p=%d", c.memory, c.time, c.lanes) != fields[3] ||
		c.lanes < 1 || c.lanes > 16 || c.time < 1 || c.time > 10 || c.memory < 8*uint32(c.lanes) || c.memory > 256<<10 {
		return c, nil, nil, ErrHash
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	key, err2 := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, ErrHash
	}
	return c, salt, key, nil
}
