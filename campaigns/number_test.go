package campaigns

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestNormalizeNumber(t *testing.T) {
	tests := []struct{ raw, region, want string }{
		{"+380501234567", "UA", "+380501234567"},
		{"+380501234567", "", "+380501234567"},
		{"380501234567", "UA", "+380501234567"},
		{"0501234567", "UA", "+380501234567"},
		{"501234567", "UA", "+380501234567"},
		{"80501234567", "UA", "+380501234567"}, // the 8 of old exchanges
		{"8 (050) 123-45-67", "UA", "+380501234567"},
		{"00380501234567", "UA", "+380501234567"},
		{"00380501234567", "", "+380501234567"},
		{" +38 (050) 123-45-67 ", "UA", "+380501234567"},
		{"+38 050 123 45 67", "UA", "+380501234567"},
		{"050.123.45.67", "UA", "+380501234567"},
		{"050/123-45-67", "UA", "+380501234567"},
		{"\u202a+380501234567\u202c", "UA", "+380501234567"}, // copied from a phone's contacts
		{"050\u00a0123\u201145\u201367", "UA", "+380501234567"},
		{"'0501234567", "UA", "+380501234567"},
		{`="0501234567"`, "UA", "+380501234567"},
		{"380501234567.0", "UA", "+380501234567"},
		{"tel:+380501234567", "", "+380501234567"},
		{"＋380501234567", "", "+380501234567"},
		{"0800123456", "UA", "+380800123456"}, // not among the fast ones
		{"+447700900123", "", "+447700900123"},
		{"07700 900123", "GB", "+447700900123"},
		{"020 7946 0018", "GB", "+442079460018"},
		{"+44 (0)20 7946 0018", "", "+442079460018"},
		{"(212) 555-0123", "US", "+12125550123"},
		{"+390612345678", "", "+390612345678"}, // Italy keeps its zero
	}
	for _, tt := range tests {
		if got, err := NormalizeNumber(tt.raw, tt.region); err != nil || got != tt.want {
			t.Errorf("%q in %q: %q %v, want %q", tt.raw, tt.region, got, err, tt.want)
		}
	}
}

func TestNormalizeNumberRefuses(t *testing.T) {
	tests := []struct{ raw, region, why string }{
		{"3.80501E+11", "UA", "scientific notation"},
		{"3,80501E+11", "UA", "scientific notation"},
		{"3.80501e11", "UA", "scientific notation"},
		{"", "UA", "no number"},
		{"()", "UA", "no number"},
		{"немає", "UA", "letters"},
		{"0501234567 ext 12", "UA", "letters"},
		{"0501234567#12", "UA", "character"},
		{"0501234567+1", "UA", "plus inside"},
		{"0501234567", "", "country code"},
		{"050123", "UA", "does not exist"},
		{"12", "UA", "too short"},
		{"+3805012345678901", "UA", "too long"},
		{"+0501234567", "UA", "not a phone number"},
		{"+380001234567", "UA", "does not exist"},
		{"+44 7700 90012", "", "does not exist"},
		{"48501234567", "UA", "foreign"},
		{strings.Repeat("1", 65), "UA", "at most 64"},
	}
	for _, tt := range tests {
		got, err := NormalizeNumber(tt.raw, tt.region)
		if err == nil {
			t.Errorf("%q in %q: %q, want a refusal", tt.raw, tt.region, got)
		} else if !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%q in %q: %q, want %q in it", tt.raw, tt.region, err, tt.why)
		}
	}
}

// TestUkrainianCodes: each code of the fast path is valid whatever follows, by libphonenumber.
func TestUkrainianCodes(t *testing.T) {
	for code, fast := range ukrainianCodes {
		if !fast {
			continue
		}
		for _, rest := range []string{"0000000", "9999999", "1234567", "5050505", "2000002", "7700077"} {
			number := fmt.Sprintf("+380%02d%s", code, rest)
			n, err := phonenumbers.Parse(number, "")
			if err != nil || !phonenumbers.IsValidNumber(n) {
				t.Errorf("%s is not valid", number)
			}
		}
	}
}

// FuzzNormalizeNumber: whatever comes, the answer is an E.164 number that stays itself, and that libphonenumber's own
// parser agrees with where it was given with a plus.
func FuzzNormalizeNumber(f *testing.F) {
	for _, raw := range []string{"+380501234567", "80501234567", "3.80501E+11", `="050"`, "+44 (0)20 7946 0018", "'", "\u202a+",
		"00", "+39061234", "１２３", "+5491123456789"} {
		f.Add(raw, "UA")
		f.Add(raw, "")
		f.Add(raw, "US")
	}
	f.Fuzz(func(t *testing.T, raw, region string) {
		if region != "" && !knownRegion(region) {
			return
		}
		number, err := NormalizeNumber(raw, region)
		if err != nil {
			return
		}
		if number[0] != '+' || !allDigits(number[1:]) || len(number) > 16 {
			t.Fatalf("%q in %q: %q", raw, region, number)
		}
		if again, err := NormalizeNumber(number, region); err != nil || again != number {
			t.Fatalf("%q in %q: %q, then %q %v", raw, region, number, again, err)
		}
		n, err := phonenumbers.Parse(number, "")
		if err != nil {
			t.Fatalf("%q: %q: %v", raw, number, err)
		}
		if lib := phonenumbers.Format(n, phonenumbers.E164); lib != number {
			t.Fatalf("%q in %q: %q, the library says %q", raw, region, number, lib)
		}
	})
}

func BenchmarkNormalizeNumber(b *testing.B) {
	for _, number := range []string{"+380501234567", "80501234567", "+447700900123", "+34612345678"} {
		b.Run(number, func(b *testing.B) {
			for range b.N {
				if _, err := NormalizeNumber(number, "UA"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
