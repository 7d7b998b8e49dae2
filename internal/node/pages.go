package node

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/web"
)

// Site is the pages that people work in, as this node's settings make them.
func (n *Node) Site() web.Site {
	return web.Site{
		Who: n.roleOf, Frames: n.Config.Vouch.AllowedOrigins, SignOn: n.Config.Vouch.LoginURL,
		Failed: func(err error) {
			n.Log.Error("a page was not opened: nobody could be asked who this is", slog.Any("error", err))
		},
	}
}

// MountPages puts a site on the main listener. Pages work by the HTTP API of the same address.
func (n *Node) MountPages(s web.Site) error {
	if !n.Config.Has("api") {
		return nil
	}
	routes, err := s.Routes()
	if err == nil {
		maps.Copy(n.Pages, routes)
	}
	return err
}

// roleOf is the role of a page's visitor. A user of the CRM whom we do not know may still be one of our agents.
func (n *Node) roleOf(r *http.Request) (string, error) {
	user, err := n.Auth.Authenticate(r)
	if err == nil {
		return string(user.Role), nil
	}
	if !errors.Is(err, access.ErrDenied) {
		return "", err
	}
	if !n.origins.Allows(r) {
		return "", web.ErrStranger
	}
	id, err := n.Gate.Identify(r)
	switch {
	case errors.Is(err, access.ErrDenied) || err == nil && id.Account != nil: // an account that Authenticate has just refused
		return "", web.ErrStranger
	case err != nil:
		return "", err
	}
	list, err := n.Store.Agents.AgentsOfUser(r.Context(), id.Username, id.UserID)
	if err != nil || !slices.ContainsFunc(list, func(a agents.Agent) bool { return !a.Disabled }) {
		return "", err
	}
	return string(access.RoleAgent), nil
}
