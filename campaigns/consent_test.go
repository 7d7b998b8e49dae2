package campaigns

import (
	"slices"
	"testing"
	"time"
)

// TestWhatConsentLifts: each profile says what a consent lifts, and nothing else is lifted.
func TestWhatConsentLifts(t *testing.T) {
	const kyiv = "Europe/Kyiv"
	when := func(s string) time.Time { return at(t, kyiv, s) }
	now := when("2026-11-23 12:00") // a Monday
	talk := func(s string) PastCall {
		return PastCall{DialedAt: when(s), EndedAt: when(s).Add(time.Minute), Talk: time.Minute, Outcome: Answered, Meaningful: true}
	}
	two := []PastCall{talk("2026-11-23 09:10"), talk("2026-11-23 10:10")}
	given := when("2026-11-23 11:00")
	back := Consent{Kind: CallMeAt, At: when("2026-11-23 11:30"), GivenAt: given}
	may := Consent{Kind: MayCall, GivenAt: given}
	evening := Consent{Kind: MayCallAt, From: 20 * time.Hour, To: 23 * time.Hour, GivenAt: given}
	sunday := Consent{Kind: MayCallAt, Days: []time.Weekday{time.Sunday}, From: 10 * time.Hour, To: 12 * time.Hour, GivenAt: given}
	with := func(c Consent, change func(*Consent)) Consent { change(&c); return c }
	for _, c := range []struct {
		name, profile string
		past          []PastCall
		consents      []Consent
		now           time.Time
		change        func(*Question)
		refused       []string
		next          string
	}{
		{"ua: no consent", "ua-1349-IX", two, nil, now, nil, []string{"meaningful_per_day"}, "2026-11-24 09:00"},
		{"ua: a callback lifts the two a day", "ua-1349-IX", two, []Consent{back}, now, nil, nil, ""},
		{"ua: not before its time", "ua-1349-IX", two, []Consent{back}, when("2026-11-23 11:29"), nil, []string{"meaningful_per_day"},
			"2026-11-23 11:30"},
		{"ua: not two hours after it", "ua-1349-IX", two, []Consent{back}, when("2026-11-23 13:30"), nil,
			[]string{"meaningful_per_day"}, ""},
		{"ua: not after it was kept", "ua-1349-IX", append(two[:2:2], talk("2026-11-23 11:40")), []Consent{back}, now, nil,
			[]string{"meaningful_per_day"}, ""},
		{"ua: not when it is withdrawn", "ua-1349-IX", two, []Consent{with(back, func(c *Consent) { c.WithdrawnAt = given })}, now, nil,
			[]string{"meaningful_per_day"}, ""},
		{"ua: not when it has expired", "ua-1349-IX", two, []Consent{with(back, func(c *Consent) { c.ExpiresAt = now })}, now, nil,
			[]string{"meaningful_per_day"}, ""},
		{"ua: not on another number", "ua-1349-IX", two, []Consent{with(back, func(c *Consent) { c.Number = "+380671234567" })}, now,
			nil, []string{"meaningful_per_day"}, ""},
		{"ua: not in another campaign", "ua-1349-IX", two, []Consent{with(back, func(c *Consent) { c.CampaignID = 77 })}, now, nil,
			[]string{"meaningful_per_day"}, ""},
		{"ua: leave to call lifts nothing", "ua-1349-IX", two, []Consent{may}, now, nil, []string{"meaningful_per_day"}, ""},
		{"ua: nobody lifts the hours", "ua-1349-IX", nil, []Consent{evening}, when("2026-11-23 20:30"), nil, []string{"hours"},
			"2026-11-24 09:00"},
		{"ua: nobody lifts Sunday", "ua-1349-IX", nil, []Consent{sunday}, when("2026-11-29 11:00"), nil, []string{"weekend"}, ""},
		{"ua: the setting lets a wish lift them", "ua-1349-IX", nil, []Consent{sunday}, when("2026-11-29 11:00"),
			func(q *Question) { q.Campaign.ConsentLiftsTimes = true }, nil, ""},
		{"ua: at the wished time", "ua-1349-IX", nil, []Consent{sunday}, when("2026-11-29 12:00"),
			func(q *Question) { q.Campaign.ConsentLiftsTimes = true }, []string{"weekend"}, "2026-11-30 09:00"},
		{"us: leave lifts the rest", "us-reg-f", []PastCall{talk("2026-11-22 12:00")}, []Consent{may}, now, nil, nil, ""},
		{"us: for seven days", "us-reg-f", []PastCall{talk("2026-11-29 12:00")}, []Consent{may}, when("2026-11-30 11:00"), nil,
			[]string{"conversation_rest"}, ""},
		{"us: the stated time lifts the hours", "us-reg-f", nil, []Consent{evening}, when("2026-11-23 21:30"), nil, nil, ""},
		{"us: and is when the next call may be", "us-reg-f", nil,
			[]Consent{with(evening, func(c *Consent) { c.From = 22 * time.Hour })},
			when("2026-11-23 21:30"), nil, []string{"hours"}, "2026-11-23 22:00"},
		{"us: leave to call does not lift the hours", "us-reg-f", nil, []Consent{may}, when("2026-11-23 21:30"), nil, []string{"hours"},
			""},
		{"no limit of the campaign is lifted", "us-reg-f", two, []Consent{may, back}, now,
			func(q *Question) { q.Campaign.Limits.MeaningfulPerDay = 2 }, []string{"meaningful_per_day"}, ""},
		{"uk: nothing", "uk-ofcom", two, []Consent{may, back}, now, func(q *Question) { q.DoNotCall = true }, []string{"do_not_call"},
			""},
		{"not there", "none", nil, []Consent{{Kind: NotThere, Number: "+380501234567", GivenAt: given}}, now, nil, []string{"wish"},
			""},
		{"elsewhere", "none", nil, []Consent{{Kind: NotThere, Number: "+380671234567", GivenAt: given}}, now, nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := Question{Campaign: &Campaign{ID: 1, TimeZone: kyiv, Profile: c.profile, Ring: 30 * time.Second, MaxAttempts: 5},
				Contact: &Contact{ID: 1},
				Number:  "+380501234567", Automatic: true, Past: c.past, Consents: c.consents, Now: c.now}
			if c.change != nil {
				c.change(&q)
			}
			v := Decide(q)
			var rules []string
			for _, r := range v.Refusals {
				rules = append(rules, r.Rule)
			}
			if !slices.Equal(rules, c.refused) {
				t.Fatalf("refused by %v, want %v", rules, c.refused)
			}
			if v.Permit && v.ValidUntil.After(c.now.Add(2*time.Hour)) && len(c.past) > 0 && c.profile == "ua-1349-IX" {
				t.Errorf("permitted until %s, longer than the wish", v.ValidUntil)
			}
			if got := NextPermit(q); c.next != "" && !got.Equal(when(c.next)) {
				t.Errorf("next %s, want %s", got, c.next)
			}
		})
	}
}

// TestTimesOfTheNightInWhichClocksChange: a permission for some times holds whenever the person's wall clock shows them, be it
// twice, and at no other moment.
func TestTimesOfTheNightInWhichClocksChange(t *testing.T) {
	for _, c := range []struct {
		zone     string
		night    string
		from, to time.Duration
		want     []string // UTC, from and to by turns
	}{
		{"Europe/Kyiv", "2026-10-25", 3 * time.Hour, 4 * time.Hour, []string{"00:00", "02:00"}},
		{"Europe/Kyiv", "2026-10-25", 2 * time.Hour, 3 * time.Hour, []string{"23:00", "00:00"}},
		{"Europe/Kyiv", "2026-10-25", 3*time.Hour + 30*time.Minute, 5 * time.Hour, []string{"00:30", "01:00", "01:30", "03:00"}},
		{"Europe/Kyiv", "2026-10-25", 0, 24 * time.Hour, []string{"21:00", "22:00"}},
		{"Europe/Kyiv", "2026-03-29", 3 * time.Hour, 4 * time.Hour, nil},
		{"Europe/Kyiv", "2026-03-29", 3*time.Hour + 30*time.Minute, 5 * time.Hour, []string{"01:00", "02:00"}},
		{"America/New_York", "2026-11-01", time.Hour, 90 * time.Minute, []string{"05:00", "05:30", "06:00", "06:30"}},
		{"Asia/Tokyo", "2026-11-01", 8 * time.Hour, 9 * time.Hour, []string{"23:00", "00:00"}},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		night, err := time.ParseInLocation(time.DateOnly, c.night, loc)
		if err != nil {
			t.Fatal(err)
		}
		q := Question{Campaign: &Campaign{Profile: "us-reg-f", TimeZone: c.zone}, Contact: &Contact{}, Consents: []Consent{
			{Kind: MayCallAt, From: c.from, To: c.to, GivenAt: night.Add(-time.Hour)}}}
		var got []string
		held := false
		for at := dayStart(night, 0); at.Before(dayStart(night, 1)); at = at.Add(time.Minute) {
			q.Now = at
			j := judge{Question: &q, loc: loc, local: at.In(loc)}
			until, _ := j.consent([]ConsentKind{MayCallAt}, 0)
			if holds := until.After(at); holds != held {
				got, held = append(got, at.UTC().Format("15:04")), holds
			}
		}
		if held {
			got = append(got, dayStart(night, 1).UTC().Format("15:04"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s on %s from %s to %s: in force %v UTC, want %v", c.zone, c.night, c.from, c.to, got, c.want)
		}
	}
}
