package command

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/phrasebook"
)

var update = flag.Bool("update", false, "write testdata/explain.txt anew")

// TestExplanations: what supervisors are told of contacts who are not called, whole and in each language, is as the golden file
// has it; each rule refuses somebody there.
func TestExplanations(t *testing.T) {
	kyiv := zone(t, "Europe/Kyiv")
	thursday := time.Date(2026, 3, 12, 11, 30, 0, 0, kyiv)
	const number, hour = "+380501234567", time.Hour
	call := func(ago, talk time.Duration, change ...func(*campaigns.PastCall)) campaigns.PastCall {
		p := campaigns.PastCall{ContactID: 7, Number: number, DialedAt: thursday.Add(-ago),
			EndedAt: thursday.Add(talk + 20*time.Second - ago), Dialing: 20 * time.Second,
			Talk: talk, Outcome: campaigns.NoAnswer, Automatic: true}
		if talk > 0 {
			p.Outcome, p.Meaningful = campaigns.Answered, true
		}
		for _, f := range change {
			f(&p)
		}
		return p
	}
	abroad := func(q *campaigns.Question, region, profile, to string) {
		q.Campaign.Region, q.Campaign.Profile, q.Number = region, profile, to
		q.Contact.Phones = []campaigns.Phone{{Number: to}}
	}
	cases := []struct {
		name   string
		rules  string // that refuse, in their order
		change func(*campaigns.Question)
	}{
		{"nothing in the way", "", func(*campaigns.Question) {}},
		{"paused, and not due before tomorrow", "campaign_status due", func(q *campaigns.Question) {
			q.Campaign.Status, q.Contact.NextAt = campaigns.Paused, thursday.Add(22*hour)
		}},
		{"finished, no phone left", "contact_state phone", func(q *campaigns.Question) {
			q.Contact.State, q.Contact.Reason = campaigns.Complete, "max_attempts"
			q.Contact.Phones[0].Invalid = true
		}},
		{"on the do-not-call list for ever", "do_not_call", func(q *campaigns.Question) { q.DoNotCall = true }},
		{"on the do-not-call list for a while", "do_not_call", func(q *campaigns.Question) {
			q.DoNotCall, q.BarredTo = true, thursday.Add(50*24*hour)
		}},
		{"a profile that this version lacks", "profile", func(q *campaigns.Question) { q.Campaign.Profile = "gone" }},
		{"a zone that nobody knows", "time_zone", func(q *campaigns.Question) { q.Contact.TimeZone = "Europe/Nowhere" }},
		{"connected with too many", "person", func(q *campaigns.Question) { q.Unclear = true }},
		{"in the evening", "hours", func(q *campaigns.Question) { q.Now = thursday.Add(10 * hour) }},
		{"on a Saturday", "weekend", func(q *campaigns.Question) { q.Now = thursday.Add(48 * hour) }},
		{"on a holiday", "holiday", func(q *campaigns.Question) { q.Now = time.Date(2026, 12, 25, 12, 0, 0, 0, kyiv) }},
		{"before the campaign's window", "window", func(q *campaigns.Question) {
			q.Campaign.Windows = []campaigns.Window{{Cron: "0 14 * * *", Duration: 2 * hour}}
		}},
		{"talking now", "in_call", func(q *campaigns.Question) {
			q.Past = []campaigns.PastCall{call(time.Minute, 0, func(p *campaigns.PastCall) { p.EndedAt = time.Time{} })}
		}},
		{"tried as often as the campaign wants", "max_attempts", func(q *campaigns.Question) {
			q.Campaign.MaxAttempts, q.Contact.Attempts = 3, 3
		}},
		{"caps of the campaign", "per_day per_period minimum_gap", func(q *campaigns.Question) {
			q.Campaign.Limits = campaigns.Limits{PerDay: 2, PerPeriod: 2, Period: 72 * hour, MinimumGap: 2 * hour}
			q.Past = []campaigns.PastCall{call(2*hour, 0), call(hour, 0)}
		}},
		{"two conversations today", "meaningful_per_day", func(q *campaigns.Question) {
			q.Past = []campaigns.PastCall{call(2*hour, time.Minute), call(hour, 2*time.Minute)}
		}},
		{"half an hour of automatic ringing", "auto_dialing", func(q *campaigns.Question) {
			q.Past = []campaigns.PastCall{call(2*hour, 0, func(p *campaigns.PastCall) {
				p.Dialing, p.EndedAt = 30*time.Minute, p.DialedAt.Add(30*time.Minute)
			})}
		}},
		{"a conversation in the week before, in America", "conversation_rest", func(q *campaigns.Question) {
			abroad(q, "US", "us-reg-f", "+12125550123")
			q.Now = thursday.Add(8 * hour)
			q.Past = []campaigns.PastCall{call(30*hour, time.Minute)}
		}},
		{"abandoned yesterday, in Britain", "abandoned_rest", func(q *campaigns.Question) {
			abroad(q, "GB", "uk-ofcom", "+447700900123")
			q.Campaign.Mode = campaigns.Predictive
			q.Past = []campaigns.PastCall{call(20*hour, 0, func(p *campaigns.PastCall) {
				p.Outcome, p.Number = campaigns.Abandoned, "+447700900123"
			})}
		}},
		{"not on this number", "wish", func(q *campaigns.Question) {
			q.Consents = []campaigns.Consent{{CRMID: "42", Kind: campaigns.NotThere, Number: number, Source: "letter",
				GivenAt: thursday.Add(-hour)}}
		}},
		{"too many faults of the network today", "infrastructure", func(q *campaigns.Question) {
			for i := range 20 {
				q.Past = append(q.Past, call(time.Duration(i+1)*time.Minute, 0, func(p *campaigns.PastCall) { p.Fault = true }))
			}
		}},
	}
	var out bytes.Buffer
	for _, c := range cases {
		q := campaigns.Question{
			Campaign: &campaigns.Campaign{ID: 3, Name: "Spring", Status: campaigns.Running, Region: "UA", TimeZone: "Europe/Kyiv",
				Profile: "ua-1349-IX", MaxAttempts: 9, Ring: 30 * time.Second, Mode: campaigns.Progressive},
			Contact: &campaigns.Contact{ID: 7, CRMID: "42", State: campaigns.Waiting, NextAt: thursday.Add(-5 * time.Minute),
				Phones: []campaigns.Phone{{Number: number}}},
			Number: number, Automatic: true, Now: thursday,
		}
		c.change(&q)
		e := campaigns.Explain(q)
		var refused []string
		for _, g := range e.Gates {
			if !g.Pass {
				refused = append(refused, g.Rule)
			}
		}
		if got := strings.Join(refused, " "); got != c.rules {
			t.Errorf("%s: refused by %q, want %q", c.name, got, c.rules)
		}
		if len(refused) > 0 { // what passes is told by the first
			e.Gates = slices.DeleteFunc(e.Gates, func(g campaigns.Gate) bool { return g.Pass })
		}
		for _, language := range []string{"en", "uk", "ru"} {
			fmt.Fprintf(&out, "— %s, %s\n", c.name, language)
			if err := writeExplanation(&out, phrasebook.For(language), q, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	const golden = "testdata/explain.txt"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(want, out.Bytes()) {
		t.Errorf("%s is not what is said (%v); go test -update writes it anew:\n%s", golden, err, out.String())
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
