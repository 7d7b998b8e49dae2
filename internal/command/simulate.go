package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/dialer/pacing/sim"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// Simulate returns what a campaign's day would be like.
type Simulate struct {
	LanguageFlag
	Agents     []int           `default:"20" placeholder:"N" help:"Agents who are there (default ${default})."`
	Contacts   []int           `default:"0" placeholder:"N" help:"People on the list (default: no end)."`
	Attempts   int             `default:"3" help:"Calls to somebody who does not answer, at most (default ${default})."`
	Hours      []time.Duration `default:"8h" placeholder:"TIME" help:"Length of the day (default ${default})."`
	Cap        []float64       `default:"3" placeholder:"PERCENT" help:"Abandoned calls, of the answered, at most (default ${default})."`
	Answer     []float64       `default:"25" placeholder:"PERCENT" help:"Calls that are answered (default ${default})."`
	Machines   []float64       `default:"0" placeholder:"PERCENT" help:"Answers that are machines, on whom agents hang up (default ${default})."`
	Talk       []time.Duration `default:"2m" placeholder:"TIME" help:"Length of a talk, the mean (default ${default})."`
	TalkSpread float64         `default:"0.9" placeholder:"SHARE" help:"Standard deviation of talks over their mean; 0: all alike, 1: exponential (default ${default})."`
	Wrap       []time.Duration `default:"20s" placeholder:"TIME" help:"Length of wrap-up, the mean (default ${default})."`
	WrapSpread float64         `default:"0.6" placeholder:"SHARE" help:"Standard deviation of wrap-ups over their mean (default ${default})."`
	Ring       []time.Duration `default:"9s" placeholder:"TIME" help:"Ringing until an answer, the mean (default ${default})."`
	Timeout    time.Duration   `default:"25s" placeholder:"TIME" help:"Ringing without an answer (default ${default})."`
	Patience   time.Duration   `default:"2s" placeholder:"TIME" help:"An answered call without an agent is abandoned after this long (default ${default})."`
	Breaks     time.Duration   `default:"90m" placeholder:"TIME" help:"Between two breaks of an agent, the mean; 0s for none (default ${default})."`
	Break      time.Duration   `default:"7m" placeholder:"TIME" help:"Length of a break, the mean (default ${default})."`
	Lines      []int           `default:"0" placeholder:"N" help:"Calls at once that the trunks have room for (default: any number)."`
	Rate       float64         `default:"0" placeholder:"N" help:"Calls a second that may be begun (default: any number)."`
	MaxLines   []float64       `default:"3" placeholder:"N" help:"Calls that ring or wait for each agent who is not away, at most; 0: any number (default ${default})."`
	Ratio      []float64       `default:"2" placeholder:"LINES" help:"Lines a free agent, in mode ratio (default ${default})."`
	Mode       []string        `enum:"preview,progressive,ratio,predictive" placeholder:"MODE" help:"Modes to compare: ${enum} (default: progressive and predictive; predictive where values of an option are compared)."`
	Days       int             `default:"3" help:"Days that are played, and averaged (default ${default})."`
	Seed       uint64          `default:"1" help:"The same seed plays the same days (default ${default})."`
	JSON       bool            `name:"json" help:"As JSON, one column a line."`
}

// Help is what --help adds.
func (Simulate) Help() string {
	return `Plays days of a call center with the pacing that campaigns have, in seconds; nobody is dialed. Times are drawn around their means, and every column
meets the same calls and agents. Several values of one option, such as --agents 5,10,20, are shown side by side.`
}

// column is one day that is compared with others.
type column struct {
	Option string `json:"option,omitempty"` // that differs from column to column, and its value
	Value  string `json:"value,omitempty"`
	sim.Answer
	question sim.Question
	real     bool // it has happened: not all is known of it
}

// option is a flag of which several values may be compared.
type option struct {
	name  string
	count int
	set   func(q *sim.Question, i int)
	text  func(i int) string
}

func optionOf[T any](name string, values []T, set func(*sim.Question, T)) option {
	return option{name, len(values), func(q *sim.Question, i int) { set(q, values[i]) }, func(i int) string {
		if d, is := any(values[i]).(time.Duration); is {
			return shortly(d)
		}
		return fmt.Sprint(values[i])
	}}
}

func (s *Simulate) options() []option {
	return []option{
		optionOf("agents", s.Agents, func(q *sim.Question, v int) { q.Agents = v }),
		optionOf("contacts", s.Contacts, func(q *sim.Question, v int) { q.Contacts = v }),
		optionOf("hours", s.Hours, func(q *sim.Question, v time.Duration) { q.Hours = v }),
		optionOf("cap", s.Cap, func(q *sim.Question, v float64) { q.Cap = v / 100 }),
		optionOf("answer", s.Answer, func(q *sim.Question, v float64) { q.Answer = v / 100 }),
		optionOf("machines", s.Machines, func(q *sim.Question, v float64) { q.Machines = v / 100 }),
		optionOf("talk", s.Talk, func(q *sim.Question, v time.Duration) { q.Talk = v }),
		optionOf("wrap", s.Wrap, func(q *sim.Question, v time.Duration) { q.Wrap = v }),
		optionOf("ring", s.Ring, func(q *sim.Question, v time.Duration) { q.Ring = v }),
		optionOf("lines", s.Lines, func(q *sim.Question, v int) { q.Lines = v }),
		optionOf("max-lines", s.MaxLines, func(q *sim.Question, v float64) { q.MaxLines = v }),
		optionOf("ratio", s.Ratio, func(q *sim.Question, v float64) { q.Ratio = v }),
	}
}

const mostColumns = 12

// columns are the days to play: one for each mode, and for each value of the option of which there are several.
func (s *Simulate) columns(say *phrasebook.Book) ([]column, error) {
	base := sim.Question{Attempts: s.Attempts, TalkSpread: s.TalkSpread, WrapSpread: s.WrapSpread, Timeout: s.Timeout,
		Patience: s.Patience, Breaks: s.Breaks, Break: s.Break, Rate: s.Rate, Days: s.Days, Seed: s.Seed}
	var varied *option
	options := s.options()
	for i := range options {
		switch o := &options[i]; {
		case o.count == 0:
			return nil, config.Errorf("--%s: want a value", o.name)
		case o.count > 1 && varied != nil:
			return nil, config.Errorf("--%s, --%s: want several values of one of them", varied.name, o.name)
		case o.count > 1:
			varied = o
		}
		options[i].set(&base, 0)
	}
	modes := s.Mode
	switch {
	case len(modes) == 0 && varied != nil:
		modes = []string{string(pacing.Predictive)}
	case len(modes) == 0:
		modes = []string{string(pacing.Progressive), string(pacing.Predictive)}
	}
	var list []column
	for i := range max(1, countOf(varied)) {
		for _, mode := range modes {
			c := column{question: base}
			if varied != nil {
				varied.set(&c.question, i)
				c.Option, c.Value = varied.name, varied.text(i)
			}
			c.question.Mode = pacing.Mode(mode)
			if err := c.check(say); err != nil {
				return nil, err
			}
			list = append(list, c)
		}
	}
	if len(list) > mostColumns {
		return nil, config.Errorf("%d columns: want %d or less", len(list), mostColumns)
	}
	return list, nil
}

func countOf(o *option) int {
	if o == nil {
		return 0
	}
	return o.count
}

// flags are what fields of a question are called at a shell, where they are not called the same; percents are given as such.
var (
	flags = map[string]string{"answer_rate": "answer", "wrap_up": "wrap", "wrap_up_spread": "wrap-spread",
		"ring_timeout": "timeout"}
	percents = map[string]reason.Reason{"cap": sim.NumberBetween("0", "50"), "answer_rate": sim.NumberBetween("0.1", "100"),
		"machines": sim.NumberBetween("0", "99")}
)

// check says of the first wrong flag what would be right.
func (c *column) check(say *phrasebook.Book) error {
	var wrong sim.Wrong
	if err := c.question.Check(); err == nil || !errors.As(err, &wrong) {
		return err
	}
	flag, why := wrong[0].Field, wrong[0].Why
	if percent, is := percents[flag]; is {
		why = percent
	}
	if name, differs := flags[flag]; differs {
		flag = name
	}
	return config.Errorf("--%s: %s", strings.ReplaceAll(flag, "_", "-"), say.Say(why))
}

// Run plays, and prints what came out.
func (s Simulate) Run(ctx context.Context, c Console) error {
	say, err := s.Book()
	if err != nil {
		return err
	}
	columns, err := s.columns(say)
	if err != nil {
		return err
	}
	progress := progressBar(c.Err)
	for i := range columns {
		columns[i].Answer, err = sim.Ask(ctx, columns[i].question, func(part float64) {
			progress((float64(i) + part) / float64(len(columns)))
		})
		if err != nil {
			progress(-1)
			return err
		}
	}
	progress(-1)
	if s.JSON {
		for _, a := range columns {
			if err := json.NewEncoder(c.Out).Encode(a); err != nil {
				return err
			}
		}
		return nil
	}
	return sideBySide(c.Out, say, columns)
}

// progressBar shows how far something is on a terminal, at most five times a second; below zero: it is over.
func progressBar(w io.Writer) func(part float64) {
	file, is := w.(*os.File)
	if !is || !isatty.IsTerminal(file.Fd()) {
		return func(float64) {}
	}
	var shown time.Time
	return func(part float64) {
		switch now := time.Now(); {
		case part < 0 && !shown.IsZero():
			fmt.Fprint(w, "\r      \r")
		case part >= 0 && now.Sub(shown) > 200*time.Millisecond:
			shown = now
			fmt.Fprintf(w, "\r%3.0f %%", part*100)
		}
	}
}

// row names a line of the table.
type row string

var rowName = reason.Terms[row]("what_if_row", "mode", "occupancy", "abandoned", "worst_day", "worst_half", "halves_above",
	"calls", "answered", "calls_an_agent", "wait", "long_wait", "peak", "finished", "not_finished", itself, asSet, asAsked)

// Columns of a recorded day that no value of an option tells from the others.
const (
	itself  = "happened"
	asSet   = "as_set"
	asAsked = "as_asked"
)

func sideBySide(out io.Writer, say *phrasebook.Book, columns []column) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, value func(*column) string) {
		fmt.Fprint(w, name, "\t")
		for i := range columns {
			fmt.Fprint(w, value(&columns[i]), "\t")
		}
		fmt.Fprintln(w)
	}
	played := func(name string, value func(*column) string) {
		line(name, func(c *column) string {
			if c.real {
				return "-"
			}
			return value(c)
		})
	}
	word := func(r row) string { return say.Word(string(rowName(r))) }
	rounded := func(n float64, digits int) string {
		least := math.Pow10(digits)
		return say.Decimal(math.Round(n*least)/least, digits)
	}
	percent := func(share float64) string { return rounded(share*100, 2) + " %" }
	switch {
	case columns[0].real:
		line("", func(c *column) string {
			if c.Value == "" {
				return word(row(c.Option))
			}
			return c.Option + " " + c.Value
		})
	case columns[0].Option != "":
		line("--"+columns[0].Option, func(c *column) string { return c.Value })
	}
	line(word("mode"), func(c *column) string { return string(c.Mode) })
	line(word("occupancy"), func(c *column) string { return rounded(c.Occupancy*100, 1) + " %" })
	line(word("abandoned"), func(c *column) string { return percent(c.Abandoned) })
	line(word("worst_day"), func(c *column) string { return percent(c.WorstDay) })
	line(word("worst_half"), func(c *column) string { return percent(c.WorstHalf.Share) })
	played(word("halves_above"), func(c *column) string { return percent(c.HalvesAbove) })
	line(word("calls"), func(c *column) string { return rounded(c.Calls, 0) })
	line(word("answered"), func(c *column) string { return rounded(c.Answered, 0) })
	line(word("calls_an_agent"), func(c *column) string { return rounded(c.LinesAnAgent, 1) })
	played(word("wait"), func(c *column) string { return rounded(c.Wait, 1) + " s" })
	played(word("long_wait"), func(c *column) string { return rounded(c.LongWait, 1) + " s" })
	played(word("peak"), func(c *column) string { return fmt.Sprint(c.Peak) })
	line(word("finished"), func(c *column) string {
		switch {
		case c.question.Contacts == 0:
			return "-"
		case c.Finish == 0:
			return word("not_finished")
		}
		return shortly(time.Duration(c.Finish * float64(time.Second)).Round(time.Minute))
	})
	return w.Flush()
}

// shortly leaves out what is zero: "8h", not "8h0m0s".
func shortly(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if text != d.String() {
		text += "m"
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
