package media

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"
)

// Crypto is one offer of keys in an SDP (a=crypto, RFC 4568): what its writer protects its own sound with.
type Crypto struct {
	Tag   int
	suite string
	key   []byte // master key and salt; never printed but into SDP
}

// suites are those we speak, in the order of preference.
var suites = []struct {
	name    string
	profile srtp.ProtectionProfile
}{
	{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80},
	{"AES_256_CM_HMAC_SHA1_80", srtp.ProtectionProfileAes256CmHmacSha1_80},
	{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32},
}

var errCrypto = errors.New("media: a=crypto")

func profileOf(suite string) (p srtp.ProtectionProfile, key, salt int, ok bool) {
	for _, s := range suites {
		if strings.EqualFold(s.name, suite) {
			key, _ := s.profile.KeyLen()
			salt, _ := s.profile.SaltLen()
			return s.profile, key, salt, true
		}
	}
	return 0, 0, 0, false
}

// OfferCrypto makes fresh keys for each suite that we speak.
func OfferCrypto() []Crypto {
	var offered []Crypto
	for i, s := range suites {
		c := Crypto{Tag: i + 1, suite: s.name}
		offered = append(offered, c.fresh())
	}
	return offered
}

// AnswerCrypto makes fresh keys that answer an offered Crypto.
func AnswerCrypto(offered Crypto) Crypto {
	return Crypto{Tag: offered.Tag, suite: offered.suite}.fresh()
}

func (c Crypto) fresh() Crypto {
	_, key, salt, _ := profileOf(c.suite)
	c.key = make([]byte, key+salt)
	_, _ = rand.Read(c.key) // never fails
	return c
}

// Answers reports whether c, of an answer, belongs to the offered one.
func (c Crypto) Answers(offered Crypto) bool {
	return c.Tag == offered.Tag && strings.EqualFold(c.suite, offered.suite)
}

// ParseCrypto reads the value of an a=crypto attribute: TAG SUITE inline:KEY[|LIFETIME]. Session parameters and master key
// identifiers are refused: what they change, we do not do.
func ParseCrypto(value string) (Crypto, error) {
	fields := strings.Fields(value)
	if len(fields) != 3 {
		return Crypto{}, fmt.Errorf("%w: want TAG SUITE inline:KEY and nothing else", errCrypto)
	}
	tag, err := strconv.Atoi(fields[0])
	if err != nil || tag < 0 || tag > 999999999 {
		return Crypto{}, fmt.Errorf("%w: tag: want a number of at most nine digits", errCrypto)
	}
	_, key, salt, ok := profileOf(fields[1])
	if !ok {
		return Crypto{}, fmt.Errorf("%w: suite is not known", errCrypto)
	}
	inline, rest, _ := strings.Cut(fields[2], "|")
	inline, ok = strings.CutPrefix(inline, "inline:")
	if !ok || strings.Contains(rest, ":") || strings.Contains(rest, ";") {
		return Crypto{}, fmt.Errorf("%w: want one inline key without an identifier", errCrypto)
	}
	secret, err := base64.StdEncoding.DecodeString(inline)
	if err != nil {
		secret, err = base64.RawStdEncoding.DecodeString(inline)
	}
	if err != nil || len(secret) != key+salt {
		return Crypto{}, fmt.Errorf("%w: want a key of %d bytes for this suite", errCrypto, key+salt)
	}
	return Crypto{Tag: tag, suite: fields[1], key: secret}, nil
}

// SDP is the value of the a=crypto attribute.
func (c Crypto) SDP() string {
	return fmt.Sprintf("%d %s inline:%s", c.Tag, c.suite, base64.StdEncoding.EncodeToString(c.key))
}

// String hides the key.
func (c Crypto) String() string { return fmt.Sprintf("%d %s", c.Tag, c.suite) }

// GoString hides the key.
func (c Crypto) GoString() string { return c.String() }

func (c Crypto) equal(o Crypto) bool {
	return strings.EqualFold(c.suite, o.suite) && bytes.Equal(c.key, o.key)
}

func (c Crypto) context() (*srtp.Context, error) {
	profile, key, _, ok := profileOf(c.suite)
	if !ok {
		return nil, fmt.Errorf("%w: suite is not known", errCrypto)
	}
	context, err := srtp.CreateContext(c.key[:key], c.key[key:], profile, srtp.SRTPReplayProtection(1024),
		srtp.SRTCPReplayProtection(64))
	if err != nil {
		return nil, fmt.Errorf("media: SRTP: %w", err)
	}
	return context, nil
}

// Keys are both ends' keys.
type Keys struct{ Ours, Theirs Crypto }

// cipher protects one direction of a leg. It is not safe for concurrent use.
type cipher struct {
	by      Crypto
	context *srtp.Context
}

// rekeyed gives the cipher for c: the old one where the keys are the same, for it counts packets.
func (old *cipher) rekeyed(c Crypto) (*cipher, error) {
	if old != nil && old.by.equal(c) {
		return old, nil
	}
	context, err := c.context()
	if err != nil {
		return nil, err
	}
	return &cipher{c, context}, nil
}
