package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/creditorro/ringmaster/campaigns"
)

// Bounds of what a name is found by.
const (
	mostWords  = 8
	longestKey = 32 // runes
)

// wordsOf are the words by which a name is found, each once: in small letters, without accents and apostrophes. Names that are
// typed go the same way.
func wordsOf(name string) []string {
	var words []string
	for field := range strings.FieldsFuncSeq(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && !strings.ContainsRune(apostrophes, r)
	}) {
		if word := foldWord(field); word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
		if len(words) == mostWords {
			break
		}
	}
	return words
}

const apostrophes = "'’ʼ`´"

func foldWord(word string) string {
	for _, r := range word {
		if r >= 0x80 && (r < 0x400 || r > 0x4ff) { // not of those whose small letters say all
			word = norm.NFD.String(word)
			break
		}
	}
	var b strings.Builder
	n := 0
	for _, r := range word {
		if unicode.Is(unicode.Mn, r) || strings.ContainsRune(apostrophes, r) {
			continue
		}
		if r = unicode.ToLower(r); r == 'ё' {
			r = 'е'
		}
		if n++; n > longestKey {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

type wordRow struct {
	Word string `json:"word"`
	ID   int64  `json:"id"`
}

// findBy has a contact found by its name, and no more by what it was called.
func (t *tx) findBy(id int64, was, is string) {
	before, after := wordsOf(was), wordsOf(is)
	var gone []string
	var added []wordRow
	for _, w := range before {
		if !slices.Contains(after, w) {
			gone = append(gone, w)
		}
	}
	for _, w := range after {
		if !slices.Contains(before, w) {
			added = append(added, wordRow{w, id})
		}
	}
	if len(gone) > 0 {
		t.later(`DELETE FROM contact_words WHERE word = ANY($1) AND contact_id = $2`, gone, id)
	}
	t.addWords(added)
}

func (t *tx) addWords(rows []wordRow) {
	if len(rows) > 0 {
		t.later(`INSERT INTO contact_words (word, contact_id) SELECT r.word, r.id FROM ROWS($1: word TEXT, id BIGINT) AS r WHERE TRUE
			ON CONFLICT DO NOTHING`, rowset(rows))
	}
}

// rememberNames has contacts found by their names that were stored by a version that knew no words. It goes on where it was.
func (s *db) rememberNames(ctx context.Context) error {
	const batch = 5000
	for {
		more := false
		err := s.inTx(ctx, func(t *tx) error {
			if _, err := t.exec(ctx, `INSERT INTO sequences (key, value) VALUES ('contact_words', 0) ON CONFLICT DO NOTHING`); err != nil {
				return err
			}
			after, err := one(ctx, t, scanID, `SELECT value FROM sequences WHERE key = 'contact_words' FOR UPDATE`)
			if err != nil || after < 0 {
				return err
			}
			last, rows := int64(-1), []wordRow(nil)
			_, err = all(ctx, t, func(row scanner) (none struct{}, err error) {
				var name string
				err = row.Scan(&last, &name)
				for _, w := range wordsOf(name) {
					rows = append(rows, wordRow{w, last})
				}
				return none, err
			}, `SELECT c.id, c.name FROM contacts c WHERE c.id > $1 ORDER BY c.id LIMIT $2`, after, batch)
			if err != nil {
				return err
			}
			more = last >= 0
			t.addWords(rows)
			t.later(`UPDATE sequences SET value = $1 WHERE key = 'contact_words'`, last)
			return nil
		})
		if err != nil {
			return fmt.Errorf("store: names of contacts: %w", err)
		}
		if !more {
			return nil
		}
	}
}

// Bounds of one look by name. A page that looks at more has fewer items, and goes on.
const (
	nameLooks = 2000 // contacts whose other words are looked at
	nameRare  = 2001 // as far as the contacts that a word finds are counted
)

// FindByName lists contacts of all campaigns, or of one, whose names have words that begin as the given ones do, in any order: by
// the rarest of them, then by id, those behind a place. The place returned is where it goes on; nil: there are no more.
func (s Contacts) FindByName(ctx context.Context, campaignID int64, name string, after *campaigns.NamePlace,
	limit int) ([]campaigns.Contact, *campaigns.NamePlace, error) {
	typed := wordsOf(name)
	if len(typed) == 0 {
		return nil, nil, nil
	}
	list, next, err := s.findByName(ctx, campaignID, typed, after, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("store: find contacts by name: %w", err)
	}
	return list, next, nil
}

func (s Contacts) findByName(ctx context.Context, campaignID int64, typed []string, after *campaigns.NamePlace,
	limit int) ([]campaigns.Contact, *campaigns.NamePlace, error) {
	by := campaigns.NamePlace{}
	if after != nil {
		by = *after
	}
	if !slices.Contains(typed, by.Typed) {
		rarest := int64(nameRare + 1)
		for _, w := range typed {
			n := int64(0)
			var err error
			if len(typed) > 1 {
				n, err = one(ctx, s, scanID, `SELECT count(*) FROM (SELECT 1 FROM contact_words w
					WHERE w.word >= $1 AND w.word < $2 LIMIT $3) AS f`, w, behind(w), nameRare)
			}
			if err != nil {
				return nil, nil, err
			}
			if n < rarest {
				rarest, by = n, campaigns.NamePlace{Typed: w, Word: w}
			}
		}
	}
	var ids []int64
	for looked := 0; ; {
		some := min(limit-len(ids)+1, nameLooks) // whole pages mostly, of a word alone
		if len(typed) > 1 || campaignID != 0 {
			some = max(some, 500)
		}
		type found struct {
			campaigns.NamePlace
			name     string
			campaign int64
		}
		list, err := all(ctx, s, func(row scanner) (f found, err error) {
			err = row.Scan(&f.Word, &f.ID, &f.name, &f.campaign)
			f.Typed = by.Typed
			return f, err
		}, `SELECT w.word, w.contact_id, c.name, c.campaign_id FROM (SELECT word, contact_id FROM contact_words
				WHERE word >= $1 AND word < $2 AND (word, contact_id) > ($1, $3) ORDER BY word, contact_id LIMIT $4) AS w
			JOIN contacts c ON c.id = w.contact_id ORDER BY w.word, w.contact_id`, by.Word, behind(by.Typed), by.ID, some)
		if err != nil {
			return nil, nil, err
		}
		for _, f := range list {
			if len(ids) == limit {
				contacts, err := s.inOrder(ctx, ids)
				return contacts, &by, err
			}
			by = f.NamePlace
			if (campaignID == 0 || f.campaign == campaignID) && isCalled(f.name, typed, f.NamePlace) {
				ids = append(ids, f.ID)
			}
		}
		if looked += len(list); len(list) < some || looked >= nameLooks {
			contacts, err := s.inOrder(ctx, ids)
			if len(list) < some {
				return contacts, nil, err
			}
			return contacts, &by, err
		}
	}
}

// isCalled reports whether a name has all that was typed, and is found for the first time by this word.
func isCalled(name string, typed []string, by campaigns.NamePlace) bool {
	words := wordsOf(name)
	for _, w := range words {
		if strings.HasPrefix(w, by.Typed) && w < by.Word {
			return false
		}
	}
	for _, begins := range typed {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, begins) }) {
			return false
		}
	}
	return true
}

// behind is the first text that is behind all which begin so, in the order of their bytes.
func behind(word string) string { return word + string(unicode.MaxRune) }

func (s Contacts) inOrder(ctx context.Context, ids []int64) ([]campaigns.Contact, error) {
	list, err := s.ContactsByID(ctx, ids)
	slices.SortFunc(list, func(a, b campaigns.Contact) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return list, err
}
