package store_test

import (
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
)

// TestWhoHasAnotherNumberWakes: a contact that was put off by what bars one of its numbers is due again at the moment at which
// another number has the turn that may be called: in Hawaii, where the first one is, it is night.
func TestWhoHasAnotherNumberWakes(t *testing.T) {
	const hawaii, london = "+18082000001", "+442072000003"
	bar := func(s *house, number, crmID string, d time.Duration) {
		b := campaigns.Barred{Number: number, CRMID: crmID, At: s.now}
		if d > 0 {
			b.Expires = s.now.Add(d)
		}
		s.must(s.Contacts.Bar(ctx, b))
	}
	wish := func(s *house, number string, d time.Duration) {
		_, err := s.People.Consent(ctx, campaigns.Consent{CRMID: "1", Kind: campaigns.NotThere, Number: number, Source: "a letter",
			GivenAt: s.now, ExpiresAt: s.now.Add(d)}, s.now)
		s.must(err)
	}
	change := func(s *house, c *campaigns.Campaign, how func(*campaigns.Campaign)) {
		is, err := s.Campaigns.Campaign(ctx, c.ID)
		s.must(err)
		how(is)
		_, err = s.Campaigns.UpdateCampaign(ctx, *is, s.now)
		s.must(err)
	}
	met := func(s *house) {
		message := campaigns.Interaction{ExternalID: "m", Kind: campaigns.ShortMessage, CRMID: "1", At: s.now}
		_, _, err := s.People.Meet(ctx, message, s.now)
		s.must(err)
	}
	for _, tt := range []struct {
		name   string
		phones []string
		rules  func(*campaigns.Campaign)
		before func(s *house, c *campaigns.Campaign)
		then   func(s *house, c *campaigns.Campaign) // after a plan that has refused
		in     time.Duration                         // when the contact is planned
		on     string
	}{
		{name: "the number whose turn it was is barred", phones: []string{hawaii, london},
			then: func(s *house, _ *campaigns.Campaign) { bar(s, hawaii, "", 0) }, on: london},
		{name: "it is barred in a list", phones: []string{hawaii, london}, then: func(s *house, _ *campaigns.Campaign) {
			_, err := s.Contacts.BarAll(ctx, []campaigns.Barred{{Number: hawaii, At: s.now}})
			s.must(err)
		}, on: london},
		{name: "an entry for the other number ends", phones: []string{london, hawaii},
			before: func(s *house, _ *campaigns.Campaign) { bar(s, london, "", time.Hour) }, in: time.Hour, on: london},
		{name: "a wish not to be called on the other number ends", phones: []string{london, hawaii},
			before: func(s *house, _ *campaigns.Campaign) { wish(s, london, time.Hour) }, in: time.Hour, on: london},
		{name: "both are barred, and the one that is free later may be called first", phones: []string{london, hawaii},
			before: func(s *house, _ *campaigns.Campaign) {
				bar(s, hawaii, "", time.Hour)
				bar(s, london, "", 2*time.Hour)
			}, in: 2 * time.Hour, on: london},
		{name: "the other number was dialed as often as it may be", phones: []string{london, hawaii},
			rules: func(c *campaigns.Campaign) { c.PhoneTries, c.Profile = 1, "none" },
			before: func(s *house, c *campaigns.Campaign) {
				s.close(s.dial(c), campaigns.Busy)
				bar(s, hawaii, "", time.Hour)
				s.after(10 * time.Minute)
			}, in: 50 * time.Minute, on: hawaii},
		{name: "it may be dialed more often by other rules", phones: []string{london, hawaii},
			rules: func(c *campaigns.Campaign) { c.PhoneTries, c.Profile = 1, "none" },
			before: func(s *house, c *campaigns.Campaign) {
				s.close(s.dial(c), campaigns.Busy)
				bar(s, hawaii, "", time.Hour)
				s.after(10 * time.Minute)
			}, then: func(s *house, c *campaigns.Campaign) {
				change(s, c, func(c *campaigns.Campaign) { c.PhoneTries = 2 })
			}, on: london},
		{name: "the rules keep the person waiting no longer than the list does", phones: []string{london},
			rules: func(c *campaigns.Campaign) { c.Limits.PerDay = 1 },
			before: func(s *house, _ *campaigns.Campaign) {
				met(s)
				bar(s, "", "1", time.Hour)
			}, then: func(s *house, c *campaigns.Campaign) {
				change(s, c, func(c *campaigns.Campaign) { c.Limits.PerDay = 2 })
			}, in: time.Hour, on: london},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *house) {
				c := s.campaign(func(c *campaigns.Campaign) {
					if c.Profile = "us-reg-f"; tt.rules != nil {
						tt.rules(c)
					}
				})
				k := somebody("1", tt.phones[0])
				for _, n := range tt.phones[1:] {
					k.Phones = append(k.Phones, campaigns.Phone{Number: n})
				}
				s.add(c, k)
				if tt.before != nil {
					tt.before(s, c)
				}
				none := func(when string) {
					planned, err := s.Dialing.Plan(ctx, c.ID, 9, s.now)
					if s.must(err); len(planned) > 0 {
						t.Fatalf("planned %s on %s", when, planned[0].Number)
					}
				}
				none("before")
				if tt.then != nil {
					tt.then(s, c)
				}
				if tt.in > 0 {
					none("too early")
					s.after(tt.in - time.Second)
					none("a second too early")
					s.after(time.Second)
				}
				if got := s.plan(c).Number; got != tt.on {
					t.Errorf("planned on %s, want %s", got, tt.on)
				}
			})
		})
	}
}
