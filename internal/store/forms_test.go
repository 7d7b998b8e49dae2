package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps/forms"
)

// TestStoredForms: what the record keeps as JSON. Columns of their own hold what is cleared here.
func TestStoredForms(t *testing.T) {
	forms.CheckWith(t, "campaign_settings", func(c campaigns.Campaign) ([]byte, error) {
		text, err := settings(&c)
		return []byte(text), err
	}, func(text []byte) (campaigns.Campaign, error) { return readSettings(string(text)) }, func(c *campaigns.Campaign) {
		c.ID, c.Name, c.Queue, c.Mode, c.Status, c.Priority, c.CallCodes = 0, "", "", "", "", 0, nil
		c.CreatedAt, c.UpdatedAt = time.Time{}, time.Time{}
	})
	forms.CheckWith(t, "campaign_template", func(c campaigns.Campaign) ([]byte, error) {
		text, err := templateText(c)
		return []byte(text), err
	}, func(text []byte) (campaigns.Campaign, error) { return readTemplate(string(text)) }, func(c *campaigns.Campaign) {
		c.ID, c.Name, c.Queue, c.Status, c.CreatedAt, c.UpdatedAt = 0, "", "", "", time.Time{}, time.Time{}
	})
	forms.CheckWith(t, "contact_phones", func(p []campaigns.Phone) ([]byte, error) { return phonesJSON(nil, p), nil },
		func(text []byte) (p []campaigns.Phone, err error) { return p, json.Unmarshal(text, &p) })
	forms.Check[dialer.Quality](t, "recording_quality")
	forms.Check[keptReport](t, "import_report")
}

// TestUpdateKeepsWhatANewerVersionStored: a node of an older version that rewrites a campaign loses nothing that it does not
// know.
func TestUpdateKeepsWhatANewerVersionStored(t *testing.T) {
	was := `{"Region":"UA","Invented":{"a":[1]},"Limits":{"per_day":1,"per_hour":2},"MaxDuration":420000000000}`
	c := campaigns.Campaign{Region: "PL", Limits: campaigns.Limits{PerDay: 3}, CreatedAt: time.Now()}
	text, err := settings(&c)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = keepUnknown[campaigns.Campaign](was, text); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Region      string          `json:"Region"`
		Invented    json.RawMessage `json:"Invented"`
		Limits      map[string]int  `json:"Limits"`
		MaxDuration int64           `json:"MaxDuration"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Region != "PL" || string(got.Invented) != `{"a":[1]}` || got.Limits["per_day"] != 3 || got.Limits["per_hour"] != 2 ||
		got.MaxDuration != 0 {
		t.Errorf("stored: %s", text)
	}
}
