package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	secret    = "0123456789abcdef0123456789abcdef"
	oldSecret = "fedcba9876543210fedcba9876543210"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func at() time.Time { return now }

// forge makes a token of any header and claims, as a stranger would.
func forge(header, claims, key string, h func() hash.Hash) string {
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(header)) + "." + b64([]byte(claims))
	if h == nil {
		return signed + "."
	}
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + b64(mac.Sum(nil))
}

func hs256(claims string) string {
	return forge(`{"alg":"HS256","typ":"JWT"}`, claims, secret, sha256.New)
}

func request(cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/mediatel/socket.io/", nil)
	for _, c := range cookies {
		r.Header.Add("Cookie", c)
	}
	return r
}

func vouch(tb testing.TB) *Vouch {
	tb.Helper()
	v, err := NewVouch(VouchOptions{Secrets: []string{secret, oldSecret}, Now: at})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestVouchAccepts(t *testing.T) {
	v := vouch(t)
	one := func(token string) []string { return []string{"VouchCookie=" + token} }
	long := hs256(`{"username":"a@example.com","userID":"12341","pad":"` + strings.Repeat("x", 4200) + `"}`)
	for name, c := range map[string]struct {
		cookies []string
		userID  string
	}{
		"userID a string":         {one(hs256(`{"username":"a@example.com","userID":"12341"}`)), "12341"},
		"userID a number":         {one(hs256(`{"username":"a@example.com","userID":12341}`)), "12341"},
		"userID in custom claims": {one(hs256(`{"username":"a@example.com","CustomClaims":{"userID":"12341"}}`)), "12341"},
		"userID in both places": {one(hs256(`{"username":"a@example.com","userID":12341,"CustomClaims":{"userID":"12341"}}`)),
			"12341"},
		"no userID":                  {one(hs256(`{"username":"a@example.com"}`)), ""},
		"exp in the future":          {one(hs256(`{"username":"a@example.com","exp":1772442001}`)), ""},
		"iat in the past":            {one(hs256(`{"username":"a@example.com","iat":1772441000}`)), ""},
		"the secret before":          {one(forge(`{"alg":"HS256"}`, `{"username":"a@example.com"}`, oldSecret, sha256.New)), ""},
		"split in two":               {[]string{"VouchCookie_1of2=" + long[:4000] + "; VouchCookie_2of2=" + long[4000:]}, "12341"},
		"split, second part first":   {[]string{"VouchCookie_2of2=" + long[4000:] + "; VouchCookie_1of2=" + long[:4000]}, "12341"},
		"a bad one before":           {[]string{"VouchCookie=nonsense; VouchCookie=" + hs256(`{"username":"a@example.com"}`)}, ""},
		"an audience, as Vouch's":    {one(hs256(`{"username":"a@example.com","aud":"example.com"}`)), ""},
		"exp passed by a skew":       {one(hs256(`{"username":"a@example.com","exp":1772441980}`)), ""},
		"iat ahead by a skew":        {one(hs256(`{"username":"a@example.com","iat":1772442020}`)), ""},
		"nbf ahead by a skew":        {one(hs256(`{"username":"a@example.com","nbf":1772442020}`)), ""},
		"userID a large number":      {one(hs256(`{"username":"a@example.com","userID":9007199254740993}`)), "9007199254740993"},
		"among other sites' cookies": {[]string{"a=b; VouchCookie=" + hs256(`{"username":"a@example.com"}`) + "; VouchCookieX=c"}, ""},
	} {
		id, err := v.Identify(request(c.cookies...))
		if err != nil || id.Username != "a@example.com" || id.UserID != c.userID {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
}

func TestVouchRefuses(t *testing.T) {
	v := vouch(t)
	good := hs256(`{"username":"a@example.com","userID":"12341"}`)
	parts := strings.Split(good, ".")
	for name, cookie := range map[string]string{
		"none":                    "",
		"empty":                   "VouchCookie=",
		"another name":            "vouchcookie=" + good,
		"nonsense":                "VouchCookie=abc",
		"two parts":               "VouchCookie=" + parts[0] + "." + parts[1],
		"four parts":              "VouchCookie=" + good + ".x",
		"no signature":            "VouchCookie=" + parts[0] + "." + parts[1] + ".",
		"a wrong signature":       "VouchCookie=" + parts[0] + "." + parts[1] + "." + strings.Repeat("A", 43),
		"signature of other text": "VouchCookie=" + parts[0] + ".eyJ1c2VybmFtZSI6ImIifQ." + parts[2],
		"another secret": "VouchCookie=" + forge(`{"alg":"HS256"}`, `{"username":"a"}`, "an0ther-secret-of-thirty-two-byte",
			sha256.New),
		"an empty secret":          "VouchCookie=" + forge(`{"alg":"HS256"}`, `{"username":"a"}`, "", sha256.New),
		"alg none":                 "VouchCookie=" + forge(`{"alg":"none"}`, `{"username":"a"}`, "", nil),
		"alg None":                 "VouchCookie=" + forge(`{"alg":"None"}`, `{"username":"a"}`, "", nil),
		"alg none with HS256's":    "VouchCookie=" + forge(`{"alg":"none"}`, `{"username":"a"}`, secret, sha256.New),
		"no alg":                   "VouchCookie=" + forge(`{}`, `{"username":"a"}`, secret, sha256.New),
		"alg HS512":                "VouchCookie=" + forge(`{"alg":"HS512"}`, `{"username":"a"}`, secret, sha512.New),
		"alg RS256, secret as key": "VouchCookie=" + forge(`{"alg":"RS256"}`, `{"username":"a"}`, secret, sha256.New),
		"crit": "VouchCookie=" + forge(`{"alg":"HS256","crit":["b64"],"b64":false}`, `{"username":"a"}`, secret,
			sha256.New),
		"zip":                    "VouchCookie=" + forge(`{"alg":"HS256","zip":"DEF"}`, `{"username":"a"}`, secret, sha256.New),
		"compressed by Vouch":    "VouchCookie=H4sIAAAAAAAC_6pWSkxOUbJSMDQyNjE1M7cwMKgFAAAA__8BAAD__w",
		"no username":            "VouchCookie=" + hs256(`{"userID":"12341"}`),
		"an empty username":      "VouchCookie=" + hs256(`{"username":"","userID":"12341"}`),
		"username a number":      "VouchCookie=" + hs256(`{"username":7}`),
		"username too long":      "VouchCookie=" + hs256(`{"username":"`+strings.Repeat("a", 257)+`"}`),
		"userID an object":       "VouchCookie=" + hs256(`{"username":"a","userID":{"$ne":1}}`),
		"userID a fraction":      "VouchCookie=" + hs256(`{"username":"a","userID":12341.5}`),
		"userID below none":      "VouchCookie=" + hs256(`{"username":"a","userID":-1}`),
		"userIDs that differ":    "VouchCookie=" + hs256(`{"username":"a","userID":"1","CustomClaims":{"userID":"2"}}`),
		"expired":                "VouchCookie=" + hs256(`{"username":"a","exp":1772441900}`),
		"exp a fraction":         "VouchCookie=" + hs256(`{"username":"a","exp":1872442001.5}`),
		"exp a text":             "VouchCookie=" + hs256(`{"username":"a","exp":"1872442001"}`),
		"nbf in the future":      "VouchCookie=" + hs256(`{"username":"a","nbf":1772442100}`),
		"iat in the future":      "VouchCookie=" + hs256(`{"username":"a","iat":1772442100}`),
		"iat a fraction":         "VouchCookie=" + hs256(`{"username":"a","iat":1772441000.5}`),
		"aud a list":             "VouchCookie=" + hs256(`{"username":"a","aud":["example.com"]}`),
		"aud a number":           "VouchCookie=" + hs256(`{"username":"a","aud":7}`),
		"username null":          "VouchCookie=" + hs256(`{"username":null}`),
		"split, compressed":      "VouchCookie_1of2=H4sIAAAAAAAC_6pWSkxOUbJSMDQyNjE1; VouchCookie_2of2=M7cwMKgFAAAA__8BAAD__w",
		"claims are a list":      "VouchCookie=" + hs256(`["username"]`),
		"claims are no JSON":     "VouchCookie=" + hs256(`{"username":"a"`),
		"too long":               "VouchCookie=" + hs256(`{"username":"a","x":"`+strings.Repeat("x", 9000)+`"}`),
		"a part is missing":      "VouchCookie_1of2=" + good,
		"part of too many":       "VouchCookie_1of9=" + good,
		"part zero":              "VouchCookie_0of2=" + good + "; VouchCookie_1of2=x",
		"parts that disagree":    "VouchCookie_1of2=" + parts[0] + "; VouchCookie_2of3=" + parts[1],
		"five bad before a good": strings.Repeat("VouchCookie=x; ", 5) + "VouchCookie=" + good,
	} {
		if id, err := v.Identify(request(cookie)); !errors.Is(err, ErrDenied) || id != (Identity{}) {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
}

func TestMintedCookieIsVouchs(t *testing.T) {
	v := vouch(t)
	c, err := v.Mint(Identity{Username: "a@example.com", UserID: "12341"}, 12*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Path != "/" {
		t.Errorf("%+v", c)
	}
	claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(c.Value, ".")[1])
	if want := `{"CustomClaims":{"userID":"12341"},"exp":1772485200,"userID":"12341","username":"a@example.com"}`; string(
		claims) != want {
		t.Errorf("claims %s, want %s", claims, want)
	}
	if id, err := v.Identify(request(c.String())); err != nil || id.UserID != "12341" {
		t.Errorf("%+v, %v", id, err)
	}
	for _, id := range []Identity{{}, {Username: strings.Repeat("a", 300)}} {
		if _, err := v.Mint(id, time.Hour); err == nil {
			t.Errorf("minted %+v", id)
		}
	}
	if _, err := v.Mint(Identity{Username: "a"}, time.Second); err == nil {
		t.Error("minted a cookie for a second")
	}
	if _, err := NewVouch(VouchOptions{Secrets: []string{"short"}}); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("a short secret: %v", err)
	}
	if _, err := NewVouch(VouchOptions{}); err == nil {
		t.Error("no secret")
	}
}

// FuzzVouch: nothing that is not signed by us names a user, and nothing makes it fall over.
func FuzzVouch(f *testing.F) {
	v := vouch(f)
	f.Add("VouchCookie=" + hs256(`{"username":"a"}`)[:20])
	f.Add("VouchCookie_1of2=a; VouchCookie_2of2=b")
	f.Add("VouchCookie=" + forge(`{"alg":"none"}`, `{"username":"a"}`, "", nil))
	f.Fuzz(func(t *testing.T, cookie string) {
		id, err := v.Identify(request(cookie))
		if err == nil {
			t.Fatalf("named %+v", id)
		}
		if !errors.Is(err, ErrDenied) {
			t.Fatal(err)
		}
	})
}

// FuzzClaims: signed claims of any shape name a user of sane size or nobody.
func FuzzClaims(f *testing.F) {
	v := vouch(f)
	f.Add(`{"username":"a","userID":12341,"exp":1872442001}`)
	f.Add(`{"username":"a","CustomClaims":[1]}`)
	f.Fuzz(func(t *testing.T, claims string) {
		id, err := v.Identify(request("VouchCookie=" + hs256(claims)))
		if err == nil && (id.Username == "" || len(id.Username) > maxUsername || len(id.UserID) > maxUserID) {
			t.Fatalf("named %+v", id)
		}
	})
}
