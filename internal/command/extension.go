package command

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

type Extension struct {
	Add      extensionAddCmd      `cmd:"" help:"Add an extension, or a range of them."`
	Set      extensionSetCmd      `cmd:"" help:"Change an extension, or a range of them."`
	Import   extensionImportCmd   `cmd:"" help:"Add the extensions of a file of connection strings, all or none."`
	List     extensionListCmd     `cmd:"" help:"List extensions: who has which, what is free, what is registered now."`
	Password extensionPasswordCmd `cmd:"" help:"Set a desk phone's password, read from standard input."`
}

type extensionAddCmd struct {
	ConfigFlags
	Name    string   `arg:"" help:"What agents type at login: 3444, or a range such as 3400-3449."`
	Network string   `default:"" enum:",simulated,sip,mediatel" placeholder:"NAME" help:"Phone network it belongs to: sip, mediatel, simulated (default: the one that is configured; sip where none is yet)."`
	Number  string   `help:"As dialed on its server (default: the name; not with a range)."`
	Server  string   `placeholder:"HOST[:PORT]" help:"External telephony server (default: our own registrar)."`
	Codecs  []string `placeholder:"CODEC,…" help:"Codecs, the preferred one first: g711a, g711u, or PCMA, PCMU (default: the network's)."`
	Options bool     `default:"true" negatable:"" help:"Ask the server by OPTIONS if the extension can be reached (default: yes)."`
	Nailed  bool     `name:"nailed-up" help:"Keep one leg to the phone up, for all calls of its agent."`
}

type extensionSetCmd struct {
	ConfigFlags
	Name   string `arg:"" help:"3444, or a range such as 3400-3449."`
	Nailed bool   `name:"nailed-up" required:"" negatable:"" help:"Keep one leg to the phone up, for all calls of its agent; from the agent's next login."`
}

// Run changes all of them, or none.
func (e extensionSetCmd) Run(ctx context.Context, c Console) error {
	names, err := extensionAddCmd{Name: e.Name}.names()
	if err != nil {
		return err
	}
	return e.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		ids := make([]int64, len(names))
		for i, name := range names {
			x, err := s.Agents.ExtensionByName(ctx, name)
			if err != nil {
				return fmt.Errorf("extension %s: %w; nothing was changed", name, err)
			}
			ids[i] = x.ID
		}
		_, err := s.Agents.ChangeExtensions(ctx, nil, ids, func(_ int, x *agents.Extension) error {
			x.NailedUp = e.Nailed
			return nil
		}, atShell, recordNow(ctx, s))
		if err != nil {
			return fmt.Errorf("%w; nothing was changed", err)
		}
		_, err = fmt.Fprintf(c.Out, "%d changed: %s\n", len(names), e.Name)
		return err
	})
}

// maxRange bounds one command; a typing mistake must not fill the pool.
const maxRange = 10000

// names spells out a range: two numbers of equal length with a hyphen between.
func (e extensionAddCmd) names() ([]string, error) {
	first, last, ok := strings.Cut(e.Name, "-")
	low, errLow := strconv.ParseUint(first, 10, 32)
	high, errHigh := strconv.ParseUint(last, 10, 32)
	switch {
	case e.Name == "" || len(e.Name) > 64 || strings.ContainsAny(e.Name, " \t\r\n"):
		return nil, config.Errorf("name %q: want 1 to 64 bytes without blanks", e.Name)
	case !ok || errLow != nil || errHigh != nil:
		return []string{e.Name}, e.check(e.Name)
	case len(first) != len(last) || high < low || high-low >= maxRange:
		return nil, config.Errorf("range %s: want two numbers of the same length, the lower first, at most %d extensions", e.Name,
			maxRange)
	case e.Number != "":
		return nil, config.Errorf("--number fits one extension; in a range each one's number is its name")
	}
	names := make([]string, 0, high-low+1)
	for n := low; n <= high; n++ {
		names = append(names, fmt.Sprintf("%0*d", len(first), n))
	}
	return names, e.check(names[0])
}

// check refuses what no connection string could say: an extension that is added one way must be one that is added the other.
func (e extensionAddCmd) check(name string) error {
	if strings.ContainsAny(name, aroundName) {
		return config.Errorf("name %q: want 1 to 64 bytes without blanks, quotes, commas and semicolons", name)
	}
	_, err := sipua.ParseConnection(sipua.PrintConnection(e.extension(name)))
	if err != nil {
		return config.Errorf("extension %s: %w", name, err)
	}
	return nil
}

func (e extensionAddCmd) extension(name string) agents.Extension {
	x := agents.Extension{Name: name, Network: e.Network, Number: cmp.Or(e.Number, name), Server: e.Server, Options: e.Options,
		NailedUp: e.Nailed}
	for _, codec := range e.Codecs {
		switch strings.ToUpper(codec) { // as SDP calls them
		case "PCMA":
			codec = "g711a"
		case "PCMU":
			codec = "g711u"
		}
		x.Codecs = append(x.Codecs, codec)
	}
	return x
}

// Run adds all of them, or none.
func (e extensionAddCmd) Run(ctx context.Context, c Console) error {
	names, err := e.names()
	if err != nil {
		return err
	}
	return e.withNewRecord(ctx, c, func(cfg *config.Config, s *store.Store) error {
		var err error
		if e.Network, err = cfg.NetworkOf(e.Network); err != nil {
			return err
		}
		_, err = s.Agents.ChangeExtensions(ctx, nil, make([]int64, len(names)), func(i int, x *agents.Extension) error {
			*x = e.extension(names[i])
			return nil
		}, atShell, recordNow(ctx, s))
		if err != nil {
			return fmt.Errorf("%w; nothing was added", err)
		}
		_, err = fmt.Fprintf(c.Out, "%d added: %s, on network %s\n", len(names), e.Name, e.Network)
		return err
	})
}
