package command

import (
	"context"
	"io"

	"github.com/creditorro/ringmaster/dialer/pacing"
	"github.com/creditorro/ringmaster/internal/config"
)

// Pace lets an outside simulator, or a replay, drive the pacing that campaigns have.
type Pace struct {
	Mode  string  `default:"predictive" enum:"preview,progressive,ratio,predictive" help:"${enum} (default ${default})."`
	Ratio float64 `default:"2" placeholder:"LINES" help:"Lines a free agent, with --mode ratio (default ${default})."`
}

// Help is what --help adds.
func (Pace) Help() string {
	return `Reads one snapshot of a call center a line of JSON on standard input, and writes {"originate": N} for each to standard output: how many calls to
originate now. Ask after every event, at least once a second. The end of the input ends the day. docs/pacing.md has the fields.`
}

// Run answers until the input ends.
func (p Pace) Run(ctx context.Context, c Console) error {
	if !(p.Ratio > 0 && p.Ratio <= 100) {
		return config.Errorf("--ratio %v: want above 0 and at most 100", p.Ratio)
	}
	ended := make(chan error, 1)
	go func() { // a read of standard input cannot be called off: it ends with the process
		ended <- pacing.Serve(c.In, c.Out, pacing.Settings{Mode: pacing.Mode(p.Mode), Ratio: p.Ratio})
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		if closer, ok := c.In.(io.Closer); ok {
			_ = closer.Close()
		}
		return nil
	}
}
