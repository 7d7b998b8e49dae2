package command

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/sim"
	"github.com/creditorro/ringmaster/internal/config"
)

// Simulate returns what a campaign's day would be like.
type Simulate struct {
	Agents   int           `default:"20" help:"Agents who are there (default ${default})."`
	Contacts int           `default:"0" placeholder:"N" help:"People on the list (default: no end)."`
	Attempts int           `default:"3" help:"Calls to somebody who does not answer, at most (default ${default})."`
	Hours    time.Duration `default:"8h" placeholder:"TIME" help:"Length of the day (default ${default})."`
	Cap      float64       `default:"3" placeholder:"PERCENT" help:"Abandoned calls, of the answered, at most (default ${default})."`
	Answer   float64       `default:"25" placeholder:"PERCENT" help:"Calls that are answered (default ${default})."`
	Machines float64       `default:"0" placeholder:"PERCENT" help:"Answers that are machines, on whom agents hang up (default ${default})."`
	Talk     time.Duration `default:"2m" placeholder:"TIME" help:"Length of a talk, the mean (default ${default})."`
	Wrap     time.Duration `default:"20s" placeholder:"TIME" help:"Length of wrap-up, the mean (default ${default})."`
	Ring     time.Duration `default:"9s" placeholder:"TIME" help:"Ringing until an answer, the mean (default ${default})."`
	Timeout  time.Duration `default:"25s" placeholder:"TIME" help:"Ringing without an answer (default ${default})."`
	Patience time.Duration `default:"2s" placeholder:"TIME" help:"An answered call without an agent is abandoned after this long (default ${default})."`
	Breaks   time.Duration `default:"90m" placeholder:"TIME" help:"Between two breaks of an agent, the mean; 0s for none (default ${default})."`
	Break    time.Duration `default:"7m" placeholder:"TIME" help:"Length of a break, the mean (default ${default})."`
	Lines    int           `default:"0" placeholder:"N" help:"Calls at once that the trunks have room for (default: any number)."`
	Rate     float64       `default:"0" placeholder:"N" help:"Calls a second that may be begun (default: any number)."`
	Ratio    float64       `default:"2" placeholder:"LINES" help:"Lines a free agent, in mode ratio (default ${default})."`
	Mode     []string      `default:"progressive,predictive" enum:"preview,progressive,ratio,predictive" placeholder:"MODE,…" help:"Modes to compare: ${enum} (default ${default})."`
	Days     int           `default:"3" help:"Days that are played, and averaged (default ${default})."`
	Seed     uint64        `default:"1" help:"The same seed plays the same days (default ${default})."`
	JSON     bool          `name:"json" help:"As JSON, one mode a line."`
}

// Help is what --help adds.
func (Simulate) Help() string {
	return `Plays days of a call center with the pacing that campaigns have, in seconds; nobody is dialed. Times are drawn around their means, and every mode
meets the same calls and agents.`
}

func (s Simulate) question(mode string) sim.Question {
	return sim.Question{
		Agents: s.Agents, Contacts: s.Contacts, Attempts: s.Attempts, Hours: s.Hours, Cap: s.Cap / 100, Answer: s.Answer / 100,
		Machines: s.Machines / 100,
		Talk:     s.Talk, Wrap: s.Wrap, Ring: s.Ring, Timeout: s.Timeout, Patience: s.Patience, Breaks: s.Breaks, Break: s.Break,
		Lines: s.Lines, Rate: s.Rate,
		Ratio: s.Ratio, Mode: pacing.Mode(mode), Days: s.Days, Seed: s.Seed,
	}
}

// Run plays, and prints what came out.
func (s Simulate) Run(ctx context.Context, c Console) error {
	answers := make([]sim.Answer, 0, len(s.Mode))
	for _, mode := range s.Mode {
		q := s.question(mode)
		if err := q.Check(); err != nil {
			return config.Errorf("%w", err)
		}
		a, err := sim.Ask(ctx, q, nil)
		if err != nil {
			return err
		}
		answers = append(answers, a)
	}
	if s.JSON {
		for _, a := range answers {
			if err := json.NewEncoder(c.Out).Encode(a); err != nil {
				return err
			}
		}
		return nil
	}
	return s.table(c, answers)
}

func (s Simulate) table(c Console, answers []sim.Answer) error {
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, value func(sim.Answer) string) {
		fmt.Fprint(w, name, "\t")
		for _, a := range answers {
			fmt.Fprint(w, value(a), "\t")
		}
		fmt.Fprintln(w)
	}
	percent := func(share float64) string { return fmt.Sprintf("%.2f %%", share*100) }
	row("", func(a sim.Answer) string { return string(a.Mode) })
	row("occupancy", func(a sim.Answer) string { return fmt.Sprintf("%.1f %%", a.Occupancy*100) })
	row("abandoned", func(a sim.Answer) string { return percent(a.Abandoned) })
	row("worst day", func(a sim.Answer) string { return percent(a.WorstDay) })
	row(fmt.Sprintf("half hours above %.3g %%", s.Cap*5/3), func(a sim.Answer) string { return percent(a.HalvesAbove) })
	row("calls an hour", func(a sim.Answer) string { return fmt.Sprintf("%.0f", a.Calls) })
	row("answered an hour", func(a sim.Answer) string { return fmt.Sprintf("%.0f", a.Answered) })
	row("calls an agent and hour", func(a sim.Answer) string { return fmt.Sprintf("%.1f", a.LinesAnAgent) })
	if s.Contacts > 0 {
		row("list finished after", func(a sim.Answer) string {
			if a.Finish == 0 {
				return "not that day"
			}
			return time.Duration(a.Finish * float64(time.Second)).Round(time.Minute).String()
		})
	}
	return w.Flush()
}
