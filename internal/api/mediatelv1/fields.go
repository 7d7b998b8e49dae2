package mediatelv1

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Bounds of what is kept of one thing.
const (
	maxFields  = 200
	maxKey     = 100      // characters of a field's name
	maxProfile = 16 << 10 // bytes
)

// fields is a JSON object that was sent. A field that is null counts as not sent.
type fields map[string]json.RawMessage

func readBody(body io.Reader) (fields, error) {
	decoder := json.NewDecoder(body)
	var f fields
	if err := decoder.Decode(&f); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, invalid("the body is no JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("something follows the JSON object in the body")
	}
	return f, f.check()
}

func (f fields) check() error {
	if f == nil {
		return invalid("want a JSON object")
	}
	if len(f) > maxFields {
		return invalid("more than %d fields", maxFields)
	}
	for name := range f {
		if name == "" || len(name) > maxKey {
			return invalid("a field's name is empty or longer than %d bytes", maxKey)
		}
	}
	return nil
}

func (f fields) has(name string) bool {
	v, there := f[name]
	return there && string(v) != "null"
}

// text reads a field of at most limit bytes; numbers count as texts, for some clients send names so.
func (f fields) text(name string, limit int) (string, error) {
	if !f.has(name) {
		return "", nil
	}
	var s string
	var n json.Number
	if json.Unmarshal(f[name], &s) != nil {
		if json.Unmarshal(f[name], &n) != nil {
			return "", invalid("%s: want a text", name)
		}
		s = n.String()
	}
	if len(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		return "", invalid("%s: want at most %d bytes without control characters", name, limit)
	}
	return s, nil
}

// name reads what something is known by.
func (f fields) name(name string, blanks bool) (string, error) {
	s, err := f.text(name, 64)
	if err != nil || s == "" || strings.TrimSpace(s) != s || !blanks && strings.ContainsAny(s, " \u00a0") {
		return "", badName("%s: want 1 to 64 bytes without blanks", name)
	}
	return s, nil
}

// number reads a field that is a number, or one in quotes.
func (f fields) number(name string) (int64, error) {
	if !f.has(name) {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(string(f[name]), `"`), 10, 64)
	if err != nil {
		return 0, invalid("%s: want a whole number", name)
	}
	return n, nil
}

// flag reads a field that is true or false, 1 or 0, in quotes or not.
func (f fields) flag(name string) (bool, error) {
	switch strings.Trim(string(f[name]), `"`) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, invalid("%s: want 1 or 0", name)
}

// texts reads a list of texts, or one text with commas.
func (f fields) texts(name string, most int) ([]string, error) {
	var list []string
	if json.Unmarshal(f[name], &list) != nil {
		var s string
		if json.Unmarshal(f[name], &s) != nil {
			return nil, invalid("%s: want a list of texts", name)
		}
		list = strings.Split(strings.Trim(s, "{}"), ",")
	}
	clean := []string{}
	for _, s := range list {
		if s = strings.TrimSpace(s); s == "" || slices.Contains(clean, s) {
			continue
		}
		if len(s) > 128 || strings.ContainsFunc(s, unicode.IsControl) {
			return nil, invalid("%s: want texts of at most 128 bytes", name)
		}
		clean = append(clean, s)
	}
	if len(clean) > most {
		return nil, invalid("%s: want at most %d", name, most)
	}
	return clean, nil
}

// names lists what was sent, for the audit log.
func (f fields) names() string { return strings.Join(slices.Sorted(maps.Keys(f)), ", ") }

// merge keeps the fields that are none of ours in a profile, over those that were there. Whatever may hold a password is
// left out, at any depth.
func merge(profile json.RawMessage, f fields, ours []string) (json.RawMessage, error) {
	kept := fields{}
	if profile != nil {
		if err := json.Unmarshal(profile, &kept); err != nil {
			return nil, fmt.Errorf("mediatelv1: stored profile: %w", err)
		}
	}
	for name, value := range f {
		if !slices.Contains(ours, name) {
			kept[name] = value
		}
	}
	if err := kept.dropSecrets(); err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, nil
	}
	if err := kept.check(); err != nil {
		return nil, err
	}
	text, err := plain(kept)
	if err != nil {
		return nil, fmt.Errorf("mediatelv1: profile: %w", err)
	}
	if len(text) > maxProfile {
		return nil, invalid("the fields that are kept have %d bytes together: want at most %d", len(text), maxProfile)
	}
	return text, nil
}

// secretWords give a field away wherever they stand in its name, however that is written: ApiKey, api_key, X-API-KEY.
var secretWords = []string{"pass", "pwd", "hash", "secret", "token", "apikey", "accesskey", "privatekey", "credential",
	"authorization", "pincode"}

// secret says whether a field may hold a password, by its name. Dropping one field too many is the lesser evil.
func secret(name string) bool {
	squeezed := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	for _, word := range secretWords {
		if strings.Contains(squeezed, word) {
			return true
		}
	}
	return pin.MatchString(name)
}

// pin is a word of its own: SIPPin, user_pin and PIN2 hold one, Pinned and Shipping do not.
var pin = regexp.MustCompile(`(^|[^A-Za-z])[Pp][Ii][Nn]([^a-z]|$)|[A-Za-z]P(in|IN)([^a-z]|$)`)

// dropSecrets leaves out whatever may be a password, at any depth.
func (f fields) dropSecrets() error {
	for name, value := range f {
		if secret(name) {
			delete(f, name)
			continue
		}
		clean, err := withoutSecrets(value)
		if err != nil {
			return invalid("%s: %v", name, err)
		}
		f[name] = clean
	}
	return nil
}

// withoutSecrets leaves a value as it came, unless something in it may be a password.
func withoutSecrets(value json.RawMessage) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, errors.New("want JSON")
	}
	if !dropSecrets(v) {
		return value, nil
	}
	return plain(v)
}

func dropSecrets(v any) (dropped bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if secret(name) {
				delete(v, name)
				dropped = true
			} else if dropSecrets(inner) {
				dropped = true
			}
		}
	case []any:
		for _, inner := range v {
			if dropSecrets(inner) {
				dropped = true
			}
		}
	}
	return dropped
}

// plain is JSON without the escapes that only pages need.
func plain(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
