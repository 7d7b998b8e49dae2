package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/store"
)

type Pause struct {
	Add    pauseAddCmd    `cmd:"" help:"Offer a pause to agents, or rename one."`
	List   pauseListCmd   `cmd:"" help:"List the pauses on offer."`
	Remove pauseRemoveCmd `cmd:"" help:"Offer a pause no longer; who is in it stays there until it is ended."`
}

const (
	maxPauseName = 100 // characters
	maxPauses    = 100 // a list that is still one to choose from, in every snapshot
)

type pauseAddCmd struct {
	ConfigFlags
	ID   string `arg:"" help:"What the agent's page sends: 1 to 999."`
	Name string `arg:"" help:"What the agent reads."`
}

// pauseID reads the id of a pause; 0 ends pauses and ids from 1000 on are ours, see agents.ForcePauseID.
func pauseID(text string) (string, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < 1 || n > 999 {
		return "", config.Errorf("pause %q: want a number of 1 to 999", text)
	}
	return strconv.FormatUint(n, 10), nil
}

// Run puts the pause at the end of the list, or renames it where it stands. Nodes show it within half a minute.
func (p pauseAddCmd) Run(ctx context.Context, c Console) error {
	id, err := pauseID(p.ID)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(p.Name)
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxPauseName {
		return config.Errorf("name %q: want 1 to %d characters", p.Name, maxPauseName)
	}
	return p.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.Agents.Pauses(ctx)
		if err != nil {
			return err
		}
		pause := agents.Pause{ID: id, Name: name}
		if at := indexOfPause(list, id); at >= 0 {
			list[at] = pause
		} else if list = append(list, pause); len(list) > maxPauses {
			return fmt.Errorf("%d pauses are on offer: want at most that many", maxPauses)
		}
		if err := s.Agents.SetPauses(ctx, list); err != nil {
			return err
		}
		if err := audit(ctx, s, "pause.set", "pause/"+id, name); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Out, "pause %s: %s\n", id, name)
		return err
	})
}

func indexOfPause(list []agents.Pause, id string) int {
	return slices.IndexFunc(list, func(p agents.Pause) bool { return p.ID == id })
}

type pauseListCmd struct {
	ConfigFlags
	JSON bool `name:"json" help:"As JSON, one pause a line."`
}

// Run lists the pauses in the order in which agents see them.
func (p pauseListCmd) Run(ctx context.Context, c Console) error {
	return p.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.Agents.Pauses(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.Out, p.JSON, "id", "name")
		for _, pause := range list {
			t.row(pause.ID, pause.Name)
		}
		return t.close()
	})
}

type pauseRemoveCmd struct {
	ConfigFlags
	ID string `arg:"" help:"Id of the pause."`
}

// Run takes the pause off the list.
func (p pauseRemoveCmd) Run(ctx context.Context, c Console) error {
	id, err := pauseID(p.ID)
	if err != nil {
		return err
	}
	return p.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		list, err := s.Agents.Pauses(ctx)
		if err != nil {
			return err
		}
		at := indexOfPause(list, id)
		if at < 0 {
			return fmt.Errorf("no pause %s is on offer; ringmaster pause list shows them", id)
		}
		if err := s.Agents.SetPauses(ctx, slices.Delete(list, at, at+1)); err != nil {
			return err
		}
		return audit(ctx, s, "pause.remove", "pause/"+id, "")
	})
}
