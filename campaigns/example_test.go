package campaigns_test

import (
	"fmt"
	"time"
	_ "time/tzdata"

	"github.com/creditorro/ringmaster/campaigns"
)

// A person in Lviv who was called this morning, on a Sunday evening: every rule that says no, and when the last of them has
// passed.
func ExampleDecide() {
	now := time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC) // 21:00 in Kyiv
	verdict := campaigns.Decide(campaigns.Question{
		Campaign: &campaigns.Campaign{
			Name: "Winter", Region: "UA", TimeZone: "Europe/Kyiv", Profile: "ua-1349-IX",
			Windows: []campaigns.Window{{Cron: "0 9 * * 1-5", Duration: 11 * time.Hour}}, // Monday to Friday, 9 to 20
			Limits:  campaigns.Limits{MinimumGap: 12 * time.Hour},
		},
		Contact: &campaigns.Contact{ID: 7, CRMID: "10000001", Phones: []campaigns.Phone{{Number: "+380501234567"}}},
		Number:  "+380501234567",
		Past: []campaigns.PastCall{{
			ContactID: 7, Number: "+380501234567", Outcome: campaigns.NoAnswer, Automatic: true,
			DialedAt: now.Add(-10 * time.Hour), EndedAt: now.Add(-10*time.Hour + 20*time.Second), Dialing: 20 * time.Second,
		}},
		Automatic: true,
		Now:       now,
	})
	for _, refusal := range verdict.Refusals {
		fmt.Printf("%s, hard: %t, until %s\n", refusal.Rule, refusal.Hard, refusal.Next.UTC().Format("Mon 15:04"))
	}
	fmt.Println("may be called:", verdict.Permit, "| next:", verdict.NextEligible().UTC().Format("Mon 15:04"))
	// Output:
	// hours, hard: true, until Mon 07:00
	// weekend, hard: true, until Sun 22:00
	// window, hard: false, until Mon 07:00
	// minimum_gap, hard: false, until Sun 21:00
	// may be called: false | next: Mon 07:00
}
