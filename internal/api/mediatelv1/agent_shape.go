package mediatelv1

import (
	"encoding/json"
	"maps"

	"github.com/creditorro/ringmaster/agents"
)

// agentFields are ours; every other field of an agent is kept for the caller: Domain, RightID, SupervisorID,
// SupervisorRightID, DefaultSkill, PersNumbers, ClientApp and whatever else comes.
var agentFields = []string{
	"ID", "Login", "Password", "Details", "State", "CopyFrom", "Queues", "UserID", "Username", "AutoCall", "Extension", "Language",
}

// agentDefaults are the fields that Mediatel's agents have and nobody has set, as on an agent made by the command line or the
// single sign-on: callers read ClientApp.AutoAnswer.Manual of every agent, and copy what they read.
var agentDefaults = fields{
	"Domain": text(""), "RightID": zero, "SupervisorID": zero, "SupervisorRightID": zero, "DefaultSkill": zero,
	"PersNumbers": json.RawMessage(`[]`),
	"ClientApp": json.RawMessage(`{"AutoAnswer":{"Predictive":1,"Manual":1,"Inbound":1,"Other":1,"Time":0},"TimeForDialOut":0,` +
		`"ClericalReminder":0,"StartURL":""}`),
}

// extensionDefaults are the same of an extension.
var extensionDefaults = fields{
	"Protocol": text("SIP"), "E_Type": text(""), "E_Description": text(""), "E_DialOutIdentities": text(""),
	"ContactDisplay": text(""),
	"ConnectionType": text(""), "DTMFSupport": text(""), "FromDisplay": text(""), "Payload": text(""),
}

var zero = json.RawMessage(`0`)

// text is a string as JSON.
func text(s string) json.RawMessage {
	t, _ := plain(s) // strings cannot fail
	return t
}

// showAgent leaves the password out, as everything does.
func showAgent(g agents.Agent) any {
	state := 1
	if g.Disabled {
		state = 0
	}
	return shown(g.Profile, agentDefaults, map[string]any{
		"ID": g.ID, "Login": g.Login, "Details": g.Name, "State": state, "Queues": append([]string{}, g.Queues...), "UserID": g.UserID,
		"Username": g.Username, "AutoCall": g.AutoCall, "Extension": g.Extension, "Language": g.Language,
	})
}

// shown is a thing in a reply: what is kept for others, completed by the defaults, and over it what is ours.
func shown(profile json.RawMessage, defaults fields, ours map[string]any) map[string]any {
	var kept fields
	if json.Unmarshal(profile, &kept) != nil || kept.dropSecrets() != nil { // what merge wrote, or a merge that knew fewer names
		kept = nil
	}
	complete, _ := completed(kept, defaults)
	all := map[string]any{}
	for name, value := range complete {
		all[name] = value
	}
	maps.Copy(all, ours)
	return all
}

// completed adds the defaults that are missing, in objects within objects too, and says whether any were. What is there stays as
// it came.
func completed(sent, defaults fields) (all fields, added bool) {
	all = maps.Clone(sent)
	if all == nil {
		all = fields{}
	}
	for name, value := range defaults {
		was, there := all[name]
		if !there {
			all[name], added = value, true
			continue
		}
		var inner, wanted fields
		if json.Unmarshal(value, &wanted) != nil || json.Unmarshal(was, &inner) != nil || inner == nil {
			continue
		}
		if inner, changed := completed(inner, wanted); changed {
			if whole, err := plain(inner); err == nil {
				all[name], added = whole, true
			}
		}
	}
	return all, added
}
