package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestTwoInstallationsOnOneRedis: all names are equal in both, those of the node, the agent, the extension, the campaign and its
// queue. Neither sees the other's agent, state or task, and each rings its own customer once.
func TestTwoInstallationsOnOneRedis(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node.js")
	}
	for name, databases := range map[string][2]string{"one database number": {"/0", "/0"}, "two database numbers": {"/0", "/1"}} {
		t.Run(name, func(t *testing.T) { besideAnother(t, testdeps.RedisServer(t).Addr, databases) })
	}
}

func besideAnother(t *testing.T, server string, databases [2]string) {
	var houses [2]*house
	var names [2]installation.Name
	var tabs [2]*tab
	for i, database := range databases {
		h := prepareHouse(t, "redis: {url: 'redis://"+server+database+"'}", "telephony: {simulated: {profile: prompt, speed: 20}}")
		text, err := os.ReadFile(h.file)
		if err != nil {
			t.Fatal(err)
		}
		same := regexp.MustCompile(`(?m)^node: .*$`).ReplaceAll(text, []byte("node: same"))
		if err := os.WriteFile(h.file, same, 0o600); err != nil {
			t.Fatal(err)
		}
		names[i] = nameOf(t, h)
		if said := h.command("", "doctor", "--only", "redis"); !strings.Contains(said, string(names[i])) {
			t.Errorf("doctor does not tell %s: %s", names[i], said)
		}
		startProcess(t, h)
		h.post("/campaigns", `{"name":"Winter","queue":"AUTO_1","time_zone":"Europe/London","region":"GB","profile":"none","reason":"a test","wrap_up":"1m",
			"call_codes":[{"id":"4","name":"Promise","action":"finish"}]}`)
		h.request("POST", "/campaigns/1/contacts", "text/csv",
			fmt.Sprintf("crm_id;name;phone\n%d;Ann Archer;07700 90012%d\n", i+1, i+1))
		tabs[i] = newTab(t, h.url, h.vouch("ann@example.com", "12341"))
		tabs[i].until("logged off", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
		houses[i] = h
	}
	if names[0] == names[1] {
		t.Fatalf("both are called %s", names[0])
	}
	for i, h := range houses {
		other := tabs[1-i]
		quiet := other.last
		tabs[i].send(`{"type":"login","user":"ann","password":"correct horse","extension":"3444"}`)
		tabs[i].until("available", func(s state) bool { return s["state"] == "STATE_IDLE" })
		h.post("/campaigns/1/start", "")
		tabs[i].send(`{"type":"predictive"}`)
		s := tabs[i].until("talk", func(s state) bool { return s["state"] == "STATE_CALL_ACTIVE" })
		if want := fmt.Sprintf("+44770090012%d", i+1); s["ani"] != want || s["callCustomerID"] != fmt.Sprint(i+1) {
			t.Errorf("installation %d calls %v of %v, want %s", i, s["ani"], s["callCustomerID"], want)
		}
		tabs[i].send(`{"type":"closeCall"}`)
		tabs[i].until("clerical", func(s state) bool { return s["state"] == "STATE_CLERICAL" })
		tabs[i].send(`{"type":"resolutionSet","id":4}`)
		tabs[i].until("available again", func(s state) bool { return s["state"] == "STATE_IDLE" })
		for {
			select {
			case s := <-other.states:
				if s["state"] != quiet["state"] {
					t.Errorf("while installation %d worked, the other's tab was told %v", i, s["state"])
				}
				continue
			default:
			}
			break
		}
		if i == 0 {
			fresh := newTab(t, houses[1].url, houses[1].vouch("ann@example.com", "12341"))
			fresh.until("logged off beside it", func(s state) bool { return s["state"] == "STATE_LOGOUT" })
		}
		if said := h.queues(); !strings.Contains(said, names[i].Queue("dial:same")) || strings.Contains(said, string(names[1-i])) {
			t.Errorf("/queues of %s: %s", names[i], said)
		}
	}
	for i, h := range houses {
		attempts := h.get("/attempts")["items"].([]any)
		if len(attempts) != 1 || attempts[0].(map[string]any)["outcome"] != "answered" {
			t.Errorf("installation %d: attempts %v", i, attempts)
		}
	}
	allIsNamed(t, server, names)
}

// nameOf is what the installation is called.
func nameOf(t *testing.T, h *house) installation.Name {
	t.Helper()
	cfg, err := node.LoadConfig(h.file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := node.OpenStore(t.Context(), cfg, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Disconnect()
	name, err := node.Installation(t.Context(), cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// queues is what the page of the task queues is told.
func (h *house) queues() string {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), "GET", h.url+"/queues/api/queues", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// allIsNamed looks at every key, channel and task queue of a Redis: each is an installation's, or Asynq's own.
func allIsNamed(t *testing.T, server string, names [2]installation.Name) {
	t.Helper()
	is := func(what string, prefix func(installation.Name) string) bool {
		return strings.HasPrefix(what, prefix(names[0])) || strings.HasPrefix(what, prefix(names[1]))
	}
	key := func(n installation.Name) string { return n.Key("") }
	queue := func(n installation.Name) string { return n.Queue("") }
	seen := 0
	for db := range 2 {
		client := redis.NewClient(&redis.Options{Addr: server, DB: db})
		defer client.Close()
		keys, err := client.Keys(t.Context(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			seen++
			_, ofQueue, _ := strings.Cut(k, "asynq:{")
			if !is(k, key) && !strings.HasPrefix(k, "asynq:") || strings.HasPrefix(ofQueue, "dial") || strings.HasPrefix(ofQueue,
				"webhook") {
				t.Errorf("database %d: the key %s is nobody's", db, k)
			}
		}
		for _, q := range client.SMembers(t.Context(), "asynq:queues").Val() {
			if !is(q, queue) {
				t.Errorf("database %d: the task queue %s is nobody's", db, q)
			}
		}
		for _, c := range client.PubSubChannels(t.Context(), "*").Val() {
			if !is(c, key) && !strings.HasPrefix(c, "asynq:") {
				t.Errorf("the channel %s is nobody's", c)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d keys are seen", seen)
	}
}
