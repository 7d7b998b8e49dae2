package campaigns

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoHistoryPermitsWhatUkraineForbids lets contacts, callbacks and the clock be anything, and asks a slow oracle that was
// written for itself.
func TestNoHistoryPermitsWhatUkraineForbids(t *testing.T) {
	kyiv, _ := time.LoadLocation("Europe/Kyiv")
	start := time.Date(2026, 12, 21, 0, 0, 0, 0, kyiv)
	rapid.Check(t, func(rt *rapid.T) {
		minute := func(name string) time.Time {
			return start.Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(rt, name)) * time.Minute)
		}
		q := Question{Campaign: &Campaign{Profile: "ua-1349-IX", TimeZone: "UTC", Ring: 30 * time.Second}, Number: "+380501234567",
			Now: minute("now")}
		for range rapid.IntRange(0, 5).Draw(rt, "contacts") {
			at := minute("at")
			if at.After(q.Now.Add(-time.Hour)) {
				continue
			}
			meaningful := rapid.Bool().Draw(rt, "meaningful")
			i := Interaction{Kind: rapid.SampledFrom(InteractionKinds).Draw(rt, "kind"), At: at, Talk: time.Minute,
				Meaningful: &meaningful}
			q.Past = append(q.Past, i.Past())
		}
		for range rapid.IntRange(0, 2).Draw(rt, "wishes") {
			at := minute("wish")
			q.Consents = append(q.Consents, Consent{Kind: rapid.SampledFrom(ConsentKinds).Draw(rt, "consent"), At: at,
				GivenAt: at.Add(-time.Hour), To: day, Number: q.Number})
		}
		forbidden := func(now time.Time) bool {
			there := now.In(kyiv)
			clock := there.Format("15:04")
			if clock < "09:00" || clock >= "20:00" || there.Format("Mon")[0] == 'S' || there.Format("01-02") == "12-25" {
				return true
			}
			n, wished := 0, false
			for _, p := range q.Past {
				if p.Meaningful && p.DialedAt.In(kyiv).YearDay() == there.YearDay() {
					n++
				}
			}
			for _, c := range q.Consents {
				if c.Kind == NotThere && !now.Before(c.GivenAt) {
					return true
				}
				if c.Kind != CallMeAt || now.Before(c.At) || !now.Before(c.At.Add(2*time.Hour)) {
					continue
				}
				kept := false
				for _, p := range q.Past {
					kept = kept || !p.DialedAt.Before(c.At)
				}
				wished = wished || !kept
			}
			return n >= 2 && !wished
		}
		if v := Decide(q); v.Permit == forbidden(q.Now) {
			rt.Fatalf("permit %v, forbidden %v: %+v", v.Permit, forbidden(q.Now), v)
		}
	})
}
