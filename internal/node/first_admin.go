package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/config"
)

// firstAdminFile is where the link is, for a node without a terminal.
func firstAdminFile(c *config.Config) string { return filepath.Join(c.Data, "first-admin-link") }

// Welcome tells a person at a terminal where the node is and what comes next. While there is no admin that is the one-time link
// by which the first one is made; without a terminal it goes into a file that only this node's user can read, and the log names
// the file.
func (n *Node) Welcome(ctx context.Context, w io.Writer) error {
	link, until, err := n.firstAdminLink(ctx)
	if err != nil {
		return err
	}
	file := firstAdminFile(n.Config)
	screen, isFile := w.(*os.File)
	if isFile && isatty.IsTerminal(screen.Fd()) {
		fmt.Fprintf(screen, "\n  Ringmaster\n    The supervisors' console  %[1]s/\n    The agents' desk          %[1]s/agent\n    "+
			"The API                   %[1]s/docs\n\n", n.Config.PublicURL)
		if link != "" {
			fmt.Fprintf(screen, "  There is no admin yet. Until %s, and once only, this link makes the first one:\n\n    %s\n",
				until.Format("15:04"), link)
		}
		if !n.Config.CanCall() {
			fmt.Fprintf(screen, "  Nothing is dialed yet: %s.\n", HowToCall)
		}
		fmt.Fprintln(screen)
		link = ""
	}
	if link == "" {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(n.Config.Data, 0o700); err != nil {
		return err
	}
	_ = os.Remove(file) // its mode may have been another one
	if err := os.WriteFile(file, []byte(link+"\n"), 0o600); err != nil {
		return fmt.Errorf("first admin: %w", err)
	}
	n.Log.Warn("there is no admin yet: a one-time link that makes the first one is in the file",
		slog.String("file", file), slog.Time("until", until))
	return nil
}

// firstAdminLink is empty when there is an admin.
func (n *Node) firstAdminLink(ctx context.Context) (link string, until time.Time, err error) {
	if !n.Config.Has("api") {
		return "", until, nil
	}
	key, err := n.Config.SessionSecret()
	if err != nil {
		return "", until, err
	}
	fresh := make([]byte, access.FirstAdminNonce)
	rand.Read(fresh) // never fails: crypto/rand
	now := n.Clocks.SQL()
	nonce, until, err := n.Store.Users.FirstAdminLink(ctx, fresh, now.Add(access.FirstAdminLife), now)
	if errors.Is(err, access.ErrAdminThere) {
		return "", until, nil
	}
	if err != nil {
		return "", until, err
	}
	return n.Config.PublicURL + "/first-admin#" + access.FirstAdminToken(key, nonce), until, nil
}
