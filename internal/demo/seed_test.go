package demo

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
)

func TestSeed(t *testing.T) {
	s := Seed(1, UsualAgents, UsualPeople)
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
	if !reflect.DeepEqual(s, Seed(1, UsualAgents, UsualPeople)) || reflect.DeepEqual(s.Contacts,
		Seed(2, UsualAgents, UsualPeople).Contacts) {
		t.Error("the same number must invent the same, another one something else")
	}
}

// TestSeedOfAnySize: as many as are wanted, each with numbers of their own, none of them anybody's.
func TestSeedOfAnySize(t *testing.T) {
	s := Seed(3, MostAgents, MostPeople)
	if len(s.Agents) != MostAgents || len(s.Contacts) != MostPeople {
		t.Fatalf("%d agents, %d contacts", len(s.Agents), len(s.Contacts))
	}
	seen := map[string]bool{}
	for _, c := range s.Contacts {
		for _, p := range c.Phones {
			if seen[p.Number] {
				t.Fatalf("%s twice", p.Number)
			}
			seen[p.Number] = true
			if n, err := campaigns.NormalizeNumber(p.Number, ""); err != nil || n != p.Number {
				t.Fatalf("%s: %s, %v", p.Number, n, err)
			}
		}
	}
}
