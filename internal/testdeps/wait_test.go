package testdeps

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failed is a test that keeps what it is failed with.
type failed struct {
	testing.TB
	said string
}

func (f *failed) Helper() {}
func (f *failed) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
}

func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		Eventually(t, "a minute", func() bool { return time.Since(began) >= time.Minute })
		if n := Seen(t, "three", func() int { return int(time.Since(began) / time.Minute) },
			func(n int) bool { return n == 1 }); n != 1 {
			t.Errorf("saw %d", n)
		}
		var f failed
		Eventually(&f, "the moon", func() bool { return false })
		if took := time.Since(began); !strings.Contains(f.said, "the moon") || took < patience || took > 2*patience {
			t.Errorf("%q after %s", f.said, took)
		}
		Seen(&f, "five", func() string { return "four" }, func(s string) bool { return s == "five" })
		if !strings.Contains(f.said, "five") || !strings.Contains(f.said, "four") {
			t.Errorf("%q does not say what was seen", f.said)
		}
	})
}
