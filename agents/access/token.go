package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TokenPrefix begins every API token, so that scanners find one that leaked.
const TokenPrefix = "rmt_"

var tokenLength = len(TokenPrefix) + base64.RawURLEncoding.EncodedLen(32)

// NewToken makes an API token of 32 random bytes and the hash to be kept of it. The token itself is shown once.
func NewToken() (token string, hash []byte) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand
	token = TokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	return token, HashToken(token)
}

// LoginTokenPrefix begins every one-time password of the single sign-on.
const LoginTokenPrefix = "rml_"

// NewLoginToken makes a password that is good for one login of an agent, and the hash to be kept of it.
func NewLoginToken() (token string, hash []byte) {
	token, _ = NewToken()
	token = LoginTokenPrefix + strings.TrimPrefix(token, TokenPrefix)
	return token, HashToken(token)
}

// LooksLikeLoginToken says whether a password may be a one-time one.
func LooksLikeLoginToken(s string) bool {
	return len(s) == tokenLength && strings.HasPrefix(s, LoginTokenPrefix)
}

// HashToken is what is kept of a token: SHA-256 suffices for 256 random bits. Looking it up compares no secret bytes in
// variable time that a guesser could steer.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func looksLikeToken(s string) bool { return len(s) == tokenLength && strings.HasPrefix(s, TokenPrefix) }

const issuer = "ringmaster"

// NewSession makes the id of a session: of all tokens and cookies that follow from one signing in.
func NewSession() string { return rand.Text() }

// sessions issues and reads the short JWTs of people who logged in.
type sessions struct {
	secret []byte
	now    func() time.Time
	parser *jwt.Parser
}

// sessionClaims name the user only; what the user may do is read from the record at each request, so that a change holds at once.
type sessionClaims struct {
	jwt.RegisteredClaims
	Session    string `json:"sid,omitempty"`
	Generation int64  `json:"gen,omitempty"`
}

func newSessions(secret string, now func() time.Time) (*sessions, error) {
	if len(secret) < minSecret {
		return nil, fmt.Errorf("access: secret for sessions has %d bytes: want %d at least", len(secret), minSecret)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(now), jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(maxClockSkew), jwt.WithStrictDecoding())
	return &sessions{[]byte(secret), now, parser}, nil
}

func (s *sessions) issue(u User, session string, ttl time.Duration) (string, time.Time, error) {
	now := s.now()
	expires := now.Add(ttl).Truncate(time.Second)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, sessionClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: strconv.FormatInt(u.ID, 10), ExpiresAt: jwt.NewNumericDate(expires),
			IssuedAt: jwt.NewNumericDate(now),
		},
		Session: session, Generation: u.Generation,
	}).SignedString(s.secret)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("access: issue session: %w", err)
	}
	return token, expires, nil
}

// bearer is what a session's JWT says.
type bearer struct {
	userID     int64
	generation int64
	session    string // its id; of one without, its hash
	hash       string
	expires    time.Time
}

func (s *sessions) read(token string) (b bearer, err error) {
	if len(token) > maxCookie {
		return b, fmt.Errorf("%w: session too long", ErrDenied)
	}
	var claims sessionClaims
	if _, err := s.parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.secret, nil }); err != nil {
		return b, fmt.Errorf("%w: session: %s", ErrDenied, errorKind(err))
	}
	b = bearer{generation: claims.Generation, session: claims.Session, hash: hashOf(token), expires: claims.ExpiresAt.Time}
	if b.session == "" {
		b.session = b.hash
	}
	b.userID, err = strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil {
		return b, fmt.Errorf("%w: session names no user", ErrDenied)
	}
	return b, nil
}

// hashOf is how an ended JWT is remembered: by what was signed, so that no other spelling of the signature is another token.
func hashOf(token string) string {
	signed := token
	if end := strings.LastIndexByte(token, '.'); end > 0 {
		signed = token[:end]
	}
	return hex.EncodeToString(HashToken(signed))
}
