package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
	NoOdds   bool      `help:"Have the pacing not know who is likely to answer (default: it knows what it knew on the day)."`
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
		day := s.Day
		if day == "" {
			day, _ = campaign.Day(recordNow(ctx, record))
		}
		from, to, err := campaign.DayOf(day)
		if err != nil {
			return config.Errorf("--day %q: want a date such as 2026-03-01", s.Day)
		}
		parts, err := record.Campaigns.Records(ctx, s.Campaign, from, to)
		if err != nil {
			return err
		}
		kept, err := sim.KeepPacked(parts)
		if errors.Is(err, sim.ErrNothing) {
			return config.Errorf("campaign %d, %s: nothing is recorded: days of campaigns are, whose mode is predictive, for a week",
				s.Campaign, day)
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

// columns are the day as it was set, and what is compared with it.
func (s *Shadow) columns(say *phrasebook.Book, kept *sim.Kept) ([]column, error) {
	asked := kept.Asked()
	list := []column{{Option: asSet, question: asked}}
	other, varied := asked, false // what has one value holds for every column that is asked for
	other.NoOdds = s.NoOdds
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
	return column{Option: itself, real: true, Answer: kept.Was(account)}
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
