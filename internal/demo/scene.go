package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/agents/gateway"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/webhook"
)

// scene is what the demo adds to a node: the people of the seed, their CRM, and the pages that show them.
type scene struct {
	node     *node.Node
	seed     Seeding
	password string // of everybody, for this run
	campaign *campaigns.Campaign
	crm      *CRM
	agents   *Agents
	seats    *Seats
}

// furnish puts the seed on record, unless an earlier run has, and starts the campaign.
func furnish(ctx context.Context, n *node.Node, o Options) (*scene, error) {
	seed := Seed(o.Seed, cmp.Or(o.Agents, UsualAgents), cmp.Or(o.People, UsualPeople))
	s := &scene{node: n, seed: seed, password: newPassword()}
	hash, err := n.Passwords.Hash(s.password)
	if err != nil {
		return nil, err
	}
	if s.campaign, err = n.Store.Campaigns.CampaignByQueue(ctx, seed.Campaign.Queue); errors.Is(err, store.ErrNotFound) {
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
	if s.crm, err = NewCRM(secret, seed.Contacts); err != nil {
		return nil, err
	}
	seats := make([]Seat, len(seed.Agents))
	for i, a := range seed.Agents {
		seats[i] = Seat{Login: a.Login, Extension: seed.Extensions[i].Name}
	}
	s.agents, err = NewAgents(AgentsDeps{
		Phone: n.Networks.Simulated.SetExtension,
		URL:   n.Config.PublicURL + gateway.Path, Cookie: s.cookie, Seats: seats, Password: s.password, Speed: o.Speed, Seed: o.Seed,
		Logger: n.Log,
	})
	if err != nil {
		return nil, err
	}
	s.seats = NewSeats(s.who, s.agents)
	return s, nil
}

// newPassword makes one that can be read off a terminal: 60 bits.
func newPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:4] + "-" + text[4:8] + "-" + text[8:12]
}

// viewers are who may look, beside the agents.
var viewers = map[string]access.Role{"admin": access.RoleAdmin, "supervisor": access.RoleSupervisor}

// renew gives everybody whom an earlier run has left on record this run's password.
func (s *scene) renew(ctx context.Context, hash string) error {
	logins := slices.Collect(maps.Keys(viewers))
	for i, a := range s.seed.Agents {
		kept, err := s.node.Store.Agents.AgentByLogin(ctx, a.Login)
		if errors.Is(err, store.ErrNotFound) { // there were fewer
			if err := s.employ(ctx, i, hash); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		kept.PasswordHash = hash
		if _, err := s.node.Store.Agents.UpdateAgent(ctx, kept, s.node.Clocks.SQL()); err != nil {
			return err
		}
		logins = append(logins, a.Login)
	}
	for _, login := range logins {
		user, err := s.node.Store.Users.UserByLogin(ctx, login)
		if err != nil {
			return err
		}
		if _, err := s.node.Store.Users.SetUserPassword(ctx, user.ID, hash, "demo", s.node.Clocks.SQL()); err != nil {
			return err
		}
	}
	return nil
}

// fill is the first run's work.
func (s *scene) fill(ctx context.Context, hash string) (err error) {
	n, now := s.node, s.node.Clocks.SQL()
	for i := range s.seed.Agents {
		if err := s.employ(ctx, i, hash); err != nil {
			return err
		}
	}
	for login, role := range viewers {
		if _, err := n.Store.Users.CreateUser(ctx, access.User{Login: login, PasswordHash: hash, Role: role}); err != nil {
			return err
		}
	}
	if err := n.Store.Agents.SetPauses(ctx, s.seed.Pauses); err != nil {
		return err
	}
	if s.campaign, err = n.Store.Campaigns.CreateCampaign(ctx, s.seed.Campaign, now); err != nil {
		return err
	}
	if _, err := n.Store.Contacts.ImportContacts(ctx, s.campaign.ID, lines(s.seed.Contacts), now); err != nil {
		return err
	}
	s.campaign, err = n.Store.Campaigns.SetStatus(ctx, s.campaign.ID, campaigns.Running, []campaigns.Status{campaigns.Draft}, now)
	return err
}

// employ puts one of the seed's agents on record, with an extension and a user.
func (s *scene) employ(ctx context.Context, i int, hash string) error {
	n, a := s.node, s.seed.Agents[i]
	if _, err := n.Store.Agents.CreateExtension(ctx, s.seed.Extensions[i]); err != nil {
		return err
	}
	a.PasswordHash, a.Extension = hash, ""
	made, err := n.Store.Agents.CreateAgent(ctx, a, n.Clocks.SQL())
	if err != nil {
		return err
	}
	_, err = n.Store.Users.CreateUser(ctx, access.User{Login: a.Login, PasswordHash: hash, Role: access.RoleAgent, AgentID: made.ID})
	return err
}

// goOn has finished people called again before nobody is left: the demo does not end by itself.
func (s *scene) goOn(ctx context.Context) error {
	stats, err := s.node.Store.Campaigns.Stats(ctx, s.campaign.ID)
	if err != nil {
		return err
	}
	left := stats.Contacts[campaigns.Waiting] + stats.Contacts[campaigns.Calling] + stats.Contacts[campaigns.Coding]
	again, now := len(s.seed.Contacts)/2, s.node.Clocks.SQL()
	if due := !stats.NextDue.IsZero() && !stats.NextDue.After(now); due && left > again/2 {
		return nil
	}
	for after := int64(0); again > 0; {
		list, err := s.node.Store.Contacts.Contacts(ctx, s.campaign.ID, campaigns.Complete, "", after, 100)
		if err != nil {
			return err
		}
		for _, c := range list {
			after = c.ID
			if again == 0 || c.Reason == "code:"+doNotCall {
				continue
			}
			if _, err := s.node.Store.Contacts.ReopenContact(ctx, c.ID, "the demo goes on", "demo", now); err != nil {
				return err
			}
			again--
		}
		if len(list) < 100 {
			break
		}
	}
	_, err = s.node.Store.Campaigns.SetStatus(ctx, s.campaign.ID, campaigns.Running,
		[]campaigns.Status{campaigns.Running, campaigns.Finished}, now)
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

// endpoint makes the CRM's endpoint, at this run's address, and returns its secret.
func (s *scene) endpoint(ctx context.Context) (secret string, err error) {
	e := webhook.Endpoint{URL: s.node.Config.PublicURL + "/crm/webhook", Secret: webhook.NewSecret(), CreatedAt: s.node.Clocks.SQL()}
	known, err := s.node.Store.Webhooks.Endpoints(ctx)
	if err != nil {
		return "", err
	}
	if len(known) > 0 {
		known[0].URL = e.URL
		e, err = s.node.Store.Webhooks.UpdateEndpoint(ctx, known[0])
	} else {
		e, err = s.node.Store.Webhooks.CreateEndpoint(ctx, e)
	}
	return e.Secret, err
}

// figures are for the terminal.
func (s *scene) figures(ctx context.Context) (Figures, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	stats, err := s.node.Store.Campaigns.Stats(ctx, s.campaign.ID)
	contacts := stats.Contacts
	return Figures{
		At: time.Now(), Dialed: stats.Dialed, Webhooks: s.crm.Received(), Waiting: contacts[campaigns.Waiting],
		Calling: contacts[campaigns.Calling],
		Coding:  contacts[campaigns.Coding], Finished: contacts[campaigns.Complete],
	}, err
}

// cookie lets a simulated agent in.
func (s *scene) cookie(login string) (string, error) {
	c, err := s.mint(login)
	if err != nil {
		return "", err
	}
	return c.Name + "=" + c.Value, nil
}

// mint makes the cookie of an agent, or of another user of the
func (s *scene) mint(login string) (*http.Cookie, error) {
	identity := access.Identity{Username: login}
	for _, a := range s.seed.Agents {
		if a.Login == login {
			identity.UserID = a.UserID
		}
	}
	return s.node.Cookies.Mint(identity, 12*time.Hour)
}

// who is the login of a page's visitor.
func (s *scene) who(r *http.Request) (string, error) {
	username, _, err := s.node.Gate.Check(r)
	if err != nil {
		return "", ErrNotIn
	}
	return username, nil
}

// openConsole shows the console to whoever comes, also beside the desk of an agent in the same browser: what is read for it is
// read as the supervisor. To change anything one signs in.
func (s *scene) openConsole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Authorization") == "" {
			// who signed in is that user
			of := ofConsole.MatchString(r.URL.Path) || r.URL.Path == "/api/v1/me" && r.Header.Get("Cookie") == ""
			if c, err := s.mint("supervisor"); of && err == nil {
				r = r.Clone(r.Context())
				r.Header.Set("Cookie", c.Name+"="+c.Value)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ofConsole are the console and what it reads.
var ofConsole = regexp.MustCompile(`^/$|^/api/v1/(overview|campaigns(/\d+(/contacts(/export)?)?)?|trunks|agents/live|live|` +
	`reports(/promises)?(/export)?|campaigns/\d+/(chances|pacing|imports|lists|stats|why)|lists/\d+/export|attempts(/export)?|contacts|` +
	`contacts/\d+(/explain)?|callbacks|do-not-call|profiles|templates|calls/live|audit)$`)
