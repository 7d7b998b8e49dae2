package dialer

import (
	"fmt"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// BenchmarkLearnChances: who answers is learned of a campaign's past, of 20,000 calls at most (TriedCalls). The worst
// past is one in which everybody was called once: each call is a number of its own. 200,000 are what the bound keeps away.
func BenchmarkLearnChances(b *testing.B) {
	c := &campaigns.Campaign{ID: 1, TimeZone: "Europe/London", Region: "GB", MaxAttempts: 5}
	for _, n := range []int{TriedCalls, 10 * TriedCalls} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			calls := make([]TriedCall, n)
			began := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			for i := range calls {
				outcome := campaigns.NoAnswer
				if i%4 == 0 {
					outcome = campaigns.Answered
				}
				calls[i] = TriedCall{ContactID: int64(i), Ordinal: 1, Number: fmt.Sprintf("+4477%08d", 9_000_000+i),
					DialedAt: began.Add(time.Duration(i) * 28 * 24 * time.Hour / time.Duration(n)), Answered: i%4 == 0, Outcome: outcome}
			}
			b.ReportAllocs()
			for b.Loop() {
				if known := LearnChances(c, calls); known.Verdict.Learned == 0 {
					b.Fatalf("%+v", known.Verdict)
				}
			}
		})
	}
}
