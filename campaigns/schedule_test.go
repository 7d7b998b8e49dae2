package campaigns

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(t testing.TB, zoneName, s string) time.Time {
	t.Helper()
	loc, err := zone(zoneName)
	if err != nil {
		t.Fatal(err)
	}
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
	if err != nil {
		if moment, err = time.ParseInLocation("2006-01-02 15:04", s, loc); err != nil {
			t.Fatal(err)
		}
	}
	return moment
}

func TestOpenAt(t *testing.T) {
	const kyiv = "Europe/Kyiv"
	office := []Window{{"0 9 * * 1-5", 11 * time.Hour}}
	tests := []struct {
		name    string
		windows []Window
		now     string
		open    bool
		change  string
	}{
		{"before the opening", office, "2026-11-23 08:59:59", false, "2026-11-23 09:00"},
		{"at the opening", office, "2026-11-23 09:00", true, "2026-11-23 20:00"},
		{"a start in the middle", office, "2026-11-23 14:17:03", true, "2026-11-23 20:00"},
		{"the last second", office, "2026-11-23 19:59:59", true, "2026-11-23 20:00"},
		{"at the close", office, "2026-11-23 20:00", false, "2026-11-24 09:00"},
		{"Friday night", office, "2026-11-27 21:00", false, "2026-11-30 09:00"},
		{"over midnight, the day after", []Window{{"0 22 * * *", 4 * time.Hour}}, "2026-11-24 01:00", true, "2026-11-24 02:00"},
		{"two windows that meet", []Window{{"0 9 * * *", 3 * time.Hour}, {"0 12 * * *", time.Hour}}, "2026-11-23 10:00", true,
			"2026-11-23 13:00"},
		{"two windows that do not", []Window{{"0 9 * * *", time.Hour}, {"0 12 * * *", time.Hour}}, "2026-11-23 10:30", false,
			"2026-11-23 12:00"},
		{"clocks forward inside", []Window{{"0 1 * * *", 4 * time.Hour}}, "2026-03-29 05:30", true, "2026-03-29 06:00"},
		{"the skipped hour has no tick", []Window{{"30 3 * * *", 30 * time.Minute}}, "2026-03-29 04:10", false, "2026-03-30 03:30"},
		{"clocks back inside", []Window{{"0 1 * * *", 4 * time.Hour}}, "2026-10-25 03:59:59", true, "2026-10-25 04:00"},
		{"no clock change touches office hours", office, "2026-03-30 19:59", true, "2026-03-30 20:00"},
		{"a cron that cannot be read is closed", []Window{{"nine o'clock", time.Hour}}, "2026-11-23 09:00", false, ""},
		{"a day that never comes", []Window{{"0 9 30 2 *", time.Hour}}, "2026-11-23 09:00", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &Campaign{TimeZone: kyiv, Windows: tt.windows}
			open, change := OpenAt(c, at(t, kyiv, tt.now).UTC())
			var want time.Time
			if tt.change != "" {
				want = at(t, kyiv, tt.change)
			}
			if open != tt.open || !change.Equal(want) {
				t.Errorf("open %v until %v, want %v until %v", open, change, tt.open, want)
			}
		})
	}
}

func TestOpenAtWithoutWindows(t *testing.T) {
	if open, change := OpenAt(&Campaign{}, time.Now()); !open || !change.IsZero() {
		t.Errorf("open %v, change %v", open, change)
	}
}

func TestOpenAtUnknownZone(t *testing.T) {
	c := &Campaign{TimeZone: "Mars/Olympus", Windows: []Window{{"* * * * *", time.Hour}}}
	if open, _ := OpenAt(c, time.Now()); open {
		t.Error("open in a zone that does not exist")
	}
}

// oddZones change their clocks at midnight (Cairo, Beirut, Havana), by half an hour (Lord Howe), in the south, or never.
var oddZones = []string{
	"Europe/Kyiv", "America/New_York", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata",
	"America/Santiago", "Europe/London", "UTC",
}

// dailyCron is a cron expression whose ticks a test can tell by itself.
type dailyCron struct {
	minute, hour int
	weekdays     []time.Weekday // none: every day
}

func (d dailyCron) String() string {
	days := "*"
	if len(d.weekdays) > 0 {
		names := make([]string, len(d.weekdays))
		for i, w := range d.weekdays {
			names[i] = fmt.Sprint(int(w))
		}
		days = strings.Join(names, ",")
	}
	return fmt.Sprintf("%d %d * * %s", d.minute, d.hour, days)
}

func (d dailyCron) ticks(local time.Time) bool {
	return local.Minute() == d.minute && local.Hour() == d.hour &&
		(len(d.weekdays) == 0 || slices.Contains(d.weekdays, local.Weekday()))
}

func drawCron(t *rapid.T) dailyCron {
	return dailyCron{
		minute: rapid.SampledFrom([]int{0, 15, 30, 59}).Draw(t, "minute"),
		hour:   rapid.IntRange(0, 23).Draw(t, "hour"),
		weekdays: rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 6), func(i int) time.Weekday { return time.Weekday(i) }), 0, 3,
			rapid.ID).Draw(t, "weekdays"),
	}
}

// nearClockChange draws moments of which many lie within a day of a clock change.
func nearClockChange(t *rapid.T, loc *time.Location) time.Time {
	base := time.Date(2024, 1, 1, 0, 0, 0, 0, loc).Add(time.Duration(rapid.IntRange(0, 1000*24*60).Draw(t, "minutes")) * time.Minute)
	if _, change := base.ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
		base = change.Add(time.Duration(rapid.IntRange(-26*60, 26*60).Draw(t, "from the change")) * time.Minute)
	}
	return base.Truncate(time.Minute)
}

// TestOpenAtByMinutes steps over the minutes before and after a moment and compares.
func TestOpenAtByMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(oddZones).Draw(t, "zone")
		loc, err := zone(name)
		if err != nil {
			t.Fatal(err)
		}
		cron := drawCron(t)
		duration := time.Duration(rapid.IntRange(1, 14*60).Draw(t, "duration")) * time.Minute
		now := nearClockChange(t, loc)
		open, change := OpenAt(&Campaign{TimeZone: name, Windows: []Window{{cron.String(), duration}}}, now)

		openBy := func(moment time.Time) bool {
			for m := moment; moment.Sub(m) < duration; m = m.Add(-time.Minute) {
				if cron.ticks(m) {
					return true
				}
			}
			return false
		}
		if want := openBy(now); open != want {
			t.Fatalf("%s %q + %s at %s: open %v, want %v", name, cron, duration, now, open, want)
		}
		if change.IsZero() || !change.After(now) {
			t.Fatalf("%s %q + %s at %s: change at %s", name, cron, duration, now, change)
		}
		if got := openBy(change); got == open {
			t.Fatalf("%s %q + %s at %s: still open=%v at the change, %s", name, cron, duration, now, open, change)
		}
		if before := change.Add(-time.Minute); openBy(before) != open {
			t.Fatalf("%s %q + %s at %s: changed before %s", name, cron, duration, now, change)
		}
	})
}

func TestDayStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loc, err := zone(rapid.SampledFrom(oddZones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		now := nearClockChange(t, loc)
		n := rapid.IntRange(0, 3).Draw(t, "days")
		start := dayStart(now, n)
		y, m, d := now.Date()
		want := time.Date(y, m, d+n, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if got := start.Format(time.DateOnly); got != want {
			t.Fatalf("%d days after %s: %s, want a moment of %s", n, now, start, want)
		}
		for m := start.Add(-time.Minute); start.Sub(m) < 3*time.Hour; m = m.Add(-time.Minute) {
			if m.Format(time.DateOnly) == want {
				t.Fatalf("%d days after %s: %s, but %s is that day already", n, now, start, m)
			}
		}
	})
}

func TestZoneRefusesLocal(t *testing.T) {
	for _, name := range []string{"", "Local", "../etc/passwd", "Europe/Nowhere", strings.Repeat("a", 100)} {
		if _, err := zone(name); err == nil {
			t.Errorf("%q is a zone", name)
		}
	}
}
