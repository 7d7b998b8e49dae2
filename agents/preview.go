package agents

import "strings"

// Shows says whether a number as typed is that of the contact that the agent is shown: with its +, with 00, without either, or as
// people of the country write it.
func (l Live) Shows(typed string) bool {
	if l.Preview == nil {
		return false
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, typed)
	want := strings.TrimPrefix(l.Preview.Number, "+")
	if strings.TrimPrefix(digits, "00") == want {
		return true
	}
	const national = 8 // digits at least by which a number is told from others
	rest := strings.TrimLeft(digits, "0")
	return !strings.Contains(typed, "+") && len(rest) >= national && len(rest) < len(digits) && strings.HasSuffix(want, rest)
}
