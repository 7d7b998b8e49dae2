package campaigns

import (
	"strings"
	"testing"
	"time"
)

// TestShippedProfiles has a row for each sentence of the laws that the shipped profiles keep: by which rules a call is refused,
// and from when it would be permitted.
func TestShippedProfiles(t *testing.T) {
	const ua, us, uk, free = "ua-1349-IX", "us-reg-f", "uk-ofcom", NoProfile
	numbers := map[string]string{ua: "+380501234567", us: "+12125550123", uk: "+442071234567", free: "+442071234567"}
	zones := map[string]string{ua: "Europe/Kyiv", us: "America/New_York", uk: "Europe/London", free: "Europe/London"}
	at := func(profile, text string) time.Time {
		loc, _ := time.LoadLocation(zones[profile])
		moment, err := time.ParseInLocation("2006-01-02 15:04:05", text, loc)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	type row struct {
		profile, says, now string
		change             func(q *Question)
		refused, next      string
	}
	// call is one that ended so long before now.
	call := func(q *Question, ago, rang, talk time.Duration, meaningful bool) {
		p := PastCall{Number: q.Number, DialedAt: q.Now.Add(-ago), Dialing: rang, Talk: talk, Meaningful: meaningful, Outcome: NoAnswer}
		if p.EndedAt = p.DialedAt.Add(rang + talk); talk > 0 {
			p.Outcome = Answered
		}
		q.Past = append(q.Past, p)
	}
	calls := func(n int, every time.Duration) func(q *Question) {
		return func(q *Question) {
			for i := range n {
				call(q, time.Duration(i+1)*every, 20*time.Second, 0, false)
			}
		}
	}
	meaningful := func(said ...bool) func(q *Question) {
		return func(q *Question) {
			for i, m := range said {
				call(q, time.Duration(i+1)*time.Hour, 10*time.Second, time.Minute, m)
			}
		}
	}
	permits := func(change func(q *Question), kind ConsentKind, ago time.Duration, more func(c *Consent)) func(q *Question) {
		return func(q *Question) {
			change(q)
			c := Consent{Kind: kind, GivenAt: q.Now.Add(-ago)}
			if more != nil {
				more(&c)
			}
			q.Consents = append(q.Consents, c)
		}
	}
	nothing := func(*Question) {}
	rang := func(d time.Duration, automatic bool) func(q *Question) {
		return func(q *Question) {
			call(q, 2*time.Hour, d, 0, false)
			q.Past[0].Automatic = true
			q.Automatic = automatic
		}
	}
	talk := func(kind InteractionKind, ago time.Duration, meaningful bool) func(q *Question) {
		return func(q *Question) {
			i := Interaction{Kind: kind, Number: q.Number, At: q.Now.Add(-ago), Talk: time.Minute, Meaningful: &meaningful}
			q.Past = append(q.Past, i.Past())
		}
	}
	abandoned := func(mode Mode, number string, ago time.Duration) func(q *Question) {
		return func(q *Question) {
			q.Campaign.Mode = mode
			call(q, ago, 10*time.Second, 0, false)
			q.Past[0].Outcome = Abandoned
			if number != "" {
				q.Past[0].Number = number
			}
		}
	}
	seven := calls(7, 20*time.Hour)
	wholeDay := func(c *Consent) { c.To = day }
	wishNow := func(c *Consent) { c.At = c.GivenAt.Add(50 * time.Minute) }
	for _, r := range []row{
		{ua, "not before nine", "2026-03-03 08:59:59", nothing, "hours", "2026-03-03 09:00:00"},
		{ua, "from nine", "2026-03-03 09:00:00", nothing, "", "2026-03-03 09:00:00"},
		{ua, "until eight in the evening", "2026-03-03 19:59:59", nothing, "", "2026-03-03 19:59:59"},
		{ua, "not from eight on", "2026-03-03 20:00:00", nothing, "hours", "2026-03-04 09:00:00"},
		{ua, "no weekend, and the day off for a holiday on it", "2026-03-07 12:00:00", nothing, "weekend", "2026-03-10 09:00:00"},
		{ua, "no holiday", "2026-12-25 12:00:00", nothing, "holiday", "2026-12-28 09:00:00"},
		{ua, "the night before clocks go forward", "2026-03-28 23:00:00", nothing, "hours weekend", "2026-03-30 09:00:00"},
		{ua, "one contact was meaningful", "2026-03-03 15:00:00", meaningful(true, false, false), "", "2026-03-03 15:00:00"},
		{ua, "two were", "2026-03-03 15:00:00", meaningful(true, false, true), "meaningful_per_day", "2026-03-04 09:00:00"},
		{ua, "one by visit, one by call", "2026-03-03 15:00:00",
			func(q *Question) { talk(Visit, time.Hour, true)(q); meaningful(false, true)(q) },
			"meaningful_per_day", "2026-03-04 09:00:00"},
		{ua, "two were, yesterday", "2026-03-03 09:30:00", func(q *Question) { meaningful(true, true)(q); back(q, day) }, "",
			"2026-03-03 09:30:00"},
		{ua, "a recorded wish lifts the two", "2026-03-03 15:00:00", permits(meaningful(true, true), CallMeAt, time.Hour, wishNow), "",
			"2026-03-03 15:00:00"},
		{ua, "a general consent does not", "2026-03-03 15:00:00", permits(meaningful(true, true), MayCall, time.Hour, nil),
			"meaningful_per_day", "2026-03-04 09:00:00"},
		{ua, "no wish lifts the hours", "2026-03-03 21:00:00", permits(nothing, CallMeAt, time.Hour, wishNow), "hours",
			"2026-03-04 09:00:00"},
		{ua, "no consent lifts the weekend", "2026-03-14 12:00:00", permits(nothing, MayCallAt, time.Hour, wholeDay), "weekend",
			"2026-03-16 09:00:00"},
		{ua, "thirty minutes of automatic dialing, the next ring included", "2026-03-03 15:00:00",
			rang(29*time.Minute+30*time.Second, true), "", "2026-03-03 15:00:00"},
		{ua, "more than that", "2026-03-03 15:00:00", rang(29*time.Minute+31*time.Second, true), "auto_dialing", "2026-03-04 09:00:00"},
		{ua, "an agent's hand is not automatic", "2026-03-03 15:00:00", rang(40*time.Minute, false), "", "2026-03-03 15:00:00"},

		{us, "not before eight", "2026-03-03 07:59:59", nothing, "hours", "2026-03-03 08:00:00"},
		{us, "until nine in the evening", "2026-03-03 20:59:59", nothing, "", "2026-03-03 20:59:59"},
		{us, "not from nine on", "2026-03-03 21:00:00", nothing, "hours", "2026-03-04 08:00:00"},
		{us, "on Sundays too", "2026-03-08 12:00:00", nothing, "", "2026-03-08 12:00:00"},
		{us, "everywhere where the number may be, in Guam too", "2026-03-03 09:00:00", func(q *Question) { q.Number = "+18005550123" },
			"hours", "2026-03-03 17:00:00"},
		{us, "the contact's own zone is known", "2026-03-03 09:00:00",
			func(q *Question) { q.Number, q.Contact.TimeZone = "+18005550123", "America/New_York" }, "", "2026-03-03 09:00:00"},
		{us, "six calls in seven days", "2026-03-09 15:00:00", calls(6, 20*time.Hour), "", "2026-03-09 15:00:00"},
		{us, "seven", "2026-03-17 15:00:00", seven, "per_period", "2026-03-18 19:00:00"},
		{us, "the person's own calls do not count", "2026-03-17 15:00:00",
			func(q *Question) { calls(6, 20*time.Hour)(q); talk(InboundCall, 8*day, true)(q) }, "", "2026-03-17 15:00:00"},
		{us, "a letter does not count", "2026-03-17 15:00:00",
			func(q *Question) { calls(6, 20*time.Hour)(q); talk(Letter, time.Hour, true)(q) }, "", "2026-03-17 15:00:00"},
		{us, "a conversation rests seven days, its own the first", "2026-03-17 15:00:00", talk("", 2*time.Hour, true),
			"conversation_rest", "2026-03-24 08:00:00"},
		{us, "the last of them", "2026-03-23 20:00:00", talk("", 6*day+12*time.Hour, true), "conversation_rest", "2026-03-24 08:00:00"},
		{us, "the eighth day", "2026-03-24 08:00:00", talk("", 6*day+12*time.Hour, true), "", "2026-03-24 08:00:00"},
		{us, "a conversation that the person began rests too", "2026-03-17 15:00:00", talk(InboundCall, time.Hour, true),
			"conversation_rest", "2026-03-24 08:00:00"},
		{us, "a voicemail is no conversation", "2026-03-17 15:00:00", meaningful(false), "", "2026-03-17 15:00:00"},
		{us, "consent lifts the seven", "2026-03-17 15:00:00", permits(seven, MayCall, 6*day, nil), "", "2026-03-17 15:00:00"},
		{us, "for seven days, not longer", "2026-03-17 15:00:00", permits(seven, MayCall, 7*day, nil), "per_period",
			"2026-03-18 19:00:00"},
		{us, "consent lifts the rest", "2026-03-17 15:00:00", permits(talk("", 2*time.Hour, true), MayCall, time.Hour, nil), "",
			"2026-03-17 15:00:00"},
		{us, "the person's own times lift the hours", "2026-03-03 22:00:00", permits(nothing, MayCallAt, time.Hour, wholeDay), "",
			"2026-03-03 22:00:00"},
		{us, "a general consent does not", "2026-03-03 22:00:00", permits(nothing, MayCall, time.Hour, nil), "hours",
			"2026-03-04 08:00:00"},

		{uk, "no hours", "2026-03-03 03:00:00", nothing, "", "2026-03-03 03:00:00"},
		{uk, "an abandoned number rests 72 hours", "2026-03-05 15:00:00", abandoned(Predictive, "", 48*time.Hour), "abandoned_rest",
			"2026-03-06 15:00:10"},
		{uk, "no longer", "2026-03-06 15:00:10", abandoned(Predictive, "", 72*time.Hour+10*time.Second), "", "2026-03-06 15:00:10"},
		{uk, "unless an agent is guaranteed", "2026-03-05 15:00:00", abandoned(Progressive, "", 48*time.Hour), "",
			"2026-03-05 15:00:00"},
		{uk, "another number does not", "2026-03-05 15:00:00", abandoned(Predictive, "+442079999999", 48*time.Hour), "",
			"2026-03-05 15:00:00"},

		{free, "no rules of law", "2026-12-25 03:00:00", func(q *Question) { calls(9, time.Minute)(q); back(q, time.Hour) }, "",
			"2026-12-25 03:00:00"},
		{free, "a wish not to be called there holds all the same", "2026-03-03 12:00:00",
			permits(nothing, NotThere, time.Hour, func(c *Consent) { c.Number = numbers[free] }),
			"wish", ""},
	} {
		q := Question{Campaign: &Campaign{Profile: r.profile, Mode: Progressive, TimeZone: zones[r.profile], Ring: 30 * time.Second},
			Contact: &Contact{},
			Number:  numbers[r.profile], Automatic: true, Now: at(r.profile, r.now)}
		q.Campaign.MaxAttempts = 100
		r.change(&q)
		var rules []string
		for _, refusal := range Decide(q).Refusals {
			rules = append(rules, refusal.Rule)
			if refusal.Source == "" {
				t.Errorf("%s, %s: %s names no source", r.profile, r.says, refusal.Rule)
			}
		}
		if got := strings.Join(rules, " "); got != r.refused {
			t.Errorf("%s, %s: refused by %q, want %q", r.profile, r.says, got, r.refused)
		}
		want := time.Time{}
		if r.next != "" {
			want = at(r.profile, r.next)
		}
		if got := NextPermit(q); !got.Equal(want) {
			t.Errorf("%s, %s: permitted from %s, want %s", r.profile, r.says, got.In(want.Location()), want)
		}
		// Whoever is on the do-not-call list is called under no profile, whatever was permitted.
		q.Bar(Barred{Number: q.Number})
		if v := Decide(q); v.Permit || !v.NextEligible().IsZero() {
			t.Errorf("%s, %s: barred, and %+v", r.profile, r.says, v)
		}
	}
}

// back moves what happened by so much.
func back(q *Question, by time.Duration) {
	for i := range q.Past {
		q.Past[i].DialedAt, q.Past[i].EndedAt = q.Past[i].DialedAt.Add(-by), q.Past[i].EndedAt.Add(-by)
	}
}
