package mediatelv1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/creditorro/ringmaster/agents"
)

// extensionFields are ours; every other field of an extension is kept for the caller: E_Type, E_Description,
// E_DialOutIdentities, ContactDisplay, ConnectionType, DTMFSupport, FromDisplay, Payload and whatever else comes.
var extensionFields = []string{
	"E_ID", "E_Extension", "Protocol", "DestAddress", "Destination", "Codecs", "Network", "Options", "AgentID",
}

func (a *api) showExtension(x agents.Extension) any {
	connection := a.PrintConnection(x)
	options := 0
	if x.Options {
		options = 1
	}
	return shown(x.Profile, map[string]any{
		"E_ID": x.ID, "E_Extension": x.Name, "Protocol": "SIP", "DestAddress": connection, "Destination": connection,
		"Codecs": append([]string{}, x.Codecs...), "Network": x.Network, "Options": options, "AgentID": x.OwnerID,
	})
}

func (a *api) showExtensions(list []agents.Extension, err error) ([]any, error) {
	result := make([]any, 0, len(list))
	for _, x := range list {
		result = append(result, a.showExtension(x))
	}
	return result, err
}

func (a *api) listExtensions(ctx context.Context, _ request) ([]any, error) {
	return a.showExtensions(a.Store.Extensions(ctx))
}

func (a *api) readExtension(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	return one(a.showExtension)(a.Store.Extension(ctx, id))
}

func (a *api) addExtension(ctx context.Context, r request) ([]any, error) {
	if id, err := r.body.number("E_ID"); err != nil || id > 0 {
		return nil, invalid("E_ID: a new extension is given its own: leave it out, or send -1")
	}
	return a.edit(ctx, r, nil, []int64{-1}, []fields{r.body})
}

// changeExtension changes the fields that are sent and no others.
func (a *api) changeExtension(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	if sent, err := r.body.number("E_ID"); err != nil || sent != 0 && sent != id {
		return nil, invalid("E_ID: want %d, as in the path, or none", id)
	}
	return a.edit(ctx, r, nil, []int64{id}, []fields{r.body})
}

func (a *api) deleteExtension(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	if _, err := a.edit(ctx, r, []int64{id}, nil, nil); err != nil {
		return nil, err
	}
	return []any{map[string]any{"E_ID": id}}, nil
}

// changeExtensions is the batch of the supervisor's tool: all of it, or nothing. It answers what was changed and made.
func (a *api) changeExtensions(ctx context.Context, r request) ([]any, error) {
	deletions, err := r.body.objects("Deleted")
	if err != nil {
		return nil, err
	}
	changes, err := r.body.objects("Inserted")
	if err != nil {
		return nil, err
	}
	for name := range r.body {
		if name != "Deleted" && name != "Inserted" {
			return nil, invalid(`%.40q: want {"Deleted":[{"E_ID":1}],"Inserted":[{"E_ID":-1,…}]}`, name)
		}
	}
	if n := len(deletions) + len(changes); n == 0 || n > maxBatch {
		return nil, invalid("%d changes: want 1 to %d", n, maxBatch)
	}
	deleted, changed := make([]int64, len(deletions)), make([]int64, len(changes))
	for i, f := range deletions {
		if deleted[i], err = f.number("E_ID"); err != nil || deleted[i] < 1 {
			return nil, invalid("Deleted[%d].E_ID: want a number above 0", i)
		}
	}
	for i, f := range changes {
		if changed[i], err = f.number("E_ID"); err != nil || changed[i] == 0 {
			return nil, invalid("Inserted[%d].E_ID: want -1 or less to add, a number above 0 to change", i)
		}
	}
	return a.edit(ctx, r, deleted, changed, changes)
}

// objects reads a list of objects; none when it was not sent.
func (f fields) objects(name string) ([]fields, error) {
	var list []fields
	if f.has(name) && json.Unmarshal(f[name], &list) != nil {
		return nil, invalid("%s: want a list of objects", name)
	}
	for i, item := range list {
		if err := item.check(); err != nil {
			return nil, invalid("%s[%d]: want an object of at most %d fields", name, i, maxFields)
		}
	}
	return list, nil
}

func (a *api) edit(ctx context.Context, r request, deleted, changed []int64, changes []fields) ([]any, error) {
	return a.showExtensions(a.Store.ChangeExtensions(ctx, deleted, changed, func(i int, x *agents.Extension) error {
		err := a.apply(changes[i], x)
		var told refusal
		if errors.As(err, &told) && len(changed) > 1 {
			told.message = fmt.Sprintf("Inserted[%d]: %s", i, told.message)
			return told
		}
		return err
	}, r.user.Login, a.Now()))
}

// apply changes one extension as it is asked; the zero one is new.
func (a *api) apply(f fields, x *agents.Extension) (err error) {
	isNew := x.ID == 0
	if isNew {
		x.Network, x.Options = a.Network, true
	}
	before := a.PrintConnection(*x)
	if f.has("Codecs") {
		if x.Codecs, err = f.texts("Codecs", 8); err != nil {
			return err
		}
	}
	if err := a.connection(f, before, x); err != nil {
		return err
	}
	if f.has("E_Extension") {
		if x.Name, err = f.name("E_Extension", false); err != nil {
			return err
		}
	} else if isNew {
		x.Name = x.Number
	}
	if x.Name == "" {
		return badName("E_Extension: want 1 to 64 bytes without blanks")
	}
	if x.Number == "" {
		x.Number = x.Name
	}
	if _, err := a.ParseConnection(a.PrintConnection(*x)); err != nil && f.rings() {
		return invalid("an extension rings at a number on a server, with codecs g711a, g711u: %s does not", a.PrintConnection(*x))
	}
	if f.has("Network") {
		network, err := f.text("Network", 20)
		if err != nil || network != "sip" && network != "simulated" && network != "mediatel" {
			return invalid("Network: want sip, simulated or mediatel")
		}
		x.Network = network
	}
	if f.has("Options") {
		if x.Options, err = f.flag("Options"); err != nil {
			return err
		}
	}
	x.Profile, err = merge(x.Profile, f, extensionFields)
	return err
}

// rings says whether any field was sent by which the phone is reached. What was stored otherwise is not refused for them.
func (f fields) rings() bool {
	return f.has("E_Extension") || f.has("Codecs") || f.has("DestAddress") || f.has("Destination")
}

// connection reads where the phone rings: a connection string in DestAddress or Destination, or a number alone. Clients send
// back what they have read, so that a text which says what was so before changes nothing.
func (a *api) connection(f fields, before string, x *agents.Extension) error {
	if protocol, err := f.text("Protocol", 20); err != nil || protocol != "" && !strings.EqualFold(protocol, "SIP") {
		return invalid("Protocol: want SIP")
	}
	found := ""
	for _, name := range []string{"DestAddress", "Destination"} {
		text, err := f.text(name, 500)
		if err != nil {
			return err
		}
		if text == "" || text == before || text == found {
			continue
		}
		if found != "" {
			return invalid("DestAddress and Destination say different things: send one of them")
		}
		found = text
		number := !strings.Contains(text, "~~")
		if number {
			text = a.PrintConnection(agents.Extension{Number: text})
		}
		parsed, err := a.ParseConnection(text)
		if err != nil {
			return invalid("%s: want SIP:~~NUMBER~~SERVER~~~~{g711a, g711u}, or a number", name)
		}
		if x.Number = parsed.Number; !number {
			x.Server, x.Codecs = parsed.Server, parsed.Codecs
		}
	}
	return nil
}
