package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/gateway"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/demo"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// stage is what the demo adds to a node: the people of the seed, their CRM, and the pages that show them.
type stage struct {
	node     *node.Node
	seed     demo.Seeding
	password string // of everybody, for this run
	campaign *campaigns.Campaign
	changed  chan struct{}

	crm    *demo.CRM
	agents *demo.Agents
	live   *demo.Live
	desk   *demo.Desk
}

// furnish puts the seed on record, unless an earlier run has, and starts the campaign.
func furnish(ctx context.Context, n *node.Node, seed demo.Seeding, d demoCmd) (*stage, error) {
	s := &stage{node: n, seed: seed, password: newDemoPassword(), changed: make(chan struct{}, 1)}
	hash, err := n.Passwords.Hash(s.password)
	if err != nil {
		return nil, err
	}
	if s.campaign, err = n.Store.CampaignByQueue(ctx, seed.Campaign.Queue); errors.Is(err, store.ErrNotFound) {
		err = s.fill(ctx, hash)
	} else if err == nil {
		err = s.renew(ctx, hash)
	}
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	secret, err := s.endpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	if s.crm, err = demo.NewCRM(secret, seed.Contacts); err != nil {
		return nil, err
	}
	seats := make([]demo.Seat, len(seed.Agents))
	for i, a := range seed.Agents {
		seats[i] = demo.Seat{Login: a.Login, Extension: seed.Extensions[i].Name}
	}
	s.agents, err = demo.NewAgents(demo.AgentsDeps{
		URL: n.Config.PublicURL + gateway.Path, Cookie: s.cookie, Seats: seats, Password: s.password, Speed: d.Speed, Seed: d.Seed, Logger: n.Log,
	})
	if err != nil {
		return nil, err
	}
	s.live = demo.NewLive(s, s.crm, s.agents, n.Log)
	if s.desk, err = demo.NewDesk(s, s.agents); err != nil {
		return nil, err
	}
	n.Roster.Watch(func(int64) bool { return true }, func(agents.Live) { s.signal() }, s.signal)
	return s, nil
}

// newDemoPassword makes one that can be read off a terminal: 60 bits.
func newDemoPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:4] + "-" + text[4:8] + "-" + text[8:12]
}

// demoUsers are who may look, beside the agents.
var demoUsers = map[string]access.Role{"admin": access.RoleAdmin, "supervisor": access.RoleSupervisor}

// renew gives everybody whom an earlier run has left on record this run's password.
func (s *stage) renew(ctx context.Context, hash string) error {
	logins := slices.Collect(maps.Keys(demoUsers))
	for _, a := range s.seed.Agents {
		kept, err := s.node.Store.AgentByLogin(ctx, a.Login)
		if err != nil {
			return err
		}
		kept.PasswordHash = hash
		if _, err := s.node.Store.UpdateAgent(ctx, kept, s.node.Clocks.SQL()); err != nil {
			return err
		}
		logins = append(logins, a.Login)
	}
	for _, login := range logins {
		user, err := s.node.Store.UserByLogin(ctx, login)
		if err != nil {
			return err
		}
		if _, err := s.node.Store.SetUserPassword(ctx, user.ID, hash, "demo", s.node.Clocks.SQL()); err != nil {
			return err
		}
	}
	return nil
}

// fill is the first run's work.
func (s *stage) fill(ctx context.Context, hash string) (err error) {
	n, now := s.node, s.node.Clocks.SQL()
	for _, x := range s.seed.Extensions {
		if _, err := n.Store.CreateExtension(ctx, x); err != nil {
			return err
		}
	}
	for _, a := range s.seed.Agents {
		a.PasswordHash, a.Extension = hash, ""
		made, err := n.Store.CreateAgent(ctx, a, now)
		if err != nil {
			return err
		}
		user := access.User{Login: a.Login, PasswordHash: hash, Role: access.RoleAgent, AgentID: made.ID}
		if _, err := n.Store.CreateUser(ctx, user); err != nil {
			return err
		}
	}
	for login, role := range demoUsers {
		if _, err := n.Store.CreateUser(ctx, access.User{Login: login, PasswordHash: hash, Role: role}); err != nil {
			return err
		}
	}
	if err := n.Store.SetPauses(ctx, s.seed.Pauses); err != nil {
		return err
	}
	if s.campaign, err = n.Store.CreateCampaign(ctx, s.seed.Campaign, now); err != nil {
		return err
	}
	if _, err := n.Store.ImportContacts(ctx, s.campaign.ID, lines(s.seed.Contacts), now); err != nil {
		return err
	}
	s.campaign, err = n.Store.SetStatus(ctx, s.campaign.ID, campaigns.Running, []campaigns.Status{campaigns.Draft}, now)
	return err
}

func lines(contacts []campaigns.Contact) iter.Seq2[campaigns.Line, error] {
	return func(yield func(campaigns.Line, error) bool) {
		for i, contact := range contacts {
			if !yield(campaigns.Line{Number: i + 1, Contact: contact}, nil) {
				return
			}
		}
	}
}

// endpoint makes the CRM's endpoint, at this run's address, and answers its secret.
func (s *stage) endpoint(ctx context.Context) (secret string, err error) {
	e := webhook.Endpoint{URL: s.node.Config.PublicURL + "/crm/webhook", Secret: webhook.NewSecret(), CreatedAt: s.node.Clocks.SQL()}
	known, err := s.node.Store.Endpoints(ctx)
	if err != nil {
		return "", err
	}
	if len(known) > 0 {
		known[0].URL = e.URL
		e, err = s.node.Store.UpdateEndpoint(ctx, known[0])
	} else {
		e, err = s.node.Store.CreateEndpoint(ctx, e)
	}
	return e.Secret, err
}

func (s *stage) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Changed is for the board.
func (s *stage) Changed() <-chan struct{} { return s.changed }

// Snapshot is for the board.
func (s *stage) Snapshot(ctx context.Context) (demo.Board, error) {
	campaign, err := s.node.Store.Campaign(ctx, s.campaign.ID)
	if err != nil {
		return demo.Board{}, err
	}
	stats, err := s.node.Store.Stats(ctx, campaign.ID)
	if err != nil {
		return demo.Board{}, err
	}
	live, err := s.node.Roster.List(ctx, 0, 1000)
	if err != nil {
		return demo.Board{}, err
	}
	board := demo.Board{
		At: s.node.Clocks.SQL(), Outcomes: map[string]int{}, Dialed: stats.Dialed,
		Campaign: demo.CampaignBoard{
			Name: campaign.Name, Status: string(campaign.Status), Mode: string(campaign.Mode),
			Waiting: stats.Contacts[campaigns.Waiting], Calling: stats.Contacts[campaigns.Calling],
			Coding: stats.Contacts[campaigns.Coding], Finished: stats.Contacts[campaigns.Complete],
		},
	}
	for outcome, count := range stats.Outcomes {
		board.Outcomes[string(outcome)] = count
	}
	for _, code := range campaign.CallCodes {
		board.Codes = append(board.Codes, demo.CodeCount{Name: code.Name, Count: stats.Codes[code.ID]})
	}
	byLogin := make(map[string]agents.Live, len(live))
	for _, l := range live {
		byLogin[l.Login] = l
	}
	for _, a := range s.seed.Agents {
		board.Agents = append(board.Agents, agentBoard(a, byLogin[a.Login]))
	}
	return board, nil
}

// agentBoard shows an agent; one of whom the roster knows nothing is logged off.
func agentBoard(a agents.Agent, l agents.Live) demo.AgentBoard {
	b := demo.AgentBoard{Login: a.Login, Name: a.Name, State: string(l.State), Since: l.Since, AutoCall: l.AutoCall}
	if l.State == "" {
		b.State = string(agents.LoggedOff)
	}
	if l.Call != nil {
		b.Contact, b.Number, b.CardLink = l.Call.Name, l.Call.Number, l.Call.CardLink
	}
	return b
}

// cookie lets a simulated agent in.
func (s *stage) cookie(login string) (string, error) {
	c, err := s.mint(login)
	if err != nil {
		return "", err
	}
	return c.Name + "=" + c.Value, nil
}

// mint makes the cookie of an agent, or of another user of the demo.
func (s *stage) mint(login string) (*http.Cookie, error) {
	identity := access.Identity{Username: login}
	for _, a := range s.seed.Agents {
		if a.Login == login {
			identity.UserID = a.UserID
		}
	}
	return s.node.Cookies.Mint(identity, 12*time.Hour)
}

// SignIn is for the desk.
func (s *stage) SignIn(ctx context.Context, login, password string) (*http.Cookie, error) {
	_, err := s.node.Auth.Login(ctx, login, password, "")
	if errors.Is(err, access.ErrDenied) {
		return nil, demo.ErrNotIn
	}
	if err != nil {
		return nil, err
	}
	return s.mint(login)
}

// Who is for the desk.
func (s *stage) Who(r *http.Request) (string, error) {
	username, _, err := s.node.Gate.Check(r)
	if err != nil {
		return "", demo.ErrNotIn
	}
	return username, nil
}
