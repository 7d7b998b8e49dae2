package gateway

import (
	"testing"

	"github.com/creditorro/ringmaster/agents"
	wire "github.com/creditorro/ringmaster/internal/mediatelwire"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// TestAnAgentsLanguage: what a tab is told follows the agent's language, also one that is set while the tab is open, and else the
// server's.
func TestAnAgentsLanguage(t *testing.T) {
	h := newHouse(t, "", func(d *Deps) { d.Language = "ru" })
	must(t, h.store.change(2001, func(a *agents.Agent) { a.Language = "uk" }))
	unknownQueue := wire.Command{Type: wire.MakeCall, PhoneNumber: "+447700900123", QueueName: "NONE"}
	refused := func(p *page, want string) {
		t.Helper()
		if s := p.answered(unknownQueue); s.CallErrorID == "" || s.CallError != want {
			t.Errorf("told %q %q, want %q", s.CallErrorID, s.CallError, want)
		}
	}
	p, other := h.login(1), h.login(2)
	refused(p, `Черги «NONE» немає: оберіть одну з AUTO_1, MANUAL_1`)
	refused(other, `Очереди «NONE» нет: выберите одну из AUTO_1, MANUAL_1`)
	must(t, h.roster.SetLanguage(t.Context(), 2001, "en"))
	testdeps.Eventually(t, "the session hears of it", func() bool {
		return p.answered(unknownQueue).CallError == `There is no queue “NONE”: choose one of AUTO_1, MANUAL_1`
	})
	must(t, h.roster.SetLanguage(t.Context(), 2007, "uk")) // who is logged off finds it at the login
}
