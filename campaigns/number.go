package campaigns

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"github.com/creditorro/ringmaster/internal/reason"
)

// maxRawNumber bounds what is taken for a number, in bytes.
const maxRawNumber = 64

// NormalizeNumber reads a phone number as lists have it and returns its E.164 form, such as "+380501234567". National
// forms are read by the rules of region (ISO 3166, such as "UA"); with an empty region the number must be international:
// "+…", "00…". The error says what is wrong in words for the list's owner.
func NormalizeNumber(raw, region string) (string, error) {
	if len(raw) > maxRawNumber {
		return "", badNumber(whyTooLong(clip(raw)), "number of %d characters: want at most %d", len(raw), maxRawNumber)
	}
	digits, err := cleanNumber(raw)
	if err != nil {
		return "", err
	}
	if number, ok := ukrainian(digits, region); ok {
		return number, nil
	}
	return parseNumber(raw, digits, region)
}

// cleanNumber leaves digits and a leading plus.
func cleanNumber(raw string) (string, error) {
	s := strings.TrimSpace(raw)
	// Tricks by which lists keep a spreadsheet from eating the leading zero.
	s = strings.TrimPrefix(s, "'")
	if strings.HasPrefix(s, `="`) && strings.HasSuffix(s, `"`) && len(s) > 3 {
		s = s[2 : len(s)-1]
	}
	s = strings.TrimPrefix(s, "tel:")
	if i := strings.IndexByte(s, '.'); i > 0 && strings.Trim(s[i+1:], "0") == "" && len(s)-i <= 3 && allDigits(s[:i]) {
		s = s[:i] // a number that went through a floating point column: 380501234567.0
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' || r == '＋': // the second is the full-width one of East Asian keyboards
			if b.Len() > 0 {
				return "", badNumber(whyPlusInside(clip(raw)),
					"number %q has a plus inside: want one number a field", clip(raw))
			}
			b.WriteByte('+')
		case (r == 'E' || r == 'e') && i > 0 && isDigit(s[i-1]) && i+1 < len(s) && (s[i+1] == '+' || isDigit(s[i+1])):
			return "", badNumber(WhyScientific(clip(raw)),
				"number %q was turned into scientific notation by a spreadsheet, its last digits are lost: format the column as text and "+
					"export again", clip(raw))
		case r == ',' && strings.ContainsAny(s, "eE"):
			// the decimal comma of scientific notation, refused below
		case unicode.IsLetter(r):
			return "", badNumber(whyLetters(clip(raw)),
				"number %q has letters: want digits only, without an extension", clip(raw))
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Pd, r), strings.ContainsRune("().[]/·", r):
			// blanks, invisible direction marks of copied contacts, dashes, brackets
		default:
			return "", badNumber(whyCharacter(clip(raw), string(r)),
				"number %q has the character %q: want digits, blanks, brackets, dashes", clip(raw), string(r))
		}
	}
	digits := b.String()
	if strings.HasPrefix(digits, "00") {
		digits = "+" + digits[2:]
	}
	switch n := len(strings.TrimPrefix(digits, "+")); {
	case n == 0:
		return "", badNumber(whyNoDigits, "no number")
	case n < 5:
		return "", badNumber(whyTooShort(clip(raw)),
			"number %q is too short", clip(raw))
	case n > 15:
		return "", badNumber(whyTooLong(clip(raw)),
			"number %q is too long: E.164 allows 15 digits", clip(raw))
	}
	return digits, nil
}

// ukrainian is the fast path for the commonest lists: +380 and nine digits, and the national ways to write them. It
// knows only area and operator codes all of whose numbers are valid; the others go the long way.
func ukrainian(digits, region string) (string, bool) {
	var national string
	switch {
	case len(digits) == 13 && digits[:4] == "+380":
		national = digits[4:]
	case region != "UA":
		return "", false
	case len(digits) == 12 && digits[:3] == "380":
		national = digits[3:]
	case len(digits) == 11 && digits[:2] == "80": // as dialed from Soviet exchanges; common in lists
		national = digits[2:]
	case len(digits) == 10 && digits[0] == '0':
		national = digits[1:]
	case len(digits) == 9 && digits[0] != '+':
		national = digits
	default:
		return "", false
	}
	code := (national[0]-'0')*10 + national[1] - '0'
	if !ukrainianCodes[code] {
		return "", false
	}
	if len(digits) == 13 {
		return digits, true
	}
	return "+380" + national, true
}

// ukrainianCodes are the first two digits of nine that are valid whatever follows.
var ukrainianCodes = func() (codes [100]bool) {
	for _, c := range []byte{
		31, 32, 33, 34, 35, 36, 37, 38, 41, 43, 44, 45, 46, 47, 48, 51, 52, 53, 54, 55, 56, 57, 61, 62, 64, 65, 69, // areas
		39, 50, 63, 66, 67, 68, 73, 91, 92, 93, 94, 95, 96, 97, 98, 99, // mobile
	} {
		codes[c] = true
	}
	return codes
}()

// parseNumber is the long way, by the metadata of libphonenumber.
func parseNumber(raw, digits, region string) (string, error) {
	international := strings.HasPrefix(digits, "+")
	if international && (fictional(digits) || valid(digits)) {
		return digits, nil
	}
	if !international && region == "" {
		return "", badNumber(whyNoCountry(clip(raw)),
			"number %q has no country code: write +, the country code and the number, or set the campaign's region", clip(raw))
	}
	if region == "UA" && len(digits) == 11 && digits[:2] == "80" {
		digits = digits[1:]
	}
	n, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return "", badNumber(whyNotANumber(clip(raw)),
			"number %q is not a phone number", clip(raw))
	}
	number := phonenumbers.Format(n, phonenumbers.E164)
	if !fictional(number) && !phonenumbers.IsValidNumber(n) {
		if international {
			return "", badNumber(whyNotInPlan(clip(raw), fmt.Sprintf("+%d", n.GetCountryCode())),
				"number %q does not exist in the numbering plan of %s", clip(raw), fmt.Sprintf("+%d", n.GetCountryCode()))
		}
		return "", badNumber(whyNotInRegion(clip(raw), region),
			"number %q does not exist in %s: write + and the country code if it is a foreign one", clip(raw), region)
	}
	return number, nil
}

// valid reports whether digits are an international number as it stands, without anything to strip. It saves the library's
// parser, which costs twice as much as its judgement.
func valid(digits string) bool {
	for n := 1; n <= 3 && n+1 < len(digits); n++ {
		code, err := strconv.Atoi(digits[1 : 1+n])
		if err != nil || !callingCodes[code] {
			continue
		}
		if digits[1+n] == '0' {
			return false // a trunk prefix, or Italy: for the parser to tell
		}
		national, err := strconv.ParseUint(digits[1+n:], 10, 64)
		if err != nil {
			return false
		}
		country := int32(code)
		return phonenumbers.IsValidNumber(&phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &national})
	}
	return false
}

var callingCodes = phonenumbers.GetSupportedCallingCodes()

// fictional reports the mobile numbers that Ofcom keeps for drama: they ring nowhere, so demonstrations and tests use
// them, though the numbering plan does not list them.
func fictional(number string) bool {
	return len(number) == 13 && strings.HasPrefix(number, "+447700900")
}

// NumberKind is what kind of number one is.
type NumberKind string

// The kinds that numbering plans tell apart; empty: this one does not.
const (
	MobileNumber NumberKind = "mobile"
	FixedNumber  NumberKind = "fixed"
)

// KindOf is the kind of a number, which is E.164. Source: libphonenumber.
func KindOf(number string) NumberKind {
	if fictional(number) {
		return MobileNumber
	}
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ""
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE:
		return MobileNumber
	case phonenumbers.FIXED_LINE:
		return FixedNumber
	}
	return ""
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// knownRegion reports whether numbers can be read by the rules of the region.
func knownRegion(region string) bool { return phonenumbers.GetSupportedRegions()[region] }

// badNumber refuses what cannot be called. Its text is what lists' reports show.
func badNumber(why reason.Reason, format string, args ...any) error {
	return reason.New(reason.Invalid, why, fmt.Sprintf(format, args...))
}

const maxShown = 60 // bytes of a bad number that its refusal shows

func clip(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}
