package api

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// page is one page of a list.
type page[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor" doc:"Pass it as ?cursor= for the next page; empty: this is the last one"`
}

// Paging is what a request says of the page it wants.
type Paging struct {
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Items a page"`
}

// position reads the cursor: n numbers, zeros without one. Cursors are opaque, so that what pages a list may change.
func (p Paging) position(n int) ([]int64, error) {
	numbers := make([]int64, n)
	if p.Cursor == "" {
		return numbers, nil
	}
	refused := refuseField("query.cursor", whyCursor)
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return nil, refused
	}
	parts := strings.Split(string(text), " ")
	if len(parts) != n {
		return nil, refused
	}
	for i, part := range parts {
		if numbers[i], err = strconv.ParseInt(part, 10, 64); err != nil || numbers[i] <= 0 {
			return nil, refused
		}
	}
	return numbers, nil
}

// after is the position of lists that page by one id.
func (p Paging) after() (int64, error) {
	at, err := p.position(1)
	if err != nil {
		return 0, err
	}
	return at[0], nil
}

// pageOf shows a list; a full page has a next one, which begins after the last item's position.
func pageOf[T, V any](list []T, limit int, show func(T) V, position func(T) []int64) *reply[page[V]] {
	p := page[V]{Items: make([]V, 0, len(list))}
	for _, item := range list {
		p.Items = append(p.Items, show(item))
	}
	if len(list) > 0 && len(list) >= limit {
		text := strings.Trim(fmt.Sprint(position(list[len(list)-1])), "[]")
		p.NextCursor = base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	return answer(p)
}
