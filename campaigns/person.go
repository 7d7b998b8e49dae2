package campaigns

// Person is who the record takes somebody to be.
type Person struct {
	CRMID         string
	CRMIDs        []string // all ids of the person, this one too
	Numbers       []string // of all contacts with them, and those to which contacts without an id lead
	Zones         []string // time zones of all contacts with them
	DoNotCall     bool     // the person is on the do-not-call list, on every number
	BarredNumbers []string // those of Numbers that are on it by themselves
}
