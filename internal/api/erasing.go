package api

import (
	"context"
	"net/http"
	"time"
)

func (a *api) eraseRoute(tag string) {
	route(a, admins, a.erasePerson, op(tag, "erase-person", "POST /people/erase", "Forget a person (GDPR, article 17)",
		says("Contacts in all campaigns, payloads, promised callbacks, consents, events with their deliveries, refused lines "+
			"of lists, and what the audit log says of the person; with everybody whom the CRM id was merged with. What the "+
			"law has kept stays: recordings inside of their retention are locked, nobody hears them, and they are erased at "+
			"its end, which the reply tells. Attempts, interactions and do-not-call entries stay under keyed hashes of "+
			"numbers and CRM id, so that a later list neither has the person called nor counts anew. Numbers that other "+
			"people have stay theirs. Files of lists that wait to be committed are forgotten, too: send them again, without "+
			"the person. Not while the person is in a call."),
		refuses(http.StatusNotFound, http.StatusConflict)))
}

type eraseInput struct {
	Body struct {
		CRMID     string `json:"crm_id" required:"false" maxLength:"100" doc:"Of the person"`
		ContactID int64  `json:"contact_id" required:"false" minimum:"1" doc:"Of a person without a CRM id; one of the two"`
		Reason    string `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for the audit, without saying who it is" example:"asked by letter"`
	}
}

// Erasure is what became of what was on record of a person.
type Erasure struct {
	Contacts         int        `json:"contacts" doc:"Emptied; that there was one stays, as finished with the reason erased"`
	Attempts         int        `json:"attempts" doc:"Kept without saying at whom"`
	Events           int        `json:"events" doc:"Forgotten, with their deliveries"`
	RecordingsErased int        `json:"recordings_erased" doc:"Locked, and removed within two hours"`
	RecordingsKept   int        `json:"recordings_kept" doc:"Locked: the law has them kept"`
	KeptUntil        *time.Time `json:"kept_until" doc:"When the last of them is erased; null: none is kept"`
	DoNotCall        int        `json:"do_not_call" doc:"Entries that go on to bar"`
	SharedNumbers    int        `json:"shared_numbers" doc:"Numbers that other people have, and keep"`
	Imports          []int64    `json:"imports" nullable:"false" doc:"Whose files were forgotten"`
}

func (a *api) erasePerson(ctx context.Context, in *eraseInput) (*reply[Erasure], error) {
	if (in.Body.CRMID == "") == (in.Body.ContactID == 0) {
		return nil, refuseField("body.crm_id", whyPersonOrContact)
	}
	e, err := a.Store.Erase(ctx, in.Body.CRMID, in.Body.ContactID, userOf(ctx).Login, in.Body.Reason, a.Now())
	if err != nil {
		return nil, err
	}
	v := Erasure{e.Contacts, e.Attempts, e.Events, e.RecordingsErased, e.RecordingsKept, moment(e.KeptUntil), e.DoNotCall,
		e.SharedNumbers, e.Imports}
	if v.Imports == nil {
		v.Imports = []int64{}
	}
	return answer(v), nil
}
