package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/internal/store"
)

type extensionImportCmd struct {
	ConfigFlags
	File    string `arg:"" help:"Connection strings, one a line, SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}; - is standard input."`
	Network string `default:"" enum:",simulated,sip,mediatel" placeholder:"NAME" help:"Phone network they belong to: sip, mediatel, simulated (default: the one that is configured; sip where none is yet)."`
	Options bool   `default:"true" negatable:"" help:"Ask the server by OPTIONS if an extension can be reached (default: yes)."`
}

// Run adds all extensions of the file, or none.
func (e extensionImportCmd) Run(ctx context.Context, c Console) error {
	text, err := e.read(c)
	if err != nil {
		return err
	}
	list, err := parsePool(text)
	if err != nil {
		return err
	}
	return e.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		var err error
		if e.Network, err = cfg.NetworkOf(e.Network); err != nil {
			return err
		}
		_, err = s.Agents.ChangeExtensions(ctx, nil, make([]int64, len(list)), func(i int, x *agents.Extension) error {
			*x = list[i]
			x.Network, x.Options = e.Network, e.Options
			return nil
		}, atShell, recordNow(ctx, s))
		if err != nil {
			return fmt.Errorf("%w; nothing was added", err)
		}
		_, err = fmt.Fprintf(c.Out, "%d added: %s to %s, on network %s\n", len(list), list[0].Name, list[len(list)-1].Name, e.Network)
		return err
	})
}

func (e extensionImportCmd) read(c Console) ([]byte, error) {
	if e.File != "-" {
		text, err := config.ReadBounded(e.File)
		if err != nil {
			return nil, config.Errorf("%w", err)
		}
		return text, nil
	}
	text, err := io.ReadAll(io.LimitReader(c.In, config.MaxFile+1))
	if err == nil && len(text) > config.MaxFile {
		err = config.Errorf("standard input is longer than 1 MiB")
	}
	return text, err
}

// aroundName may stand about a name in a list, and so in none.
const aroundName = "\"',; \t"

var connectionStart = regexp.MustCompile(`(?i)sip:~~`)

// parsePool reads connection strings, one a line. As a CSV has it, the extension's name may stand before one (without, it is
// the number), and either may be quoted. The first line may name the columns; lines that begin with # are for people.
func parsePool(text []byte) ([]agents.Extension, error) {
	var list []agents.Extension
	seen := map[string]int{}
	for i, line := range strings.Split(string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))), "\n") {
		line = strings.TrimSpace(line)
		at := -1
		if found := connectionStart.FindStringIndex(line); found != nil {
			at = found[0]
		}
		if line == "" || line[0] == '#' || i == 0 && at < 0 && !strings.Contains(line, "~~") {
			continue
		}
		if at < 0 {
			return nil, config.Errorf("line %d: no connection string; want such as SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}", i+1)
		}
		x, err := sipua.ParseConnection(strings.Trim(line[at:], aroundName))
		if err != nil {
			return nil, config.Errorf("line %d: %w", i+1, err)
		}
		if name := strings.Trim(line[:at], aroundName); name != "" {
			x.Name = name
		}
		if len(x.Name) > 64 || strings.ContainsAny(x.Name, aroundName) {
			return nil, config.Errorf("line %d: name %.80q: want 1 to 64 bytes without blanks", i+1, x.Name)
		}
		if first := seen[x.Name]; first != 0 {
			return nil, config.Errorf("line %d: extension %s is on line %d already", i+1, x.Name, first)
		}
		seen[x.Name] = i + 1
		if list = append(list, x); len(list) > maxRange {
			return nil, config.Errorf("more than %d extensions", maxRange)
		}
	}
	if len(list) == 0 {
		return nil, config.Errorf("no connection string found; want such as SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}")
	}
	return list, nil
}

type extensionPasswordCmd struct {
	ConfigFlags
	passwordFlag
	Name string `arg:"" help:"The extension, as its agent types it at login."`
}

// Run keeps what a desk phone proves itself with; the phone's user name is the extension's.
func (e extensionPasswordCmd) Run(ctx context.Context, c Console) error {
	return e.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		realm := node.Realm(cfg.Telephony.SIP)
		if realm == "" {
			return config.Errorf("telephony.sip: set realm, or advertise: a phone's password is kept for one realm")
		}
		x, err := s.Agents.ExtensionByName(ctx, e.Name)
		if err != nil {
			return err
		}
		if x.Network != sipua.Name || x.Server != "" {
			return config.Errorf("extension %s: its phone does not register with us: it is on network %s, server %q", x.Name, x.Network,
				x.Server)
		}
		password, err := e.plain(c, e.Name)
		if err != nil {
			return err
		}
		if len(password) < 8 || len(password) > 128 {
			return config.Errorf("password: has %d bytes: want 8 to 128", len(password))
		}
		ha1 := func(algorithm string) string { return sipua.HA1(algorithm, x.Name, realm, password) }
		if err := s.Credentials.SetPhonePassword(ctx, x.Name, ha1("MD5"), ha1("SHA-256")); err != nil {
			return err
		}
		if err := audit(ctx, s, "extension.password", fmt.Sprintf("extension/%d", x.ID), ""); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "extension %s: password set for realm %s\n", x.Name, realm)
		return err
	})
}

// registered finds the extensions whose phones are registered at any node now. It says why not when it cannot be known.
func registered(ctx context.Context, cfg *config.Config, s *store.Store) (phones map[string]int, unknown string) {
	if cfg.EmbeddedRedis() {
		return nil, "which phones are registered is not known here: Redis is inside the running node; set redis.url to share it"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := redisconn.New(node.RedisConfig(cfg))
	if err != nil {
		return nil, "which phones are registered is not known: " + becauseOf(err)
	}
	client := conn.Client()
	defer client.Close()
	of, err := node.Installation(ctx, cfg, s)
	if err != nil {
		return nil, "which phones are registered is not known: " + becauseOf(err)
	}
	bindings, err := sipua.Phones(ctx, client, of)
	if err != nil {
		return nil, "which phones are registered is not known: " + becauseOf(err)
	}
	phones = map[string]int{}
	for _, b := range bindings {
		phones[b.Extension]++
	}
	return phones, ""
}

type extensionListCmd struct {
	ConfigFlags
	JSON bool `name:"json" help:"As JSON, one extension a line."`
	Free bool `help:"Only those that no agent has."`
}

// Run lists the pool: who has which extension, what is free, and which phones are registered now.
func (e extensionListCmd) Run(ctx context.Context, c Console) error {
	return e.withRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		list, err := s.Agents.Extensions(ctx)
		if err != nil {
			return err
		}
		people, err := s.Agents.Agents(ctx)
		if err != nil {
			return err
		}
		owners := map[int64]string{}
		for _, g := range people {
			owners[g.ID] = g.Login
		}
		phones, unknown := registered(ctx, cfg, s)
		t := newTable(c.Out, e.JSON, "id", "name", "network", "number", "server", "codecs", "owner_id", "owner", "registered",
			"nailed_up")
		free, live := 0, 0
		for _, x := range list {
			if x.OwnerID == 0 {
				free++
			} else if e.Free {
				continue
			}
			state := "" // phones of other networks and servers do not register with us
			if ours := x.Network == sipua.Name && x.Server == ""; ours && phones != nil {
				if state = "no"; phones[x.Name] > 0 {
					state, live = "yes", live+1
				}
			}
			t.row(x.ID, x.Name, x.Network, x.Number, x.Server, strings.Join(x.Codecs, ","), x.OwnerID, owners[x.OwnerID], state,
				x.NailedUp)
		}
		if err := t.close(); err != nil || e.JSON {
			return err
		}
		if unknown != "" {
			fmt.Fprintln(c.Err, unknown)
		} else {
			fmt.Fprintf(c.Err, "%d registered now\n", live)
		}
		_, err = fmt.Fprintf(c.Err, "%d extensions: %d taken, %d free\n", len(list), len(list)-free, free)
		return err
	})
}
