package store_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestPlanningReadsNoWholeTable asks PostgreSQL's own account after plans, claims, talks and looks at a campaign of many
// contacts: each of them went by an index, and along it no further than it had to.
func TestPlanningReadsNoWholeTable(t *testing.T) {
	t.Parallel()
	const people = 30_000
	url := testdeps.Postgres(t)
	before := open(t, url)
	c := before.campaign(func(c *campaigns.Campaign) { c.Limits.PerDay, c.Order.By = 1, campaigns.Newest })
	before.imports(c, "spring", campaigns.NewOnly, numbered(people))
	db, err := sql.Open("pgx", url) // the store's own goes with the store
	before.must(err)
	defer db.Close()
	scans := func() (whole, byIndex, rows int64) {
		before.must(db.QueryRow(`SELECT sum(seq_scan), sum(idx_scan), sum(idx_tup_fetch) FROM pg_stat_user_tables WHERE relname IN
			('contacts', 'contact_phones')`).
			Scan(&whole, &byIndex, &rows))
		return whole, byIndex, rows
	}
	db.SetMaxOpenConns(1)
	alone := func() { // what a connection has counted is in the account when it is gone
		testdeps.Eventually(t, "the store's connections are gone", func() bool {
			var others int
			before.must(db.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
				AND backend_type = 'client backend'`).Scan(&others))
			return others == 0
		})
	}
	_, err = db.Exec("ANALYZE")
	before.must(err)
	before.must(before.Disconnect())
	alone()
	settled, indexed, read := scans()

	s := open(t, url)
	for range 20 {
		s.talk(c)
		s.close(s.dial(c), campaigns.Busy)
	}
	a := s.plan(c)
	_, err = s.Dialing.Cancel(ctx, a.ID, whyNot, s.now)
	s.must(err)
	_, _, err = s.People.Meet(ctx, campaigns.Interaction{ExternalID: "1", Kind: campaigns.Visit, CRMID: "10000001", At: s.now},
		s.now)
	s.must(err)
	_, err = s.Contacts.Promise(ctx, campaigns.Callback{ContactID: a.ContactID, At: s.now, MadeBy: "boss"}, s.now)
	s.must(err)
	_, err = s.Dialing.PlanManual(ctx, byHand(c, "+380500000003"), s.now)
	s.must(err)
	_, err = s.Contacts.Waiting(ctx, c.ID, 10, s.now)
	s.must(err)
	_, err = s.Contacts.Ahead(ctx, s.contact(a.ContactID), 100, s.now)
	s.must(err)
	_, err = s.Dialing.FinishDrained(ctx, c.ID, s.now)
	s.must(err)
	_, err = s.Queues.Clear(ctx, c.ID, s.now)
	s.must(err)
	_, err = s.Dialing.WatchPromises(ctx, s.after(time.Hour), 100)
	s.must(err)
	_, err = s.Dialing.CancelStale(ctx, s.now, s.now)
	s.must(err)
	for i := range 100 { // a head that is refused, and samples behind it
		s.must(s.Contacts.Bar(ctx, campaigns.Barred{CRMID: fmt.Sprint(10_000_000 + people - 1 - i), At: s.now,
			Expires: s.now.Add(time.Hour)}))
	}
	if planned, err := s.Dialing.Plan(ctx, c.ID, 1, s.now); err != nil || len(planned) > 1 {
		t.Errorf("planned %+v, %v", planned, err)
	}
	s.must(s.Disconnect())
	alone()
	whole, now, rows := scans()
	if whole > settled || now < indexed+100 {
		t.Errorf("%d whole tables were read, and %d by an index", whole-settled, now-indexed)
	}
	if rows-read > people { // there are some sixty plans
		t.Errorf("%d rows of %d people were read", rows-read, people)
	}
}
