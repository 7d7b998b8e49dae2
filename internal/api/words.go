package api

import (
	"errors"
	"strings"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/webhook"
)

// sayable are errors whose own text, without its package, says to people what is the matter.
var sayable = []error{
	agents.ErrNoAgent, agents.ErrNoExtension, agents.ErrNameTaken, agents.ErrAgentIsLoggedIn, agents.ErrExtensionIsOwned, agents.ErrExtensionTaken,
	agents.ErrNoExtensionFree, agents.ErrCodeTooLate, access.ErrNoUser, access.ErrNoToken, access.ErrAdminThere, webhook.ErrNoEndpoint,
	webhook.ErrNoSecret, webhook.ErrPresentSecret, webhook.ErrTooManySecrets, webhook.ErrTooManyEndpoints,
}

// Words are what people are told of an error; empty: nothing of it is for them. The names of packages, and what an error went through
// on its way here, are for the log.
func Words(err error) string {
	var fact interface{ Told() string }
	if errors.As(err, &fact) {
		return fact.Told()
	}
	for _, known := range sayable {
		if errors.Is(err, known) {
			return withoutPackage(known)
		}
	}
	return ""
}

// withoutPackage is the text of an error that one of the rooms has made for people.
func withoutPackage(err error) string {
	text := err.Error()
	for _, room := range []string{"access: ", "agents: ", "campaigns: ", "webhook: "} {
		if rest, found := strings.CutPrefix(text, room); found {
			return rest
		}
	}
	return text
}

// upper begins a sentence.
func upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// things are what paths are about, by what stands before the id.
var things = map[string]string{"campaigns": "campaign", "contacts": "contact", "attempts": "attempt", "callbacks": "contact", "webhooks": "webhook",
	"deliveries": "delivery", "events": "event", "event-schemas": "type of events", "users": "user", "tokens": "token", "agents": "agent"}

// noSuch says what is not there, of a request for a path.
func noSuch(path string, err error) string {
	if text := Words(err); text != "" {
		return upper(text) + "."
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, prefix+"/"), "/")
	if thing := things[first]; thing != "" {
		return "There is no such " + thing + "."
	}
	return "There is no such thing."
}

// readable says what is wrong with a body in words that do not depend on the program that reads it.
func readable(message string) string {
	if strings.HasPrefix(message, "json: ") || strings.Contains(message, "Go struct") || strings.Contains(message, "Go value") {
		return "a value is not of the type that is described, or too large for it"
	}
	return message
}
