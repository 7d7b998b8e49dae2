package lists

import (
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// regionOfCode is the main region of a calling code such as "48"; "" when there is no such code.
func regionOfCode(code string) string {
	n, err := strconv.Atoi(code)
	if err != nil || len(code) > 3 || code[0] == '0' {
		return ""
	}
	region := phonenumbers.GetRegionCodeForCountryCode(n)
	if region == "ZZ" || region == "001" {
		return ""
	}
	return region
}

// countries are the regions by their names in some languages, and by their codes.
var countries = sync.OnceValue(func() map[string]string {
	all := map[string]string{"uk": "GB", "england": "GB", "usa": "US", "u.s.a.": "US", "сша": "US", "англія": "GB", "англия": "GB",
		"рф":      "RU",
		"україна": "UA", "украина": "UA", "ukraina": "UA", "молдова": "MD", "молдавия": "MD", "чехія": "CZ", "чехия": "CZ"}
	namers := []display.Namer{display.Regions(language.English), display.Regions(language.Ukrainian),
		display.Regions(language.Russian),
		display.Regions(language.Polish), display.Regions(language.German)}
	for code := range phonenumbers.GetSupportedRegions() {
		region, err := language.ParseRegion(code)
		if err != nil {
			continue
		}
		all[strings.ToLower(code)] = code
		all[strings.ToLower(region.ISO3())] = code
		for _, n := range namers {
			if name := n.Name(region); name != "" {
				all[strings.ToLower(name)] = code
			}
		}
	}
	return all
})

// regionNamed finds a country by its name or code; "" when it is not known.
func regionNamed(name string) string { return countries()[strings.ToLower(strings.Trim(name, " ."))] }
