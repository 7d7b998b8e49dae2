package api_test

import (
	"context"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// failing is a record whose campaigns cannot be read.
type failing struct {
	api.CampaignStore
	err error
}

func (f *failing) Campaign(context.Context, int64) (*campaigns.Campaign, error) { return nil, f.err }

// TestNoProblemSpeaksOfTheProgram: whatever error comes from within, the problem says nothing of it, in no language.
func TestNoProblemSpeaksOfTheProgram(t *testing.T) {
	broken := &failing{}
	h := newHouse(t, func(d *api.Deps) {
		broken.CampaignStore = d.Store.CampaignStore
		d.Store.CampaignStore = broken
	})
	for _, broken.err = range testdeps.ProgramErrors() {
		for _, language := range []string{"en", "uk", "ru"} {
			r := h.request("admin", "GET", "/api/v1/campaigns/1", "")
			r.Header.Set("Accept-Language", language)
			got := h.send(r)
			got.saysPlainly(broken.err.Error())
			if word := testdeps.ProgramWord(string(got.body)); word != "" || got.status < 400 {
				t.Errorf("%v: %d says %q: %s", broken.err, got.status, word, got.body)
			}
		}
	}
}
