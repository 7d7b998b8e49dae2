package dialer

import (
	"context"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// seekPause is for how long a campaign is not sought through again of which nobody was planned thereafter.
const seekPause = 5 * time.Second

// dry is a campaign of which a plan has found too few people to call.
type dry struct {
	campaign int64
	ahead    bool    // its customers are called first
	free     []int64 // agents for whom there was nobody
}

// sought is how a campaign's queue is sought through.
type sought struct {
	running bool
	found   bool      // somebody who may be called; the pacer has not heard yet
	until   time.Time // not again before, unless somebody was planned
}

// ranDry has a campaign left alone for a moment that had too few people to call. Meanwhile its queue is sought through, on from
// where the plan's time was over, and then its head cleared: the agent need not wait for that.
func (p *pacer) ranDry(c *campaigns.Campaign, planned int, ahead bool, free []int64) {
	now := p.now()
	p.dryUntil[c.ID] = now.Add(dryPause)
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.sought[c.ID]
	switch {
	case is.running:
	case planned == 0 && now.Before(is.until):
		p.clearSoon(c.ID)
	default:
		select {
		case p.seek <- dry{c.ID, ahead, free}:
			p.sought[c.ID] = sought{running: true}
		default: // it will be dry again
		}
	}
}

func (p *pacer) clearSoon(campaign int64) (taken bool) {
	select {
	case p.clear <- campaign:
		return true
	default:
		return false
	}
}

// clearChanged has the heads of the queues cleared of campaigns that have just opened or were changed: other rules, too, may have
// put people there who must not be called. An agent who comes free later does not wait for that.
func (p *pacer) clearChanged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.campaigns {
		changed, known := p.cleared[c.ID]
		open, _ := campaigns.OpenAt(c, p.now())
		if !open {
			delete(p.cleared, c.ID)
		} else if (!known || !changed.Equal(c.UpdatedAt)) && p.clearSoon(c.ID) {
			p.cleared[c.ID] = c.UpdatedAt
		}
	}
}

// takeFound ends the pause of the campaigns in whose queues somebody was found.
func (p *pacer) takeFound() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, is := range p.sought {
		if is.found {
			is.found = false
			p.sought[id] = is
			delete(p.dryUntil, id)
		}
	}
}

// seekOn seeks through the queues of campaigns that ran dry, in turn, and wakes the pacer for somebody who may be called: a free
// agent waits no longer than that takes, and no other campaign's plan waits for it.
func (p *pacer) seekOn(ctx context.Context) {
	for {
		var d dry
		select {
		case d = <-p.seek:
		case <-ctx.Done():
			return
		}
		found, more := p.seekOnce(ctx, d)
		if more {
			select {
			case p.seek <- d:
				continue
			default:
			}
		}
		p.mu.Lock()
		p.sought[d.campaign] = sought{found: found, until: p.now().Add(seekPause)}
		p.mu.Unlock()
		if found {
			p.wakeUp()
		}
		p.clearSoon(d.campaign)
	}
}

func (p *pacer) seekOnce(ctx context.Context, d dry) (found, more bool) {
	if p.mayDial() != nil {
		return false, false
	}
	sql, cancel := context.WithTimeout(ctx, sqlLimit)
	defer cancel()
	found, more, err := p.queues.Seek(sql, d.campaign, d.ahead, p.now(), d.free...)
	if err != nil {
		p.away(ctx, "a queue is not sought through", err)
		return false, false
	}
	return found, more
}

// clearHeads moves those whom policy refuses out of the heads of queues, so that a free agent need not wait for it. It
// is done once for each of them: they are due again when they may be called. Queues take turns: one of a campaign that has opened
// keeps none waiting whose agents are free.
func (p *pacer) clearHeads(ctx context.Context) {
	for {
		select {
		case id := <-p.clear:
			for more := true; more; more = more && !p.clearSoon(id) {
				more = p.clearHead(ctx, id)
			}
		case <-ctx.Done():
			return
		}
	}
}

// clearHead looks at the first of a queue once. More: there are others behind them.
func (p *pacer) clearHead(ctx context.Context, id int64) (more bool) {
	err := p.mayDial()
	if err == nil {
		sql, cancel := context.WithTimeout(ctx, sqlLimit)
		defer cancel()
		if more, err = p.queues.Clear(sql, id, p.now()); err != nil {
			p.away(ctx, "the head of a queue is not cleared", err)
		}
	}
	if err != nil {
		p.mu.Lock()
		delete(p.cleared, id) // it is put to be cleared again
		p.mu.Unlock()
	}
	return more && err == nil
}
