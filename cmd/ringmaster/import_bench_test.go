package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// BenchmarkImport imports a million contacts of CSV, as the command does it, with validation and dedupe, into PostgreSQL with
// durable commits; and beside it lets psql copy the same rows, ready-made, into empty tables with the same keys and
// indexes. The bar is a ratio of 1.5.
//
//	go test -run '^$' -bench Import -benchtime 1x ./cmd/ringmaster
func BenchmarkImport(b *testing.B) {
	contacts := testdeps.People(b, 1_000_000)
	dsn := testdeps.PostgresServer(b, true).Database(b)
	list := filepath.Join(b.TempDir(), "list.csv")
	writeList(b, list, contacts)
	config := filepath.Join(b.TempDir(), "ringmaster.yaml")
	if err := os.WriteFile(config, []byte("database: {url: '"+dsn+"'}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(b.Context(), dsn, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Disconnect()
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		b.StopTimer()
		name := fmt.Sprintf("Spring %d", i)
		if _, err := s.Campaigns.CreateCampaign(b.Context(),
			campaigns.Campaign{Name: name, Mode: campaigns.Progressive, Region: "UA", MaxAttempts: 1}, time.Now()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		began := time.Now()
		var out, errs strings.Builder
		code := run(b.Context(), []string{"import", "--config", config, name, list},
			console{In: strings.NewReader(""), Out: &out, Err: &errs})
		ours := time.Since(began)
		b.StopTimer()
		if want := fmt.Sprintf("import %d: %d accepted, 0 duplicates, 0 refused\n", i+1, contacts); code != exitWell ||
			out.String() != want {
			b.Fatalf("exit code %d: %s%s", code, out.String(), errs.String())
		}
		theirs := copyRows(b, dsn, i)
		b.ReportMetric(ours.Seconds(), "import-s")
		b.ReportMetric(theirs.Seconds(), "psql-copy-s")
		b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio")
	}
}

// copyRows lets psql copy the rows of the campaign imported last into tables of their own; making the files is not timed.
func copyRows(b *testing.B, dsn string, round int) time.Duration {
	psql := func(commands ...string) {
		args := []string{"-X", "-q", "-v", "ON_ERROR_STOP=1", dsn}
		for _, c := range commands {
			args = append(args, "-c", c)
		}
		if out, err := exec.CommandContext(b.Context(), "psql", args...).CombinedOutput(); err != nil {
			b.Fatalf("psql: %v\n%s", err, out)
		}
	}
	dir := b.TempDir()
	rows := "SELECT * FROM contacts WHERE campaign_id = (SELECT max(id) FROM campaigns)"
	phones := "SELECT * FROM contact_phones WHERE campaign_id = (SELECT max(id) FROM campaigns)"
	psql(fmt.Sprintf(`\copy (%s) TO '%s/contacts.csv' CSV`, rows, dir),
		fmt.Sprintf(`\copy (%s) TO '%s/phones.csv' CSV`, phones, dir),
		fmt.Sprintf("CREATE TABLE copy_contacts_%d (LIKE contacts INCLUDING ALL)", round),
		fmt.Sprintf("CREATE TABLE copy_phones_%d (LIKE contact_phones INCLUDING ALL)", round), "CHECKPOINT")
	began := time.Now()
	psql(fmt.Sprintf(`\copy copy_contacts_%d FROM '%s/contacts.csv' CSV`, round, dir),
		fmt.Sprintf(`\copy copy_phones_%d FROM '%s/phones.csv' CSV`, round, dir))
	return time.Since(began)
}

// writeList writes contacts as a CRM's export has them: numbers in national form among the international ones.
func writeList(b *testing.B, path string, contacts int) {
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "crm_id,name,phone,debt,contract")
	for i := range contacts {
		number := fmt.Sprintf("+38050%07d", i)
		if i%3 == 0 {
			number = number[3:] // 050…
		}
		fmt.Fprintf(w, "%d,Person Number %d,%s,%d.%02d,UA-2026-%07d\n", 10_000_000+i, i, number, i%90_000, i%100, i)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}
