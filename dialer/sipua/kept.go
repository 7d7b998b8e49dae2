package sipua

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/dialer"
)

// keptTalk is what of a talk outlives its process: enough to speak inside its dialogs again (RFC 3261, section 12). The far ends
// and their route sets are those of the answer.
type keptTalk struct {
	Customer keptDialog  `json:"customer"`
	Agent    *keptDialog `json:"agent,omitempty"` // nil: its connection, a browser's above all, is lost with the process
}

type keptDialog struct {
	CallID    string   `json:"call_id"`
	Tag       string   `json:"tag"` // ours
	RemoteTag string   `json:"remote_tag"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Target    string   `json:"target"`
	Routes    []string `json:"routes,omitempty"` // as the far end wrote them
	CSeq      uint32   `json:"cseq"`             // ours

	Transport string `json:"transport"`
	Addr      string `json:"addr"`
	IPv6      bool   `json:"ipv6,omitempty"`
	Self      string `json:"self,omitempty"`
	Trunk     string `json:"trunk,omitempty"`  // whose user and certificates hold
	Server    string `json:"server,omitempty"` // of an extension that is registered elsewhere: likewise
}

// keptCSeq is how far the next life's numbers are ahead of the kept one: a long talk is refreshed often, and a lower number than
// seen is an old request to the far end.
const keptCSeq = 100_000

// keptAsk is how long the far end may take to say whether it knows the dialog.
const keptAsk = 2 * time.Second

// keep describes the talk for the next life of the process.
func (c *call) keep() string {
	k := keptTalk{Customer: c.customer.keep()}
	k.Customer.Trunk = c.slot.t.Name
	if c.agent != nil && c.agent.outlives() {
		agent := c.agent.keep()
		agent.Server = c.extension.Server
		k.Agent = &agent
	}
	text, err := json.Marshal(k)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

func (d *dialog) keep() keptDialog {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := keptDialog{CallID: d.callID, Tag: d.tag, RemoteTag: d.remoteTag, From: text(&d.from), To: text(&d.to),
		Target: text(&d.target),
		CSeq:   d.cseq, Transport: d.hop.transport, Addr: d.hop.addr, IPv6: d.hop.ipv6, Self: d.hop.self}
	for _, r := range d.routes {
		k.Routes = append(k.Routes, r.text)
	}
	return k
}

// text writes an address in one piece; its own String grows a string of many.
func text(uri *sip.Uri) string {
	var b strings.Builder
	b.Grow(64)
	uri.StringWrite(&b)
	return b.String()
}

// restore makes a dialog of what was kept of it, to be ended.
func (n *Network) restore(k keptDialog) (*dialog, error) {
	w := way{hop: hop{transport: k.Transport, addr: k.Addr, ipv6: k.IPv6, self: k.Self}}
	if i := slices.IndexFunc(n.trunks, func(t *trunk) bool { return t.Name == k.Trunk }); k.Trunk != "" && i >= 0 {
		t := n.trunks[i]
		w.hop.security = t.security
		if t.Username != "" {
			w.cred = &credentials{t.Username, t.Password}
		}
	} else if s := n.server(k.Server); k.Server != "" && s.Username != "" {
		w.cred = &credentials{s.Username, s.Password}
	}
	d := n.newDialog(k.CallID, k.Tag, w)
	d.remoteTag, d.cseq, d.state = k.RemoteTag, k.CSeq+keptCSeq, confirmed
	for _, kept := range []struct {
		text string
		uri  *sip.Uri
	}{{k.From, &d.from}, {k.To, &d.to}, {k.Target, &d.target}} { // a phone's address may be both of the last
		if err := sip.ParseUri(kept.text, kept.uri); err != nil {
			return nil, fmt.Errorf("sipua: kept talk: %w", err)
		}
	}
	for _, text := range k.Routes {
		res := sip.NewResponse(sip.StatusOK, "OK")
		res.AppendHeader(sip.NewHeader("Record-Route", text))
		d.routes = append(d.routes, routesOf(res)...)
	}
	return d, nil
}

// End implements [dialer.Ender]: the customer's far end is asked whether it still knows the dialog, and hung up if it does.
func (n *Network) End(ctx context.Context, text string) (wentOn bool, err error) {
	select {
	case <-n.ready:
	case <-ctx.Done():
		return false, fmt.Errorf("sipua: the network does not run yet: %w", ctx.Err())
	}
	var k keptTalk
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return false, fmt.Errorf("sipua: kept talk: %w", err)
	}
	d, err := n.restore(k.Customer)
	if err != nil {
		return false, err
	}
	if k.Agent != nil {
		if a, err := n.restore(*k.Agent); err == nil {
			a.bye()
		}
	}
	asking, stop := context.WithTimeout(ctx, keptAsk)
	res, err := d.request(asking, sip.OPTIONS)
	stop()
	// some say nothing to OPTIONS, some know every dialog
	if err != nil || res.StatusCode != sip.StatusCallTransactionDoesNotExists {
		if res, err = d.request(ctx, sip.BYE); err != nil {
			return false, fmt.Errorf("sipua: BYE in a kept dialog: %w", err)
		}
	}
	switch {
	case res.StatusCode == sip.StatusCallTransactionDoesNotExists:
		return false, nil
	case !res.IsSuccess():
		return false, fmt.Errorf("sipua: BYE in a kept dialog: %d %s", res.StatusCode, clean(res.Reason))
	}
	return true, nil
}

var _ dialer.Ender = (*Network)(nil)
