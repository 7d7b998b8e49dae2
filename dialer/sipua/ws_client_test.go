package sipua

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestSocketOfNode has the npm package ws, which is not ours, speak to our WebSocket: fragments, pings with a payload between
// them, a reader who does not read, and closes.
func TestSocketOfNode(t *testing.T) {
	t.Parallel()
	modules := testdeps.NPM(t, "../../internal/socketio/interop") // of which ws is a part
	n := startNetwork(t, browserOptions)
	web := tabServer(t, n)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	var complaints bytes.Buffer
	phone := exec.CommandContext(ctx, "node", "testdata/ws/phone.cjs", "ws://"+web+"/ws", "VouchCookie="+goodCookie)
	phone.Env, phone.Stderr = append(os.Environ(), "NODE_PATH="+modules), &complaints
	said, err := phone.Output()
	if err != nil {
		t.Errorf("node: %v\n%s", err, complaints.Bytes())
	}
	saw := map[string]string{}
	for line := range bytes.Lines(said) {
		var one struct{ Name, Saw string }
		if err := json.Unmarshal(line, &one); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		saw[one.Name] = one.Saw
	}
	for name, want := range map[string]string{
		"protocol": "sip", "whole": "SIP/2.0 401 Unauthorized", "binary": "SIP/2.0 401 Unauthorized",
		"fragments": "SIP/2.0 401 Unauthorized", "ping": "in between, with a payload of ours", "ping of 0": "0", "ping of 125": "125",
		"sign of life": `""`, "beside a slow reader": "SIP/2.0 401 Unauthorized",
		"new beside a slow reader": "SIP/2.0 401 Unauthorized",
		"slow reader":              "goes on, or is gone", "close": "1000", "too large": "1009",
	} {
		if saw[name] != want {
			t.Errorf("%s: saw %q, want %q", name, saw[name], want)
		}
	}
}
