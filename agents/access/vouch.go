package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// CookieName is the name of Vouch Proxy's cookie.
const CookieName = "VouchCookie"

const (
	maxCookie    = 8 << 10 // bytes of the whole token
	maxParts     = 4
	maxCookies   = 4 // cookies of the same name: host-only and parent domain may both be there
	maxUsername  = 256
	maxUserID    = 64
	minSecret    = 32 // bytes: RFC 7518 section 3.2
	maxClockSkew = 30 * time.Second
)

// Identity is what a cookie says of its bearer: the user in the CRM's words.
type Identity struct {
	Username string // never empty
	UserID   string // empty: the cookie names none

	Account *Account // the user who signed in with us; nil: the cookie is not of ours
	Session string   // id of the session; of a cookie without, its hash

	hash    string
	expires time.Time // zero: the cookie has no end
	unique  bool      // another one of the same user is not the same text
}

// Account is a user of ours at the moment of signing in.
type Account struct{ ID, Generation int64 }

// Vouch checks and mints the cookie of Vouch Proxy: a JWT, HS256, not compressed, whose claims name the user.
type Vouch struct {
	keys    jwt.VerificationKeySet
	secret  []byte
	secure  bool
	mustEnd bool
	now     func() time.Time
	parser  *jwt.Parser
}

// VouchOptions configure a Vouch.
type VouchOptions struct {
	// Secrets are the agreed secrets, each of 32 bytes at least. The first one signs; all are accepted, so that a secret can be
	// rotated without a moment of refusal.
	Secrets []string
	Secure  bool             // minted cookies travel over TLS only
	MustEnd bool             // cookies without exp are refused
	Now     func() time.Time // nil: time.Now
}

// NewVouch refuses secrets that are too short to be one.
func NewVouch(o VouchOptions) (*Vouch, error) {
	v := &Vouch{secure: o.Secure, mustEnd: o.MustEnd, now: o.Now}
	if v.now == nil {
		v.now = time.Now
	}
	if len(o.Secrets) == 0 {
		return nil, errors.New("access: no secret for VouchCookie: want one of 32 bytes at least")
	}
	for i, s := range o.Secrets {
		if len(s) < minSecret {
			return nil, fmt.Errorf("access: secret %d for VouchCookie has %d bytes: want %d at least", i+1, len(s), minSecret)
		}
		v.keys.Keys = append(v.keys.Keys, []byte(s))
	}
	v.secret = []byte(o.Secrets[0])
	v.parser = hs256Parser(v.now)
	return v, nil
}

// hs256Parser takes nothing but HS256, so that neither "none" nor a key of another kind can be slipped in.
func hs256Parser(now func() time.Time) *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(now), jwt.WithLeeway(maxClockSkew),
		jwt.WithIssuedAt(),
		jwt.WithJSONNumber(), jwt.WithStrictDecoding())
}

// Identify says whose request it is, by the cookie alone: [Gate] knows whether the user may still enter. Every refusal is an
// ErrDenied whose text is for the log, not for the client.
func (v *Vouch) Identify(r *http.Request) (Identity, error) {
	list, err := v.identities(r)
	if err != nil {
		return Identity{}, err
	}
	return list[0], nil
}

// identities are those of all valid cookies of a request, one at least: host-only and parent domain may both be there.
func (v *Vouch) identities(r *http.Request) (list []Identity, err error) {
	tokens := cookieTokens(r)
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%w: no %s", ErrDenied, CookieName)
	}
	for _, token := range tokens {
		id, wrong := v.verify(token)
		if wrong == nil {
			list = append(list, id)
		} else if err == nil {
			err = wrong
		}
	}
	if len(list) > 0 {
		err = nil
	}
	return list, err
}

// Check is Identify in plain types, for rooms that may not know this one.
func (v *Vouch) Check(r *http.Request) (username, userID string, err error) {
	id, err := v.Identify(r)
	return id.Username, id.UserID, err
}

// cookieTokens finds the whole cookies, and the one that Vouch split as VouchCookie_1of2, VouchCookie_2of2.
func cookieTokens(r *http.Request) []string {
	var whole []string
	var parts [maxParts]string
	total := 0
	for _, c := range r.Cookies() {
		if c.Name == CookieName {
			if len(whole) < maxCookies {
				whole = append(whole, c.Value)
			}
			continue
		}
		numbers, split := strings.CutPrefix(c.Name, CookieName+"_")
		if !split {
			continue
		}
		part, of, found := strings.Cut(numbers, "of")
		i, err1 := strconv.Atoi(part)
		n, err2 := strconv.Atoi(of)
		if !found || err1 != nil || err2 != nil || n < 2 || n > maxParts || i < 1 || i > n || total != 0 && n != total {
			continue
		}
		total, parts[i-1] = n, c.Value
	}
	if total > 0 {
		for _, p := range parts[:total] {
			if p == "" {
				return whole
			}
		}
		whole = append(whole, strings.Join(parts[:total], ""))
	}
	return whole
}

func (v *Vouch) verify(token string) (Identity, error) {
	deny := func(why string) (Identity, error) { return Identity{}, fmt.Errorf("%w: %s", ErrDenied, why) }
	if len(token) > maxCookie {
		return deny("cookie too long")
	}
	claims := jwt.MapClaims{}
	parsed, err := v.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		// RFC 7515 section 4.1.11: what must be understood and is not, is refused; compression (RFC 7516) too.
		for _, h := range []string{"crit", "zip"} {
			if _, there := t.Header[h]; there {
				return nil, errors.New("header " + h)
			}
		}
		return v.keys, nil
	})
	if err != nil || !parsed.Valid {
		return deny("cookie: " + errorKind(err))
	}
	for _, k := range []string{"exp", "nbf", "iat"} {
		if n, there := claims[k]; there && !integral(n) {
			return deny("cookie: " + k + " is no whole number of seconds")
		}
	}
	if _, text := claims["aud"].(string); claims["aud"] != nil && !text {
		return deny("cookie: aud is no text") // Vouch denies the list that RFC 7519 allows, too
	}
	username, _ := claims["username"].(string)
	if username == "" || len(username) > maxUsername {
		return deny("cookie: no username")
	}
	userID, ok := userIDOf(claims)
	if !ok {
		return deny("cookie: strange userID")
	}
	id := Identity{Username: username, UserID: userID, hash: hashOf(token)}
	if exp, err := claims.GetExpirationTime(); err == nil && exp != nil {
		id.expires = exp.Time
	} else if v.mustEnd {
		return deny("cookie: no exp")
	}
	id.unique = claims["exp"] != nil || claims["iat"] != nil || claims["nbf"] != nil || claims["jti"] != nil
	if !id.signedIn(claims[ours]) {
		return deny("cookie: strange account")
	}
	return id, nil
}

// ours is the claim of cookies that our own login has minted; Vouch Proxy passes over it.
const ours = "ringmaster"

// signedIn reads the account of a cookie of ours.
func (id *Identity) signedIn(claim any) bool {
	id.Session = id.hash
	if claim == nil {
		return true
	}
	fields, _ := claim.(map[string]any)
	user, ok1 := asID(fields["user"])
	generation, ok2 := asID(fields["gen"])
	session, ok3 := fields["sid"].(string)
	var a Account
	var err1, err2 error
	a.ID, err1 = strconv.ParseInt(user, 10, 64)
	a.Generation, err2 = strconv.ParseInt(generation, 10, 64)
	if !ok1 || !ok2 || !ok3 || session == "" || len(session) > maxUserID || err1 != nil || err2 != nil {
		return false
	}
	id.Account, id.Session = &a, session
	return true
}

// errorKind is jwt's error without what the token holds.
func errorKind(err error) string {
	for _, kind := range []error{jwt.ErrTokenMalformed, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet,
		jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenUnverifiable} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "not valid"
}

// integral is what Vouch demands of times: it denies fractions.
func integral(claim any) bool {
	n, ok := claim.(json.Number)
	if !ok {
		return false
	}
	_, err := n.Int64()
	return err == nil
}

// userIDOf reads the user's id at the top, where the CRM writes it, or among Vouch's custom claims, as a string or a number.
// Two that differ are one too many.
func userIDOf(claims jwt.MapClaims) (string, bool) {
	top, ok := asID(claims["userID"])
	if !ok {
		return "", false
	}
	custom, _ := claims["CustomClaims"].(map[string]any)
	inner, ok := asID(custom["userID"])
	if !ok || top != "" && inner != "" && top != inner {
		return "", false
	}
	if top == "" {
		top = inner
	}
	return top, true
}

func asID(claim any) (string, bool) {
	switch v := claim.(type) {
	case nil:
		return "", true
	case string:
		return v, len(v) <= maxUserID
	case json.Number:
		n, err := v.Int64()
		return strconv.FormatInt(n, 10), err == nil && n >= 0
	default:
		return "", false
	}
}

// Mint makes the cookie for a user who signed in with us: host-only, so that it reaches no other site. Vouch Proxy takes it
// too: no audience, no issue time that a slow clock could find in the future, and whole seconds. ttl is 1 min to 30 days.
func (v *Vouch) Mint(id Identity, ttl time.Duration) (*http.Cookie, error) {
	if id.Username == "" || len(id.Username) > maxUsername || len(id.UserID) > maxUserID {
		return nil, fmt.Errorf("access: mint cookie: want a user name of 1 to %d bytes and an id of at most %d", maxUsername, maxUserID)
	}
	if ttl < time.Minute || ttl > 30*24*time.Hour {
		return nil, fmt.Errorf("access: mint cookie: lifetime %v: want 1 minute to 30 days", ttl)
	}
	expires := v.now().Add(ttl)
	claims := jwt.MapClaims{"username": id.Username, "exp": expires.Unix()}
	if id.UserID != "" {
		claims["userID"] = id.UserID
		claims["CustomClaims"] = map[string]any{"userID": id.UserID}
	}
	if id.Account != nil {
		claims[ours] = map[string]any{"user": id.Account.ID, "gen": id.Account.Generation, "sid": id.Session}
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(v.secret)
	if err != nil {
		return nil, fmt.Errorf("access: mint cookie: %w", err)
	}
	return &http.Cookie{
		Name: CookieName, Value: token, Path: "/", Expires: expires, MaxAge: int(ttl.Seconds()),
		HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteLaxMode,
	}, nil
}
