package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/campaigns"
)

func (a *api) listsRoutes() {
	const tag = "Lists"
	gone := refuses(http.StatusNotFound)
	route(a, readers, a.listLists, op(tag, "list-lists", "GET /campaigns/{id}/lists",
		"List a campaign's lists of contacts, the first first", gone))
	route(a, readers, a.getList, op(tag, "get-list", "GET /lists/{id}", "Read a list, with what its contacts have come to", gone))
	route(a, readers, a.patchList, op(tag, "set-list", "PATCH /lists/{id}", "Change how a list shares the calls of its campaign",
		gone,
		says("Lists share the calls to those whom nobody has called yet. Promised callbacks and retries come before them, are not "+
			"counted, and are made whatever the weight and the quota.")))
	route(a, readers, a.exportList, op(tag, "export-list", "GET /lists/{id}/export",
		"Export who came by a list as CSV or as a workbook", gone, exports))
	route(a, readers, a.exportContacts, op(tag, "export-contacts", "GET /campaigns/{id}/contacts/export",
		"Export a campaign's contacts as CSV or as a workbook", gone, exports))
	route(a, readers, a.closeList, op(tag, "close-list", "POST /lists/{id}/close", "Call nobody any more who came by a list", gone,
		says("At once: what is planned is given up. Its waiting contacts are finished as list_closed, and promises to them end; "+
			"calls that are up go on. An agent may still call by hand.")))
	route(a, readers, a.reopenList, op(tag, "reopen-list", "POST /lists/{id}/reopen",
		"Call those again whom the close of a list has finished", gone))
	route(a, readers, a.recycleList, op(tag, "recycle-list", "POST /lists/{id}/recycle",
		"Call finished contacts of a list once more", gone, refuses(http.StatusConflict),
		says("The gate judges each call anew: nobody is called beyond what the law and the do-not-call list permit.")))
}

// List is who came into a campaign by lists of one name.
type List struct {
	ID         int64                          `json:"id"`
	CampaignID int64                          `json:"campaign_id"`
	Name       string                         `json:"name"`
	MadeBy     string                         `json:"made_by"`
	CreatedAt  time.Time                      `json:"created_at"`
	ClosedAt   *time.Time                     `json:"closed_at" doc:"null: it is open"`
	ClosedBy   string                         `json:"closed_by"`
	Weight     int                            `json:"weight" doc:"Of its part in the calls to those whom nobody has called yet"`
	Quota      int                            `json:"quota" doc:"Of these calls a day, at most, by the clock of the campaign's zone; 0: no limit"`
	Today      *int                           `json:"called_today,omitempty" doc:"Of these calls today, without those that ended before the person's phone was dialed; of one list alone"`
	Contacts   map[campaigns.ContactState]int `json:"contacts,omitempty" doc:"By state; of one list alone"`
	Reasons    map[string]int                 `json:"reasons,omitempty" doc:"Finished contacts, by why they are; of one list alone"`
}

func showList(l campaigns.List) List {
	return List{l.ID, l.CampaignID, l.Name, l.MadeBy, l.CreatedAt.UTC(), moment(l.ClosedAt), l.ClosedBy, l.Weight, l.Quota, nil,
		l.Contacts, l.Reasons}
}

func (a *api) listLists(ctx context.Context, in *pageOfCampaign) (*reply[page[List]], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	if _, err := a.Store.Campaign(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := a.Store.Lists(ctx, in.ID, after, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, showList, func(l campaigns.List) []int64 { return []int64{l.ID} }), nil
}

func (a *api) getList(ctx context.Context, in *ByID) (*reply[List], error) {
	l, err := a.Store.List(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.oneList(ctx, l)
}

// oneList shows a list with its calls of the day.
func (a *api) oneList(ctx context.Context, l campaigns.List) (*reply[List], error) {
	today, err := a.Store.ListToday(ctx, l, a.Now())
	if err != nil {
		return nil, err
	}
	shown := showList(l)
	shown.Today = &today
	return answer(shown), nil
}

func (a *api) patchList(ctx context.Context, in *struct {
	ByID
	Body struct {
		Weight *int `json:"weight" required:"false" minimum:"1" maximum:"100" doc:"Of its part in the calls to those whom nobody has called yet: with 3 it has three times as many as a list with 1"`
		Quota  *int `json:"quota" required:"false" minimum:"0" maximum:"1000000" doc:"Of these calls a day, at most, by the clock of the campaign's zone; 0: no limit"`
	}
}) (*reply[List], error) {
	set := campaigns.ListSetting{Weight: in.Body.Weight, Quota: in.Body.Quota}
	l, err := a.Store.SetList(ctx, in.ID, set, userOf(ctx).Login, a.Now())
	if err != nil {
		return nil, err
	}
	a.wakeDialer()
	return a.oneList(ctx, l)
}

func (a *api) exportList(ctx context.Context, in *byIDAsSheet) (*huma.StreamResponse, error) {
	if _, err := a.Store.List(ctx, in.ID); err != nil {
		return nil, err
	}
	a.audit(ctx, "list.export", fmt.Sprintf("list/%d", in.ID), "")
	return a.exportPages(ctx, in.SheetForm, fmt.Sprintf("list-%d", in.ID), func(after int64) ([]campaigns.Contact, error) {
		return a.Store.ListContacts(ctx, in.ID, after, exportPage)
	})
}

func (a *api) exportContacts(ctx context.Context, in *struct {
	ByID
	SheetForm
	State campaigns.ContactState `query:"state" enum:"waiting,calling,coding,finished" doc:"Only those"`
}) (*huma.StreamResponse, error) {
	if _, err := a.Store.Campaign(ctx, in.ID); err != nil {
		return nil, err
	}
	a.audit(ctx, "contacts.export", campaignObject(in.ID), string(in.State))
	return a.exportPages(ctx, in.SheetForm, fmt.Sprintf("contacts-%d", in.ID), func(after int64) ([]campaigns.Contact, error) {
		return a.Store.Contacts(ctx, in.ID, in.State, "", after, exportPage)
	})
}

// exportPages writes contacts, page by page, each after the last one of the page before.
func (a *api) exportPages(ctx context.Context, form SheetForm, name string,
	read func(after int64) ([]campaigns.Contact, error)) (*huma.StreamResponse, error) {
	return a.export(ctx, form, name, func(out table) error {
		out.head(listColumns()...)
		for after := int64(0); ; {
			page, err := read(after)
			if err != nil {
				return err
			}
			for _, c := range page {
				if err := out.row(listCells(c)...); err != nil {
					return err
				}
				after = c.ID
			}
			if err := out.flush(); err != nil || len(page) < exportPage {
				return err
			}
		}
	})
}

// ListColumns are those of the export of a list as CSV, ListCells a contact's.
func ListColumns() []string                  { return texts(listColumns(), time.UTC) }
func ListCells(c campaigns.Contact) []string { return texts(listCells(c), time.UTC) }

func listColumns() []any {
	return []any{"contact_id", "crm_id", "name", "phones", "time_zone", "priority", "state", "reason", "attempts",
		momentColumn("next_call_at"), "payload"}
}

func listCells(c campaigns.Contact) []any {
	numbers := make([]string, len(c.Phones))
	for i, p := range c.Phones {
		numbers[i] = p.Number
	}
	var next time.Time
	if c.State == campaigns.Waiting {
		next = c.NextAt
	}
	return []any{c.ID, c.CRMID, c.Name, strings.Join(numbers, " "), c.TimeZone, c.Priority, string(c.State), c.Reason, c.Attempts,
		next, string(c.Payload)}
}

type listReasonInput struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"For the audit"`
	}
}

// ListChange says how many contacts a change of a list has changed.
type ListChange struct {
	Contacts int `json:"contacts"`
}

func (a *api) closeList(ctx context.Context, in *listReasonInput) (*reply[ListChange], error) {
	return a.changeList(a.Store.CloseList(ctx, in.ID, userOf(ctx).Login, in.Body.Reason, a.Now()))
}

func (a *api) reopenList(ctx context.Context, in *listReasonInput) (*reply[ListChange], error) {
	return a.changeList(a.Store.ReopenList(ctx, in.ID, userOf(ctx).Login, in.Body.Reason, a.Now()))
}

func (a *api) changeList(n int, err error) (*reply[ListChange], error) {
	if err != nil {
		return nil, err
	}
	a.wakeDialer()
	return answer(ListChange{n}), nil
}

type recycleInput struct {
	ByID
	Body struct {
		Reasons       []string   `json:"reasons" required:"false" nullable:"false" maxItems:"50" doc:"Why they are finished, as contacts' reason; when neither these nor codes are said: max_attempts and no_number"`
		Codes         []string   `json:"codes" required:"false" nullable:"false" maxItems:"50" doc:"Those whom one of these call codes has finished"`
		CalledBefore  *time.Time `json:"called_before" required:"false" doc:"Not called since"`
		MaxAttempts   int        `json:"max_attempts" required:"false" minimum:"0" doc:"Called at most so often; 0: however often"`
		ResetAttempts bool       `json:"reset_attempts" required:"false" doc:"The campaign's limit of attempts counts anew, without which those who have used it up stay finished; what the law counts goes on"`
	}
}

func (a *api) recycleList(ctx context.Context, in *recycleInput) (*reply[ListChange], error) {
	b := in.Body
	return a.changeList(a.Store.RecycleList(ctx, in.ID,
		campaigns.Recycling{Reasons: b.Reasons, Codes: b.Codes, CalledBefore: timeOf(b.CalledBefore), MaxAttempts: b.MaxAttempts,
			ResetAttempts: b.ResetAttempts}, userOf(ctx).Login, a.Now()))
}
