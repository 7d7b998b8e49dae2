package mediatelv1_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/api/mediatelv1"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

func TestMain(m *testing.M) { testdeps.Main(m) }

var (
	ctx = context.Background()
	now = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
)

// house is the administration over HTTP, in front of the real store and access.
type house struct {
	t      *testing.T
	store  *store.Store
	url    string
	cookie *http.Cookie // an administrator's
	tokens map[access.Role]string
	agent  agents.Agent
	live   *live
}

// live is the moment's state: who is said to be logged on.
type live struct {
	mu sync.Mutex
	on map[int64]bool
}

func (l *live) SetLanguage(context.Context, int64, string) error { return nil }

func (l *live) Get(_ context.Context, id int64) (agents.Live, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on[id] {
		return agents.Live{AgentID: id, State: agents.Talking}, nil
	}
	return agents.Off(id), nil
}

// each runs a test on both databases.
func each(t *testing.T, test func(h *house)) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "ringmaster.db") },
		"postgres": testdeps.Postgres,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(newHouse(t, url(t)))
		})
	}
}

func newHouse(t *testing.T, url string) *house {
	t.Helper()
	h := &house{t: t, tokens: map[access.Role]string{}, live: &live{on: map[int64]bool{}}}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	var err error
	h.store, err = store.Open(ctx, url, store.Options{Logger: slog.New(slog.DiscardHandler)})
	h.must(err)
	t.Cleanup(func() { _ = h.store.Disconnect() })
	h.must(h.store.Migrate(ctx))
	const secret = "0123456789abcdef0123456789abcdef"
	vouch, err := access.NewVouch(access.VouchOptions{Secrets: []string{secret}})
	h.must(err)
	auth, err := access.NewAuthenticator(access.AuthenticatorOptions{Store: h.store.Users,
		Gate: access.NewGate(vouch, h.store.Users, nil, log), SessionSecret: secret})
	h.must(err)
	h.agent, err = h.store.Agents.CreateAgent(ctx,
		agents.Agent{Login: "olena", Name: "Olena", PasswordHash: "$argon2id$x", UserID: "12341",
			Queues: []string{"Winter", "Summer"}, AutoCall: true,
			Profile: json.RawMessage(`{"ClientApp":{"StartURL":"https://crm.example.com/"}}`)}, now)
	h.must(err)
	for _, role := range []access.Role{access.RoleAgent, access.RoleSupervisor, access.RoleAdmin, access.RoleCRM} {
		u := access.User{Login: string(role), Role: role}
		if role == access.RoleAgent {
			u.AgentID = h.agent.ID
		}
		u, err = h.store.Users.CreateUser(ctx, u)
		h.must(err)
		token, hash := access.NewToken()
		_, err = h.store.Users.CreateToken(ctx, access.Token{UserID: u.ID, Name: "test", Hash: hash, CreatedAt: now})
		h.must(err)
		h.tokens[role] = token
	}
	h.cookie, err = vouch.Mint(access.Identity{Username: "admin"}, time.Hour)
	h.must(err)
	handler, err := mediatelv1.New(mediatelv1.Deps{
		Store: h.store.Agents, Auth: auth, Live: h.live, Hash: new(access.Passwords).Hash,
		ParseConnection: sipua.ParseConnection, PrintConnection: sipua.PrintConnection, Now: func() time.Time { return now },
		Logger: log,
	})
	h.must(err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

type reply struct {
	Error struct {
		Code, Details int
		Message       string
	}
	Result []map[string]any
	text   string
}

func (h *house) as(role access.Role, method, path, body string) reply {
	h.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(body))
	h.must(err)
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+h.tokens[role])
	}
	return h.send(r)
}

// send checks of every reply that it is an envelope with the status in it, and holds no secret.
func (h *house) send(r *http.Request) reply {
	h.t.Helper()
	got, err := http.DefaultClient.Do(r)
	h.must(err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	h.must(err)
	var v reply
	if err := json.Unmarshal(text, &v); err != nil || v.Error.Code != got.StatusCode || v.Result == nil {
		h.t.Fatalf("%s %s: no envelope with status %d: %s", r.Method, r.URL, got.StatusCode, text)
	}
	for _, word := range []string{"argon2", "assword\":", "correct horse"} {
		if strings.Contains(string(text), word) {
			h.t.Errorf("%s %s: a secret in %s", r.Method, r.URL, text)
		}
	}
	v.text = string(text)
	return v
}

// do sends as admin and wants success.
func (h *house) do(method, path, body string) []map[string]any {
	h.t.Helper()
	r := h.as(access.RoleAdmin, method, path, body)
	if r.Error.Code != http.StatusOK || r.Error.Details != 0 {
		h.t.Fatalf("%s %s: %s", method, path, r.text)
	}
	return r.Result
}

// refused sends as admin and wants a refusal.
func (h *house) refused(method, path, body string, code, details int, says string) {
	h.t.Helper()
	r := h.as(access.RoleAdmin, method, path, body)
	if r.Error.Code != code || r.Error.Details != details || !strings.Contains(r.Error.Message, says) || len(r.Result) != 0 {
		h.t.Errorf("%s %s %.200s: want %d, details %d, %q: %s", method, path, body, code, details, says, r.text)
	}
}

func (h *house) audited() (what []string) {
	h.t.Helper()
	log, err := h.store.Audits.AuditLog(ctx, 0, 100)
	h.must(err)
	for _, e := range log {
		if strings.Contains(e.Detail, "correct horse") {
			h.t.Errorf("a password in the audit log: %+v", e)
		}
		what = append(what, e.Who+" "+e.What+" "+e.Object)
	}
	slices.Reverse(what)
	return what
}

const wholeAgent = `{"ID": -1, "Login": "petro", "Password": "correct horse battery", "Details": "petro@example.com",
	"Domain": "creditorro",
	"State": "1", "RightID": 3, "SupervisorID": "12", "SupervisorRightID": null, "DefaultSkill": 1.50, "PersNumbers": ["101", 102],
	"ClientApp": {"AutoAnswer": {"Predictive": 1, "Manual": 0, "Inbound": 1, "Other": 0, "Time": 1500}, "TimeForDialOut": 20,
	"ClericalReminder": 45, "StartURL": "https://crm.example.com/?a=1&b=<2>", "SIP": {"Password": "correct horse", "User": "x"}},
	"Queues": ["B", "A", "B"]}`

func TestAgents(t *testing.T) {
	each(t, func(h *house) {
		made := h.do("POST", "/v1/agents", wholeAgent)[0]
		var want map[string]any
		h.must(json.Unmarshal([]byte(wholeAgent), &want))
		delete(want, "Password")
		delete(want["ClientApp"].(map[string]any)["SIP"].(map[string]any), "Password")
		want["ID"], want["State"], want["Queues"] = made["ID"], 1.0, []any{"A", "B"}
		want["UserID"], want["Username"], want["AutoCall"], want["Extension"], want["Language"] = "", "", false, "", ""
		if !reflect.DeepEqual(made, want) {
			h.t.Errorf("made\n%v, want\n%v", made, want)
		}
		path := fmt.Sprintf("/v1/agents/%.0f", made["ID"])
		if got := h.do("GET", path, ""); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			h.t.Errorf("read %v", got)
		}
		if text := h.as(access.RoleAdmin, "GET", path, "").text; !strings.Contains(text, "1.50") || !strings.Contains(text,
			"a=1&b=<2>") {
			h.t.Errorf("kept fields do not come as they were sent: %s", text)
		}
		for query, want := range map[string]int{"?Login=petro": 1, "?Login=nobody": 0, "?Login=petro&Login=olena": 2, "?Login=": 0,
			"?_=1": 2} {
			if list := h.do("GET", "/v1/agents"+query, ""); len(list) != want || want == 1 && list[0]["Login"] != "petro" {
				h.t.Errorf("%s lists %v", query, list)
			}
		}
		if list := h.do("GET", "/v1/agents", ""); len(list) != 2 || list[1]["Login"] != "petro" {
			h.t.Errorf("listed %v", list)
		}
		stored, err := h.store.Agents.AgentByLogin(ctx, "petro")
		h.must(err)
		if ok, err := new(access.Passwords).Verify(ctx, stored.PasswordHash, "correct horse battery"); !ok || err != nil {
			h.t.Error("the password does not open", err)
		}

		// A change changes what it names; what was read may be sent back.
		changed := h.do("PUT", path, `{"Details": "Petro", "RightID": 4, "UserID": 77}`)[0]
		if changed["Details"] != "Petro" || changed["RightID"] != 4.0 || changed["UserID"] != "77" ||
			changed["Domain"] != "creditorro" ||
			len(changed["Queues"].([]any)) != 2 {
			h.t.Errorf("changed %v", changed)
		}
		back, err := json.Marshal(changed)
		h.must(err)
		if again := h.do("PUT", path, string(back))[0]; !reflect.DeepEqual(again, changed) {
			h.t.Errorf("sent back %v, want %v", again, changed)
		}
		if after, _ := h.store.Agents.Agent(ctx, stored.ID); after.PasswordHash != stored.PasswordHash {
			h.t.Error("the password changed")
		}

		// Deletion: logical, then permanent, and not while the agent is logged on.
		h.refused("DELETE", path, "", http.StatusConflict, 106, `"State":0`)
		if off := h.do("PUT", path, `{"State": 0}`)[0]; off["State"] != 0.0 {
			h.t.Errorf("disabled %v", off)
		}
		h.live.mu.Lock()
		h.live.on[stored.ID] = true
		h.live.mu.Unlock()
		h.refused("DELETE", path, "", http.StatusConflict, 106, "logged on")
		h.live.mu.Lock()
		delete(h.live.on, stored.ID)
		h.live.mu.Unlock()
		if got := h.do("DELETE", path, ""); len(got) != 0 {
			h.t.Errorf("deleting answers %v", got)
		}
		h.refused("GET", path, "", http.StatusNotFound, 100, "no such agent")
		h.refused("DELETE", path, "", http.StatusNotFound, 100, "no such agent")
		object := fmt.Sprintf("agent/%d", stored.ID)
		if got, want := h.audited(), []string{"admin agent.create " + object, "admin agent.update " + object,
			"admin agent.update " + object,
			"admin agent.update " + object, "admin agent.delete " + object}; !slices.Equal(got, want) {
			h.t.Errorf("audited %v, want %v", got, want)
		}
	})
}

func TestCopiedAgent(t *testing.T) {
	each(t, func(h *house) {
		for i, from := range []string{fmt.Sprint(h.agent.ID), `"olena"`} {
			made := h.do("POST", "/v1/agents", fmt.Sprintf(`{"Login": "copy%d", "CopyFrom": %s, "Domain": "d"}`, i, from))[0]
			app, _ := made["ClientApp"].(map[string]any)
			if made["UserID"] != "" || made["Details"] != fmt.Sprint("copy", i) || made["AutoCall"] != true || app["StartURL"] == nil ||
				made["Domain"] != "d" || !reflect.DeepEqual(made["Queues"], []any{"Summer", "Winter"}) {
				h.t.Errorf("copy %v", made)
			}
			if g, _ := h.store.Agents.AgentByLogin(ctx, fmt.Sprint("copy", i)); g.PasswordHash != "" {
				h.t.Error("a password was copied")
			}
		}
		h.refused("POST", "/v1/agents", `{"Login": "x", "CopyFrom": 999}`, http.StatusNotFound, 100, "no such agent")
		h.refused("PUT", fmt.Sprintf("/v1/agents/%d", h.agent.ID), `{"CopyFrom": 1}`, http.StatusBadRequest, 100, "CopyFrom")
	})
}

// TestAgentReadChangedAndSent is the copy that integrations make: read one, change three fields, send the whole of it.
func TestAgentReadChangedAndSent(t *testing.T) {
	each(t, func(h *house) {
		_, err := h.store.Agents.ChangeAgent(ctx, h.agent.ID, func(g *agents.Agent) (string, error) {
			g.Username = "olena@example.com"
			return "", nil
		}, "test", now)
		h.must(err)
		model := h.do("GET", fmt.Sprintf("/v1/agents/%d", h.agent.ID), "")[0]
		auto, _ := model["ClientApp"].(map[string]any)["AutoAnswer"].(map[string]any)
		for _, field := range []string{"Domain", "RightID", "SupervisorID", "SupervisorRightID", "DefaultSkill", "PersNumbers"} {
			if _, there := model[field]; !there {
				h.t.Errorf("an agent who was not made here has no %s", field)
			}
		}
		for _, field := range []string{"Predictive", "Manual", "Inbound", "Other", "Time"} {
			if _, there := auto[field]; !there {
				h.t.Errorf("no AutoAnswer.%s: %v", field, model)
			}
		}
		model["Login"], model["Password"], model["Details"] = "petro", "correct horse battery", "petro@example.com"
		body, err := json.Marshal(model)
		h.must(err)
		made := h.do("POST", "/v1/agents", string(body))[0]
		if made["ID"] == model["ID"] || made["UserID"] != "" || made["Username"] != "" || made["Details"] != "petro@example.com" ||
			made["AutoCall"] != true || !reflect.DeepEqual(made["Queues"], model["Queues"]) || !reflect.DeepEqual(made["ClientApp"],
			model["ClientApp"]) {
			h.t.Errorf("copy %v of %v", made, model)
		}
		if list, err := h.store.Agents.AgentsOfUser(ctx, "olena@example.com", "12341"); err != nil || len(list) != 1 ||
			list[0].ID != h.agent.ID {
			h.t.Errorf("the model's user is now %v, %v", list, err)
		}

		// A user of its own is kept.
		model["Login"], model["UserID"] = "ivan", 777
		body, err = json.Marshal(model)
		h.must(err)
		if made := h.do("POST", "/v1/agents", string(body))[0]; made["UserID"] != "777" || made["Username"] != "" {
			h.t.Errorf("copy %v", made)
		}
	})
}

func TestSelf(t *testing.T) {
	each(t, func(h *house) {
		if self := h.as(access.RoleAgent, "GET", "/v1/agents/self", ""); self.Error.Code != http.StatusOK ||
			self.Result[0]["Login"] != "olena" {
			h.t.Errorf("an agent is %s", self.text)
		}
		if self := h.do("GET", "/v1/agents/self", ""); self[0]["Login"] != "admin" || self[0]["ID"] != 0.0 {
			h.t.Errorf("an administrator is %v", self)
		}
	})
}

func TestBatch(t *testing.T) {
	each(t, func(h *house) {
		made := h.do("PATCH", "/v1/extensions", `{"Inserted": [{"E_ID": -1, "DestAddress": "`+connection+
			`"}, {"E_ID": -2, "E_Extension": "b"}, {"E_ID": "-3", "E_Extension": "c"}]}`)
		if len(made) != 3 || made[0]["E_Extension"] != "3444" || made[1]["Destination"] != "SIP:~~b~~~~~~{}" {
			h.t.Fatalf("made %v", made)
		}
		id := func(i int) int { return int(made[i]["E_ID"].(float64)) }
		names := func() (names []string) {
			for _, x := range h.do("GET", "/v1/extensions", "") {
				names = append(names, x["E_Extension"].(string))
			}
			return names
		}
		before := h.audited()
		h.refused("PATCH", "/v1/extensions", fmt.Sprintf(
			`{"Deleted": [{"E_ID": %d}], "Inserted": [{"E_ID": %d, "E_Extension": "x"}, {"E_ID": -1, "E_Extension": "c"}]}`,
			id(0), id(1)), http.StatusConflict, 102, "in use")
		h.refused("PATCH", "/v1/extensions", fmt.Sprintf(
			`{"Deleted": [{"E_ID": %d}], "Inserted": [{"E_ID": %d, "E_Extension": "x"}, {"E_ID": -1, "DestAddress": "SIP:~~3"}]}`,
			id(0), id(1)), http.StatusBadRequest, 100, "Inserted[1]: DestAddress")
		h.refused("PATCH", "/v1/extensions", fmt.Sprintf(`{"Deleted": [{"E_ID": %d}, {"E_ID": 9999}]}`, id(0)), http.StatusNotFound,
			100, "9999")
		if got := names(); !slices.Equal(got, []string{"3444", "b", "c"}) || !slices.Equal(h.audited(), before) {
			h.t.Errorf("refused batches left %v, %v", got, h.audited())
		}
		both := h.do("PATCH", "/v1/extensions", fmt.Sprintf(
			`{"Deleted": [{"E_ID": %d}], "Inserted": [{"E_ID": %d, "E_Description": "two"}, {"E_ID": -1, "E_Extension": "3444"}]}`,
			id(0), id(1)))
		if len(both) != 2 || both[0]["E_Description"] != "two" || !slices.Equal(names(), []string{"b", "c", "3444"}) {
			h.t.Errorf("changed %v, left %v", both, names())
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(h *house) {
		x, err := h.store.Agents.CreateExtension(ctx, agents.Extension{Name: "1", Number: "1", Network: "sip"})
		h.must(err)
		self, extension := fmt.Sprintf("/v1/agents/%d", h.agent.ID), fmt.Sprintf("/v1/extensions/%d", x.ID)
		for _, c := range []struct {
			method, path, body string
			code, details      int
			says               string
		}{
			{"POST", "/v1/agents", ``, 400, 100, "no JSON object"},
			{"POST", "/v1/agents", `[1]`, 400, 100, "no JSON object"},
			{"POST", "/v1/agents", `null`, 400, 100, "object"},
			{"POST", "/v1/agents", `{"Login": "a"} {}`, 400, 100, "follows"},
			{"POST", "/v1/agents", `{}`, 400, 101, "Login"},
			{"POST", "/v1/agents", `{"Login": ""}`, 400, 101, "Login"},
			{"POST", "/v1/agents", `{"Login": " a"}`, 400, 101, "Login"},
			{"POST", "/v1/agents", `{"Login": "a\u0000"}`, 400, 101, "Login"},
			{"POST", "/v1/agents", `{"Login": "` + strings.Repeat("a", 65) + `"}`, 400, 101, "64 bytes"},
			{"POST", "/v1/agents", `{"Login": "olena"}`, 409, 102, "in use"},
			{"POST", "/v1/agents", `{"Login": "a", "ID": "x"}`, 400, 100, "ID"},
			{"GET", "/v1/agents?login=olena", ``, 400, 100, "?Login="},
			{"GET", "/v1/extensions?Name=1", ``, 400, 100, "?E_Extension="},
			{"POST", "/v1/extensions", `{"E_Extension": "2", "DestAddress": "192.0.2.1:99999"}`, 400, 100, "DestAddress"},
			{"POST", "/v1/extensions", `{"E_Extension": "2", "DestAddress": "@192.0.2.1"}`, 400, 100, "DestAddress"},
			{"POST", "/v1/extensions", `{"DestAddress": "1@192.0.2.1", "Destination": "192.0.2.2:5060"}`, 400, 100, "different"},
			{"POST", "/v1/agents", `{"Login": "a", "Password": "short"}`, 400, 100, "8 to 1024"},
			{"POST", "/v1/agents", `{"Login": "a", "Queues": 7}`, 400, 100, "Queues"},
			{"POST", "/v1/agents", `{"Login": "a", "Domain": "` + strings.Repeat("x", 17<<10) + `"}`, 400, 100, "bytes together"},
			{"POST", "/v1/agents", `{"Login": "a", "Domain": "` + strings.Repeat("x", 1<<20) + `"}`, 413, 100, "larger"},
			{"PUT", self, `{"State": 7}`, 400, 100, "State"},
			{"PUT", self, `{"ID": 99}`, 400, 100, "as in the path"},
			{"PUT", "/v1/agents/999", `{"State": 0}`, 404, 100, "no such agent"},
			{"PUT", "/v1/agents/x", `{"State": 0}`, 400, 100, "no id"},
			{"GET", "/v1/agents/0", ``, 400, 100, "no id"},
			{"POST", "/v1/extensions", `{}`, 400, 101, "E_Extension"},
			{"POST", "/v1/extensions", `{"E_Extension": "a b"}`, 400, 101, "blanks"},
			{"POST", "/v1/extensions", `{"E_Extension": "1"}`, 409, 102, "in use"},
			{"POST", "/v1/extensions", `{"E_Extension": "2", "Protocol": "H323"}`, 400, 100, "SIP"},
			{"POST", "/v1/extensions", `{"E_Extension": "2", "Network": "isdn"}`, 400, 100, "Network"},
			{"POST", "/v1/extensions", `{"E_Extension": "2", "Codecs": ["opus"]}`, 400, 100, "g711a"},
			{"POST", "/v1/extensions", `{"DestAddress": "SIP:~~1~~a~~~~{}", "Destination": "SIP:~~2~~a~~~~{}"}`, 400, 100, "different"},
			{"PUT", extension, `{"Destination": "SIP:~~3444~~evil host~~~~{g711a}"}`, 400, 100, "Destination"},
			{"PATCH", "/v1/extensions", `{}`, 400, 100, "1 to 1000"},
			{"PATCH", "/v1/extensions", `{"Deleted": 7}`, 400, 100, "Deleted"},
			{"PATCH", "/v1/extensions", `{"Deleted": [{"E_ID": -1}]}`, 400, 100, "Deleted[0]"},
			{"PATCH", "/v1/extensions", `{"Inserted": [{"E_ID": 0}]}`, 400, 100, "Inserted[0]"},
			{"PATCH", "/v1/extensions", `{"Inserted": [null]}`, 400, 100, "Inserted[0]"},
			{"PATCH", "/v1/extensions", `{"Updated": []}`, 400, 100, "Updated"},
			{"PATCH", "/v1/extensions", `{"Deleted": [` + strings.Repeat(`{"E_ID":1},`, 1000) + `{"E_ID":1}]}`, 400, 100, "1 to 1000"},
			{"PATCH", "/v1/agents", `{}`, 405, 105, "GET, POST"},
			{"GET", "/v1/queues", ``, 404, 105, "/v1/agents"},
		} {
			h.refused(c.method, c.path, c.body, c.code, c.details, c.says)
		}
		if got := h.audited(); len(got) != 0 {
			h.t.Errorf("refusals are audited as deeds: %v", got)
		}
	})
}

func TestPermissions(t *testing.T) {
	each(t, func(h *house) {
		for _, path := range []string{"/v1/agents", "/v1/agents/1", "/v1/extensions", "/v1/extensions/1"} {
			for _, role := range []access.Role{access.RoleAgent, access.RoleSupervisor, access.RoleCRM} {
				if r := h.as(role, "GET", path, ""); r.Error.Code != http.StatusForbidden || r.Error.Details != 103 {
					h.t.Errorf("%s at %s: %s", role, path, r.text)
				}
			}
			if r := h.as("", "GET", path, ""); r.Error.Code != http.StatusUnauthorized || r.Error.Details != 103 {
				h.t.Errorf("nobody at %s: %s", path, r.text)
			}
			cookie, err := http.NewRequestWithContext(ctx, "GET", h.url+path, nil)
			h.must(err)
			cookie.AddCookie(h.cookie)
			if r := h.send(cookie); r.Error.Code != http.StatusUnauthorized {
				h.t.Errorf("a cookie at %s: %s", path, r.text)
			}
			cookie.Header.Set("Authorization", "Bearer rmt_guessed")
			if r := h.send(cookie); r.Error.Code != http.StatusUnauthorized {
				h.t.Errorf("a guess at %s: %s", path, r.text)
			}
		}
	})
}
