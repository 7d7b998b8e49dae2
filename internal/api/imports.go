package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
)

// ImportStore keeps imports and lists.
type ImportStore interface {
	lists.Record

	// Imports lists a campaign's imports, the latest first, those with ids below before (zero: from the latest).
	Imports(ctx context.Context, campaignID, before int64, limit int) ([]campaigns.Import, error)

	// Refusals lists an import's refused lines behind one, in their order.
	Refusals(ctx context.Context, id int64, after, limit int) ([]campaigns.RefusedLine, error)

	// Lists lists a campaign's, by id, without counts; List reads one with them.
	Lists(ctx context.Context, campaignID, after int64, limit int) ([]campaigns.List, error)
	List(ctx context.Context, id int64) (campaigns.List, error)
	ListName(ctx context.Context, id int64) (string, error)

	// SetList changes how a list shares the calls of its campaign, ListToday counts those of the day.
	SetList(ctx context.Context, id int64, set campaigns.ListSetting, who string, now time.Time) (campaigns.List, error)
	ListToday(ctx context.Context, l campaigns.List, now time.Time) (int, error)
	// CloseList has nobody who came by a list dialed any more; ReopenList ends that; RecycleList has finished contacts called once
	// more. Each returns how many contacts it has changed, is audited, and may be repeated.
	CloseList(ctx context.Context, id int64, who, why string, now time.Time) (int, error)
	ReopenList(ctx context.Context, id int64, who, why string, now time.Time) (int, error)
	RecycleList(ctx context.Context, id int64, r campaigns.Recycling, who string, now time.Time) (int, error)

	// ListContacts lists those who came by a list, with ids above after, by id.
	ListContacts(ctx context.Context, id, after int64, limit int) ([]campaigns.Contact, error)
}

func (a *api) importsRoutes() {
	const tag = "Lists"
	gone := refuses(http.StatusNotFound)
	route(a, readers, a.listImports, op(tag, "list-imports", "GET /campaigns/{id}/imports",
		"List a campaign's imports, the latest first", gone))
	route(a, readers, a.getImport, op(tag, "get-import", "GET /imports/{id}",
		"Read how far an import is, and what became of its lines", gone))
	route(a, readers, a.commitImport, op(tag, "commit-import", "POST /imports/{id}/commit",
		"Store the contacts of a list that was checked", gone,
		refuses(http.StatusConflict), says("Or go on behind the last line that is stored, where an import broke off. Committed "+
			"twice it is stored once.")))
	route(a, readers, a.discardImport, op(tag, "discard-import", "DELETE /imports/{id}",
		"Forget a list that was checked, and its file", empty, gone, refuses(http.StatusConflict)))
	route(a, readers, a.refusedLines, op(tag, "refused-lines", "GET /imports/{id}/refused",
		"Download the refused lines as they stand in the list", gone, streams("text/csv"),
		says("Under the list's header, with the reason in a column more, to be mended and sent again; of JSON, one element a line "+
			"in a column. Kept for a day, at most 64 MiB of them.")))
	route(a, readers, a.importProgress, op(tag, "import-progress", "GET /imports/{id}/progress", "Follow an import", gone,
		refuses(http.StatusTooManyRequests), streams("text/event-stream"),
		says("Server-sent events: progress once a second, with the import as it is then, and done with its end.")))
	a.listsRoutes()
}

// ImportReason is how many lines met with one thing.
type ImportReason struct {
	Status   campaigns.LineStatus `json:"status" enum:"refused,duplicate,accepted,updated,unchanged"`
	Code     string               `json:"code" doc:"Stable: what lines are counted by"`
	Count    int                  `json:"count"`
	Examples []ImportExample      `json:"examples" nullable:"false" doc:"The first ten"`
}

// ImportExample is one line of those.
type ImportExample struct {
	Line   int    `json:"line"`
	CRMID  string `json:"crm_id,omitempty"`
	Reason *Why   `json:"reason"`
	Raw    string `json:"raw,omitempty" doc:"Of a refused line: as the list has it, 300 bytes at most"`
}

func showReasons(ctx context.Context, list []campaigns.ReasonCount) []ImportReason {
	v := make([]ImportReason, len(list))
	for i, r := range list {
		v[i] = ImportReason{Status: r.Status, Code: r.Code, Count: r.Count, Examples: make([]ImportExample, len(r.Examples))}
		for j, e := range r.Examples {
			v[i].Examples[j] = ImportExample{Line: e.Line, CRMID: e.CRMID, Reason: whyOf(ctx, e.Why), Raw: e.Raw}
		}
	}
	return v
}

// ImportAbout is what a list is taken for.
type ImportAbout struct {
	Format     string         `json:"format" enum:",csv,json,xlsx,ods"`
	Gzip       bool           `json:"gzip"`
	Encoding   string         `json:"encoding"`
	Guessed    bool           `json:"guessed" doc:"The encoding was not said, neither by a mark nor by its owner"`
	Delimiter  string         `json:"delimiter"`
	Sheet      string         `json:"sheet"`
	Sheets     []string       `json:"sheets" nullable:"false"`
	HeaderLine int            `json:"header_line" doc:"The line that names the columns; 0: there is none"`
	Columns    []ImportColumn `json:"columns" nullable:"false"`
}

// ImportColumn is what a column is taken for, and why.
type ImportColumn struct {
	Name     string   `json:"name"`
	Field    string   `json:"field" doc:"What ?mapping= may say otherwise" example:"phone"`
	Key      string   `json:"key,omitempty" doc:"Of the payload"`
	By       string   `json:"by" doc:"mapping, name, content, or name and content; empty: it is kept as it is, under its name"`
	Note     *Why     `json:"note" doc:"What its owner may want to change"`
	Examples []string `json:"examples" nullable:"false" doc:"The first values that differ, three at most"`
}

// Import is one list on its way into a campaign.
type Import struct {
	ID          int64                 `json:"id"`
	CampaignID  int64                 `json:"campaign_id"`
	List        string                `json:"list" doc:"The list's name"`
	ListID      *int64                `json:"list_id" doc:"null: nobody came by it yet"`
	Choice      campaigns.Choice      `json:"choice" enum:"new,update,add_phones,replace"`
	State       campaigns.ImportState `json:"state" enum:"receiving,checked,running,done,broken" doc:"checked: a dry run, to be committed; broken: it ended before the list did, and what was accepted stays"`
	Committable bool                  `json:"committable" doc:"Its file is kept: POST /imports/{id}/commit stores its contacts, or goes on"`
	About       ImportAbout           `json:"about"`
	Bytes       int64                 `json:"bytes" doc:"Of the file; 0: not known"`
	Read        int64                 `json:"read" doc:"Bytes of it"`
	Lines       int                   `json:"lines" doc:"The last line that is stored, or was checked"`
	Report      ImportReport          `json:"report" doc:"Of a dry run: what would become of the lines"`
	Problem     *Why                  `json:"problem" doc:"Why it is broken"`
	MadeBy      string                `json:"made_by"`
	CreatedAt   time.Time             `json:"created_at"`
	UpdatedAt   time.Time             `json:"updated_at"`
	ExpiresAt   time.Time             `json:"expires_at" doc:"When its file and its refused lines are forgotten"`
}

func (a *api) showImport(ctx context.Context, im campaigns.Import) Import {
	im = im.At(a.Now())
	v := Import{ID: im.ID, CampaignID: im.CampaignID, List: im.List, ListID: some(im.ListID), Choice: im.Choice, State: im.State,
		Bytes: im.Bytes, Read: im.Read, Lines: im.Lines,
		Committable: im.Committable(), Report: showReport(ctx, im.ID, im.Report), Problem: whyOf(ctx, im.Problem), MadeBy: im.MadeBy,
		CreatedAt: im.CreatedAt.UTC(), UpdatedAt: im.UpdatedAt.UTC(),
		ExpiresAt: im.ExpiresAt.UTC()}
	var about lists.About
	_ = json.Unmarshal(im.About, &about) // ours
	v.About = ImportAbout{Format: string(about.Format), Gzip: about.Gzip, Encoding: about.Encoding, Guessed: about.Guessed,
		Delimiter: about.Delimiter, Sheet: about.Sheet,
		Sheets: append([]string{}, about.Sheets...), HeaderLine: about.HeaderLine, Columns: make([]ImportColumn, len(about.Columns))}
	for i, c := range about.Columns {
		v.About.Columns[i] = ImportColumn{c.Name, c.Field, c.Key, c.By, whyOf(ctx, c.Note), append([]string{}, c.Examples...)}
	}
	return v
}

func (a *api) desk() lists.Desk { return lists.Desk{Record: a.Store.ImportStore, Now: a.Now} }

// importOf reads what a request says of its import.
func importOf(ctx context.Context, r *http.Request, campaignID int64) (im campaigns.Import, dry bool, err error) {
	query := r.URL.Query()
	im = campaigns.Import{CampaignID: campaignID, List: strings.TrimSpace(query.Get("list")),
		Choice: campaigns.Choice(query.Get("choice")), MadeBy: userOf(ctx).Login}
	if im.Choice == "" {
		im.Choice = campaigns.NewOnly
	}
	if !slices.Contains(campaigns.Choices, im.Choice) {
		values := make([]string, len(campaigns.Choices))
		for i, c := range campaigns.Choices {
			values[i] = string(c)
		}
		return im, false, refuseField("query.choice", whyChoice(values))
	}
	if !campaigns.ListNameFits(im.List) {
		return im, false, refuseField("query.list", whyListName)
	}
	if text := query.Get("dry_run"); text != "" {
		if dry, err = strconv.ParseBool(text); err != nil {
			return im, false, refuseField("query.dry_run", whyTrueFalse)
		}
	}
	return im, dry, nil
}

func importDetail(im campaigns.Import, r campaigns.ImportReport) string {
	return fmt.Sprintf("list %q by import %d, %s: %d accepted, %d updated, %d duplicates, %d refused", im.List, im.ID, im.Choice,
		r.Accepted, r.Updated, r.Duplicates, r.Refused)
}

type pageOfCampaign struct {
	ByID
	Paging
}

func (a *api) listImports(ctx context.Context, in *pageOfCampaign) (*reply[page[Import]], error) {
	before, err := in.after()
	if err != nil {
		return nil, err
	}
	if _, err := a.Store.Campaign(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := a.Store.Imports(ctx, in.ID, before, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(list, in.Limit, func(im campaigns.Import) Import { return a.showImport(ctx, im) },
		func(im campaigns.Import) []int64 { return []int64{im.ID} }), nil
}

func (a *api) getImport(ctx context.Context, in *ByID) (*reply[Import], error) {
	im, err := a.Store.ImportByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(a.showImport(ctx, im)), nil
}

func (a *api) commitImport(ctx context.Context, in *ByID) (*reply[Import], error) {
	im, err := a.desk().Commit(ctx, in.ID)
	if im.ID != 0 {
		a.audit(ctx, "contacts.import", campaignObject(im.CampaignID), importDetail(im, im.Report))
		a.wakeDialer()
	}
	if err != nil {
		return nil, err
	}
	return answer(a.showImport(ctx, im)), nil
}

func (a *api) discardImport(ctx context.Context, in *ByID) (*struct{}, error) {
	if err := a.Store.DiscardImport(ctx, in.ID, a.Now()); err != nil {
		return nil, err
	}
	a.audit(ctx, "import.discard", fmt.Sprintf("import/%d", in.ID), "")
	return &struct{}{}, nil
}

// refusedLines streams them in the form that they came in.
func (a *api) refusedLines(ctx context.Context, in *byIDAsCSV) (*huma.StreamResponse, error) {
	im, err := a.Store.ImportByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var about lists.About
	_ = json.Unmarshal(im.About, &about) // ours
	say := bookOf(ctx)
	return stream(a, fmt.Sprintf("refused-%d.csv", in.ID), func(out *csvStream) error {
		refused, err := lists.NewRefused(out.buffer, about, say.Say)
		if err != nil {
			return err
		}
		for after := 0; ; {
			list, err := a.Store.Refusals(ctx, in.ID, after, exportPage)
			if err != nil {
				return err
			}
			for _, l := range list {
				_ = refused.Write(l) // flush returns its error
				after = l.Line
			}
			if err := out.flush(); err != nil || len(list) < exportPage {
				return err
			}
		}
	}), nil
}

func isProgress(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, prefix+"/imports/") && strings.HasSuffix(r.URL.Path,
		"/progress")
}

// progressEvery is how often an import is told.
const progressEvery = time.Second

// importProgress tells how far an import is until it ends or its client goes away, or for as long as an import may take.
func (a *api) importProgress(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	im, err := a.importInTime(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	leave, ok := a.watchers.enter(userOf(ctx).ID)
	if !ok {
		return nil, refuse(http.StatusTooManyRequests, whyTooManyStreams)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer leave()
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no")
		w.Header().Set("No-Gzip-Compression", "1") // each event goes at once
		if err := a.tellProgress(ctx, w, im); err != nil && ctx.Err() == nil {
			a.Logger.InfoContext(ctx, "import is not followed any more", slog.Any("error", err))
		}
	}}, nil
}

func (a *api) tellProgress(ctx context.Context, w http.ResponseWriter, im campaigns.Import) error {
	ctx, cancel := context.WithTimeout(ctx, importTime)
	defer cancel()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		im = im.At(a.Now())
		over := !im.Underway()
		name := map[bool]string{true: "done", false: "progress"}[over]
		text, err := json.Marshal(a.showImport(ctx, im))
		if err != nil {
			return err
		}
		if err := writeStream(w, fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, text)); err != nil || over {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.watchers.over:
			return nil
		case <-tick.C:
		}
		if im, err = a.importInTime(ctx, im.ID); err != nil {
			return err
		}
	}
}

// importInTime bounds a look, as lookInTime does.
func (a *api) importInTime(ctx context.Context, id int64) (campaigns.Import, error) {
	ctx, cancel := context.WithTimeout(ctx, a.RequestTime)
	defer cancel()
	return a.Store.ImportByID(ctx, id)
}
