package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/store"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"ringmaster": main}) }

// TestScripts runs the command line as people do: testdata/script has one story a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"campaign": makeCampaign,
		},
	})
}

// exits CODE COMMAND ARGS…: the command ends with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// campaign NAME: the SQLite file of the data folder gets a running campaign, open at all hours.
func makeCampaign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: campaign NAME")
	}
	ctx, now := context.Background(), time.Now()
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(ts.MkAbs("data"), "ringmaster.db"), store.Options{})
	ts.Check(err)
	defer s.Disconnect()
	c, err := s.Campaigns.CreateCampaign(ctx, campaigns.Campaign{
		Name: args[0], Queue: args[0] + "_LINE", Mode: campaigns.Progressive, TimeZone: "Europe/London", Region: "GB", Profile: "none",
		MaxAttempts: 3,
		AgentRing:   20 * time.Second, Ring: 30 * time.Second, WrapUp: time.Minute,
	}, now)
	ts.Check(err)
	_, err = s.Campaigns.SetStatus(ctx, c.ID, campaigns.Running, []campaigns.Status{campaigns.Draft}, now)
	ts.Check(err)
}
