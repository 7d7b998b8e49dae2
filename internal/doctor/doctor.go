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

	"github.com/creditorro/ringmaster/internal/config"
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
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Found   string  `json:"found"`
	Mend    string  `json:"mend,omitempty"` // what to do; empty when well
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

func (d *Doctor) say(v verdict, mend, found string, args ...any) {
	d.findings = append(d.findings, finding{Check: d.check, Verdict: v, Found: fmt.Sprintf(found, args...), Mend: mend})
}

func (d *Doctor) well(found string, args ...any) { d.say(well, "", found, args...) }

// Refused tells why the configuration cannot be used.
func (d *Doctor) Refused(err error) {
	d.check = "configuration"
	for _, line := range strings.Split(err.Error(), "\n") {
		d.say(failed, "mend the setting; deploy/ringmaster.yaml shows all", "%s", line)
	}
}

// LookAround runs the checks that are named, all of them where none is, over a configuration that came from source.
func (d *Doctor) LookAround(ctx context.Context, cfg *config.Config, source string, only []string) {
	d.cfg, d.check = cfg, "configuration"
	d.well("%s: node %s, roles %s", source, cfg.Node, strings.Join(cfg.Roles, ","))
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
	return !slices.ContainsFunc(d.findings, func(f finding) bool { return f.Verdict == failed })
}

// Tell writes the findings, for people or for programs.
func (d *Doctor) Tell(w io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Well     bool      `json:"well"`
			Findings []finding `json:"findings"`
		}{d.Well(), d.findings})
	}
	var b strings.Builder
	mend := 0
	for _, f := range d.findings {
		fmt.Fprintf(&b, "%-8s %-14s %s\n", f.Verdict, f.Check, f.Found)
		if f.Mend != "" {
			fmt.Fprintf(&b, "%24s→ %s\n", "", f.Mend)
		}
		if f.Verdict == failed {
			mend++
		}
	}
	switch {
	case mend == 1:
		fmt.Fprintln(&b, "1 thing must be mended")
	case mend > 1:
		fmt.Fprintf(&b, "%d things must be mended\n", mend)
	default:
		fmt.Fprintln(&b, "all is well")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
