package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/reason"
)

// ImportReport says what became of a list.
type ImportReport struct {
	ImportID   int64          `json:"import_id" doc:"By which it is read again: GET /imports/{id}, and its refused lines; 0: nothing was begun"`
	Accepted   int            `json:"accepted"`
	Updated    int            `json:"updated" doc:"Known people of whom something was changed, as ?choice= says"`
	Unchanged  int            `json:"unchanged" doc:"Known people of whom the list says nothing new"`
	Duplicates int            `json:"duplicates" doc:"The CRM id or a number is in the campaign, or earlier in the list, already"`
	Refused    int            `json:"refused"`
	Reasons    []ImportReason `json:"reasons" nullable:"false" doc:"What lines met with, each with ten examples at most"`
	Lines      []ImportLine   `json:"lines" nullable:"false" doc:"Lines that were not simply accepted: the first 10,000"`
}

// ImportLine is one line of a list.
type ImportLine struct {
	Line   int                  `json:"line" doc:"CSV: the line it begins on, the header being 1; JSON: its place in the list, from 1"`
	Status campaigns.LineStatus `json:"status" enum:"refused,duplicate,accepted,updated,unchanged"`
	Code   string               `json:"code,omitempty" doc:"Of a refused line: stable, to count by; docs/importing.md lists the codes" example:"phone_invalid"`
	Reason *Why                 `json:"reason"`
}

// ImportProblem is the refusal of a list, with what was accepted before it broke off.
type ImportProblem struct {
	Problem
	Report ImportReport `json:"report"`
}

// importRoute is registered by hand: the body is a stream of any length, which huma would read whole.
func (a *api) importRoute(tag string) {
	o := op(tag, "import-contacts", "POST /campaigns/{id}/contacts", "Import contacts", says(
		"A JSON array of contacts, or CSV whose first line names the columns (English, Ukrainian and Russian names are recognised, "+
			"others are mapped by ?mapping=). Numbers are brought to E.164; a bad line is refused with its reason, and the others go on. "+
			"The list is stored as it comes: when it breaks off, what was accepted stays, and sending it again gives duplicates, not "+
			"double calls. With ?dry_run=true nothing is stored: the reply is an Import that says what the list is taken for and "+
			"what would "+
			"become of it, and POST /imports/{id}/commit stores it within a day, without its being sent again."))
	o.Parameters = append([]*huma.Param{{Name: "id", In: "path", Required: true,
		Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}}}, listParams()...)
	o.Parameters = append(o.Parameters,
		&huma.Param{Name: "dry_run", In: "query", Schema: &huma.Schema{Type: huma.TypeBoolean}},
		&huma.Param{Name: "list", In: "query", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "The list's name, at most 100 characters: who comes by it is known by it. Left out: called after the import"},
		&huma.Param{Name: "choice", In: "query", Schema: &huma.Schema{Type: huma.TypeString,
			Enum: []any{"new", "update", "add_phones", "replace"}},
			Description: "What becomes of people who are there, by CRM id. new (when left out): they stay as they are. update: what " +
				"the line says is taken over, " +
				"a corrected number too; what it leaves empty stays. add_phones: numbers that they do not have are added. replace: they " +
				"become what the line says"})
	o.RequestBody = listBody()
	a.byHand(o, readers, reflect.TypeFor[ImportReport](), reflect.TypeFor[ImportProblem](), a.importContacts)
}

// listParams say how a list is to be read.
func listParams() []*huma.Param {
	return []*huma.Param{
		{Name: "mapping", In: "query", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "A JSON object from column to field: " +
				`{"Kunde": "crm_id", "Tel": "phone"}. Fields: ` + strings.Join(lists.Fields, ", ") + ", payload.KEY."},
		{Name: "delimiter", In: "query", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "Of CSV; found in the first line when left out"},
		{Name: "encoding", In: "query", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "Of text: " + strings.Join(lists.Encodings, ", ") + "; guessed when left out"},
		{Name: "sheet", In: "query", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "Of a workbook; the first that has something in it when left out"},
	}
}

func listBody() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: contactList()},
		"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}},
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {Schema: &huma.Schema{Type: huma.TypeString,
			Format: "binary"}},
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
}

// contactList is the schema of the list to be imported.
func contactList() *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "Keys are recognised as columns are; what is not recognised goes into the payload.",
		Properties: map[string]*huma.Schema{
			"crm_id": text, "name": text, "time_zone": text, "priority": {Type: huma.TypeInteger},
			"phones":  {Type: huma.TypeArray, Items: text},
			"payload": {Type: huma.TypeObject, AdditionalProperties: true},
		},
	}}
}

func isImport(r *http.Request) bool {
	if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, prefix+"/imports/") && strings.HasSuffix(r.URL.Path, "/commit") {
		return true
	}
	return r.Method == http.MethodPost && r.URL.Path == prefix+"/do-not-call/import" || r.Method == http.MethodPost &&
		strings.HasPrefix(r.URL.Path, prefix+"/campaigns/") &&
		strings.HasSuffix(r.URL.Path, "/contacts")
}

func (a *api) importContacts(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	im, report, err := a.doImport(ctx, w, r)
	switch {
	case err == nil && im.State == campaigns.ImportChecked:
		writeJSON(w, http.StatusOK, a.showImport(ctx, im))
		return
	case err == nil:
		writeJSON(w, http.StatusOK, showReport(ctx, im.ID, report))
		return
	}
	p := a.listProblem(ctx, err)
	say := bookOf(ctx)
	w.Header().Set("Content-Language", say.Language())
	writeJSON(w, p.Status, ImportProblem{*p.inWords(say), showReport(ctx, im.ID, report)})
}

// listProblem is why a list was not read to its end.
func (a *api) listProblem(ctx context.Context, err error) *Problem {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refuse(http.StatusRequestEntityTooLarge, whyListTooLarge(int(tooLarge.Limit)))
	case errors.Is(err, lists.ErrList):
		return refuse(http.StatusUnprocessableEntity, whyListBad(reason.Of(err)))
	}
	return a.problem(ctx, err)
}

func (a *api) doImport(ctx context.Context, w http.ResponseWriter, r *http.Request) (im campaigns.Import,
	report campaigns.ImportReport, err error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return im, report, refuseField("path.id", whyCampaignID)
	}
	c, err := a.Store.Campaign(ctx, id)
	if err != nil {
		return im, report, err
	}
	options, err := importOptions(r, c.Region, "dry_run", "list", "choice")
	if err != nil {
		return im, report, err
	}
	im, dry, err := importOf(ctx, r, id)
	if err != nil {
		return im, report, err
	}
	body := http.MaxBytesReader(w, &patient{body: r.Body, control: http.NewResponseController(w)}, a.MaxImportBytes)
	if options, err = listOptions(r, options); err != nil {
		return im, report, err
	}
	if dry {
		im, err = a.desk().Check(ctx, im, options, body)
		return im, report, err
	}
	counted := &lists.Counted{From: body}
	list, err := lists.Open(counted, options)
	if err != nil {
		return im, report, err
	}
	defer list.Close()
	im.Bytes = max(0, r.ContentLength)
	im, report, err = a.desk().Import(ctx, im, options, list, list.Lines(), counted)
	if report.Accepted+report.Updated > 0 {
		a.wakeDialer()
	}
	a.audit(ctx, "contacts.import", campaignObject(id), importDetail(im, report))
	return im, report, err
}

var (
	listTypes = []string{"text/csv", "application/json", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.oasis.opendocument.spreadsheet", "application/octet-stream"}
	listParameters = []string{"mapping", "delimiter", "encoding", "sheet"}
)

// openList opens the body by its content type; a workbook and gzip are known by themselves.
func openList(r *http.Request, body io.Reader, o lists.Options) (*lists.List, error) {
	o, err := listOptions(r, o)
	if err != nil {
		return nil, err
	}
	return lists.Open(body, o)
}

// listOptions are completed by the content type.
func listOptions(r *http.Request, o lists.Options) (lists.Options, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	if o.Encoding == "" {
		o.Encoding = params["charset"]
	}
	switch kind {
	case "text/csv", "text/plain":
		o.Format = lists.CSV
	case "application/json", "application/x-ndjson":
		o.Format = lists.JSON
	case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.oasis.opendocument.spreadsheet",
		"application/gzip", "application/octet-stream":
	default:
		return o, refuse(http.StatusUnsupportedMediaType, whyMediaType(listTypes))
	}
	return o, nil
}

func importOptions(r *http.Request, region string, more ...string) (lists.Options, error) {
	query, known := r.URL.Query(), slices.Concat(listParameters, more)
	o := lists.Options{Region: region, Encoding: query.Get("encoding"), Sheet: query.Get("sheet")}
	for key := range query {
		if !slices.Contains(known, key) {
			return o, refuseField("query."+key, whyParameters(known))
		}
	}
	switch d := query.Get("delimiter"); {
	case d == "tab":
		o.Delimiter = '\t'
	case len(d) == 1:
		o.Delimiter = d[0]
	case d != "":
		return o, refuseField("query.delimiter", whyDelimiter)
	}
	if text := query.Get("mapping"); text != "" {
		if err := json.Unmarshal([]byte(text), &o.Mapping); err != nil {
			return o, refuseField("query.mapping", whyMapping)
		}
	}
	return o, nil
}

// patient reads a body for as long as something of it arrives: a long list may take its time, a silent client may not.
type patient struct {
	body    io.ReadCloser
	control *http.ResponseController
}

// silence is how long a client may send nothing.
const silence = 30 * time.Second

func (p *patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(silence)) // a connection without deadlines is bounded by importTime
	return p.body.Read(b)
}

func (p *patient) Close() error { return p.body.Close() }

func showReport(ctx context.Context, id int64, r campaigns.ImportReport) ImportReport {
	v := ImportReport{ImportID: id, Accepted: r.Accepted, Updated: r.Updated, Unchanged: r.Unchanged,
		Reasons: showReasons(ctx, r.Reasons), Duplicates: r.Duplicates, Refused: r.Refused, Lines: make([]ImportLine, len(r.Lines))}
	for i, l := range r.Lines {
		v.Lines[i] = ImportLine{Line: l.Line, Status: l.Status, Code: l.Code, Reason: whyOf(ctx, l.Why)}
	}
	return v
}
