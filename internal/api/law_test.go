package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/reason"
)

// TestWhoMayLoosenTheLaw: what loosens the rules by which people are called takes an admin and a reason, by every way, and the
// audit says from what to what.
func TestWhoMayLoosenTheLaw(t *testing.T) {
	h := newHouse(t)
	const none = `{"name": "Free", "region": "UA", "profile": "none"}`
	h.send(h.request(supervisor, "POST", "/api/v1/campaigns", none)).refused(http.StatusForbidden, "administrator",
		"ua-1349-IX -> none")
	h.send(h.request(admin, "POST", "/api/v1/campaigns", none)).refused(http.StatusUnprocessableEntity, "body.reason")
	var c api.Campaign
	h.send(h.request(supervisor, "POST", "/api/v1/campaigns",
		`{"name": "Debts", "region": "UA", "limits": {"per_day": 2}}`)).want(http.StatusCreated, &c)
	path := fmt.Sprintf("/api/v1/campaigns/%d", c.ID)
	for _, body := range []string{`{"profile": "none"}`, `{"profile": "uk-ofcom"}`, `{"profile": ""}`, `{"limits": {"per_day": 0}}`,
		`{"limits": {"per_day": 3}}`,
		`{"profile": "none", "reason": "it is quicker"}`} {
		h.send(h.request(supervisor, "PATCH", path, body)).refused(http.StatusForbidden, "administrator")
	}
	h.send(h.request(supervisor, "PATCH", path, `{"limits": {"per_day": 1}, "wrap_up": "2m"}`)).want(http.StatusOK, &c)
	h.send(h.request(admin, "PATCH", path, `{"profile": "none"}`)).refused(http.StatusUnprocessableEntity, "body.reason",
		"ua-1349-IX -> none")
	h.send(h.request(admin, "PATCH", path, `{"profile": "none", "reason": "no debts: counsel"}`)).want(http.StatusOK, &c)
	if c.Profile != "none" {
		t.Errorf("profile %q", c.Profile)
	}
	log, err := h.store.Audits.AuditLog(ctx, 0, 10)
	h.must(err)
	for i, want := range []string{"profile: ua-1349-IX -> none; reason: no debts: counsel", "limits.per_day: 2 -> 1"} {
		if !strings.Contains(log[i].Detail, want) || log[i].What != "campaign.change" {
			t.Errorf("audited %+v, want %q", log[i], want)
		}
	}
}

// TestChangesDoNotUndoEachOther: a change of what was read before somebody else's change is refused.
func TestChangesDoNotUndoEachOther(t *testing.T) {
	h := newHouse(t)
	c := h.campaign("Winter")
	read, err := h.store.Campaigns.Campaign(ctx, c.ID)
	h.must(err)
	stale := *read
	stale.Priority = 5
	_, err = h.store.Campaigns.UpdateCampaign(ctx, *read, now.Add(1e9))
	h.must(err)
	if _, err = h.store.Campaigns.UpdateCampaign(ctx, stale, now.Add(2e9)); err == nil ||
		reason.Of(err).Key() != "store.campaign_changed" {
		t.Errorf("answered %v", err)
	}
}
