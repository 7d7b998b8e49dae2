package dialer_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// BenchmarkRefusedHead is how long an agent who comes free waits until an attempt is planned, from the outside, where a hundred
// thousand people (or a million) may not be called now, of whom nobody was put off: they were met or dialed an hour ago, and a
// supervisor has set a gap of two hours: just now, or so long ago that the head of the queue was cleared meanwhile. The one who
// may be called is the last, or in the midst of them.
//
//	go test ./dialer -run xxx -bench RefusedHead -benchtime 1x
func BenchmarkRefusedHead(b *testing.B) {
	people := testdeps.People(b, 100_000)
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{
		{"postgres", func(tb testing.TB) string { return testdeps.PostgresServer(tb, true).Database(tb) }},
		{"sqlite", sqliteURL},
	} {
		for _, why := range []string{"met", "dialed"} {
			for _, place := range []struct {
				name    string
				free    int
				cleared bool
			}{{"last", people, false}, {"middle", people * 61234 / 100_000, false}, {"cleared", people, true}} {
				b.Run(engine.name+"/"+why+"/"+place.name, func(b *testing.B) {
					for range b.N {
						b.StopTimer()
						h := newHouse(b, engine.url(b), steady)
						c := h.campaign()
						h.people(c, benchNumbers(people+1)...)
						h.hadBefore(c, why, benchNumbers(people + 1)[place.free])
						n := h.node("n1", func(d *dialer.Deps) { d.Limits = dialer.Limits{Drain: -1} })
						a := h.newAgent(c.Queue)
						h.stricter(c)
						set := time.Now()
						if place.cleared {
							h.within(10*time.Minute, 1, `SELECT count(*) FROM contacts WHERE state = 'waiting' AND wake_at IS NULL`)
							b.ReportMetric(time.Since(set).Seconds(), "s-to-clear")
						}
						b.StartTimer()
						came := time.Now()
						n.login(a)
						h.within(10*time.Minute, 1, fmt.Sprint(`SELECT count(*) FROM attempts WHERE id > `, 10*people)) // ours have a time
						b.ReportMetric(float64(time.Since(came).Milliseconds()), "ms-free-to-planned")
						b.StopTimer()
						n.stop()
					}
				})
			}
		}
	}
}

// hadBefore puts into the record, past everything that would put anybody off, that all people but the one with this number were
// met or dialed an hour ago.
func (h *house) hadBefore(c *campaigns.Campaign, why, free string) {
	h.tb.Helper()
	at := time.Now().Add(-time.Hour).UnixMilli()
	query := fmt.Sprintf(`INSERT INTO interactions (external_id, kind, crm_id, number, at, ring_ms, talk_ms, automatic, note,
		made_by, created_at) SELECT %d || '-' || id, 'sms', crm_id, NULL, %d, 0, 0, FALSE, '', '', %[2]d FROM contacts
		WHERE campaign_id = %[1]d
			AND crm_id <> 'crm-%[3]s'`, c.ID, at, free)
	if why == "dialed" {
		query = fmt.Sprintf(`INSERT INTO attempts (id, campaign_id, person, number, origin, state, owner, fence, lease_until,
			valid_until, prepared_at, claimed_at, dialed_at, ended_at, outcome)
			SELECT id, campaign_id, crm_id, substr(crm_id, 5), 'automatic', 'closed', 'other', 1, %[2]d, %[2]d, %[2]d, %[2]d, %[2]d,
			%[2]d, 'busy' FROM contacts WHERE campaign_id = %[1]d AND crm_id <> 'crm-%[3]s'`, c.ID, at, free)
	}
	db := h.db
	if path, isFile := strings.CutPrefix(h.url, "sqlite:"); isFile { // the house's only looks
		var err error
		db, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(60000)")
		h.must(err)
		defer func() { _ = db.Close() }()
	}
	_, err := db.Exec(query)
	h.must(err)
}

// stricter sets a gap of two hours between two calls to a person.
func (h *house) stricter(c *campaigns.Campaign) {
	h.tb.Helper()
	changed := *c
	changed.Limits.MinimumGap = 2 * time.Hour
	_, err := h.store.Campaigns.UpdateCampaign(context.Background(), changed, time.Now())
	h.must(err)
}
