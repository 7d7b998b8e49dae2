// Package campaigns knows whom to call, when, and why not.
//
// A [Campaign] is a plan made by a supervisor; a [Contact] is one person to reach in it. Whether a contact may be
// called at this moment is decided by one pure function, [Decide]: it is given everything it judges by (the campaign's
// rules, the contact, the person's past calls, the clock) and answers a [Verdict], which is data: either a permit with
// the moment it runs out, or every refusal with its rule and the next eligible time.
//
// The package touches no network and no database. Lists of contacts are read by campaigns/lists, line by
// line: a [Line] each, or a [LineError].
package campaigns
