package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/creditorro/ringmaster/campaigns"
)

// marks are by what a person is known in texts: lines of lists, replies, the audit log.
type marks struct {
	ids, numbers, names []string
	words               *regexp.Regexp // ids and names, whole
	made                bool
}

const (
	nationalDigits = 9 // of a number's end, as lists write it
	shortestName   = 4 // letters
)

func (m *marks) make() {
	if m.made {
		return
	}
	m.made = true
	var whole []string
	for _, id := range m.ids {
		whole = append(whole, regexp.QuoteMeta(id))
	}
	for _, name := range m.names {
		if len([]rune(name)) >= shortestName {
			whole = append(whole, "(?i:"+regexp.QuoteMeta(name)+")")
		}
	}
	if len(whole) > 0 {
		m.words = regexp.MustCompile(`(^|[^\pL\pN])(` + strings.Join(whole, "|") + `)($|[^\pL\pN])`)
	}
}

// in reports whether a text says who the person is.
func (m *marks) in(text string) bool {
	m.make()
	if m.words != nil && m.words.MatchString(text) {
		return true
	}
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case strings.ContainsRune(" -().+/", r):
			return -1 // what stands inside of numbers
		}
		return '|'
	}, text)
	return slices.ContainsFunc(m.numbers, func(n string) bool { return strings.Contains(digits, n[max(1, len(n)-nationalDigits):]) })
}

// without puts tokens in the place of ids and numbers, and takes names out.
func (m *marks) without(text string, k tokens) string {
	m.make()
	for _, n := range m.numbers {
		text = strings.ReplaceAll(text, n, k.of(n))
	}
	if m.words == nil {
		return text
	}
	for range 2 { // neighbours share the sign between them
		text = m.words.ReplaceAllStringFunc(text, func(found string) string {
			parts := m.words.FindStringSubmatch(found)
			if slices.Contains(m.ids, parts[2]) {
				return parts[1] + k.of(parts[2]) + parts[3]
			}
			return parts[1] + "…" + parts[3]
		})
	}
	return text
}

// imports forgets lines and examples that say who the person is, and the files that wait to be committed: what is in them cannot
// be taken out.
func (e *eraser) imports(ctx context.Context) error {
	type line struct {
		of int64
		n  int
	}
	var lines []line
	_, err := all(ctx, e.tx, func(row scanner) (none struct{}, err error) {
		var l line
		var why, raw string
		if err = row.Scan(&l.of, &l.n, &why, &raw); err == nil && (e.marks.in(raw) || e.marks.in(why)) {
			lines = append(lines, l)
		}
		return none, err
	}, `SELECT import_id, line, why, raw FROM import_refusals`)
	if err != nil {
		return err
	}
	for _, l := range lines {
		e.later(`DELETE FROM import_refusals WHERE import_id = $1 AND line = $2`, l.of, l.n)
	}
	var campaignIDs []int64
	for _, c := range e.people {
		campaignIDs = append(campaignIDs, c.CampaignID)
	}
	type told struct {
		id                   int64
		about, report, state string
		kept                 bool
		campaign             int64
	}
	list, err := all(ctx, e.tx, func(row scanner) (i told, err error) {
		err = row.Scan(&i.id, &i.about, &i.report, &i.state, &i.kept, &i.campaign)
		return i, err
	}, `SELECT id, about, report, state, kept, campaign_id FROM imports`)
	if err != nil {
		return err
	}
	for _, i := range list {
		if e.marks.in(i.about) || e.marks.in(i.report) {
			report, err := e.reportWithout(i.report)
			if err != nil {
				return err
			}
			e.later(`UPDATE imports SET about = $2, report = $3 WHERE id = $1`, i.id, e.aboutWithout(i.about), report)
		}
		waits := i.state == string(campaigns.ImportChecked) || i.state == string(campaigns.ImportBroken)
		if i.kept && waits && slices.Contains(campaignIDs, i.campaign) {
			e.later(`UPDATE imports SET kept = FALSE WHERE id = $1`, i.id)
			e.later(`DELETE FROM import_parts WHERE import_id = $1`, i.id)
			e.report.Imports = append(e.report.Imports, i.id)
		}
	}
	return nil
}

// reportWithout leaves out examples that say who the person is.
func (e *eraser) reportWithout(text string) (string, error) {
	report, err := readReport(text)
	if err != nil {
		return "", err
	}
	for i := range report.Reasons {
		report.Reasons[i].Examples = slices.DeleteFunc(report.Reasons[i].Examples, func(x campaigns.Example) bool {
			said, _ := json.Marshal(x) // it was read from JSON
			return e.marks.in(string(said))
		})
	}
	return reportText(report)
}

// aboutWithout empties the examples of columns that say who the person is. What it does not know of the form stays.
func (e *eraser) aboutWithout(text string) string {
	var about map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&about) != nil {
		return "{}"
	}
	columns, _ := about["columns"].([]any)
	for _, c := range columns {
		column, _ := c.(map[string]any)
		examples, _ := column["examples"].([]any)
		column["examples"] = slices.DeleteFunc(examples, func(x any) bool { return e.marks.in(fmt.Sprint(x)) })
	}
	kept, _ := json.Marshal(about) // it was read from JSON
	return string(kept)
}

// replies forgets replies to requests that may come again. One that does come again is done again, or refused by what is there.
func (e *eraser) replies(ctx context.Context) error {
	var keys []string
	_, err := all(ctx, e.tx, func(row scanner) (none struct{}, err error) {
		var key string
		var body []byte
		if err = row.Scan(&key, &body); err == nil && e.marks.in(string(bytes.ToValidUTF8(body, nil))) {
			keys = append(keys, key)
		}
		return none, err
	}, `SELECT key, body FROM replies WHERE body IS NOT NULL`)
	if err == nil && len(keys) > 0 {
		e.later(`DELETE FROM replies WHERE key = ANY($1)`, keys)
	}
	return err
}

// audited has the audit log say what was done, and no more at whom.
func (e *eraser) audited(ctx context.Context) error {
	var objects []string
	for _, id := range e.marks.ids {
		objects = append(objects, "person/"+id)
	}
	for _, n := range e.own {
		objects = append(objects, "number/"+n)
	}
	for _, id := range e.of {
		objects = append(objects, fmt.Sprintf("contact/%d", id))
	}
	attempts, err := all(ctx, e.tx, scanID, `SELECT id FROM attempts WHERE contact_id = ANY($1) UNION SELECT id FROM attempts WHERE person = $2`,
		e.of, e.root)
	if err != nil {
		return err
	}
	for _, id := range attempts {
		objects = append(objects, fmt.Sprintf("attempt/%d", id))
	}
	type entry struct {
		id    int64
		texts [4]string
	}
	var list []entry
	read := func(row scanner) (none struct{}, err error) {
		var a entry
		if err = row.Scan(&a.id, &a.texts[0], &a.texts[1], orZero(&a.texts[2]), orZero(&a.texts[3])); err == nil {
			list = append(list, a)
		}
		return none, err
	}
	const columns = `SELECT id, object, detail, before, after FROM audit WHERE `
	if _, err := all(ctx, e.tx, read, columns+`object = ANY($1)`, objects); err != nil {
		return err
	}
	for _, n := range e.own { // of a number the text may be anywhere
		if _, err := all(ctx, e.tx, read, columns+`detail LIKE $1`, "%"+n+"%"); err != nil {
			return err
		}
	}
	for _, a := range list {
		texts := a.texts
		if kind, id, is := strings.Cut(texts[0], "/"); is && kind == "person" && slices.Contains(e.marks.ids, id) {
			texts[0] = "person/" + e.root
		}
		for i := range texts {
			texts[i] = e.marks.without(texts[i], e.tokens)
		}
		if texts != a.texts {
			e.later(`UPDATE audit SET object = $2, detail = $3, before = $4, after = $5 WHERE id = $1`, a.id, texts[0], texts[1],
				orNull(texts[2]), orNull(texts[3]))
		}
	}
	return nil
}
