package gateway

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
)

// install fetches the official client once.
var install = sync.OnceValues(func() (string, error) {
	const dir = "testdata/client"
	if _, err := os.Stat(dir + "/node_modules/.package-lock.json"); err == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
})

// TestTheOfficialClient lives through an agent's day in the npm package socket.io-client, over each of its transports.
func TestTheOfficialClient(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	if out, err := install(); err != nil {
		t.Fatalf("needs Node.js 20 and npm (apt-get install nodejs npm): %v\n%s", err, out)
	}
	for _, transports := range []string{"websocket", "polling", "polling,websocket"} {
		t.Run(transports, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "")
			h.keepReachable()
			origin := strings.TrimSuffix(h.url, Path)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "testdata/client/tab.js", origin, h.cookie("1"), transports)
			var complaints bytes.Buffer
			cmd.Stderr = &complaints
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			for lines := bufio.NewScanner(out); lines.Scan(); {
				h.act(strings.TrimPrefix(lines.Text(), "> "))
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, complaints.Bytes())
			}
		})
	}
}

// act is what the tab's script asks of the world.
func (h *house) act(what string) {
	ctx := h.tb.Context()
	switch what {
	case "connect":
		must(h.tb, h.calls.apply(ctx, 2001, agents.Input{Kind: agents.Connected}))
	case "hangup":
		must(h.tb, h.calls.Hangup(ctx, 2001))
	case "preview":
		h.free()
		must(h.tb, h.calls.preview(ctx, 2001))
	case "automatic":
		h.free()
		_, err := h.calls.automatic(ctx, "77")
		must(h.tb, err)
	case "no answer":
		h.free()
		_, err := h.calls.automatic(ctx, "78")
		must(h.tb, err)
		must(h.tb, h.calls.apply(ctx, 2001, agents.Input{Kind: agents.AgentDidNotReply}))
	default:
		h.tb.Errorf("asked for %q", what)
	}
}
