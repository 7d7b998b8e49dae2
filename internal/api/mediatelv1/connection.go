package mediatelv1

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/creditorro/ringmaster/agents"
)

// destinations are the fields that say where a phone rings.
var destinations = []string{"DestAddress", "Destination"}

// nowhere is how Mediatel's administration says that a field adds nothing to the others.
const nowhere = "~"

// destination is what one of them says. What it does not say stays as it is.
type destination struct {
	number, server   string
	codecs           []string
	hasServer, whole bool // whole: a connection string, which says all
}

// readDestination reads "", "~", a number, HOST:PORT, NUMBER@HOST[:PORT], the same after "sip:", or a connection string
// SIP:~~NUMBER~~SERVER~~~~{g711a, g711u}. A name with a dot in it is a host's, for numbers have none.
func (a *administration) readDestination(said string) (destination, bool) {
	said = strings.TrimSpace(said)
	if said == "" || said == nowhere {
		return destination{}, true
	}
	if strings.Contains(said, "~~") {
		x, err := a.ParseConnection(said)
		return destination{x.Number, x.Server, x.Codecs, true, true}, err == nil
	}
	if scheme, rest, found := strings.Cut(said, ":"); found && strings.EqualFold(scheme, "sip") {
		said = rest
	}
	number, server, both := strings.Cut(said, "@")
	if !both && strings.ContainsAny(said, ".:") {
		number, server = "", said
	}
	d := destination{number: number, server: server, hasServer: server != ""}
	if both && (number == "" || server == "") {
		return d, false
	}
	if number == "" {
		number = "0" // any: the server alone is looked at
	}
	_, err := a.ParseConnection(a.PrintConnection(agents.Extension{Number: number, Server: server}))
	return d, err == nil
}

// fits says whether a destination says nothing else than what is so.
func (d destination) fits(x agents.Extension) bool {
	if d.whole {
		return d.number == x.Number && d.server == x.Server && slices.Equal(d.codecs, x.Codecs)
	}
	return (d.number == "" || d.number == x.Number) && (!d.hasServer || d.server == x.Server)
}

// connection reads where the phone rings. Clients send back what they have read, so that a text which says what was said before
// changes nothing.
func (a *administration) connection(f fields, before agents.Extension, x *agents.Extension) error {
	if protocol, err := f.text("Protocol", 20); err != nil || protocol != "" && !strings.EqualFold(protocol, "SIP") {
		return invalid("Protocol: want SIP")
	}
	shown, _ := a.showExtension(before).(map[string]any)
	var found destination
	for _, name := range destinations {
		if !f.has(name) {
			continue
		}
		said, err := f.text(name, 500)
		if err != nil {
			return err
		}
		was, _ := shown[name].(json.RawMessage)
		if before.ID != 0 && said == asText(was) {
			continue
		}
		d, ok := a.readDestination(said)
		if !ok {
			return invalid("%s: want SIP:~~NUMBER~~SERVER~~~~{g711a, g711u}, HOST:PORT, NUMBER@HOST:PORT, a number or ~", name)
		}
		if said == "" || said == nowhere {
			a.withdraw(asText(was), before, x)
			continue
		}
		if (found.number != "" && d.number != "" && found.number != d.number) ||
			(found.hasServer && d.hasServer && found.server != d.server) {
			return invalid("DestAddress and Destination say different things: send one of them")
		}
		if d.number != "" {
			found.number, x.Number = d.number, d.number
		}
		if d.hasServer {
			found.hasServer, found.server, x.Server = true, d.server, d.server
		}
		if d.whole {
			x.Codecs = d.codecs
		}
	}
	return nil
}

// withdraw takes back what a field alone had said of an extension that is there and now says nothing: its server, or its number,
// which is then the name. A connection string that was only shown was not said.
func (a *administration) withdraw(was string, before agents.Extension, x *agents.Extension) {
	d, ok := a.readDestination(was)
	if !ok || before.ID == 0 || d.whole {
		return
	}
	if d.hasServer && x.Server == d.server {
		x.Server = ""
	}
	if d.number != "" && x.Number == d.number {
		x.Number = ""
	}
}

// saidOf is what is kept of an extension, without what is no longer so of its destination and codecs.
func (a *administration) saidOf(x agents.Extension) json.RawMessage {
	var kept fields
	if json.Unmarshal(x.Profile, &kept) != nil || kept == nil {
		return x.Profile
	}
	for _, name := range destinations {
		said, there := kept[name]
		if d, ok := a.readDestination(asText(said)); there && (!ok || !d.fits(x)) {
			delete(kept, name)
		}
	}
	if _, there := kept["Codecs"]; there {
		if list, err := kept.codecs(); err != nil || !slices.Equal(list, x.Codecs) && len(list)+len(x.Codecs) > 0 {
			delete(kept, "Codecs")
		}
	}
	if len(kept) == 0 {
		return nil
	}
	profile, err := plain(kept)
	if err != nil {
		return x.Profile
	}
	return profile
}

// codecs reads a list of codecs, or one text: "g711a, g711u", also in braces; null and "" say none.
func (f fields) codecs() ([]string, error) {
	if !f.has("Codecs") {
		return []string{}, nil
	}
	return f.texts("Codecs", 8)
}

// asText is a JSON text or number as a string; "" for everything else.
func asText(value json.RawMessage) string {
	s, _ := fields{"": value}.text("", 500)
	return s
}
