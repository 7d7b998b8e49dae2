package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

type Agent struct {
	Add  agentAddCmd  `cmd:"" help:"Add an agent; the password is read from standard input."`
	List agentListCmd `cmd:"" help:"List agents."`

	Language agentLanguageCmd `cmd:"" help:"Set the language of the texts on an agent's tab."`

	Mediatel agentMediatelCmd `cmd:"" help:"Say how an agent enters Mediatel; the password is read from standard input."`
}

// passwordFlag says where a password comes from. Never from the command line, which every user of the machine can read.
type passwordFlag struct {
	PasswordFile string `placeholder:"FILE" help:"File with the password (default: a line of standard input)."`
}

// read returns the hash of the password given.
func (p passwordFlag) read(c Console, whose string) (string, error) {
	password, err := p.plain(c, whose)
	if err != nil {
		return "", err
	}
	hash, err := new(access.Passwords).Hash(password)
	if err != nil {
		return "", config.Errorf("%w", err)
	}
	return hash, nil
}

func (p passwordFlag) plain(c Console, whose string) (string, error) {
	if p.PasswordFile != "" {
		password, err := config.ReadSecret(p.PasswordFile)
		if err != nil {
			return "", config.Errorf("password: %w", err)
		}
		return password, nil
	}
	if file, ok := c.In.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		fmt.Fprintf(c.Err, "Password of %s (it is shown as you type): ", whose)
	}
	line, err := bufio.NewReader(io.LimitReader(c.In, 4096)).ReadString('\n')
	if password := strings.TrimRight(line, "\r\n"); password != "" {
		return password, nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("password: %w", err)
	}
	return "", config.Errorf("password: standard input is empty; give a line there, or --password-file")
}

type agentAddCmd struct {
	ConfigFlags
	passwordFlag
	Login    string   `arg:"" help:"What the agent logs in with."`
	Name     string   `help:"Full name or e-mail (default: the login)."`
	Queues   []string `placeholder:"QUEUE,…" help:"Queues (campaigns' lines) whose calls the agent takes."`
	Skills   []string `placeholder:"SKILL,…" help:"What contacts may need, such as a language (a campaign's skill_field)."`
	UserID   string   `placeholder:"ID" help:"The CRM's id of the user, as VouchCookie has it; then only this user may log in as the agent."`
	Username string   `placeholder:"NAME" help:"The CRM's name of the user, as VouchCookie has it (default: the login, if there is no user ID)."`
	AutoCall bool     `help:"Give automatic calls from the first login on."`
	Language string   `enum:"en,uk,ru," default:"" placeholder:"LANG" help:"Of the texts on the agent's tab: en, uk or ru (default: the server's)."`
}

// Run adds one agent.
func (a agentAddCmd) Run(ctx context.Context, c Console) error {
	if len(a.Login) > 64 || strings.TrimSpace(a.Login) != a.Login || a.Login == "" {
		return config.Errorf("login %q: want 1 to 64 bytes without blanks at the ends", a.Login)
	}
	if slices.ContainsFunc(a.Skills, func(s string) bool { return campaigns.NormalizeSkill(s) == "" || len(s) > 100 }) {
		return config.Errorf("--skills: want names of 1 to 100 bytes")
	}
	return a.withNewRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		hash, err := a.read(c, a.Login)
		if err != nil {
			return err
		}
		if a.Name == "" {
			a.Name = a.Login
		}
		if a.Username == "" && a.UserID == "" {
			a.Username = a.Login // an agent bound to nobody could never log in
		}
		made, err := s.Agents.ChangeAgent(ctx, 0, func(g *agents.Agent) (string, error) {
			*g = agents.Agent{
				Login: a.Login, Name: a.Name, PasswordHash: hash, UserID: a.UserID, Username: a.Username, Queues: a.Queues,
				AutoCall: a.AutoCall,
				Language: a.Language, Skills: campaigns.NormalizeSkills(a.Skills),
			}
			return "", nil
		}, atShell, recordNow(ctx, s))
		if err != nil {
			return fmt.Errorf("agent %s: %w", a.Login, err)
		}
		_, err = fmt.Fprintf(c.Out, "agent %d: %s\n", made.ID, made.Login)
		return err
	})
}

type agentLanguageCmd struct {
	ConfigFlags
	Login    string `arg:"" help:"The agent's login."`
	Language string `arg:"" enum:"en,uk,ru,server" help:"en, uk or ru; server: the server's."`
}

// Run sets an agent's language. A tab that is open shows it after the next login.
func (a agentLanguageCmd) Run(ctx context.Context, c Console) error {
	return a.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		g, err := s.Agents.AgentByLogin(ctx, a.Login)
		if err != nil {
			return err
		}
		if a.Language == "server" {
			a.Language = ""
		}
		if err := s.Agents.SetLanguage(ctx, g.ID, a.Language); err != nil {
			return err
		}
		return audit(ctx, s, "agent.language", fmt.Sprintf("agent/%d", g.ID), a.Language)
	})
}

type agentListCmd struct {
	ConfigFlags
	JSON bool `name:"json" help:"As JSON, one agent a line."`
}

// Run lists all agents.
func (a agentListCmd) Run(ctx context.Context, c Console) error {
	return a.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.Agents.Agents(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.Out, a.JSON, "id", "login", "name", "queues", "extension", "auto_call", "pause", "disabled", "username",
			"user_id", "language")
		for _, g := range list {
			t.row(g.ID, g.Login, g.Name, strings.Join(g.Queues, ","), g.Extension, g.AutoCall, g.PauseID, g.Disabled, g.Username, g.UserID,
				g.Language)
		}
		return t.close()
	})
}

// table writes rows for people, or as JSON objects for programs.
type table struct {
	names  []string
	text   *tabwriter.Writer // nil: JSON
	json   *json.Encoder
	failed error
}

func newTable(w io.Writer, asJSON bool, names ...string) *table {
	if asJSON {
		return &table{names: names, json: json.NewEncoder(w)}
	}
	t := &table{names: names, text: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.line(strings.ToUpper(strings.ReplaceAll(strings.Join(names, "\t"), "_", " ")))
	return t
}

func (t *table) line(text string) {
	if _, err := fmt.Fprintln(t.text, text); err != nil && t.failed == nil {
		t.failed = err
	}
}

func (t *table) row(values ...any) {
	if t.text == nil {
		object := map[string]any{}
		for i, name := range t.names {
			object[name] = values[i]
		}
		if err := t.json.Encode(object); err != nil && t.failed == nil {
			t.failed = err
		}
		return
	}
	cells := make([]string, len(values))
	for i, v := range values {
		switch cells[i] = fmt.Sprint(v); {
		case cells[i] == "":
			cells[i] = "-"
		case v == true:
			cells[i] = "yes"
		case v == false:
			cells[i] = "no"
		}
	}
	t.line(strings.Join(cells, "\t"))
}

func (t *table) close() error {
	if t.text != nil && t.failed == nil {
		t.failed = t.text.Flush()
	}
	return t.failed
}
