package arch

import (
	"bufio"
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/creditorro/ringmaster/"

// broken returns the rule that an import breaks, or "" when it is allowed. Both paths are relative to the module; pure says that
// the imported package imports nothing of ours. The rules are those of docs/architecture.md, "Who may import whom"; tests may
// import what they like.
func broken(from, to string, pure bool) string {
	fromRoom, toRoom := room(from), room(to)
	switch {
	case toRoom == "cmd" && fromRoom != "cmd":
		return "nobody imports cmd"
	case slices.Contains(wiring, root(from)):
		if root(to) == "internal/interop" {
			return "internal/interop is a counterpart for tests and benches: nothing that ships imports it"
		}
		if at := slices.Index(wiring, root(to)); at > slices.Index(wiring, root(from)) {
			return root(from) + " is below " + root(to) + ": " + strings.Join(wiring, " ← ")
		}
		return "" // wiring knows everything
	case slices.Contains(wiring, root(to)):
		return "wiring knows the rooms, and no room knows it"
	case slices.Contains(everybodys, root(to)):
		return ""
	case root(to) == "internal/testdeps":
		return "internal/testdeps is for tests and benches"
	case root(from) == root(to):
		return within(from, to, pure)
	case from == "internal/config":
		return "internal/config may import nothing of ours"
	case to == "internal/config":
		return "rooms and plumbing receive values, not the configuration: cmd hands them out"
	case root(to) == "internal/interop":
		return "internal/interop is a counterpart for tests and benches: nothing that ships imports it"
	case root(from) == "internal/interop":
		if to == "dialer/mediatel/simulator" || to == "internal/mediatelwire" {
			return ""
		}
		return "internal/interop may import the Mediatel simulator and its words alone"
	case fromRoom != "" && toRoom != "":
		return betweenRooms(from, to)
	case fromRoom != "":
		return roomToPlumbing(from, to)
	}
	return plumbing(from, to)
}

// everybodys are what all may import.
var everybodys = []string{"internal/telemetry", "internal/ids", "internal/uptime", "internal/installation", "internal/reason",
	"internal/retry", "internal/limits"}

// rooms are the ideas of the field; everything else is plumbing.
var rooms = []string{"cmd", "campaigns", "agents", "dialer", "webhook"}

// wiring is what joins the rooms, each piece with those before it: a node, one that is furnished to be looked at, what looks
// after one, and the program.
var wiring = []string{"internal/node", "internal/demo", "internal/doctor", "internal/command", "cmd"}

// room is the room that a package belongs to; "" for plumbing.
func room(path string) string {
	first, _, _ := strings.Cut(path, "/")
	if slices.Contains(rooms, first) {
		return first
	}
	return ""
}

// root is the room, or the plumbing package directly below internal, that a package stands in.
func root(path string) string {
	if room(path) != "" {
		return room(path)
	}
	parts := strings.SplitN(path, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// within judges imports inside one room, or inside one piece of plumbing, which may divide itself as it likes.
func within(from, to string, pure bool) string {
	switch {
	case room(from) == "" || to == room(from):
		return ""
	case strings.HasPrefix(to, from+"/"):
		if pure {
			return ""
		}
		return "a parent imports a child only if the child imports nothing of ours"
	case strings.HasPrefix(from, to+"/") && pure:
		return ""
	}
	return "never a sibling: " + room(from) + "/* may import " + room(from) + " alone"
}

// betweenRooms judges imports from one room to another.
func betweenRooms(from, to string) string {
	switch {
	case room(from) != "dialer":
		return room(from) + " may import no other room"
	case from == "dialer" && slices.Contains([]string{"campaigns", "agents", "webhook"}, to):
		return ""
	case from == "dialer":
		return "dialer may import campaigns, agents and webhook, not what is below them"
	case to == "campaigns" || to == "agents":
		return ""
	}
	return "dialer/* may import dialer and the words of campaigns and agents"
}

// roomToPlumbing judges imports from a room to internal packages.
func roomToPlumbing(from, to string) string {
	switch root(to) {
	case "internal/store", "internal/api":
		return "rooms import no " + root(to) + ": a room declares the interface it needs, cmd supplies it"
	case "internal/phrasebook":
		if from == "agents/gateway" {
			return ""
		}
		return "rooms make reasons and no words: words are made at the edges"
	case "internal/socketio", "internal/mediatelwire":
		if root(to) == to && (from == "agents/gateway" || from == "dialer/mediatel" || strings.HasPrefix(from, "dialer/mediatel/")) {
			return ""
		}
		return "only agents/gateway and dialer/mediatel speak Mediatel's protocol"
	}
	return ""
}

// plumbing judges imports of internal packages.
func plumbing(from, to string) string {
	switch root(from) {
	case "internal/reason":
		return "internal/reason may import nothing of ours"
	case "internal/store", "internal/api":
		if from == "internal/store" && to == "internal/phrasebook" {
			return "internal/store keeps reasons as data: words are made at the edges"
		}
		if root(to) == "internal/store" || root(to) == "internal/api" {
			return "internal/store and internal/api do not know each other: cmd joins them"
		}
		if slices.Contains([]string{"campaigns", "agents", "agents/access", "dialer", "webhook"}, to) ||
			slices.Contains([]string{"campaigns/lists", "dialer/pacing", "dialer/pacing/sim"}, to) && root(from) == "internal/api" {
			return ""
		}
		if room(to) == "" {
			return "" // other plumbing
		}
		return root(from) + " may import the rooms' words: campaigns, agents, agents/access, dialer, webhook"
	case "internal/socketio", "internal/mediatelwire":
		return root(from) + " may import nothing of ours"
	}
	if room(to) != "" {
		return "plumbing knows no room"
	}
	return ""
}

func TestBroken(t *testing.T) {
	for _, test := range []struct {
		from, to string
		allowed  bool
	}{
		{"cmd/ringmaster", "internal/store", true},
		{"cmd/ringmaster", "dialer/simulated", true},
		{"internal/api", "cmd/ringmaster", false},

		{"dialer", "campaigns", true},
		{"dialer", "agents", true},
		{"dialer", "webhook", true},
		{"dialer", "agents/roster", false},
		{"dialer", "dialer/simulated", false},
		{"dialer", "internal/store", false},
		{"dialer", "internal/telemetry", true},
		{"dialer", "internal/redisconn", true},

		{"dialer/simulated", "dialer", true},
		{"dialer/simulated", "campaigns", true},
		{"dialer/simulated", "agents", true},
		{"dialer/simulated", "webhook", false},
		{"dialer/simulated", "dialer/pacing", false},
		{"dialer/simulated", "internal/ids", true},
		{"dialer/mediatel", "internal/socketio", true},
		{"dialer/mediatel", "internal/mediatelwire", true},
		{"dialer/mediatel/simulator", "internal/socketio", true},
		{"dialer/sipua", "internal/socketio", false},
		{"dialer/sipua/media", "dialer/sipua", false},
		{"dialer/sipua", "dialer/sipua/media", false},

		{"agents", "campaigns", false},
		{"agents", "agents/roster", false},
		{"agents/roster", "agents", true},
		{"agents/roster", "agents/gateway", false},
		{"agents/gateway", "agents", true},
		{"agents/gateway", "dialer", false},
		{"agents/gateway", "internal/socketio", true},
		{"agents/gateway", "internal/socketio/engineio", false},
		{"agents/roster", "internal/mediatelwire", false},
		{"campaigns", "webhook", false},
		{"webhook", "dialer", false},
		{"webhook/replay", "webhook", true},
		{"campaigns", "internal/api", false},
		{"campaigns", "internal/reason", true},
		{"campaigns", "internal/phrasebook", false},
		{"agents", "internal/phrasebook", false},
		{"agents/gateway", "internal/phrasebook", true},
		{"dialer/sipua", "internal/phrasebook", false},
		{"internal/store", "internal/phrasebook", false},
		{"internal/api", "internal/phrasebook", true},
		{"internal/reason", "internal/phrasebook", false},

		{"internal/store", "dialer", true},
		{"internal/store", "agents/access", true},
		{"internal/store", "agents/roster", false},
		{"internal/store", "internal/store/gen", true},
		{"internal/store/gen", "internal/store", true},
		{"internal/api", "campaigns", true},
		{"internal/api", "campaigns/lists", true},
		{"internal/store", "campaigns/lists", false},
		{"campaigns/lists", "campaigns", true},
		{"campaigns", "campaigns/lists", false},
		{"internal/api", "internal/store", false},
		{"internal/api/mediatelv1", "agents/access", true},
		{"internal/api/mediatelv1", "internal/store", false},
		{"internal/api/mediatelv1", "dialer/sipua", false},
		{"internal/socketio", "internal/socketio/engineio", true},
		{"internal/socketio/bench", "internal/socketio", true},
		{"internal/socketio", "internal/mediatelwire", false},
		{"internal/mediatelwire", "agents", false},
		{"cmd/ringmaster", "internal/interop", false},
		{"dialer/mediatel", "internal/interop", false},
		{"agents/gateway", "internal/interop", false},
		{"internal/socketio/bench", "internal/interop", false},
		{"internal/interop", "dialer/mediatel/simulator", true},
		{"internal/interop", "internal/mediatelwire", true},
		{"internal/interop", "internal/socketio", false},
		{"internal/interop", "dialer/mediatel", false},
		{"internal/embedded", "internal/redisconn", true},
		{"internal/embedded", "agents", false},
		{"internal/demo", "campaigns", true},
		{"internal/demo", "web", true},
		{"internal/demo", "internal/node", true},
		{"internal/node", "internal/demo", false},
		{"internal/demo", "internal/command", false},
		{"internal/api", "internal/demo", false},
		{"internal/store", "internal/testdeps", false},
		{"internal/store", "internal/testdeps/forms", false},
		{"cmd/ringmaster", "internal/config", true},
		{"internal/node", "internal/config", true},
		{"internal/node", "dialer/sipua", true},
		{"internal/node", "internal/doctor", false},
		{"internal/doctor", "internal/node", true},
		{"internal/doctor", "cmd/ringmaster", false},
		{"internal/command", "internal/doctor", true},
		{"internal/node", "internal/interop", false},
		{"internal/api", "internal/node", false},
		{"dialer", "internal/node", false},
		{"internal/config", "agents/access", false},
		{"internal/config", "internal/limits", true},
		{"agents/roster", "internal/retry", true},
		{"internal/config", "internal/redisconn", false},
		{"dialer", "internal/config", false},
		{"internal/api", "internal/config", false},
	} {
		if rule := broken(test.from, test.to, false); (rule == "") != test.allowed {
			t.Errorf("%s → %s: allowed = %t, want %t (%s)", test.from, test.to, rule == "", test.allowed, rule)
		}
	}
	if rule := broken("dialer", "dialer/pacing/share", true); rule != "" {
		t.Errorf("a parent and a child that imports nothing of ours: %s", rule)
	}
	if rule := broken("dialer/pacing/sim", "dialer/pacing", true); rule != "" {
		t.Errorf("a child below its parent's child that imports nothing of ours: %s", rule)
	}
	if rule := broken("dialer/pacing/sim", "dialer/pacing", false); rule == "" {
		t.Error("a child imports no sibling that imports others of ours")
	}
	if rule := broken("dialer/simulated", "dialer/pacing/share", true); rule == "" {
		t.Error("a child that imports nothing of ours is its parent's alone")
	}
}

// TestProductIsWithoutTheCounterpart: what is there to test against is not in the binary that ships, by whatever way.
func TestProductIsWithoutTheCounterpart(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"cmd/ringmaster").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if !bytes.Contains(out, []byte(module+"internal/socketio\n")) {
		t.Fatal("internal/socketio is not seen: does go list still answer as it did?")
	}
	for path := range strings.FieldsSeq(string(out)) {
		if strings.Contains(path, "zishang520") || path == module+"internal/interop" {
			t.Errorf("the product has %s in it", path)
		}
	}
}

func TestImports(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`,
		module+"...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	imports := map[string][]string{} // of ours, by package
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		paths := strings.Fields(lines.Text())
		from := strings.TrimPrefix(paths[0], module)
		for _, path := range paths[1:] {
			to, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			seen++
			imports[from] = append(imports[from], to)
		}
	}
	for from, all := range imports {
		for _, to := range all {
			if rule := broken(from, to, len(imports[to]) == 0); rule != "" {
				t.Errorf("%s imports %s: %s", from, to, rule)
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d imports of our own seen: does go list still answer as it did?", seen)
	}
}
