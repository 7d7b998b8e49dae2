package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/phrasebook"
)

// BarredCheck says whether calls are barred, and by what.
type BarredCheck struct {
	Barred  bool     `json:"barred"`
	Entries []Barred `json:"entries" nullable:"false" doc:"All that bar, the newest first: at most 100"`
}

type checkInput struct {
	Number string `query:"number" maxLength:"64" doc:"International, or national with region"`
	Region string `query:"region" maxLength:"2" doc:"ISO 3166 code by which a national number is read"`
	CRMID  string `query:"crm_id" maxLength:"100"`
}

func (a *api) checkBarred(ctx context.Context, in *checkInput) (*reply[BarredCheck], error) {
	number, err := oneOfTwo(ctx, "query", in.Number, in.Region, in.CRMID)
	if err != nil {
		return nil, err
	}
	list, err := a.Store.BarredBy(ctx, number, in.CRMID, a.Now())
	if err != nil {
		return nil, err
	}
	v := BarredCheck{Barred: len(list) > 0, Entries: make([]Barred, len(list))}
	for i, b := range list {
		v.Entries[i] = showBarred(b)
	}
	return answer(v), nil
}

// exportBarred streams the list: its pages are read as the client takes them.
func (a *api) exportBarred(ctx context.Context, _ *struct{ CSVForm }) (*huma.StreamResponse, error) {
	first, err := a.Store.BarredList(ctx, "", "", 0, exportPage)
	if err != nil {
		return nil, err
	}
	a.audit(ctx, "do_not_call.export", "do_not_call", "")
	return stream(a, "do-not-call.csv", func(out *csvStream) error {
		out.row(BarredColumns()...)
		for page := first; len(page) > 0; {
			for _, b := range page {
				out.row(BarredCells(b)...)
			}
			if err := out.flush(); err != nil || len(page) < exportPage {
				return err
			}
			var err error
			if page, err = a.Store.BarredList(ctx, "", "", page[len(page)-1].ID, exportPage); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

// BarredColumns are those of the export of the do-not-call list.
func BarredColumns() []string {
	return []string{"number", "crm_id", "reason", "source", "protected", "expires_at", "made_by", "at"}
}

// BarredCells are an entry's.
func BarredCells(b campaigns.Barred) []string {
	return []string{b.Number, b.CRMID, b.Reason, b.Source, strconv.FormatBool(b.Protected), timeText(b.Expires), b.MadeBy,
		timeText(b.At)}
}

// BarredReport says what became of a list of people who are not to be called.
type BarredReport struct {
	Added     int            `json:"added" doc:"Numbers and people that are new on the do-not-call list, or on it for longer"`
	Unchanged int            `json:"unchanged" doc:"Those that were on it already"`
	Refused   int            `json:"refused" doc:"Lines that bar nobody"`
	Lines     []BarredReason `json:"lines" nullable:"false" doc:"Lines to look at, the refused ones among them: the first 10,000"`
}

// BarredReason is what is to be said of one line.
type BarredReason struct {
	Line   int    `json:"line"`
	Status string `json:"status" enum:"refused,accepted"`
	Code   string `json:"code" doc:"As of imports of contacts; over: it has expired; expires: it says until when in a way that cannot be read, and bars for ever"`
	Reason *Why   `json:"reason"`
}

// BarredProblem is the refusal of such a list, with what was done before it broke off.
type BarredProblem struct {
	Problem
	Report BarredReport `json:"report"`
}

// Columns of a list that say more of its lines, by what they are called.
var (
	reasonColumns  = []string{"reason", "причина", "підстава", "основание"}
	sourceColumns  = []string{"source", "джерело", "источник"}
	expiresColumns = []string{"expires_at", "expires", "until", "діє до", "действует до", "термін дії"}
	barParameters  = []string{"region", "by", "reason", "source", "protected", "expires_at"}
)

// importBarredRoute is registered by hand, as that of contacts.
func (a *api) importBarredRoute(tag string) {
	o := op(tag, "import-barred", "POST /do-not-call/import", "Import a list of people who are not to be called", says(
		"A list in any form that contacts are imported in: each number in it is barred, or each CRM id, or both, by ?by=. Columns "+
			"reason, source and "+
			"expires_at say more of a line than the parameters do. It is stored as it comes, and may be sent again."))
	text := &huma.Schema{Type: huma.TypeString}
	o.Parameters = append(listParams(),
		&huma.Param{Name: "region", In: "query", Schema: text, Description: "ISO 3166 code by which national numbers are read"},
		&huma.Param{Name: "by", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"number", "person", "both"}},
			Description: "What is barred: the numbers (when left out), the CRM ids, or both"},
		&huma.Param{Name: "reason", In: "query", Schema: text},
		&huma.Param{Name: "source", In: "query", Schema: text, Description: "Such as a register's name"},
		&huma.Param{Name: "protected", In: "query", Schema: &huma.Schema{Type: huma.TypeBoolean},
			Description: "A law keeps these people from such calls"},
		&huma.Param{Name: "expires_at", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"},
			Description: "Left out: never"})
	o.RequestBody = listBody()
	a.byHand(o, readers, reflect.TypeFor[BarredReport](), reflect.TypeFor[BarredProblem](), a.importBarred)
}

// byHand registers a route whose body huma does not read.
func (a *api) byHand(o huma.Operation, roles []access.Role, result, problem reflect.Type, serve http.HandlerFunc) {
	schemas := a.huma.OpenAPI().Components.Schemas
	o.Responses = map[string]*huma.Response{
		"200": {Description: "What became of the list", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(result, true, result.Name())},
		}},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 413, 415, 422, 500, 503} {
		o.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: schemas.Schema(problem, true, problem.Name())},
		}}
	}
	describe(&o, roles)
	a.huma.OpenAPI().AddOperation(&o)
	a.huma.Adapter().Handle(&o, func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		a.gate(roles)(ctx, func(huma.Context) { serve(w, r) })
	})
}

func (a *api) importBarred(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	report := BarredReport{Lines: []BarredReason{}}
	err := a.doImportBarred(ctx, w, r, &report)
	if err == nil {
		writeJSON(w, http.StatusOK, report)
		return
	}
	p := a.listProblem(ctx, err)
	say := bookOf(ctx)
	w.Header().Set("Content-Language", say.Language())
	writeJSON(w, p.Status, BarredProblem{*p.inWords(say), report})
}

func (a *api) doImportBarred(ctx context.Context, w http.ResponseWriter, r *http.Request, report *BarredReport) error {
	query := r.URL.Query()
	o, err := importOptions(r, strings.ToUpper(query.Get("region")), barParameters...)
	if err != nil {
		return err
	}
	every := campaigns.Barred{Reason: query.Get("reason"), Source: query.Get("source"), MadeBy: userOf(ctx).Login, At: a.Now()}
	by := query.Get("by")
	switch {
	case !slices.Contains([]string{"", "number", "person", "both"}, by):
		return refuseField("query.by", whyBarBy)
	case len(every.Reason) > maxBarText:
		return refuseField("query.reason", whyTextLong(maxBarText))
	case len(every.Source) > maxBarText:
		return refuseField("query.source", whyTextLong(maxBarText))
	}
	if text := query.Get("protected"); text != "" {
		if every.Protected, err = strconv.ParseBool(text); err != nil {
			return refuseField("query.protected", whyTrueFalse)
		}
	}
	if text := query.Get("expires_at"); text != "" {
		if every.Expires, err = time.Parse(time.RFC3339, text); err != nil || !every.Expires.After(every.At) {
			return refuseField("query.expires_at", whyOver)
		}
	}
	body := http.MaxBytesReader(w, &patient{body: r.Body, control: http.NewResponseController(w)}, a.MaxImportBytes)
	o.People = by == "person" || by == "both"
	list, err := openList(r, body, o)
	if err != nil {
		return err
	}
	defer list.Close()
	err = BarList(ctx, a.Store.ContactStore, list, every, by, report)
	a.audit(ctx, "do_not_call.import", "do_not_call",
		fmt.Sprintf("%d added, %d there already, %d lines refused; source %q, reason %q", report.Added,
			report.Unchanged, report.Refused, every.Source, every.Reason))
	return err
}

const (
	barBatch   = 2_000 // lines of one transaction
	maxBarText = 200   // bytes
)

// Barrer puts parts of lists on the do-not-call list.
type Barrer interface {
	BarAll(ctx context.Context, list []campaigns.Barred) (added int, err error)
}

// BarList puts whom a list names on the do-not-call list, by number, by person or both. Lines are told in the language of the
// context.
func BarList(ctx context.Context, to Barrer, list *lists.List, every campaigns.Barred, by string, report *BarredReport) error {
	b := barring{to: to, ctx: ctx, every: every, by: by, report: report}
	return b.run(list)
}

// WithBook has reasons told by a book.
func WithBook(ctx context.Context, say *phrasebook.Book) context.Context {
	return context.WithValue(ctx, bookKey{}, say)
}

// barring is one import into the do-not-call list.
type barring struct {
	to      Barrer
	ctx     context.Context
	every   campaigns.Barred // what holds for each line that does not say otherwise
	by      string
	report  *BarredReport
	waiting []campaigns.Barred
}

func (b *barring) run(list *lists.List) error {
	for line, err := range list.Lines() {
		var refused *campaigns.LineError
		switch {
		case errors.As(err, &refused):
			b.report.Refused++
			b.tell(BarredReason{refused.Line, string(campaigns.LineRefused), refused.Code, whyOf(b.ctx, refused.Why)})
			continue
		case err != nil:
			return errors.Join(b.store(), err)
		}
		b.take(line)
		if len(b.waiting) >= barBatch {
			if err := b.store(); err != nil {
				return err
			}
		}
	}
	return b.store()
}

func (b *barring) tell(r BarredReason) {
	if len(b.report.Lines) < campaigns.MaxLineReports {
		b.report.Lines = append(b.report.Lines, r)
	}
}

// take has a line bar whom it names.
func (b *barring) take(line campaigns.Line) {
	entry := b.every
	var said map[string]any
	_ = json.Unmarshal(line.Contact.Payload, &said) // none: nothing more is said
	if text := saidIn(said, reasonColumns); text != "" {
		entry.Reason = text
	}
	if text := saidIn(said, sourceColumns); text != "" {
		entry.Source = text
	}
	if text := saidIn(said, expiresColumns); text != "" {
		var read bool
		if entry.Expires, read = readDay(text); !read {
			b.tell(BarredReason{line.Number, string(campaigns.LineWarned), "expires", whyOf(b.ctx, whyExpires(text))})
		}
	}
	if !entry.Expires.IsZero() && !entry.Expires.After(entry.At) {
		b.report.Refused++
		b.tell(BarredReason{line.Number, string(campaigns.LineRefused), "over", whyOf(b.ctx, whyOver)})
		return
	}
	if b.by != "person" {
		for _, p := range line.Contact.Phones {
			one := entry
			one.Number = p.Number
			b.waiting = append(b.waiting, one)
		}
	}
	if b.by == "person" || b.by == "both" {
		if line.Contact.CRMID != "" {
			one := entry
			one.CRMID = line.Contact.CRMID
			b.waiting = append(b.waiting, one)
		} else if b.by == "person" {
			b.report.Refused++
			b.tell(BarredReason{line.Number, string(campaigns.LineRefused), "crm_id", whyOf(b.ctx, whyNumberOrID)})
		}
	}
	for _, w := range line.Warnings {
		b.tell(BarredReason{line.Number, string(campaigns.LineWarned), w.Key(), whyOf(b.ctx, w)})
	}
}

func (b *barring) store() error {
	added, err := b.to.BarAll(b.ctx, b.waiting)
	if err != nil {
		return err
	}
	b.report.Added += added
	b.report.Unchanged += len(b.waiting) - added
	b.waiting = b.waiting[:0]
	return nil
}

// saidIn is the text of the first column of these names.
func saidIn(said map[string]any, names []string) string {
	for key, value := range said {
		if slices.Contains(names, strings.ToLower(strings.TrimSpace(key))) {
			text := strings.TrimSpace(fmt.Sprint(value))
			if len(text) > maxBarText {
				text = strings.ToValidUTF8(text[:maxBarText], "")
			}
			return text
		}
	}
	return ""
}

// readDay reads until when an entry holds; of a day, all of it, wherever on Earth.
func readDay(text string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	for _, form := range []string{time.DateOnly, "02.01.2006", "02/01/2006"} {
		if t, err := time.Parse(form, text); err == nil {
			return t.Add(36 * time.Hour), true
		}
	}
	return time.Time{}, false
}
