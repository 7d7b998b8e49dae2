package command

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/reason/field"
	"github.com/creditorro/ringmaster/internal/store"
)

// TestTold: no name of the program's parts, and no driver's words, are told to who gave a command; where it was is.
func TestTold(t *testing.T) {
	refused := fmt.Errorf("%w: postgres: failed to connect to `user=u`: dial tcp: %w", store.ErrAway, syscall.ECONNREFUSED)
	for _, test := range []struct {
		err      error
		en, want string
	}{
		{fmt.Errorf("agent bob: %w", agents.ErrNameTaken), "agent bob: the name is in use", "agent bob: ця назва вже зайнята"},
		{fmt.Errorf("store: extension 7: %w (%w)", agents.ErrNameTaken, store.ErrConflict), "extension 7: the name is in use",
			"extension 7: ця назва вже зайнята"},
		{fmt.Errorf("store: agent 5: %w (%w)", agents.ErrNoAgent, store.ErrNotFound), "agent 5: no such agent",
			"agent 5: такого оператора немає"},
		{fmt.Errorf("store: campaign 9: %w", store.ErrNotFound), "campaign 9: not found", "campaign 9: not found"},
		{refused, "the database cannot be used: connection refused", "базою даних неможливо користуватися: у з’єднанні відмовлено"},
		{errors.New("store: sqlite: file is not a database (26)"), "sqlite: file is not a database (26)",
			"sqlite: file is not a database (26)"},
		{reason.New(reason.Invalid, field.Bytes(8, 1024), "access: password has 3 bytes: want 8 to 1024"),
			"password has 3 bytes: want 8 to 1024",
			"password has 3 bytes: want 8 to 1024"},
		{fmt.Errorf("listen: %w; choose another", &net.OpError{Op: "listen", Net: "tcp",
			Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, Err: syscall.EADDRINUSE}),
			"listen: 127.0.0.1:80: address already in use; choose another", "listen: 127.0.0.1:80: адреса вже зайнята; choose another"},
		{fmt.Errorf("health: %w", &url.Error{Op: "Get", URL: "http://127.0.0.1:80/healthz", Err: syscall.ECONNREFUSED}),
			"health: http://127.0.0.1:80/healthz: connection refused", "health: http://127.0.0.1:80/healthz: у з’єднанні відмовлено"},
		{&fs.PathError{Op: "open", Path: "list.csv", Err: syscall.ENOENT}, "list.csv: no such file or folder",
			"list.csv: такого файлу чи теки немає"},
		{errors.New("--number: want digits"), "--number: want digits", "--number: want digits"},
	} {
		if got := (told{test.err, phrasebook.For("en")}).Error(); got != test.en {
			t.Errorf("%v: %q, want %q", test.err, got, test.en)
		}
		if got := (told{test.err, phrasebook.For("uk")}).Error(); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}
