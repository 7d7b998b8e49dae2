package store_test

import (
	"fmt"
	"testing"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/store"
)

// TestTemplates: on both databases a template is what was saved, once a name, until it is replaced or forgotten.
func TestTemplates(t *testing.T) {
	each(t, func(t *testing.T, s *house) {
		c := s.campaign(func(c *campaigns.Campaign) { c.Priority, c.Mode = 7, campaigns.Preview })
		save := func(replace bool) (campaigns.Template, error) {
			return s.Campaigns.SaveTemplate(ctx, campaigns.Template{Name: "T", Settings: *c, MadeBy: "boss"}, replace, "T", s.now)
		}
		first, err := save(false)
		s.must(err)
		_, err = save(false)
		s.wantIs(err, store.ErrConflict)
		second, err := save(true)
		if s.must(err); second.ID != first.ID {
			t.Errorf("%d replaces %d", second.ID, first.ID)
		}
		list, err := s.Campaigns.Templates(ctx)
		s.must(err)
		if len(list) != 1 || !list[0].UpdatedAt.Equal(s.now) {
			t.Fatalf("%+v", list)
		}
		made, err := s.Campaigns.CreateCampaign(ctx, list[0].Make("Made", ""), s.now)
		s.must(err)
		want := *c
		want.ID, want.Name, want.Queue, want.Status = made.ID, "Made", "Made", campaigns.Draft
		want.CreatedAt, want.UpdatedAt = made.CreatedAt, made.UpdatedAt
		if fmt.Sprintf("%+v", *made) != fmt.Sprintf("%+v", want) {
			t.Errorf("\n got %+v\nwant %+v", *made, want)
		}
		s.must(s.Campaigns.DeleteTemplate(ctx, first.ID, "boss", s.now))
		s.wantIs(s.Campaigns.DeleteTemplate(ctx, first.ID, "boss", s.now), store.ErrNotFound)
	})
}
