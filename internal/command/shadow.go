package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/sim"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/store"
)

// Shadow plays a recorded day of a campaign again, with other settings.
type Shadow struct {
	ConfigFlags
	LanguageFlag
	Campaign int64     `arg:"" help:"Number of a campaign whose calls run ahead of its agents."`
	Day      string    `placeholder:"DATE" help:"In the campaign's time zone, such as 2026-03-01; a week is kept (default: today)."`
	Agents   []int     `placeholder:"N" help:"At once, at the most; they are away when those of the day were (default: as on the day)."`
	Cap      []float64 `placeholder:"PERCENT" help:"Abandoned calls, of the answered, at most (default: as on the day)."`
	MaxLines []float64 `placeholder:"N" help:"Calls that ring or wait for each agent who is not away, at most (default: as on the day)."`
	Ratio    []float64 `placeholder:"LINES" help:"Lines a free agent, in mode ratio."`
	Mode     []string  `enum:"preview,progressive,ratio,predictive" placeholder:"MODE" help:"${enum} (default: as on the day)."`
	JSON     bool      `name:"json" help:"As JSON: what happened, then one column a line."`
}

// Help is what --help adds.
func (Shadow) Help() string {
	return `Shows what happened on a day, and beside it what would have with other settings: calls are answered as at the same time of that day, talks and
wrap-ups last as they did, and agents are away when they were. Nobody is dialed. The first column after the day itself plays it as it was set: by how much both differ
is how far the others can be trusted. Give several values of one option to compare them.`
}

// Run plays, and prints what came out.
func (s Shadow) Run(ctx context.Context, c Console) error {
	say, err := s.Book()
	if err != nil {
		return err
	}
	return s.withRecord(ctx, c, func(_ *config.Config, record *store.Store) error {
		campaign, err := record.Campaigns.Campaign(ctx, s.Campaign)
		if err != nil {
			return err
		}
		from, to, err := s.day(campaign, recordNow(ctx, record))
		if err != nil {
			return err
		}
		kept, err := readDay(ctx, record, s.Campaign, from, to)
		if errors.Is(err, sim.ErrNothing) {
			return config.Errorf("campaign %d, %s: nothing is recorded: days of campaigns are, whose mode is predictive, for a week",
				s.Campaign, from.Format(time.DateOnly))
		}
		if err != nil {
			return err
		}
		account, err := record.Campaigns.Account(ctx, s.Campaign, from, to)
		if err != nil {
			return err
		}
		columns, err := s.columns(say, kept)
		if err != nil {
			return err
		}
		progress := progressBar(c.Err)
		defer progress(-1)
		for i := range columns {
			columns[i].Answer, err = kept.Shadow(ctx, columns[i].question, func(part float64) {
				progress((float64(i) + part) / float64(len(columns)))
			})
			if err != nil {
				return err
			}
		}
		progress(-1)
		return s.print(c, say, append([]column{happened(kept, account)}, columns...))
	})
}

// day is the day that is meant.
func (s *Shadow) day(c *campaigns.Campaign, now time.Time) (from, to time.Time, err error) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	from = now.In(zone)
	if s.Day != "" {
		if from, err = time.ParseInLocation(time.DateOnly, s.Day, zone); err != nil {
			return from, to, config.Errorf("--day %q: want a date such as 2026-03-01", s.Day)
		}
	}
	y, m, d := from.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone), time.Date(y, m, d+1, 0, 0, 0, 0, zone), nil
}

func readDay(ctx context.Context, s *store.Store, campaign int64, from, to time.Time) (*sim.Kept, error) {
	parts, err := s.Campaigns.Records(ctx, campaign, from, to)
	if err != nil {
		return nil, err
	}
	records := make([]pacing.Record, 0, len(parts))
	for _, p := range parts {
		r, err := pacing.Unpack(p)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return sim.Keep(records)
}

// columns are the day as it was set, and what is compared with it.
func (s *Shadow) columns(say *phrasebook.Book, kept *sim.Kept) ([]column, error) {
	asked := kept.Asked()
	list := []column{{Option: asSet, question: asked}}
	other, varied := asked, false // what has one value holds for every column that is asked for
	for _, o := range []option{
		optionOf("agents", s.Agents, func(q *sim.Question, v int) { q.Agents = v }),
		optionOf("cap", s.Cap, func(q *sim.Question, v float64) { q.Cap = v / 100 }),
		optionOf("max-lines", s.MaxLines, func(q *sim.Question, v float64) { q.MaxLines = v }),
		optionOf("ratio", s.Ratio, func(q *sim.Question, v float64) { q.Ratio = v }),
		optionOf("mode", s.Mode, func(q *sim.Question, v string) { q.Mode = pacing.Mode(v) }),
	} {
		switch {
		case o.count == 1:
			o.set(&other, 0)
			for i := range list[1:] {
				o.set(&list[i+1].question, 0)
			}
		case o.count > 1 && varied:
			return nil, config.Errorf("--%s: want several values of one option alone", o.name)
		case o.count > 1:
			varied = true
			for i := range o.count {
				c := column{Option: o.name, Value: o.text(i), question: other}
				o.set(&c.question, i)
				list = append(list, c)
			}
		}
	}
	if !varied && other != asked {
		list = append(list, column{Option: asAsked, question: other})
	}
	if len(list) > mostColumns {
		return nil, config.Errorf("%d columns: want %d or less", len(list), mostColumns)
	}
	for i := range list {
		if err := list[i].check(say); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// happened is the day itself as a column.
func happened(kept *sim.Kept, account []dialer.AccountSpan) column {
	h := kept.Happened()
	c := column{Option: itself, real: true}
	var all pacing.Tally
	var half pacing.Tally
	var begin time.Time
	for _, span := range account {
		t := span.Tally(pacing.Ofcom)
		if at := span.Begin.Truncate(pacing.HalfHour); !at.Equal(begin) {
			begin, half = at, pacing.Tally{}
		}
		all, half = all.Plus(t), half.Plus(t)
		if half.Share() > c.WorstHalf.Share && half.Answered >= 20 {
			c.WorstHalf = sim.Half{Day: 1, At: begin.Sub(h.Begin).Seconds(), Answered: float64(half.Answered),
				Abandoned: float64(half.Abandoned), Share: half.Share()}
		}
	}
	c.Mode, c.Days = kept.Asked().Mode, 1
	c.Occupancy, c.Abandoned, c.WorstDay = h.Occupancy, all.Share(), all.Share()
	c.Calls, c.Answered, c.LinesAnAgent = h.Calls, float64(h.Answered)/h.Hours, h.Calls/float64(h.Agents)
	return c
}

func (s *Shadow) print(c Console, say *phrasebook.Book, columns []column) error {
	if !s.JSON {
		return sideBySide(c.Out, say, columns)
	}
	for _, a := range columns {
		if err := json.NewEncoder(c.Out).Encode(a); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	}
	return nil
}
