package api

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

type liveInput struct {
	Campaign []int64 `query:"campaign,explode" maxItems:"20" doc:"Ids of campaigns whose figures are wanted, each as an outlook"`
}

// outlooks are the campaigns that somebody watches, each looked at once a beat for all who do, in each language.
type outlooks struct {
	mu   sync.Mutex
	made map[outlookKey]outlookPage
}

type outlookKey struct {
	language string
	id       int64
}

type outlookPage struct {
	at   time.Time // by our own clock: it is the age that matters
	item *LiveItem // nil: there is no such campaign
}

// boardWith is the board, with the outlooks of campaigns.
func (a *api) boardWith(ids []int64) func(context.Context) ([]LiveItem, error) {
	return func(ctx context.Context) ([]LiveItem, error) {
		items, err := a.boardOf(ctx)
		if err != nil {
			return nil, err
		}
		items = items[:len(items):len(items)] // the board is everybody's
		for _, id := range ids {
			item, err := a.outlookItem(ctx, id)
			if err != nil {
				return nil, err
			}
			if item != nil {
				items = append(items, *item)
			}
		}
		return items, nil
	}
}

func (a *api) outlookItem(ctx context.Context, id int64) (*LiveItem, error) {
	s, key := &a.watchers.outlooks, outlookKey{bookOf(ctx).Language(), id}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, there := s.made[key]; there && time.Since(p.at) < streamBeat*9/10 {
		return p.item, nil
	}
	for other, p := range s.made { // of those whom nobody watches any more, little stays
		if time.Since(p.at) > time.Minute {
			delete(s.made, other)
		}
	}
	on, err := a.loggedOn(ctx)
	if err != nil {
		return nil, err
	}
	var item *LiveItem
	switch o, err := a.outlook(ctx, id, on); {
	case reason.ClassOf(err) == reason.Missing:
	case err != nil:
		return nil, err
	default:
		made := itemOf("outlook", strconv.FormatInt(id, 10), o)
		item = &made
	}
	if s.made == nil {
		s.made = map[outlookKey]outlookPage{}
	}
	s.made[key] = outlookPage{time.Now(), item}
	return item, nil
}
