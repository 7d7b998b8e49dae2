package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/creditorro/ringmaster/internal/amd"
	"github.com/creditorro/ringmaster/internal/config"
)

// AMD tells people from answering machines in sound files.
type AMD struct {
	Files   []string `arg:"" name:"file" help:"WAV files: 16-bit PCM at 8 or 16 kHz, or G.711; one or two channels."`
	Early   bool     `help:"The sound is from before the answer: look for tones and announcements of networks."`
	Channel string   `default:"both" enum:"both,1,2" help:"Of files with two channels: ${enum} (default ${default}, mixed)."`
	JSON    bool     `name:"json" help:"As JSON, one file a line."`
}

// Help is what --help adds.
func (AMD) Help() string {
	return `Prints for each file who answered (person, machine, undecided, or what the network said: sit, announcement), when that was decided, and why. The
sound begins with the answer, unless --early is given. A person may turn out a machine later: printed is the last verdict. docs/amd.md has the rules and their error rates.`
}

// fileVerdict is what is printed of a file.
type fileVerdict struct {
	File    string      `json:"file"`
	Verdict amd.Kind    `json:"verdict"`
	At      float64     `json:"at"`             // seconds
	Beep    float64     `json:"beep,omitempty"` // seconds, its end
	SIT     amd.SIT     `json:"sit,omitempty"`
	Key     amd.Key     `json:"key"`
	Numbers amd.Numbers `json:"numbers"`
}

// Run judges every file, and fails if one could not be read.
func (a AMD) Run(ctx context.Context, c Console) error {
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	refused := 0
	for _, file := range a.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		sound, err := a.read(file)
		if err != nil {
			refused++
			fmt.Fprintf(c.Err, "ringmaster: %s: %v\n", file, err)
			continue
		}
		one := a.verdictOn(sound)
		one.File = file
		if a.JSON {
			if err := json.NewEncoder(c.Out).Encode(one); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%.2f s\t%s\n", one.File, one.Verdict, one.At, one.why())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d files could not be judged", refused, len(a.Files))
	}
	return nil
}

// read reads a file's sound; of two channels the one that is asked for, or both as one.
func (a AMD) read(file string) ([]int16, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, bare(err)
	}
	if !info.Mode().IsRegular() {
		return nil, config.Errorf("not a file")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	sound, err := amd.ReadWAV(io.LimitReader(f, 64<<20))
	if err != nil {
		return nil, err
	}
	channels := sound.Channels
	switch {
	case len(channels) == 1 && a.Channel == "2":
		return nil, config.Errorf("it has one channel; --channel 2 asks for the second")
	case len(channels) == 1 || a.Channel == "1":
		return channels[0], nil
	case a.Channel == "2":
		return channels[1], nil
	}
	mixed := make([]int16, len(channels[0]))
	for i := range mixed {
		mixed[i] = int16((int(channels[0][i]) + int(channels[1][i])) / 2)
	}
	return mixed, nil
}

// bare is an error without the file's name, which is printed already.
func bare(err error) error {
	if path, is := err.(*os.PathError); is {
		return path.Err
	}
	return err
}

func (a AMD) verdictOn(sound []int16) fileVerdict {
	var d amd.Detector
	if a.Early {
		d.Early()
	}
	d.Hear(sound)
	v := d.Ended()
	return fileVerdict{Verdict: v.Kind, At: v.At.Seconds(), Beep: v.Beep.Seconds(), SIT: v.SIT, Key: v.Key, Numbers: v.Numbers}
}

// why is a verdict's key in words.
func (j fileVerdict) why() string {
	n := j.Numbers
	switch j.Key {
	case amd.ByReply:
		return fmt.Sprintf("said %.1f s and waits", n.Speech)
	case amd.ByEnd:
		return fmt.Sprintf("said %.1f s, and the sound ends", n.Speech)
	case amd.ByGreeting:
		return fmt.Sprintf("talks for %.1f s without a long pause", n.Greeting)
	case amd.ByTalk:
		return fmt.Sprintf("talks on unasked: %.1f s in all", n.Speech)
	case amd.ByBeep:
		return fmt.Sprintf("a beep of %.0f Hz and %.2f s, over at %.2f s", n.Tone, n.ToneLength, j.Beep)
	case amd.ByFax:
		return "a fax machine's tone"
	case amd.BySIT:
		return "special information tones: " + string(j.SIT)
	case amd.ByWords:
		return fmt.Sprintf("%.1f s of words before the answer", n.Speech)
	case amd.ByListening:
		return fmt.Sprintf("said %.1f s so far", n.Speech)
	}
	return "no words"
}
