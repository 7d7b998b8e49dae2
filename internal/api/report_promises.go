package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

func (a *api) promiseReportRoutes(tag string) {
	counts := says("Those whose agreed moment lies in the span; one that was moved counts at each moment that was agreed. Each is " +
		"exactly one of kept, late, missed, moved, cancelled and open. Dialed counts as it was dialed, whatever came afterwards.")
	route(a, readers, a.promiseReport, op(tag, "promise-report", "GET /reports/promises",
		"Count promised callbacks, and how they were kept, by campaign, list, agent or hour", counts))
	route(a, readers, a.exportPromiseReport, op(tag, "export-promise-report", "GET /reports/promises/export",
		"The same as CSV or as a workbook", exports))
}

// PromiseRow is one line of the report on promised callbacks.
type PromiseRow struct {
	ID        *int64     `json:"id" doc:"Of the campaign, list or agent; null: none (any agent might call), or not by these"`
	Hour      *time.Time `json:"hour" doc:"By hour: the beginning of that of the agreed moments, in UTC"`
	Name      string     `json:"name" doc:"Of the campaign, list or agent (login)"`
	Made      int        `json:"made"`
	Kept      int        `json:"kept" doc:"Dialed within five minutes of the agreed moment"`
	Late      int        `json:"late" doc:"Dialed later"`
	Missed    int        `json:"missed" doc:"Given up without having been dialed"`
	Moved     int        `json:"moved" doc:"Moved to another moment, before it was dialed; that one is a promise of its own"`
	Cancelled int        `json:"cancelled" doc:"Taken back before it was dialed"`
	Open      int        `json:"open" doc:"Still to be kept"`
	Overdue   int        `json:"overdue" doc:"Of the open ones those that are late"`
	Share     float64    `json:"share" doc:"Part that was kept, of kept, late, missed and overdue; 1 where there is none"`
}

// PromiseQuery says which promises a report counts.
type PromiseQuery struct {
	By         string    `query:"by" required:"true" enum:"campaign,list,agent,hour"`
	From       time.Time `query:"from" required:"true" doc:"Agreed for this moment or later"`
	To         time.Time `query:"to" doc:"Agreed for before this moment, which may be yet to come; now when left out; at most 366 days after from"`
	CampaignID int64     `query:"campaign_id" minimum:"1"`
	AgentID    int64     `query:"agent_id" minimum:"1" doc:"Who promised"`
	ListID     int64     `query:"list_id" minimum:"1" doc:"Only to contacts who came by this list"`
}

type promiseReportList struct {
	Items []PromiseRow `json:"items" nullable:"false"`
}

func (a *api) promiseReport(ctx context.Context, in *PromiseQuery) (*reply[promiseReportList], error) {
	rows, err := a.promiseRows(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer(promiseReportList{rows}), nil
}

func (a *api) promiseRows(ctx context.Context, in *PromiseQuery) ([]PromiseRow, error) {
	if err := a.reportSpan(in.From, &in.To); err != nil {
		return nil, err
	}
	list, err := a.Store.PromiseReport(ctx, dialer.ReportFilter{By: in.By, From: in.From, To: in.To, CampaignID: in.CampaignID,
		AgentID: in.AgentID, ListID: in.ListID}, a.Now())
	if err != nil {
		return nil, err
	}
	name := a.reportNames(ctx, in.By)
	rows := make([]PromiseRow, len(list))
	for i, r := range list {
		rows[i] = promiseRow(r.PromiseCount)
		if in.By == "hour" {
			rows[i].Hour = moment(time.UnixMilli(r.ID))
		} else {
			rows[i].ID, rows[i].Name = some(r.ID), name(dialer.ReportRow{ID: r.ID})
		}
	}
	return rows, nil
}

func promiseRow(p campaigns.PromiseCount) PromiseRow {
	return PromiseRow{Made: p.Made, Kept: p.InTime, Late: p.Late, Missed: p.Missed, Moved: p.Moved, Cancelled: p.Cancelled,
		Open: p.Waiting + p.Overdue, Overdue: p.Overdue, Share: p.Clock().Share()}
}

func (a *api) exportPromiseReport(ctx context.Context, in *struct {
	PromiseQuery
	SheetForm
}) (*huma.StreamResponse, error) {
	rows, err := a.promiseRows(ctx, &in.PromiseQuery)
	if err != nil {
		return nil, err
	}
	return a.export(ctx, in.SheetForm, "promises-by-"+in.By, func(out table) error {
		out.head("id", momentColumn("hour"), "name", "made", "kept", "late", "missed", "moved", "cancelled", "open", "overdue", "share")
		for _, r := range rows {
			if err := out.row(numberCell(r.ID), timeOf(r.Hour), r.Name, r.Made, r.Kept, r.Late, r.Missed, r.Moved, r.Cancelled, r.Open,
				r.Overdue, r.Share); err != nil {
				return err
			}
		}
		return nil
	})
}
