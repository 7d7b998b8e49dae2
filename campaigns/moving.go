package campaigns

// Moving says which contacts go to another campaign: those with the ids, or those who came by a list, as the others narrow them.
type Moving struct {
	To     int64   // the campaign
	IDs    []int64 // at most 10,000; none: by the list
	ListID int64
	State  ContactState // Waiting or Complete; empty: both
	Finish []string     // why they are finished, as [Contact].Reason; none: for whatever reason
}

// Moved says what became of them.
type Moved struct {
	Moved  int
	InCall int     // stay: they are in a call, or wait for its call code
	There  int     // stay: the person is in that campaign already, or they are
	Stayed []int64 // of those who stay, the first hundred
}

// MaxStayed bounds [Moved].Stayed.
const MaxStayed = 100
