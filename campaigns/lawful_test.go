package campaigns_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditorro/ringmaster/campaigns"
)

// TestLawful: in Ukraine nobody is called at night, on a weekend or a holiday; a week begins on Friday, 2 January 2026.
func TestLawful(t *testing.T) {
	c := &campaigns.Campaign{Name: "Winter", Status: campaigns.Running, Profile: "ua-1349-IX", Region: "UA", TimeZone: "Europe/Kyiv",
		MaxAttempts: 5,
		Windows:     []campaigns.Window{{Cron: "0 9 * * *", Duration: 11 * time.Hour}}}
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2026, 1, day, hour, 0, 0, 0, kyiv) }
	q := campaigns.Question{Campaign: c, Number: "+380501234567", Automatic: true, Now: at(2, 12),
		Contact: &campaigns.Contact{State: campaigns.Waiting, Phones: []campaigns.Phone{{Number: "+380501234567"}}}}
	spans, more := campaigns.Lawful(q, at(1, 0), at(7, 0), 10)
	want := []campaigns.Span{{From: at(2, 12), To: at(2, 20)}, {From: at(5, 9), To: at(5, 20)}, {From: at(6, 9), To: at(6, 20)}}
	if more || len(spans) != len(want) {
		t.Fatalf("%v, more: %v", spans, more)
	}
	for i, s := range spans {
		if !s.From.Equal(want[i].From) || !s.To.Equal(want[i].To) {
			t.Errorf("%v, want %v", s, want[i])
		}
	}
	if spans, more = campaigns.Lawful(q, at(1, 0), at(7, 0), 2); !more || len(spans) != 2 {
		t.Errorf("two at most: %v, more: %v", spans, more)
	}
	q.DoNotCall = true
	if spans, more = campaigns.Lawful(q, at(1, 0), at(7, 0), 10); more || len(spans) != 0 {
		t.Errorf("barred: %v", spans)
	}
}

// TestLawfulIsWhatDecideSays: every moment is in a stretch if and only if Decide permits it.
func TestLawfulIsWhatDecideSays(t *testing.T) {
	start := time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC) // clocks change on the 29th
	rapid.Check(t, func(t *rapid.T) {
		c := &campaigns.Campaign{Status: campaigns.Running,
			Profile:  rapid.SampledFrom([]string{"ua-1349-IX", "uk-ofcom", "us-reg-f", "none"}).Draw(t, "profile"),
			TimeZone: rapid.SampledFrom([]string{"Europe/Kyiv", "Europe/London", "America/New_York"}).Draw(t, "zone"), MaxAttempts: 5}
		if rapid.Bool().Draw(t, "windows") {
			c.Windows = []campaigns.Window{{Cron: "30 8 * * *",
				Duration: time.Duration(rapid.IntRange(1, 20).Draw(t, "hours")) * time.Hour}}
		}
		q := campaigns.Question{Campaign: c, Number: "+380501234567", Automatic: true, Now: start,
			Contact: &campaigns.Contact{TimeZone: c.TimeZone, State: campaigns.Waiting,
				Phones: []campaigns.Phone{{Number: "+380501234567"}}}}
		to := start.AddDate(0, 0, 6)
		spans, more := campaigns.Lawful(q, start, to, 100)
		if more {
			t.Fatal("more than a hundred stretches in six days")
		}
		for range 20 {
			q.Now = start.Add(time.Duration(rapid.IntRange(0, 6*24*3600-1).Draw(t, "second")) * time.Second)
			in := false
			for _, s := range spans {
				in = in || !q.Now.Before(s.From) && q.Now.Before(s.To)
			}
			if permit := campaigns.Decide(q).Permit; permit != in {
				t.Fatalf("%v: permit %v, among %v: %v", q.Now, permit, spans, in)
			}
		}
	})
}
