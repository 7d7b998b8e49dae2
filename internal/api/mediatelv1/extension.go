package mediatelv1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/creditorro/ringmaster/agents"
)

// extensionFields are ours; every other field of an extension is kept for the caller: Protocol, E_Type, E_Description,
// E_DialOutIdentities, ContactDisplay, ConnectionType, DTMFSupport, FromDisplay, Payload and whatever else comes. So are
// DestAddress, Destination and Codecs, in the words in which they were said, for as long as they say what is so.
var extensionFields = []string{"E_ID", "E_Extension", "Network", "Options", "NailedUp", "AgentID"}

func (a *administration) showExtension(x agents.Extension) any {
	flag := map[bool]int{true: 1}
	defaults := maps.Clone(extensionDefaults)
	defaults["DestAddress"] = text(a.PrintConnection(x))
	defaults["Destination"] = defaults["DestAddress"]
	defaults["Codecs"], _ = plain(append([]string{}, x.Codecs...)) // strings cannot fail
	return shown(a.saidOf(x), defaults, map[string]any{
		"E_ID": x.ID, "E_Extension": x.Name, "Network": x.Network, "Options": flag[x.Options],
		"NailedUp": flag[x.NailedUp], "AgentID": x.OwnerID,
	})
}

func (a *administration) showExtensions(list []agents.Extension, err error) ([]any, error) {
	result := make([]any, 0, len(list))
	for _, x := range list {
		result = append(result, a.showExtension(x))
	}
	return result, err
}

// listExtensions lists all, or those with the names of ?E_Extension=.
func (a *administration) listExtensions(ctx context.Context, r request) ([]any, error) {
	wanted, err := r.filter("E_Extension")
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Extensions(ctx)
	return a.showExtensions(slices.DeleteFunc(list, func(x agents.Extension) bool {
		return wanted != nil && !slices.Contains(wanted, x.Name)
	}), err)
}

func (a *administration) readExtension(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	return one(a.showExtension)(a.Store.Extension(ctx, id))
}

func (a *administration) addExtension(ctx context.Context, r request) ([]any, error) {
	if id, err := r.body.number("E_ID"); err != nil || id > 0 {
		return nil, invalid("E_ID: a new extension is given its own: leave it out, or send -1")
	}
	return a.edit(ctx, r, nil, []int64{-1}, []fields{r.body})
}

// changeExtension changes the fields that are sent and no others.
func (a *administration) changeExtension(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	if sent, err := r.body.number("E_ID"); err != nil || sent != 0 && sent != id {
		return nil, invalid("E_ID: want %d, as in the path, or none", id)
	}
	return a.edit(ctx, r, nil, []int64{id}, []fields{r.body})
}

func (a *administration) deleteExtension(ctx context.Context, r request) ([]any, error) {
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	if _, err := a.edit(ctx, r, []int64{id}, nil, nil); err != nil {
		return nil, err
	}
	return nil, nil
}

// changeExtensions is the batch of the supervisor's tool: all of it, or nothing. It returns what was changed and made.
func (a *administration) changeExtensions(ctx context.Context, r request) ([]any, error) {
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

func (a *administration) edit(ctx context.Context, r request, deleted, changed []int64, changes []fields) ([]any, error) {
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
func (a *administration) apply(f fields, x *agents.Extension) (err error) {
	isNew := x.ID == 0
	if isNew {
		x.Network, x.Options = a.Network, true
	}
	before := *x
	if f.has("Codecs") {
		if x.Codecs, err = f.codecs(); err != nil {
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
	if f.has("NailedUp") {
		if x.NailedUp, err = f.flag("NailedUp"); err != nil {
			return err
		}
	}
	if x.Profile, err = merge(x.Profile, f, extensionFields); err != nil {
		return err
	}
	x.Profile = a.saidOf(*x)
	return nil
}

// rings says whether any field was sent by which the phone is reached. What was stored otherwise is not refused for them.
func (f fields) rings() bool {
	return f.has("E_Extension") || f.has("Codecs") || f.has("DestAddress") || f.has("Destination")
}
