package webhook

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRetryDelay(t *testing.T) {
	want := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
		14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	for i, mean := range want {
		for random, factor := range map[float64]float64{0: 0.8, 0.5: 1, 0.999999999: 1.2} {
			got, more := retryDelay(i+1, random, 0)
			if off := got - time.Duration(float64(mean)*factor); !more || off.Abs() > time.Millisecond {
				t.Errorf("after try %d with %v: %v, want %v × %v", i+1, random, got, mean, factor)
			}
		}
	}
	if _, more := retryDelay(len(want)+1, 0, time.Hour); more {
		t.Error("a retry after the last one")
	}
}

func TestRetryAfterOnlyLengthens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		try := rapid.IntRange(1, len(delays)).Draw(t, "try")
		random := rapid.Float64Range(0, 0.999).Draw(t, "random")
		asked := time.Duration(rapid.Int64Range(0, int64(maxRetryAfter)).Draw(t, "asked"))
		plain, _ := retryDelay(try, random, 0)
		got, more := retryDelay(try, random, asked)
		if !more || got < plain || got < asked || got > max(plain, asked) {
			t.Fatalf("%v, without Retry-After %v", got, plain)
		}
	})
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		" 120 ":                          2 * time.Minute,
		"86400":                          time.Hour,
		"86401":                          time.Hour,
		"-5":                             0,
		"1.5":                            0,
		"soon":                           0,
		"+7":                             0,
		"0x10":                           0,
		"9223372037":                     time.Hour, // seconds that overflow nanoseconds
		"99999999999999999999999999":     time.Hour,
		"Sun, 01 Mar 2026 12:01:00 GMT":  time.Minute,
		"Sun, 01 Mar 2026 11:00:00 GMT":  0,
		"Sun, 01 Mar 2099 11:00:00 GMT":  time.Hour,
		"Sunday, 01-Mar-26 12:00:30 GMT": 30 * time.Second, // RFC 850, obsolete and still to be read
	} {
		if got := parseRetryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "99999999999", "-1", "", "\x00", "Sun, 01 Mar 2026 12:01:00 GMT",
		"Mon, 01 Jan 0001 00:00:00 GMT"} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		if d := parseRetryAfter(header, now); d < 0 || d > maxRetryAfter {
			t.Errorf("%q: %v", header, d)
		}
	})
}

// One row for each way an endpoint's health can go.
func TestEndpointAfterTry(t *testing.T) {
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, c := range []struct {
		name      string
		failingAt time.Time
		ok        bool
		status    int
		want      Health
		wantSince time.Time
	}{
		{"works on", time.Time{}, true, 200, Working, time.Time{}},
		{"fails first", time.Time{}, false, 500, Failing, now},
		{"fails first without an answer", time.Time{}, false, 0, Failing, now},
		{"fails on", ago(time.Hour), false, 500, Failing, ago(time.Hour)},
		{"fails for a day", ago(24 * time.Hour), false, 500, Warned, ago(24 * time.Hour)},
		{"fails for nearly five days", ago(5*24*time.Hour - 1), false, 500, Warned, ago(5*24*time.Hour - 1)},
		{"fails for five days", ago(5 * 24 * time.Hour), false, 500, Disabled, ago(5 * 24 * time.Hour)},
		{"works again", ago(4 * 24 * time.Hour), true, 204, Working, time.Time{}},
		{"works again at the last moment", ago(6 * 24 * time.Hour), true, 200, Working, time.Time{}},
		{"gone", time.Time{}, false, http.StatusGone, Disabled, now},
	} {
		r := Result{Try: Try{At: now, Status: c.status}, Fault: NoFault}
		if !c.ok {
			r.Fault = faultOf(c.status, 0)
		}
		e := Conclude(Endpoint{FailingAt: c.failingAt}, Delivery{State: Pending}, r).Endpoint
		if e.Health(now) != c.want || !e.FailingAt.Equal(c.wantSince) || !e.Reason.IsZero() != (c.want == Disabled) {
			t.Errorf("%s: %s since %v (%q), want %s since %v", c.name, e.Health(now), e.FailingAt, e.Reason, c.want, c.wantSince)
		}
	}
}
