package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// The law obliges us to forget a person, and not to forget that the person must not be called. What the gate judges by is kept
// under keyed hashes, tokens: whoever knows an id or a number finds what is kept of it, and whoever reads the tables does not
// read who it was.

// tokenPrefix marks what stands in the place of an id or a number.
const tokenPrefix = "erased:"

// tokens makes tokens, by the key of this database.
type tokens struct{ key []byte }

func (k tokens) of(text string) string {
	mac := hmac.New(sha256.New, k.key)
	mac.Write([]byte(text))
	return tokenPrefix + hex.EncodeToString(mac.Sum(nil)[:16])
}

func (k tokens) all(list []string) []string {
	made := make([]string, len(list))
	for i, text := range list {
		made[i] = k.of(text)
	}
	return made
}

// tokens reads the key, once.
func (s *db) tokens(ctx context.Context, q querier) (tokens, error) {
	if key, ok := s.tokenKey.Load().([]byte); ok {
		return tokens{key}, nil
	}
	text, err := one(ctx, q, scanText, `SELECT key FROM erasure_key WHERE id = 1`)
	if err != nil {
		return tokens{}, fmt.Errorf("store: key of erased people: %w", err)
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		return tokens{}, fmt.Errorf("store: key of erased people: %w", err)
	}
	s.tokenKey.Store(key)
	return tokens{key}, nil
}

// erased says under which tokens something may be kept of people and numbers.
type erased struct {
	crmIDs  map[string][]string // token of a person → ids that lead to it
	numbers map[string]string   // token → number
}

// erasedOf looks for tokens of ids and numbers, and adds them to what is looked for.
func (s *db) erasedOf(ctx context.Context, q querier, crmIDs, numbers []string) (e erased, ids, phones []string, err error) {
	k, err := s.tokens(ctx, q)
	if err != nil {
		return e, nil, nil, err
	}
	e = erased{map[string][]string{}, map[string]string{}}
	ids, phones = slices.Clone(crmIDs), slices.Clone(numbers)
	for _, n := range numbers {
		token := k.of(n)
		e.numbers[token], phones = n, append(phones, token)
	}
	of := map[string]string{}
	for _, id := range crmIDs {
		of[k.of(id)] = id
	}
	_, err = all(ctx, q, func(row scanner) (none struct{}, err error) {
		var token, root string
		err = row.Scan(&token, &root)
		if len(e.crmIDs[root]) == 0 {
			ids = append(ids, root)
		}
		e.crmIDs[root] = append(e.crmIDs[root], of[token])
		return none, err
	}, `SELECT token, root FROM erased_people WHERE token = ANY($1)`, k.all(crmIDs))
	if err != nil {
		return e, nil, nil, fmt.Errorf("store: erased people: %w", err)
	}
	return e, ids, phones, nil
}

// number is what a token stands for, or the number itself.
func (e erased) number(n string) string {
	if known, ok := e.numbers[n]; ok {
		return known
	}
	return n
}

// people are those whom a token stands for, or the person itself.
func (e erased) people(person string) []string {
	if ids, ok := e.crmIDs[person]; ok {
		return ids
	}
	return []string{e.number(person)}
}
