package campaigns

import (
	"hash/fnv"

	"github.com/nyaruka/phonenumbers"
)

// maxCallerIDs bounds [Campaign].CallerIDs.
const maxCallerIDs = 200

// CallerIDFor is the number that a campaign shows to a customer, E.164; empty: the phone network's default. Of the campaign's own
// numbers it is one of those that are nearest to the customer's: of the same region (libphonenumber's, so that Canada is not the
// United States), else of the same country code, else any; and among those one whose area or operator code begins as theirs.
//
// Among equals the person decides, so that somebody who is called again sees the same number, also from another node: each number
// has a weight for each person (rendezvous hashing), and the heaviest is shown. A number that is added or taken away changes what
// is shown to those alone for whom it is the heaviest. person is whoever the attempt is at: the CRM's id, else the number.
func (c *Campaign) CallerIDFor(person, customer string) string {
	if len(c.CallerIDs) == 0 {
		return c.CallerID
	}
	to := placeOf(customer)
	best, nearest, heaviest := "", -1, uint64(0)
	for _, own := range c.CallerIDs {
		near, weight := to.near(placeOf(own)), weightOf(own, person)
		if near > nearest || near == nearest && (weight > heaviest || weight == heaviest && own < best) {
			best, nearest, heaviest = own, near, weight
		}
	}
	return best
}

// place is where a number is from, by the numbering plan.
type place struct {
	region   string // ISO 3166; empty: unknown, or of no country
	country  int32  // calling code; 0: it cannot be read
	national string // without it
	area     string // area code, or operator's; empty: the plan has none
}

func placeOf(number string) place {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return place{}
	}
	p := place{region: phonenumbers.GetRegionCodeForNumber(n), country: n.GetCountryCode(),
		national: phonenumbers.GetNationalSignificantNumber(n)}
	if size := phonenumbers.GetLengthOfNationalDestinationCode(n); size > 0 && size < len(p.national) {
		p.area = p.national[:size]
	}
	return p
}

// near is how near an own number is to a customer's: the greater, the nearer.
func (p place) near(own place) int {
	if p.country == 0 || p.country != own.country {
		return 0
	}
	const sameCountry, sameRegion = 1, 100 // a region outweighs what digits have in common
	near := sameCountry
	if p.region != "" && p.region == own.region {
		near = sameRegion
	}
	// As many digits as both have in common, no more than the own number's code has: numbers of one area are equals. One digit alone
	// says nothing of where somebody is.
	common := 0
	for common < min(len(own.area), len(p.national)) && p.national[common] == own.area[common] {
		common++
	}
	if common > 1 {
		near += common
	}
	return near
}

func weightOf(own, person string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(own + "\n" + person)) // it never fails
	// FNV's high bits hardly change by the last characters: they are mixed (the finisher of splitmix64, public domain).
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
