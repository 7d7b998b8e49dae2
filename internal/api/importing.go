package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	Accepted   int          `json:"accepted"`
	Duplicates int          `json:"duplicates" doc:"The CRM id or a number is in the campaign, or earlier in the list, already"`
	Refused    int          `json:"refused"`
	Lines      []ImportLine `json:"lines" nullable:"false" doc:"Lines that were not simply accepted: the first 10,000"`
}

// ImportLine is one line of a list.
type ImportLine struct {
	Line   int                  `json:"line" doc:"CSV: the line it begins on, the header being 1; JSON: its place in the list, from 1"`
	Status campaigns.LineStatus `json:"status" enum:"refused,duplicate,accepted"`
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
			"double calls."))
	o.Parameters = append([]*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}}}, listParams()...)
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
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
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
	return r.Method == http.MethodPost && r.URL.Path == prefix+"/do-not-call/import" || r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, prefix+"/campaigns/") &&
		strings.HasSuffix(r.URL.Path, "/contacts")
}

func (a *api) importContacts(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	report, err := a.doImport(ctx, w, r)
	if err == nil {
		writeJSON(w, http.StatusOK, showReport(ctx, report))
		return
	}
	p := a.listProblem(ctx, err)
	say := bookOf(ctx)
	w.Header().Set("Content-Language", say.Language())
	writeJSON(w, p.Status, ImportProblem{*p.inWords(say), showReport(ctx, report)})
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

func (a *api) doImport(ctx context.Context, w http.ResponseWriter, r *http.Request) (campaigns.ImportReport, error) {
	var none campaigns.ImportReport
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return none, refuseField("path.id", whyCampaignID)
	}
	c, err := a.Store.Campaign(ctx, id)
	if err != nil {
		return none, err
	}
	options, err := importOptions(r, c.Region)
	if err != nil {
		return none, err
	}
	body := http.MaxBytesReader(w, &patient{body: r.Body, control: http.NewResponseController(w)}, a.MaxImportBytes)
	list, err := openList(r, body, options)
	if err != nil {
		return none, err
	}
	defer list.Close()
	report, err := a.Store.ImportContacts(ctx, id, list.Lines(), a.Now())
	if report.Accepted > 0 {
		a.wakeDialer()
	}
	a.audit(ctx, "contacts.import", campaignObject(id),
		fmt.Sprintf("%d accepted, %d duplicates, %d refused", report.Accepted, report.Duplicates, report.Refused))
	return report, err
}

var (
	listTypes = []string{"text/csv", "application/json", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/octet-stream"}
	listParameters = []string{"mapping", "delimiter", "encoding", "sheet"}
)

// openList opens the body by its content type; a workbook and gzip are known by themselves.
func openList(r *http.Request, body io.Reader, o lists.Options) (*lists.List, error) {
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
	case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/gzip", "application/octet-stream":
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, whyMediaType(listTypes))
	}
	return lists.Open(body, o)
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

func showReport(ctx context.Context, r campaigns.ImportReport) ImportReport {
	v := ImportReport{Accepted: r.Accepted, Duplicates: r.Duplicates, Refused: r.Refused, Lines: make([]ImportLine, len(r.Lines))}
	for i, l := range r.Lines {
		v.Lines[i] = ImportLine{Line: l.Line, Status: l.Status, Code: l.Code, Reason: whyOf(ctx, l.Why)}
	}
	return v
}
