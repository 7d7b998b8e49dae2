package campaigns

import "time"

// ErasedPerson is the reason of a contact whose person was erased, and of do-not-call entries that are kept of one.
const ErasedPerson = "erased"

// Erased says what became of what was on record of a person.
type Erased struct {
	Contacts         int       `json:"contacts"`
	Attempts         int       `json:"attempts"` // kept without saying at whom
	Events           int       `json:"events"`   // forgotten, with their deliveries
	RecordingsErased int       `json:"recordings_erased"`
	RecordingsKept   int       `json:"recordings_kept"` // locked until their retention ends
	KeptUntil        time.Time `json:"kept_until,omitzero"`
	DoNotCall        int       `json:"do_not_call"`       // entries that go on to bar
	SharedNumbers    int       `json:"shared_numbers"`    // numbers that other people have, and keep
	Imports          []int64   `json:"imports,omitempty"` // whose files were forgotten: they are to be sent again
}

// Retention is for how long the law that a campaign follows has recordings and attempts kept; they are purged afterwards. Zero:
// it says nothing, and the node's own settings count.
func Retention(c *Campaign) time.Duration {
	p, _ := ProfileByName(c.Profile)
	if p == nil {
		return 0
	}
	return p.Retention
}
