package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/campaigns/lists"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

const killedLines = 30_000

// TestKilledImport: after `ringmaster import` was killed in the middle what it has accepted is there, whole, and the same list
// again stores the rest; a commit that was killed goes on behind the last line that is stored. On both databases.
func TestKilledImport(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "ringmaster.db") },
		"postgres": testdeps.Postgres,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			killImports(t, url(t))
		})
	}
}

func killImports(t *testing.T, url string) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(ctx, url, store.Options{Logger: slog.New(slog.DiscardHandler)})
	must(err)
	defer s.Disconnect()
	must(s.Migrate(ctx))
	folder := t.TempDir()
	config, list := filepath.Join(folder, "ringmaster.yaml"), filepath.Join(folder, "list.csv")
	must(os.WriteFile(config, []byte("database: {url: '"+url+"'}\ndata: "+folder+"\n"), 0o600))
	text := killedList()
	must(os.WriteFile(list, []byte(text), 0o600))
	program := filepath.Join(folder, "ringmaster")
	self, err := os.Executable()
	must(err)
	must(os.Symlink(self, program)) // by this name the test binary is the program: see TestMain
	start := func(args ...string) (*exec.Cmd, io.WriteCloser) {
		cmd := exec.Command(program, append(args, "--config", config)...)
		cmd.Stderr = io.Discard
		in, err := cmd.StdinPipe()
		must(err)
		must(cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd, in
	}
	campaign := func(name string) *campaigns.Campaign {
		c, err := s.Campaigns.CreateCampaign(ctx, campaigns.Campaign{Name: name, Mode: campaigns.Progressive, Region: "GB",
			MaxAttempts: 1}, time.Now())
		must(err)
		return c
	}
	// all says that everybody of the list is there once, with the number.
	all := func(c *campaigns.Campaign) {
		t.Helper()
		stats, err := s.Campaigns.Stats(ctx, c.ID)
		must(err)
		if stats.Contacts[campaigns.Waiting] != killedLines {
			t.Errorf("%s: %v, want %d", c.Name, stats.Contacts, killedLines)
		}
		for _, i := range []int{0, 4_999, 5_000, 12_345, killedLines - 1} {
			found, err := s.Contacts.Find(ctx, c.ID, []string{fmt.Sprintf("+44770%07d", i)}, "", 0, 5)
			must(err)
			if len(found) != 1 || found[0].CRMID != fmt.Sprint(i+1) {
				t.Errorf("%s: by number %d: %+v", c.Name, i, found)
			}
		}
	}

	// An import at once, killed while more of its list is to come.
	direct := campaign("Direct")
	cmd, in := start("import", "Direct", "-")
	_, err = io.WriteString(in, text[:len(text)/2])
	must(err)
	im := waitForLines(t, s, direct.ID)
	must(cmd.Process.Kill())
	_ = cmd.Wait()
	sessionsEnd(t, url)
	im, err = s.Imports.ImportByID(ctx, im.ID)
	must(err)
	stats, err := s.Campaigns.Stats(ctx, direct.ID)
	must(err)
	if n := stats.Contacts[campaigns.Waiting]; n != im.Report.Accepted || n >= killedLines {
		t.Errorf("%d are stored, and the import says %d", n, im.Report.Accepted)
	}
	if later := im.At(time.Now().Add(time.Hour)); later.State != campaigns.ImportBroken || later.Problem.IsZero() ||
		later.Committable() {
		t.Errorf("after its end: %+v", later)
	}
	out, err := exec.Command(program, "import", "Direct", list, "--config", config).Output()
	if want := fmt.Sprintf("%d accepted, %d duplicates, 0 refused", killedLines-im.Report.Accepted,
		im.Report.Accepted); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("the same list again: %v, %s, want %s", err, out, want)
	}
	all(direct)

	// A commit, killed wherever it is.
	checked := campaign("Checked")
	if out, err := exec.Command(program, "import", "Checked", list, "--dry-run", "--config", config).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found, err := s.Imports.Imports(ctx, checked.ID, 0, 1)
	must(err)
	id := fmt.Sprint(found[0].ID)
	cmd, _ = start("imports", "commit", id)
	testdeps.Eventually(t, "the commit stores", func() bool {
		now, err := s.Imports.ImportByID(ctx, found[0].ID)
		return err == nil && now.State != campaigns.ImportChecked && now.Lines > 0
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	sessionsEnd(t, url)
	if im, err = s.Imports.ImportByID(ctx, found[0].ID); err != nil {
		t.Fatal(err)
	}
	if im.State == campaigns.ImportRunning {
		if out, err := exec.Command(program, "imports", "commit", id, "--config", config).CombinedOutput(); err == nil ||
			!strings.Contains(string(out), "the import runs") {
			t.Errorf("a commit beside one that may be alive: %v, %s", err, out)
		}
	}
	later := lists.Desk{Record: s.Imports, Now: func() time.Time { return time.Now().Add(time.Hour) }}
	im, err = later.Commit(ctx, found[0].ID)
	if err != nil || im.State != campaigns.ImportDone || im.Report.Accepted != killedLines || im.Report.Duplicates != 0 {
		t.Errorf("committed again: %v, %s, %d accepted, %d duplicates", err, im.State, im.Report.Accepted, im.Report.Duplicates)
	}
	all(checked)
}

// sessionsEnd waits until PostgreSQL has done what a killed process had sent: a commit may be in it.
func sessionsEnd(t *testing.T, url string) {
	t.Helper()
	if !strings.HasPrefix(url, "postgres") {
		return
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	testdeps.Eventually(t, "the end of what the killed process had sent", func() bool {
		var n int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'`).Scan(&n)
		return err == nil && n == 0
	})
}

func killedList() string {
	var b strings.Builder
	b.WriteString("crm_id,phone\n")
	for i := range killedLines {
		fmt.Fprintf(&b, "%d,+44770%07d\n", i+1, i)
	}
	return b.String()
}

// waitForLines waits until an import into a campaign has stored some.
func waitForLines(t *testing.T, s *store.Store, campaignID int64) (im campaigns.Import) {
	t.Helper()
	testdeps.Eventually(t, "the import stores", func() bool {
		found, err := s.Imports.Imports(context.Background(), campaignID, 0, 1)
		if err != nil || len(found) == 0 || found[0].Lines == 0 {
			return false
		}
		im = found[0]
		return true
	})
	return im
}
