package campaigns

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// monday noon in Kyiv, 10:00 UTC, in the middle of what the strictest profile allows.
const mondayNoon = "2026-11-23 12:00"

// TestRules has rows for every rule: what it refuses, and what it just permits.
func TestRules(t *testing.T) {
	const kyiv, number = "Europe/Kyiv", "+380501234567"
	now := at(t, kyiv, mondayNoon)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	call := func(start time.Duration, change func(*PastCall)) PastCall {
		p := PastCall{ContactID: 1, Number: number, DialedAt: ago(start), EndedAt: ago(start - 20*time.Second),
			Dialing: 20 * time.Second, Outcome: NoAnswer, Automatic: true}
		if change != nil {
			change(&p)
		}
		return p
	}
	meaningful := func(p *PastCall) { p.Outcome, p.Talk, p.Meaningful = Answered, time.Minute, true }
	talked := func(p *PastCall) { p.Outcome, p.Talk = Answered, time.Minute }
	failed := func(p *PastCall) { p.Outcome, p.Fault = Congestion, true }
	times := func(n int, p PastCall) []PastCall { return slices.Repeat([]PastCall{p}, n) }
	profile := func(name string) func(*Question) { return func(q *Question) { q.Campaign.Profile = name } }
	with := func(changes ...func(*Question)) func(*Question) {
		return func(q *Question) {
			for _, change := range changes {
				change(q)
			}
		}
	}
	past := func(calls ...PastCall) func(*Question) { return func(q *Question) { q.Past = calls } }
	limits := func(l Limits) func(*Question) { return func(q *Question) { q.Campaign.Limits = l } }
	when := func(s string) func(*Question) { return func(q *Question) { q.Now = at(t, kyiv, s) } }

	tests := []struct {
		name   string
		change func(*Question)
		rule   string // empty: permitted
		hard   bool
		next   string // in Kyiv; empty: never
	}{
		{"nothing against it", with(), "", false, ""},
		{"do not call", func(q *Question) { q.DoNotCall = true }, "do_not_call", true, ""},
		{"unknown profile", profile("none-such"), "profile", true, ""},
		{"unknown zone", func(q *Question) { q.Contact.TimeZone = "Mars/Olympus" }, "time_zone", true, ""},

		{"ua: before nine", with(profile("ua-1349-IX"), when("2026-11-23 08:59:59")), "hours", true, "2026-11-23 09:00"},
		{"ua: nine", with(profile("ua-1349-IX"), when("2026-11-23 09:00")), "", false, ""},
		{"ua: last second", with(profile("ua-1349-IX"), when("2026-11-23 19:59:59")), "", false, ""},
		{"ua: eight in the evening", with(profile("ua-1349-IX"), when("2026-11-23 20:00")), "hours", true, "2026-11-24 09:00"},
		{"ua: the person's hours, not the campaign's", with(profile("ua-1349-IX"),
			func(q *Question) { q.Contact.TimeZone = "America/New_York" }),
			"hours", true, "2026-11-23 16:00"},
		{"ua: Saturday", with(profile("ua-1349-IX"), when("2026-11-28 12:00")), "weekend", true, "2026-11-30 00:00"},
		{"ua: Sunday", with(profile("ua-1349-IX"), when("2026-11-29 12:00")), "weekend", true, "2026-11-30 00:00"},
		{"ua: holiday is law", with(profile("ua-1349-IX"), func(q *Question) {
			q.Campaign.Holidays = []string{"2026-11-23", "2026-11-24"}
		}),
			"holiday", true, "2026-11-25 00:00"},
		{"ua: the country's holidays", with(profile("ua-1349-IX"), when("2026-12-25 12:00")), "holiday", true, "2026-12-26 00:00"},
		{"ua: a holiday on a Saturday frees Monday", with(profile("ua-1349-IX"), when("2027-05-03 12:00")), "holiday", true,
			"2027-05-05 00:00"},
		{"ua: a date taken off the calendar", with(profile("ua-1349-IX"), when("2026-12-25 12:00"),
			func(q *Question) { q.Campaign.WorkingDays = []string{"2026-12-25"} }), "", false, ""},
		{"ua: no calendar at all", with(profile("ua-1349-IX"), when("2026-12-25 12:00"),
			func(q *Question) { q.Campaign.HolidayCalendar = NoCalendar }), "", false, ""},
		{"another calendar besides", with(profile("ua-1349-IX"), when("2026-11-11 12:00"),
			func(q *Question) { q.Campaign.HolidayCalendar = "PL" }), "holiday", true, "2026-11-12 00:00"},
		{"uk: holidays are worked on", with(profile("uk-ofcom"), when("2026-12-25 12:00")), "", false, ""},
		{"uk: holidays by setting", with(profile("uk-ofcom"), when("2026-12-25 12:00"),
			func(q *Question) { q.Campaign.HolidayCalendar = "GB" }), "holiday", false, "2026-12-27 00:00"},
		{"ua: two meaningful contacts", with(profile("ua-1349-IX"), past(times(2, call(time.Hour, meaningful))...)),
			"meaningful_per_day", true, "2026-11-24 00:00"},
		{"ua: one meaningful contact, two talks without", with(profile("ua-1349-IX"),
			past(call(time.Hour, meaningful), call(2*time.Hour, talked), call(2*time.Hour, talked))), "", false, ""},
		{"ua: a talk without a code counts", with(profile("ua-1349-IX"), past(call(time.Hour, meaningful),
			call(2*time.Hour, func(p *PastCall) { talked(p); p.Uncoded = true }))), "meaningful_per_day", true, "2026-11-24 00:00"},
		{"ua: every talk counts, by setting", with(profile("ua-1349-IX"), limits(Limits{TalkIsMeaningful: true}),
			past(times(2, call(time.Hour, talked))...)), "meaningful_per_day", true, "2026-11-24 00:00"},
		{"ua: yesterday's contacts", with(profile("ua-1349-IX"), past(times(3, call(20*time.Hour, meaningful))...)), "", false, ""},
		{"ua: room for one more ring in 30 minutes", with(profile("ua-1349-IX"),
			past(call(time.Hour, func(p *PastCall) { p.Dialing = 29*time.Minute + 30*time.Second }))), "", false, ""},
		{"ua: no room for a whole ring", with(profile("ua-1349-IX"),
			past(call(time.Hour,
				func(p *PastCall) { p.Dialing = 29*time.Minute + 31*time.Second }))), "auto_dialing", true, "2026-11-24 00:00"},
		{"ua: a call by hand is not automatic dialing", with(profile("ua-1349-IX"), func(q *Question) { q.Automatic = false },
			past(call(time.Hour, func(p *PastCall) { p.Dialing = time.Hour }))), "", false, ""},
		{"ua: dialing by hand does not count", with(profile("ua-1349-IX"),
			past(call(time.Hour, func(p *PastCall) { p.Dialing, p.Automatic = time.Hour, false }))), "", false, ""},
		{"ua: talk counts by setting", with(profile("ua-1349-IX"), limits(Limits{TalkIsDialing: true}),
			past(call(time.Hour, func(p *PastCall) { talked(p); p.Talk = 40 * time.Minute }))), "auto_dialing", true, "2026-11-24 00:00"},

		{"us: before eight", with(profile("us-reg-f"), when("2026-11-23 07:59")), "hours", true, "2026-11-23 08:00"},
		{"us: nine in the evening", with(profile("us-reg-f"), when("2026-11-23 21:00")), "hours", true, "2026-11-24 08:00"},
		{"us: Sunday is allowed", with(profile("us-reg-f"), when("2026-11-29 12:00")), "", false, ""},
		{"us: six calls in seven days", with(profile("us-reg-f"), past(times(6, call(48*time.Hour, nil))...)), "", false, ""},
		{"us: seven calls in seven days", with(profile("us-reg-f"), past(append(times(6, call(24*time.Hour, nil)),
			call(48*time.Hour, nil))...)),
			"per_period", true, "2026-11-28 12:00"},
		{"us: nine calls, as by hand elsewhere", with(profile("us-reg-f"),
			past(append(times(7, call(24*time.Hour, nil)), call(48*time.Hour, nil),
				call(72*time.Hour, nil))...)), "per_period", true, "2026-11-29 12:00"},
		{"us: the oldest left the period", with(profile("us-reg-f"), past(append(times(6, call(24*time.Hour, nil)),
			call(7*24*time.Hour, nil))...)),
			"", false, ""},
		{"us: seven days, that of the conversation the first", with(profile("us-reg-f"), past(call(6*24*time.Hour, meaningful))),
			"conversation_rest",
			true, "2026-11-24 00:00"},
		{"us: the last second of the seventh day", with(profile("us-reg-f"), when("2026-11-22 20:59:59"),
			past(call(7*24*time.Hour, meaningful))),
			"conversation_rest", true, "2026-11-23 00:00"},
		{"us: the eighth day", with(profile("us-reg-f"), when("2026-11-23 08:00"), past(call(7*24*time.Hour-8*time.Hour, meaningful),
			call(7*24*time.Hour, meaningful))), "", false, ""},
		{"us: an answer that was no conversation", with(profile("us-reg-f"), past(call(24*time.Hour, talked))), "", false, ""},
		{"us: a talk without a code was one", with(profile("us-reg-f"),
			past(call(24*time.Hour, func(p *PastCall) { talked(p); p.Uncoded = true }))), "conversation_rest", true, "2026-11-29 00:00"},

		{"uk: abandoned number rests", with(profile("uk-ofcom"), func(q *Question) { q.Campaign.Mode = Predictive },
			past(call(71*time.Hour, func(p *PastCall) { p.Outcome = Abandoned }))), "abandoned_rest", true, "2026-11-23 13:00:20"},
		{"uk: an agent is guaranteed", with(profile("uk-ofcom"), past(call(time.Hour, func(p *PastCall) { p.Outcome = Abandoned }))),
			"", false, ""},
		{"uk: another number", with(profile("uk-ofcom"), func(q *Question) { q.Campaign.Mode = Predictive },
			past(call(time.Hour, func(p *PastCall) { p.Outcome, p.Number = Abandoned, "+380671234567" }))), "", false, ""},
		{"uk: rested", with(profile("uk-ofcom"), func(q *Question) { q.Campaign.Mode = Predictive },
			past(call(72*time.Hour+20*time.Second, func(p *PastCall) { p.Outcome = Abandoned }))), "", false, ""},

		{"none: at night", with(profile("none"), when("2026-11-28 03:00")), "", false, ""},
		{"window closed", func(q *Question) { q.Campaign.Windows = []Window{{"0 14 * * *", time.Hour}} }, "window", false,
			"2026-11-23 14:00"},
		{"holiday by setting", func(q *Question) { q.Campaign.Holidays = []string{"2026-11-23"} }, "holiday", false,
			"2026-11-24 00:00"},
		{"a call is up", past(call(time.Minute, func(p *PastCall) { p.EndedAt = time.Time{} })), "in_call", false, "2026-11-23 12:01"},
		{"four faults are no calls", with(limits(Limits{PerDay: 1, MinimumGap: 3 * time.Hour}),
			past(times(4, call(time.Hour, failed))...)), "",
			false, ""},
		{"five faults", past(times(5, call(time.Hour, failed))...), "infrastructure", false, "2026-11-24 00:00"},
		{"five faults of yesterday", past(times(5, call(13*time.Hour, failed))...), "", false, ""},
		{"five faults of another contact", past(times(5, call(time.Hour, func(p *PastCall) { p.Fault, p.ContactID = true, 77 }))...),
			"", false, ""},
		{"five faults, by hand", with(func(q *Question) { q.Automatic = false }, past(times(5, call(time.Hour, failed))...)), "", false,
			""},
		{"attempts used up", func(q *Question) { q.Contact.Attempts = 5 }, "max_attempts", false, ""},
		{"attempts used up, but promised", func(q *Question) { q.Contact.Attempts, q.Promised = 5, true }, "", false, ""},
		{"a day's attempts", with(limits(Limits{PerDay: 2}), past(times(2, call(time.Hour, nil))...)), "per_day", false,
			"2026-11-24 00:00"},
		{"a day's attempts but one", with(limits(Limits{PerDay: 2}), past(call(time.Hour, nil), call(13*time.Hour, nil))), "", false,
			""},
		{"a period's attempts", with(limits(Limits{PerPeriod: 3, Period: 24 * time.Hour}), past(times(3, call(20*time.Hour, nil))...)),
			"per_period", false, "2026-11-23 16:00"},
		{"gap", with(limits(Limits{MinimumGap: 2 * time.Hour}), past(call(time.Hour, nil))), "minimum_gap", false,
			"2026-11-23 13:00:20"},
		{"gap is over", with(limits(Limits{MinimumGap: time.Hour}), past(call(time.Hour+20*time.Second, nil))), "", false, ""},
		{"meaningful by setting", with(limits(Limits{MeaningfulPerDay: 1}), past(call(time.Hour, meaningful))),
			"meaningful_per_day", false, "2026-11-24 00:00"},
		{"automatic dialing by setting", with(limits(Limits{AutoDialing: time.Minute}),
			past(times(2, call(time.Hour, nil))...)), "auto_dialing", false, "2026-11-24 00:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := Question{
				Campaign: &Campaign{TimeZone: kyiv, Mode: Progressive, Profile: "none", Ring: 30 * time.Second, MaxAttempts: 5},
				Contact:  &Contact{ID: 1}, Number: number, Automatic: true, Now: now,
			}
			tt.change(&q)
			v := Decide(q)
			if tt.rule == "" {
				if !v.Permit || len(v.Refusals) > 0 || !v.ValidUntil.After(q.Now) {
					t.Fatalf("want a permit, got %+v", v)
				}
				return
			}
			if v.Permit || len(v.Refusals) != 1 {
				t.Fatalf("want one refusal by %s, got %+v", tt.rule, v)
			}
			var next time.Time
			if tt.next != "" {
				next = at(t, kyiv, tt.next)
			}
			r := v.Refusals[0]
			if r.Rule != tt.rule || r.Hard != tt.hard || !r.Next.Equal(next) {
				t.Errorf("rule %s hard %v next %s, want %s %v %s", r.Rule, r.Hard, r.Next.In(now.Location()), tt.rule, tt.hard, next)
			}
			if r.Reason.IsZero() || r.Source == "" {
				t.Errorf("reason %q, source %q: want both", r.Reason, r.Source)
			}
		})
	}
}

func TestDecideAnswersEveryRefusalHardFirst(t *testing.T) {
	now := at(t, "Europe/Kyiv", "2026-11-28 21:30") // Saturday night
	v := Decide(Question{
		Campaign: &Campaign{TimeZone: "Europe/Kyiv", Profile: "ua-1349-IX", MaxAttempts: 1,
			Windows: []Window{{"0 9 * * 1-5", time.Hour}}},
		Contact: &Contact{Attempts: 1}, DoNotCall: true, Automatic: true, Now: now,
	})
	var got []string
	for _, r := range v.Refusals {
		got = append(got, r.Rule)
	}
	if want := []string{"do_not_call", "hours", "weekend", "window", "max_attempts"}; !slices.Equal(got, want) {
		t.Errorf("refused by %v, want %v", got, want)
	}
	if !v.NextEligible().IsZero() {
		t.Errorf("next eligible %s, want never", v.NextEligible())
	}
}

func TestNextPermitHeedsRulesThatPassNow(t *testing.T) {
	// The day's attempts are free again at midnight, but then the hours are against it, and the day after it is Saturday.
	now := at(t, "Europe/Kyiv", "2026-11-27 15:00")
	q := Question{
		Campaign: &Campaign{TimeZone: "Europe/Kyiv", Profile: "ua-1349-IX", Limits: Limits{PerDay: 1}},
		Past:     []PastCall{{DialedAt: now.Add(-time.Hour), EndedAt: now.Add(-time.Hour)}}, Now: now,
	}
	if got, want := NextPermit(q), at(t, "Europe/Kyiv", "2026-11-30 09:00"); !got.Equal(want) {
		t.Errorf("next permit %s, want %s", got, want)
	}
	q.DoNotCall = true
	if got := NextPermit(q); !got.IsZero() {
		t.Errorf("next permit %s, want never", got)
	}
}

func drawQuestion(t *rapid.T) Question {
	name := rapid.SampledFrom(oddZones).Draw(t, "zone")
	loc, err := zone(name)
	if err != nil {
		t.Fatal(err)
	}
	now := nearClockChange(t, loc).Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)-1).Draw(t, "nanoseconds")))
	c := &Campaign{
		TimeZone:    rapid.SampledFrom(oddZones).Draw(t, "campaign's zone"),
		Profile:     rapid.SampledFrom(Profiles).Draw(t, "profile").Name,
		Mode:        rapid.SampledFrom([]Mode{Manual, Progressive, Predictive}).Draw(t, "mode"),
		Ring:        30 * time.Second,
		MaxAttempts: 5,
		Limits: Limits{
			PerDay:           rapid.IntRange(0, 4).Draw(t, "per day"),
			PerPeriod:        rapid.IntRange(0, 4).Draw(t, "per period"),
			Period:           time.Duration(rapid.IntRange(1, 100).Draw(t, "period")) * time.Hour,
			MinimumGap:       time.Duration(rapid.IntRange(0, 10).Draw(t, "gap")) * time.Hour,
			AutoDialing:      time.Duration(rapid.IntRange(0, 3).Draw(t, "dialing")) * time.Minute,
			MeaningfulPerDay: rapid.IntRange(0, 2).Draw(t, "meaningful"),
			TalkIsMeaningful: rapid.Bool().Draw(t, "talk is meaningful"),
		},
	}
	for range rapid.IntRange(0, 2).Draw(t, "windows") {
		minutes := rapid.IntRange(1, 1000).Draw(t, "open for")
		c.Windows = append(c.Windows, Window{drawCron(t).String(), time.Duration(minutes) * time.Minute})
	}
	for range rapid.IntRange(0, 2).Draw(t, "holidays") {
		c.Holidays = append(c.Holidays, now.AddDate(0, 0, rapid.IntRange(0, 4).Draw(t, "holiday in")).Format(time.DateOnly))
	}
	q := Question{
		Campaign: c, Contact: &Contact{TimeZone: name, Attempts: rapid.IntRange(0, 5).Draw(t, "attempts")},
		Number: "+380501234567", Automatic: rapid.Bool().Draw(t, "automatic"), Now: now,
	}
	for range rapid.IntRange(0, 6).Draw(t, "past calls") {
		dialed := now.Add(-time.Duration(rapid.IntRange(60, 10*24*3600).Draw(t, "seconds ago")) * time.Second)
		p := PastCall{Number: "+380501234567", DialedAt: dialed, EndedAt: dialed.Add(time.Minute), Dialing: 20 * time.Second,
			Outcome: rapid.SampledFrom(Outcomes).Draw(t, "outcome"), Automatic: rapid.Bool().Draw(t, "by the dialer")}
		if p.Outcome == Answered {
			p.Talk, p.Meaningful = 40*time.Second, rapid.Bool().Draw(t, "meaningful")
		}
		q.Past = append(q.Past, p)
	}
	return q
}

// TestPermitHolds: a permit stays one until ValidUntil, however finely one asks.
func TestPermitHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		v := Decide(q)
		if !v.Permit {
			return
		}
		if !v.ValidUntil.After(q.Now) || v.ValidUntil.Sub(q.Now) > longestPermit {
			t.Fatalf("valid until %s at %s", v.ValidUntil, q.Now)
		}
		start, length := q.Now, v.ValidUntil.Sub(q.Now)
		for i := range 60 {
			q.Now = start.Add(length / 60 * time.Duration(i))
			if later := Decide(q); !later.Permit {
				t.Fatalf("permitted at %s until %s, refused at %s: %+v", start, v.ValidUntil, q.Now, later.Refusals)
			}
		}
		q.Now = v.ValidUntil.Add(-1)
		if later := Decide(q); !later.Permit {
			t.Fatalf("permitted at %s until %s, refused right before: %+v", start, v.ValidUntil, later.Refusals)
		}
	})
}

// TestRefusalEnds: at a refusal's Next, its rule permits; right before, it does not.
func TestRefusalEnds(t *testing.T) {
	refuses := func(v Verdict, r Refusal) bool {
		return slices.ContainsFunc(v.Refusals, func(o Refusal) bool { return o.Rule == r.Rule && o.Source == r.Source })
	}
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		now := q.Now
		v := Decide(q)
		for _, r := range v.Refusals {
			if r.Next.IsZero() {
				continue
			}
			if !r.Next.After(now) {
				t.Fatalf("%s refused at %s until %s", r.Rule, now, r.Next)
			}
			if q.Now = r.Next; refuses(Decide(q), r) {
				t.Fatalf("%s refused at %s, and still at %s", r.Rule, now, r.Next)
			}
			if q.Now = r.Next.Add(-1); !refuses(Decide(q), r) {
				t.Fatalf("%s refused at %s until %s, but not right before", r.Rule, now, r.Next)
			}
		}
		q.Now = now
		if next := NextPermit(q); !next.IsZero() {
			if q.Now = next; !Decide(q).Permit {
				t.Fatalf("next permit of %s is %s, which is refused: %+v", now, next, Decide(q).Refusals)
			}
		}
	})
}

// TestHorizon: calls that lie further back than the horizon change no verdict.
func TestHorizon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		whole := Decide(q)
		horizon := q.Now.Add(-Horizon(q.Campaign))
		q.Past = slices.DeleteFunc(slices.Clone(q.Past), func(p PastCall) bool { return p.DialedAt.Before(horizon) })
		if cut := Decide(q); cut.Permit != whole.Permit || len(cut.Refusals) != len(whole.Refusals) {
			t.Fatalf("%+v by the whole past, %+v by the horizon's", whole, cut)
		}
	})
}

func TestExplain(t *testing.T) {
	now := at(t, "Europe/Kyiv", mondayNoon)
	q := Question{
		Campaign: &Campaign{TimeZone: "Europe/Kyiv", Profile: "ua-1349-IX", Status: Running, Mode: Progressive, MaxAttempts: 5},
		Contact:  &Contact{State: Waiting, NextAt: now, Phones: []Phone{{Number: "+380501234567"}}},
		Number:   "+380501234567", Automatic: true, Now: now,
	}
	e := Explain(q)
	if !e.Permit || !e.NextAt.Equal(now) {
		t.Fatalf("want a permit now, got %+v", e)
	}
	for _, g := range e.Gates {
		if !g.Pass || g.Reason.IsZero() || g.Source == "" {
			t.Errorf("gate %+v", g)
		}
	}

	q.Contact.NextAt = at(t, "Europe/Kyiv", "2026-11-28 10:00") // a Saturday: due, and then the law is against it
	if e = Explain(q); e.Permit || !e.NextAt.Equal(at(t, "Europe/Kyiv", "2026-11-30 09:00")) {
		t.Errorf("permit %v, next %s", e.Permit, e.NextAt)
	}
	if failing(e) != "due" {
		t.Errorf("refused by %s", failing(e))
	}

	q.Campaign.Status, q.Contact.State, q.Contact.Reason, q.Contact.Phones[0].Invalid = Paused, Complete, "code:4", true
	if e = Explain(q); failing(e) != "campaign_status contact_state phone" || !e.NextAt.IsZero() {
		t.Errorf("refused by %s, next %s", failing(e), e.NextAt)
	}
	q.Campaign.Profile = "gone"
	if e = Explain(q); !strings.HasSuffix(failing(e), "profile") {
		t.Errorf("refused by %s", failing(e))
	}
}

func failing(e Explanation) string {
	var names []string
	for _, g := range e.Gates {
		if !g.Pass {
			names = append(names, g.Rule)
		}
	}
	return strings.Join(names, " ")
}

func BenchmarkDecide(b *testing.B) {
	now := at(b, "Europe/Kyiv", mondayNoon)
	q := Question{
		Campaign: &Campaign{TimeZone: "Europe/Kyiv", Profile: "ua-1349-IX", MaxAttempts: 5,
			Windows: []Window{{"0 9 * * 1-5", 11 * time.Hour}}},
		Contact: &Contact{}, Automatic: true, Now: now,
		Past: []PastCall{{DialedAt: now.Add(-time.Hour), EndedAt: now.Add(-time.Hour)}},
	}
	for range b.N {
		if !Decide(q).Permit {
			b.Fatal("refused")
		}
	}
}
