package testdeps

import "testing"

// TestFreeAddress: what one caller was given no other is, until the first one's test has ended.
func TestFreeAddress(t *testing.T) {
	given := map[string]bool{}
	for range 200 {
		address := FreeAddress(t)
		if given[address] {
			t.Fatalf("%s was given twice", address)
		}
		given[address] = true
	}
}
