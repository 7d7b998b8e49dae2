package campaigns

import "time"

// Template is a campaign's settings under a name, from which campaigns are made.
type Template struct {
	ID        int64
	Name      string   // unique, 1 to 100 characters
	Settings  Campaign // all but id, name, line, status and times
	MadeBy    string
	UpdatedAt time.Time
}

// Make is a new campaign with these settings, as a draft, under a name and a line, which is the name where none is given. It is
// judged as any new campaign: [Campaign.Validate], [CheckLaw].
func (t Template) Make(name, queue string) Campaign {
	c := t.Settings
	c.Name, c.Queue, c.Status = name, queue, Draft
	if c.Queue == "" {
		c.Queue = c.Name
	}
	return c
}
