// Package reason holds why something is so: a refusal, an error, a finding, as data. A [Reason] is a stable key and typed
// arguments; words are made of it at the edges alone, in the reader's language, by internal/phrasebook.
//
// A room defines its reasons as variables, and gets functions whose arguments the compiler checks:
//
//	var tooOften = reason.With2[int, string]("policy.per_day", "count", "zone")
//
//	return tooOften(3, "Europe/Kyiv")
//
// Keys and arguments are a contract: they are stored and sent, and CRMs tell cases apart by them. A key is never given another
// meaning; the words of a key may change at any time. Each key has its words in web/messages, which a test of internal/phrasebook
// checks.
package reason
