package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/webhook"
)

// engines are the databases as production has them: every commit is on the disk when it returns.
var engines = []struct {
	name string
	url  func(testing.TB) string
}{
	{"postgres", func(tb testing.TB) string { return testdeps.PostgresServer(tb, true).Database(tb) }},
	{"sqlite", sqliteURL},
}

// BenchmarkAttempt takes attempts through the whole protocol: plan, claim, dialed, answered, close, code, with an endpoint
// that wants every event. The goal is 500 a second on PostgreSQL.
func BenchmarkAttempt(b *testing.B) {
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			s := open(b, engine.url(b))
			_, err := s.Webhooks.CreateEndpoint(ctx, webhook.Endpoint{URL: "http://127.0.0.1/", Secret: "whsec_", CreatedAt: s.now})
			s.must(err)
			c := s.campaign()
			_, err = s.Contacts.ImportContacts(ctx, c.ID, numbered(b.N), s.now)
			s.must(err)
			b.ResetTimer()

			attempts := make(chan dialer.Attempt, 256)
			go func() {
				defer close(attempts)
				for left := b.N; left > 0; {
					planned, err := s.Dialing.Plan(ctx, c.ID, min(left, 64), s.now)
					if err != nil || len(planned) == 0 {
						b.Errorf("planned %d: %v", len(planned), err)
						return
					}
					left -= len(planned)
					for _, a := range planned {
						attempts <- a
					}
				}
			}()
			var workers sync.WaitGroup
			for range 32 {
				workers.Go(func() {
					for a := range attempts {
						if err := throughAll(s, a); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			workers.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
		})
	}
}

func throughAll(s *house, a dialer.Attempt) error {
	if _, err := s.Dialing.Claim(ctx, a.ID, "node", 0, 30*time.Second, s.now); err != nil {
		return err
	}
	if err := s.Dialing.Dialed(ctx, a.ID, "node", 1, ringing, s.now); err != nil {
		return err
	}
	if err := s.Dialing.Answered(ctx, a.ID, "node", 1, a.ID.String(), s.now); err != nil {
		return err
	}
	_, err := s.Dialing.Close(ctx, dialer.Closing{ID: a.ID, Owner: "node", Fence: 1, Outcome: campaigns.Answered, EndedAt: s.now,
		CodeDueAt: s.now.Add(time.Minute)})
	if err != nil {
		return err
	}
	return s.Dialing.SetCode(ctx, dialer.Coding{ID: a.ID, Code: "1", Now: s.now})
}

// numbered is a list of n people.
func numbered(n int) func(func(campaigns.Line, error) bool) {
	return func(yield func(campaigns.Line, error) bool) {
		for i := range n {
			c := campaigns.Contact{CRMID: fmt.Sprint(10_000_000 + i), Name: fmt.Sprintf("Contact number %07d", i), TimeZone: "Europe/Kyiv",
				Phones:  []campaigns.Phone{{Number: fmt.Sprintf("+38050%07d", i)}},
				Payload: fmt.Appendf(nil, `{"balance":"%d.50","contract":"UA-%09d"}`, i%100_000, i)}
			if !yield(campaigns.Line{Number: i + 2, Contact: c}, nil) {
				return
			}
		}
	}
}

// BenchmarkImport imports a list, with dedupe, into an empty campaign and then once more beside itself, where every line is
// looked up.
func BenchmarkImport(b *testing.B) {
	lines := testdeps.People(b, 100_000)
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			s := open(b, engine.url(b))
			for _, list := range []string{"new", "known"} {
				b.Run(list, func(b *testing.B) {
					for range b.N {
						b.StopTimer()
						c := s.campaign()
						if list == "known" {
							_, err := s.Contacts.ImportContacts(ctx, c.ID, numbered(lines), s.now)
							s.must(err)
						}
						b.StartTimer()
						report, err := s.Contacts.ImportContacts(ctx, c.ID, numbered(lines), s.now)
						s.must(err)
						if report.Accepted+report.Duplicates != lines {
							b.Fatalf("%+v", report)
						}
					}
					b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "lines/s")
				})
			}
		})
	}
}
