package campaigns_test

import (
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
)

// TestCheckCard: a card that came from elsewhere passes what a campaign's own would.
func TestCheckCard(t *testing.T) {
	for link, good := range map[string]bool{
		"https://crm.example.com/card/7": true, "http://crm.example.com/?a={b}": true, "/card/7": true,
		"https://crm.example.com@evil.example/": false, "https://crm:x@evil.example/card": false, "javascript:alert(1)": false,
		"//evil.example/": false, `/\\evil.example`: false, "data:text/html,x": false, "https://": false, "https://a b/": false,
		"": false,
	} {
		if err := campaigns.CheckCard(link); (err == nil) != good {
			t.Errorf("%q: %v", link, err)
		}
	}
}
