package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/internal/config"
)

// doctorCmd looks at everything that a node needs before it is started, or when it is not well.
type doctorCmd struct {
	nodeFlags
	Only []string `placeholder:"CHECK,…" help:"Run these checks alone: ${checks}."`
	JSON bool     `name:"json" help:"As JSON: {\"well\": …, \"findings\": […]}."`
}

// Help is what --help adds.
func (doctorCmd) Help() string {
	return "Exit code 0: all is well, or well enough (warnings). 1: something must be mended. 2: the configuration cannot be used."
}

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
	look func(context.Context, *doctor)
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

// checkNames are the names that --only takes.
func checkNames() []string {
	names := []string{"configuration"}
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

// doctor gathers findings about one configuration.
type doctor struct {
	cfg      *config.Config
	console  console
	findings []finding
	check    string // the one that is being run
}

func (d *doctor) say(v verdict, mend, found string, args ...any) {
	d.findings = append(d.findings, finding{Check: d.check, Verdict: v, Found: fmt.Sprintf(found, args...), Mend: mend})
}

func (d *doctor) well(found string, args ...any) { d.say(well, "", found, args...) }

// Run looks at everything and tells what to mend.
func (x doctorCmd) Run(ctx context.Context, c console) error {
	for _, name := range x.Only {
		if !slices.Contains(checkNames(), name) {
			return usageError("--only %s: there is %s", name, strings.Join(checkNames(), ", "))
		}
	}
	d := &doctor{console: c, check: "configuration"}
	cfg, err := x.load()
	var refused *config.Error
	switch {
	case errors.As(err, &refused):
		for _, line := range strings.Split(err.Error(), "\n") {
			d.say(failed, "mend the setting; deploy/ringmaster.yaml shows all", "%s", line)
		}
	case err != nil:
		return err
	default:
		d.cfg = cfg
		source := "defaults and environment"
		if x.Config != "" {
			source = x.Config
		}
		d.well("%s: node %s, roles %s", source, cfg.Node, strings.Join(cfg.Roles, ","))
		d.lookAround(ctx, x.Only)
	}
	if err := d.tell(c.out, x.JSON); err != nil {
		return err
	}
	switch {
	case refused != nil:
		return silent(exitUsage)
	case !d.isWell():
		return silent(exitFailed)
	}
	return nil
}

func (d *doctor) lookAround(ctx context.Context, only []string) {
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

func (d *doctor) isWell() bool {
	return !slices.ContainsFunc(d.findings, func(f finding) bool { return f.Verdict == failed })
}

// tell writes the findings, for people or for programs.
func (d *doctor) tell(w io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Well     bool      `json:"well"`
			Findings []finding `json:"findings"`
		}{d.isWell(), d.findings})
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
