package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
)

// called puts into the record that each contact was called once a day, for days until now, and who of them answered.
func (h *house) called(list []campaigns.Contact, days int, answers func(contact int) bool) {
	h.tb.Helper()
	for day := range days {
		var rows []string
		for i, k := range list {
			at := h.now.AddDate(0, 0, day-days).Add(time.Duration(i) * time.Minute)
			outcome, answered := campaigns.NoAnswer, "NULL"
			if answers(i) {
				outcome, answered = campaigns.Answered, fmt.Sprint(at.Add(5*time.Second).UnixMilli())
			}
			rows = append(rows, fmt.Sprintf(`(%d, %d, %d, %d, '%s', '%s', 'automatic', 'closed', 'n1', 1, %[7]d, %[7]d, %[7]d, %[7]d,
				%[7]d, %[8]s, %[9]d, '%[10]s')`, h.ids.Next(at), k.CampaignID, k.ID, day+1, k.CRMID, k.Phones[0].Number,
				at.UnixMilli(), answered, at.Add(30*time.Second).UnixMilli(), outcome))
		}
		_, err := h.DB().ExecContext(ctx, `INSERT INTO attempts (id, campaign_id, contact_id, ordinal, person, number, origin, state,
			owner, fence, lease_until, valid_until, prepared_at, claimed_at, dialed_at, answered_at, ended_at, outcome)
			VALUES `+strings.Join(rows, ", "))
		h.must(err)
	}
}

// TestWhoAnswersIsLearnedOfTheRecord: of what is on record of three weeks, where some people answer and others do not; not where
// nobody could tell, nor of a few days.
func TestWhoAnswersIsLearnedOfTheRecord(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		var r *rand.Rand
		some := func(contact int) bool { return r.Float64() < []float64{0.7, 0.05}[contact%2] }
		anybody := func(int) bool { return r.Float64() < 0.375 }
		for name, tt := range map[string]struct {
			days    int
			answers func(int) bool
			better  bool
		}{"some answer": {21, some, true}, "nobody could tell": {21, anybody, false}, "a few days": {4, some, false}} {
			c := s.campaign()
			people := make([]campaigns.Contact, 100)
			for i := range people {
				people[i] = s.person()
			}
			s.add(c, people...)
			r = rand.New(rand.NewPCG(1, 2)) // each campaign's the same, whatever comes first
			s.called(s.listOf(c), tt.days, tt.answers)
			calls, err := s.Campaigns.Tried(ctx, c.ID, s.now.Add(-dialer.TriedFor), dialer.TriedCalls)
			s.must(err)
			known := dialer.LearnChances(c, calls)
			if v := known.Verdict; len(calls) != 100*tt.days || v.Days != tt.days || v.Better != tt.better ||
				(known.Model != nil) != tt.better {
				t.Errorf("%s: of %d calls %+v", name, len(calls), v)
			}
		}
	})
}
