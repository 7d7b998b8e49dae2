package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/reason"
)

func (a *api) reportRoutes() {
	const tag = "Reports"
	route(a, readers, a.report, op(tag, "report", "GET /reports",
		"Count attempts by campaign, list, agent, hour, outcome, code or origin"))
	route(a, readers, a.exportReport, op(tag, "export-report", "GET /reports/export", "The same as CSV or as a workbook", exports))
	route(a, readers, a.exportAttempts, op(tag, "export-attempts", "GET /attempts/export",
		"Export attempts as CSV or as a workbook, latest first", exports))
	a.promiseReportRoutes(tag)
}

// ReportRow is one line of a report.
type ReportRow struct {
	ID            *int64     `json:"id" doc:"Of the campaign, list or agent; null: none, or not by these"`
	Hour          *time.Time `json:"hour" doc:"By hour: its beginning, in UTC"`
	Key           string     `json:"key" doc:"The outcome, code or origin"`
	Name          string     `json:"name" doc:"Of the campaign, list, agent (login) or call code"`
	Attempts      int        `json:"attempts" doc:"Planned ones, but for those that were cancelled"`
	Dialed        int        `json:"dialed" doc:"The customer's phone rang"`
	Answered      int        `json:"answered"`
	Abandoned     int        `json:"abandoned"`
	Coded         int        `json:"coded" doc:"With a call code"`
	Meaningful    int        `json:"meaningful" doc:"Talks that the law counts"`
	TalkSeconds   float64    `json:"talk_seconds"`
	WrapUpSeconds float64    `json:"wrap_up_seconds"`
}

// ReportQuery says what a report counts.
type ReportQuery struct {
	By         string    `query:"by" required:"true" enum:"campaign,list,agent,hour,outcome,code,origin"`
	From       time.Time `query:"from" required:"true" doc:"Prepared at this moment or later"`
	To         time.Time `query:"to" doc:"Prepared before this moment; now when left out; at most 366 days after from"`
	CampaignID int64     `query:"campaign_id" minimum:"1"`
	AgentID    int64     `query:"agent_id" minimum:"1"`
	ListID     int64     `query:"list_id" minimum:"1" doc:"Only of contacts who came by this list"`
}

type reportList struct {
	Items []ReportRow `json:"items" nullable:"false"`
}

const longestReport = 366 * 24 * time.Hour

func (a *api) report(ctx context.Context, in *ReportQuery) (*reply[reportList], error) {
	rows, err := a.reportRows(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer(reportList{rows}), nil
}

func (a *api) reportRows(ctx context.Context, in *ReportQuery) ([]ReportRow, error) {
	if err := a.reportSpan(in.From, &in.To); err != nil {
		return nil, err
	}
	list, err := a.Store.Report(ctx, dialer.ReportFilter{By: in.By, From: in.From, To: in.To, CampaignID: in.CampaignID,
		AgentID: in.AgentID, ListID: in.ListID})
	if err != nil {
		return nil, err
	}
	name := a.reportNames(ctx, in.By)
	rows := make([]ReportRow, len(list))
	for i, r := range list {
		v := ReportRow{Key: r.Text, Name: name(r), Attempts: r.Attempts, Dialed: r.Dialed, Answered: r.Answered, Abandoned: r.Abandoned,
			Coded:      r.Coded,
			Meaningful: r.Meaningful, TalkSeconds: r.Talk.Seconds(), WrapUpSeconds: r.WrapUp.Seconds()}
		if in.By == "hour" {
			v.Hour = moment(time.UnixMilli(r.ID))
		} else {
			v.ID = some(r.ID)
		}
		rows[i] = v
	}
	return rows, nil
}

// reportSpan completes a report's span, and refuses one that nobody can have meant.
func (a *api) reportSpan(from time.Time, to *time.Time) error {
	if to.IsZero() {
		*to = a.Now()
	}
	if !to.After(from) || to.After(from.Add(longestReport)) {
		return refuseField("query.to", whyReportSpan)
	}
	return nil
}

// reportNames finds what the lines are about by name, each once. What is not there any more has none.
func (a *api) reportNames(ctx context.Context, by string) func(dialer.ReportRow) string {
	names := map[string]string{}
	return func(r dialer.ReportRow) string {
		key := strconv.FormatInt(r.ID, 10) + " " + r.Text
		name, asked := names[key]
		if asked || r.ID == 0 {
			return name
		}
		switch by {
		case "agent":
			if g, err := a.Store.Agent(ctx, r.ID); err == nil {
				name = g.Login
			}
		case "list":
			name, _ = a.Store.ListName(ctx, r.ID) // it is shown by its id, then
		case "campaign", "code":
			if c, err := a.Store.Campaign(ctx, r.ID); err == nil {
				name = c.Name
				if by == "code" {
					code, _ := callCode(c, r.Text)
					name = code.Name
				}
			}
		}
		names[key] = name
		return name
	}
}

func (a *api) exportReport(ctx context.Context, in *struct {
	ReportQuery
	SheetForm
}) (*huma.StreamResponse, error) {
	rows, err := a.reportRows(ctx, &in.ReportQuery)
	if err != nil {
		return nil, err
	}
	return a.export(ctx, in.SheetForm, "report-by-"+in.By, func(out table) error {
		out.head("id", momentColumn("hour"), "key", "name", "attempts", "dialed", "answered", "abandoned", "coded", "meaningful",
			"talk_seconds", "wrap_up_seconds")
		for _, r := range rows {
			if err := out.row(numberCell(r.ID), timeOf(r.Hour), r.Key, r.Name, r.Attempts, r.Dialed, r.Answered, r.Abandoned, r.Coded,
				r.Meaningful, r.TalkSeconds, r.WrapUpSeconds); err != nil {
				return err
			}
		}
		return nil
	})
}

type exportAttemptsInput struct {
	SheetForm
	From       time.Time `query:"from" doc:"Prepared at this moment or later"`
	To         time.Time `query:"to" doc:"Prepared before this moment"`
	CampaignID int64     `query:"campaign_id" minimum:"1"`
	AgentID    int64     `query:"agent_id" minimum:"1"`
}

func (a *api) exportAttempts(ctx context.Context, in *exportAttemptsInput) (*huma.StreamResponse, error) {
	f := dialer.AttemptFilter{CampaignID: in.CampaignID, AgentID: in.AgentID, From: in.From, To: in.To}
	a.audit(ctx, "attempts.export", "attempts", fmt.Sprintf("campaign %d, agent %d, from %s to %s", in.CampaignID, in.AgentID,
		timeText(in.From), timeText(in.To)))
	return a.export(ctx, in.SheetForm, "attempts", func(out table) error {
		out.head("id", "campaign_id", "contact_id", "number", "origin", "state", "agent_id", momentColumn("prepared_at"),
			momentColumn("dialed_at"), momentColumn("answered_at"), momentColumn("ended_at"), "talk_seconds", "outcome", "cause",
			"hangup_by", "code", momentColumn("code_set_at"), "calltraceid", "recording_link")
		show := a.showAttempts(ctx)
		for before := dialer.AttemptID(0); ; {
			list, err := a.Store.Attempts(ctx, f, before, exportPage)
			if err != nil {
				return err
			}
			for _, t := range list {
				v := show(t)
				if err := out.row(t.ID.String(), idCell(t.CampaignID), idCell(t.ContactID), t.Number, string(t.Origin), string(t.State),
					idCell(t.AgentID), t.PreparedAt, t.DialedAt, t.AnsweredAt, t.EndedAt, v.TalkSeconds, string(t.Outcome), v.Cause,
					t.HangupBy, t.Code, t.CodeSetAt, t.CallTraceID, v.RecordingLink); err != nil {
					return err
				}
				before = t.ID
			}
			if err := out.flush(); err != nil || len(list) < exportPage {
				return err
			}
		}
	})
}

// idCell is an id, or nothing for none.
func idCell(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// numberCell is an id, or nothing for none.
func numberCell(id *int64) any {
	if id == nil {
		return nil
	}
	return *id
}

// whyReportSpan refuses a span that nobody can have meant.
var whyReportSpan = reason.Plain("field.report_span")
