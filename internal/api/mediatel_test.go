package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/api"
)

// kept is a keeper of logins at Mediatel.
type kept map[int64][3]string

func (k kept) Login(_ context.Context, id int64) (api.MediatelLogin, bool, error) {
	m, known := k[id]
	return api.MediatelLogin{Login: m[0], Extension: m[1]}, known, nil
}

func (k kept) Set(_ context.Context, id int64, m api.MediatelLogin, password *string) error {
	secret := k[id][2]
	if password != nil {
		secret = *password
	}
	k[id] = [3]string{m.Login, m.Extension, secret}
	return nil
}

func (k kept) Remove(_ context.Context, id int64) error { delete(k, id); return nil }

// TestMediatelLoginOfUser: the CRM's back end says how an agent enters Mediatel with the agent itself, again and again.
func TestMediatelLoginOfUser(t *testing.T) {
	logins := kept{}
	h := newHouse(t, signOn, func(d *api.Deps) { d.Mediatel = logins })
	put := func(body string) result { return h.send(h.request(crm, "PUT", "/api/v1/agents/of-user/77", body)) }
	var a api.ProvisionedAgent
	put(`{"login": "petro", "mediatel": {"login": "mt_agent1"}}`).refused(http.StatusUnprocessableEntity, "body.mediatel.password")
	put(`{"login": "petro", "mediatel": {"login": "mt agent ", "password": "there"}}`).refused(http.StatusUnprocessableEntity,
		"body.mediatel.login")
	got := put(`{"login": "petro", "mediatel": {"login": "mt_agent1", "password": "there", "extension": "3444"}}`).want(
		http.StatusCreated, &a)
	if a.Mediatel == nil || *a.Mediatel != (api.MediatelLogin{Login: "mt_agent1", Extension: "3444"}) ||
		strings.Contains(string(got.body), "there") ||
		logins[a.ID] != [3]string{"mt_agent1", "3444", "there"} {
		t.Errorf("%s, kept %v", got.body, logins)
	}
	put(`{"login": "petro", "mediatel": {"login": "mt_agent2"}}`).want(http.StatusOK, &a)
	if logins[a.ID] != [3]string{"mt_agent2", "", "there"} {
		t.Errorf("kept %v", logins)
	}
	if put(`{"login": "petro"}`).want(http.StatusOK, &a); a.Mediatel == nil || a.Mediatel.Login != "mt_agent2" {
		t.Errorf("left out: %+v", a.Mediatel)
	}
	if put(`{"login": "petro", "mediatel": {"remove": true}}`).want(http.StatusOK, &a); a.Mediatel != nil || len(logins) != 0 {
		t.Errorf("removed: %+v, kept %v", a.Mediatel, logins)
	}
	if strings.Contains(h.log.String(), "there") {
		t.Error("the password is logged")
	}
}
