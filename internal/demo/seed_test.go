package demo

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
)

func TestSeed(t *testing.T) {
	s := Seed(1)
	if err := s.Campaign.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(s.Contacts) != 300 || len(s.Agents) != 20 || len(s.Extensions) != 20 {
		t.Fatalf("%d contacts, %d agents, %d extensions", len(s.Contacts), len(s.Agents), len(s.Extensions))
	}
	fictional := regexp.MustCompile(`^\+447700900\d{3}$`)
	seen, second := map[string]bool{}, 0
	for _, c := range s.Contacts {
		for _, p := range c.Phones {
			if !fictional.MatchString(p.Number) || seen[p.Number] {
				t.Errorf("%s: number %s is not fictional, or used twice", c.CRMID, p.Number)
			}
			seen[p.Number] = true
		}
		if seen[c.CRMID] {
			t.Errorf("CRM id %s twice", c.CRMID)
		}
		seen[c.CRMID] = true
		second += len(c.Phones) - 1
		link := campaigns.CardLinkFor(&s.Campaign, &c, c.Phones[0].Number, "7", "7", "agent01")
		if link != "/crm/card/"+c.CRMID+"?number=%2B447700900"+c.Phones[0].Number[10:]+"&call=7" {
			t.Errorf("card link %s", link)
		}
	}
	if second < 40 || second > 110 {
		t.Errorf("%d people have two phones, want about a quarter", second)
	}
	if !reflect.DeepEqual(s, Seed(1)) || reflect.DeepEqual(s.Contacts, Seed(2).Contacts) {
		t.Error("the same number must invent the same, another one something else")
	}
}
