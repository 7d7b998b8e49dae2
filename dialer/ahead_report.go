package dialer

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/reason"
)

const (
	reportEvery = time.Second
	reportStays = 30 * time.Second // without a newer one

	partStays = 5 * time.Second // a node's part of the account, since it was last told of
	partCount = 2 * partStays   // a node's report takes its part from the others', clocks that differ allowed for
)

// PaceReport is what the pacing of a campaign has last decided at one node, and what of.
type PaceReport struct {
	At        time.Time      `json:"at"`
	Node      string         `json:"node"`
	Key       pacing.Key     `json:"key"`
	Agents    int            `json:"agents"` // who are at home there for the campaign
	Originate int            `json:"originate"`
	GivenUp   int            `json:"given_up"`
	Numbers   pacing.Numbers `json:"numbers"`
	Cap       float64        `json:"cap"`
	Day       pacing.Tally   `json:"day"`
	HalfHour  pacing.Tally   `json:"half_hour"`
	Trouble   pacing.Trouble `json:"trouble,omitempty"`
}

// Why a decision is as it is.
var (
	whyRisk        = reason.With2[float64, float64]("pacing.risk", "risk", "limit")
	whyFull        = reason.With1[int]("pacing.room", "room")
	whyWarmUp      = reason.With1[int]("pacing.warm_up", "idle")
	whyMode        = reason.With1[int]("pacing.mode", "idle")
	whyCap         = reason.With3[int, int, float64]("pacing.cap", "abandoned", "answered", "cap")
	whyTrouble     = reason.With1[reason.Term]("pacing.trouble", "what")
	whyStale       = reason.Plain("pacing.stale")
	whyNoCredit    = reason.Plain("pacing.no_credit")
	whyNotPossible = reason.Plain("pacing.not_possible")

	troubleWord = reason.Terms("pacing_trouble", pacing.SlowState, pacing.TrunkTrouble)
)

// Why says why the decision is as it is, with the numbers that it hangs on.
func (r PaceReport) Why() reason.Reason {
	percent := func(share float64) float64 { return math.Round(10_000*share) / 100 }
	switch r.Key {
	case pacing.ByRisk:
		return whyRisk(percent(r.Numbers.Risk), percent(r.Numbers.Limit))
	case pacing.ByRoom:
		return whyFull(r.Numbers.Room)
	case pacing.WarmingUp:
		return whyWarmUp(r.Numbers.Idle)
	case pacing.ByMode:
		return whyMode(r.Numbers.Idle)
	case pacing.ByCap:
		return whyCap(r.Day.Abandoned, r.Day.Answered, percent(r.Cap))
	case pacing.ByTrouble:
		return whyTrouble(troubleWord(r.Trouble))
	case pacing.StaleState:
		return whyStale
	case pacing.NoCredit:
		return whyNoCredit
	}
	return whyNotPossible
}

func reportKey(of installation.Name, campaign int64) string {
	return of.Key("pacing:" + strconv.FormatInt(campaign, 10))
}

// takePart has every node hear of what was decided here, and learns how many agents the others have for the campaign. What the
// account allows is shared by them: this node's part is a lease, which it has for as long as the others count it. One that comes
// to a campaign of others waits until they certainly know of it.
func (p *pacer) takePart(ctx context.Context, campaign int64, pc *pace, team int) {
	now := p.now()
	if now.Sub(pc.toldAt) < reportEvery {
		return
	}
	pc.mu.Lock()
	pc.last.At, pc.last.Node, pc.last.Agents = now, p.node, team
	text, err := json.Marshal(pc.last)
	pc.mu.Unlock()
	if err != nil {
		return // numbers that are none: the decision said so
	}
	pc.toldAt = now
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	all, err := p.reports(ctx, campaign, string(text))
	if err != nil {
		return // the part runs out
	}
	others, nodes := 0, 1
	for node, text := range all {
		var r PaceReport
		if node != p.node && json.Unmarshal([]byte(text), &r) == nil && now.Sub(r.At) < partCount {
			others += r.Agents
			nodes++
		}
	}
	if lost := now.Sub(pc.partAt) > partStays; lost && nodes > 1 {
		pc.partFrom = now.Add(partStays)
	} else if lost {
		pc.partFrom = now
	}
	pc.partAt, pc.share = now, 1/float64(nodes)
	if team+others > 0 {
		pc.share = float64(team) / float64(team+others)
	}
}

// hasPart says that this node's part of the account is its own.
func (pc *pace) hasPart(now time.Time) bool {
	return !pc.partAt.IsZero() && now.Sub(pc.partAt) <= partStays && !now.Before(pc.partFrom)
}

// reports tells this node's report of a campaign, and reads those of all nodes.
func (p *pacer) reports(ctx context.Context, campaign int64, mine string) (map[string]string, error) {
	key := reportKey(p.of, campaign)
	var all *redis.MapStringStringCmd
	_, err := p.redis.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, key, p.node, mine)
		pipe.Expire(ctx, key, reportStays)
		all = pipe.HGetAll(ctx, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all.Val(), nil
}

// PaceReports reads what the nodes have last decided for a campaign, by node. A node that has not said so for a while is left
// out.
func PaceReports(ctx context.Context, rdb redis.UniversalClient, of installation.Name, campaign int64,
	now time.Time) ([]PaceReport, error) {
	all, err := rdb.HGetAll(ctx, reportKey(of, campaign)).Result()
	if err != nil {
		return nil, fmt.Errorf("dialer: pacing of campaign %d: %w", campaign, err)
	}
	list := make([]PaceReport, 0, len(all))
	for _, text := range all {
		var r PaceReport
		if json.Unmarshal([]byte(text), &r) == nil && now.Sub(r.At) < reportStays {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b PaceReport) int { return cmp.Compare(a.Node, b.Node) })
	return list, nil
}
