// Package pacing decides how many calls to originate now, and which ringing calls to give up. It is pure: a [Snapshot] of the
// moment goes in, a [Decision] with the numbers behind it comes out; the clock is in the snapshot, there is no chance, and
// nothing of ours is imported.
//
// Predictively, one more call is dialed while the chance that nobody is free when it is answered stays below a limit:
//
//   - how likely a call is answered, and when, is learned from the calls that ended; what a ringing call may still bring depends
//     on how long it has rung (answers.go);
//   - who will be free at that moment is learned from how talks, wrap-ups and pauses ended, given how long each has
//     lasted (spells.go, team.go);
//   - both together are a sum of independent chances, of which the lower tail is the risk (risk.go);
//   - the limit follows the account of abandoned calls: what the cap still allows, in the day and in half an hour
//     (account.go, limit.go).
//
// Where something is amiss the decision falls back to progressive, one call a free agent, or to no call at all. docs/pacing.md
// explains the rule and has its figures.
package pacing
