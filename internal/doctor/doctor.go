// Package doctor looks at everything that a node needs, before it is started or when it is not well, and says what to mend.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
)

// verdict is what a check came to.
type verdict string

const (
	well    verdict = "ok"
	warning verdict = "warning" // works, but not as it should in production
	failed  verdict = "failed"  // must be mended
	skipped verdict = "skipped" // cannot be looked at before something else is mended
)

// finding is one thing that the doctor looked at.
type finding struct {
	check   string
	verdict verdict
	found   reason.Reason
	mend    reason.Reason // what to do; none when well
}

// shown is a finding for programs: keys and arguments, and the words that people are shown.
type shown struct {
	Check    string          `json:"check"`
	Verdict  verdict         `json:"verdict"`
	Key      string          `json:"key"`
	Args     json.RawMessage `json:"args,omitempty"`
	Found    string          `json:"found"`
	Mend     string          `json:"mend,omitempty"`
	MendKey  string          `json:"mend_key,omitempty"`
	MendArgs json.RawMessage `json:"mend_args,omitempty"`
}

// checks are what doctor looks at, in this order. Each has a deadline of its own.
var checks = []struct {
	name string
	look func(context.Context, *Doctor)
}{
	{"data", lookAtData},
	{"secrets", lookAtSecrets},
	{"listen", lookAtListeners},
	{"clock", lookAtClock},
	{"database", lookAtDatabase},
	{"redis", lookAtRedis},
	{"telephony", lookAtTelephony},
	{"retention", lookAtRetention},
	{"zones", lookAtZones},
	{"webhooks", lookAtWebhooks},
}

// checkTime bounds one check: no neighbour may keep the doctor waiting.
const checkTime = 10 * time.Second

// Checks are the names of all checks, in their order.
func Checks() []string {
	names := []string{"configuration"}
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// Doctor gathers findings about one configuration.
type Doctor struct {
	cfg      *config.Config
	log      io.Writer
	findings []finding
	ahead    map[string]time.Duration // how far neighbours' clocks are ahead of ours
	check    string                   // the one that is being run
}

// New makes a doctor; what the neighbours' clients log goes to the writer.
func New(log io.Writer) *Doctor { return &Doctor{log: log} }

func (d *Doctor) say(v verdict, mend, found reason.Reason) {
	d.findings = append(d.findings, finding{d.check, v, found, mend})
}

func (d *Doctor) well(found reason.Reason) { d.say(well, mendNone, found) }

// Refused tells why the configuration cannot be used.
func (d *Doctor) Refused(err error) {
	d.check = "configuration"
	for _, line := range strings.Split(err.Error(), "\n") {
		d.say(failed, mendSetting, isSetting(line))
	}
}

// LookAround runs the checks that are named, all of them where none is, over a configuration that came from source.
func (d *Doctor) LookAround(ctx context.Context, cfg *config.Config, source string, only []string) {
	d.cfg, d.check = cfg, "configuration"
	d.well(isConfigured(source, cfg.Node, strings.Join(cfg.Roles, ",")))
	for _, check := range checks {
		if len(only) > 0 && !slices.Contains(only, check.name) {
			continue
		}
		d.check = check.name
		limited, cancel := context.WithTimeout(ctx, checkTime)
		check.look(limited, d)
		cancel()
	}
}

// Well reports whether nothing must be mended.
func (d *Doctor) Well() bool {
	return !slices.ContainsFunc(d.findings, func(f finding) bool { return f.verdict == failed })
}

// Tell writes the findings, for people or for programs, in the words of a language.
func (d *Doctor) Tell(w io.Writer, say *phrasebook.Book, asJSON bool) error {
	if asJSON {
		list := make([]shown, len(d.findings))
		for i, f := range d.findings {
			list[i] = shown{f.check, f.verdict, f.found.Key(), f.found.Args(), say.Say(f.found), say.Say(f.mend), f.mend.Key(),
				f.mend.Args()}
		}
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Well     bool    `json:"well"`
			Findings []shown `json:"findings"`
		}{d.Well(), list})
	}
	var b strings.Builder
	mend := 0
	for _, f := range d.findings {
		fmt.Fprintf(&b, "%s %-14s %s\n", padded(say.Word(string(verdictTerm(f.verdict))), 8), f.check, say.Say(f.found))
		if !f.mend.IsZero() {
			fmt.Fprintf(&b, "%24s→ %s\n", "", say.Say(f.mend))
		}
		if f.verdict == failed {
			mend++
		}
	}
	end := headingAllWell
	if mend > 0 {
		end = heading(mend)
	}
	fmt.Fprintln(&b, say.Say(end))
	_, err := io.WriteString(w, b.String())
	return err
}

// padded fills a word up to a column's width, in characters.
func padded(word string, width int) string {
	return word + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(word)))
}
