package api

import (
	"context"
	"net/http"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) movingRoutes(tag string) {
	route(a, readers, a.moveContacts, op(tag, "move-contacts", "POST /contacts/move", "Move contacts to another campaign",
		says("By ids, or all who came by a list. Attempts, counters and promised callbacks go with the contact, finished ones stay "+
			"finished, and what the law counts goes on; the list by which they came stays behind. Whoever is in a call stays, and "+
			"whoever is in that campaign already; one id alone that stays is a conflict. May be repeated."),
		refuses(http.StatusNotFound, http.StatusConflict)))
}

type moveInput struct {
	Body struct {
		To         int64                  `json:"to" minimum:"1" doc:"The campaign"`
		ContactIDs []int64                `json:"contact_ids" required:"false" nullable:"false" maxItems:"10000" doc:"Who; or list_id"`
		ListID     int64                  `json:"list_id" required:"false" minimum:"1" doc:"All who came by this list; or contact_ids"`
		State      campaigns.ContactState `json:"state" required:"false" enum:"waiting,finished" doc:"Only those"`
		Finished   []string               `json:"finished" required:"false" nullable:"false" maxItems:"50" doc:"Only those who are finished for one of these reasons"`
		Reason     string                 `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for the audit" example:"a new team"`
	}
}

// MoveReport says what became of contacts that were to be moved.
type MoveReport struct {
	Moved  int     `json:"moved"`
	InCall int     `json:"in_call" doc:"Stay: they are in a call, or wait for its call code"`
	There  int     `json:"there" doc:"Stay: they are in that campaign already, or the person is"`
	Stayed []int64 `json:"stayed" nullable:"false" doc:"Ids of those who stay, 100 at most"`
}

func (a *api) moveContacts(ctx context.Context, in *moveInput) (*reply[MoveReport], error) {
	b := in.Body
	if (len(b.ContactIDs) == 0) == (b.ListID == 0) {
		return nil, refuseField("body.contact_ids", whyIDsOrList)
	}
	if b.ListID != 0 {
		if _, err := a.Store.List(ctx, b.ListID); err != nil {
			return nil, err
		}
	}
	if _, err := a.Store.Campaign(ctx, b.To); reason.ClassOf(err) == reason.Missing {
		return nil, refuse(http.StatusNotFound, missing["campaigns"])
	}
	r, err := a.Store.MoveContacts(ctx, campaigns.Moving{To: b.To, IDs: b.ContactIDs, ListID: b.ListID, State: b.State,
		Finish: b.Finished}, b.Reason, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	a.wakeDialer()
	return answer(MoveReport{r.Moved, r.InCall, r.There, append([]int64{}, r.Stayed...)}), nil
}

// whyIDsOrList wants one of the two.
var whyIDsOrList = reason.Plain("field.ids_or_list")
