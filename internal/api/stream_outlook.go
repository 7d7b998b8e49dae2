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

// outlooks are the campaigns that somebody watches, each looked at once for all who do, in each language.
type outlooks struct {
	mu   sync.Mutex
	made map[outlookKey]outlookPage
}

type outlookKey struct {
	kind, language string
	id             int64
}

type outlookPage struct {
	at   time.Time // by our own clock: it is the age that matters
	item *LiveItem // nil: there is no such campaign
}

// boardWith is the board, with the outlooks of campaigns and how far their calls run ahead.
func (a *api) boardWith(ids []int64) func(context.Context) ([]LiveItem, error) {
	return func(ctx context.Context) ([]LiveItem, error) {
		items, err := a.boardOf(ctx)
		if err != nil {
			return nil, err
		}
		items = items[:len(items):len(items)] // the board is everybody's
		for _, id := range ids {
			for _, w := range []struct {
				kind string
				life time.Duration
				look func(context.Context, int64) (any, error)
			}{{"outlook", streamBeat, a.outlookNow}, {"pacing", pacingLife, a.pacingNow}} {
				item, err := a.watchedItem(ctx, w.kind, id, w.life, w.look)
				if err != nil {
					return nil, err
				}
				if item != nil {
					items = append(items, *item)
				}
			}
		}
		return items, nil
	}
}

// pacingLife is for how long one look at a campaign's account of calls serves all: half an hour has few answers a second.
const pacingLife = 5 * streamBeat

func (a *api) outlookNow(ctx context.Context, id int64) (any, error) {
	on, err := a.loggedOn(ctx)
	if err != nil {
		return nil, err
	}
	return a.outlook(ctx, id, on)
}

func (a *api) pacingNow(ctx context.Context, id int64) (any, error) { return a.pacingOf(ctx, id) }

// watchedItem is what look returns of a campaign, or has returned within the last life; nil: there is no such campaign.
func (a *api) watchedItem(ctx context.Context, kind string, id int64, life time.Duration,
	look func(context.Context, int64) (any, error)) (*LiveItem, error) {
	s, key := &a.watchers.outlooks, outlookKey{kind, bookOf(ctx).Language(), id}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, there := s.made[key]; there && time.Since(p.at) < life-streamBeat/10 {
		return p.item, nil
	}
	for other, p := range s.made { // of those whom nobody watches any more, little stays
		if time.Since(p.at) > time.Minute {
			delete(s.made, other)
		}
	}
	var item *LiveItem
	switch v, err := look(ctx, id); {
	case reason.ClassOf(err) == reason.Missing:
	case err != nil:
		return nil, err
	default:
		made := itemOf(kind, strconv.FormatInt(id, 10), v)
		item = &made
	}
	if s.made == nil {
		s.made = map[outlookKey]outlookPage{}
	}
	s.made[key] = outlookPage{time.Now(), item}
	return item, nil
}
