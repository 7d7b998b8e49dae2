package campaigns

import (
	"fmt"
	"slices"
	"testing"
)

// TestCallerIDFor: the own number that is nearest to the customer is shown, by country, then by area code.
func TestCallerIDFor(t *testing.T) {
	const (
		kyiv, lviv, mobile = "+380441234567", "+380322345678", "+380671234567"
		london, leeds      = "+442079460001", "+441134960001"
		newYork, toronto   = "+12125550123", "+14165550123"
	)
	all := []string{kyiv, lviv, mobile, london, leeds, newYork, toronto}
	for _, row := range []struct {
		name, customer string
		own            []string
		want           []string // one of these
	}{
		{"no list: the campaign's one number", "+380501112233", nil, []string{"+380440000000"}},
		{"area code", "+380447654321", all, []string{kyiv}},
		{"another area code", "+380327654321", all, []string{lviv}},
		{"operator's code", "+380677654321", all, []string{mobile}},
		{"an operator that we have no number of: any of the country", "+380507654321", all, []string{kyiv, lviv, mobile}},
		{"London", "+442079460999", all, []string{london}},
		{"a British mobile: any of the country", "+447700900123", all, []string{london, leeds}},
		{"Canada is not the United States", "+16045550199", all, []string{toronto}},
		{"the other state", "+13105550199", all, []string{newYork}},
		{"the calling code is all that fits", "+16045550199", []string{kyiv, newYork}, []string{newYork}},
		{"no number of the country: any", "+48501234567", all, all},
		{"a number that cannot be read: any", "x", all, all},
	} {
		c := &Campaign{CallerID: "+380440000000", CallerIDs: row.own}
		for person := range 50 {
			got := c.CallerIDFor(fmt.Sprint(person), row.customer)
			if !slices.Contains(row.want, got) {
				t.Errorf("%s: %s sees %s, want one of %v", row.name, row.customer, got, row.want)
				break
			}
			if again := c.CallerIDFor(fmt.Sprint(person), row.customer); again != got {
				t.Errorf("%s: %s, then %s", row.name, got, again)
			}
		}
	}
}

// TestCallerIDsRotate: equals are shared out evenly among people; a new number takes its share, and nobody else sees another one.
func TestCallerIDsRotate(t *testing.T) {
	var own []string
	for i := range 10 {
		own = append(own, fmt.Sprintf("+38044123456%d", i))
	}
	const people = 20_000
	before, after := &Campaign{CallerIDs: own[:9]}, &Campaign{CallerIDs: own}
	seen, moved := map[string]int{}, 0
	for i := range people {
		person, customer := fmt.Sprint(10_000_000+i), "+380501234567"
		was, is := before.CallerIDFor(person, customer), after.CallerIDFor(person, customer)
		seen[is]++
		if was != is {
			moved++
			if is != own[9] {
				t.Fatalf("person %s saw %s, and sees %s now that %s is there", person, was, is, own[9])
			}
		}
	}
	for _, number := range own {
		if n := seen[number]; n < people/10*9/10 || n > people/10*11/10 {
			t.Errorf("%s is shown to %d of %d", number, n, people)
		}
	}
	if moved != seen[own[9]] {
		t.Errorf("%d see another number, want the %d of the new one", moved, seen[own[9]])
	}
	// The order of the list says nothing.
	turned := slices.Clone(own)
	slices.Reverse(turned)
	if a, b := after.CallerIDFor("7", "+380501234567"), (&Campaign{CallerIDs: turned}).CallerIDFor("7", "+380501234567"); a != b {
		t.Errorf("%s, turned round %s", a, b)
	}
}
