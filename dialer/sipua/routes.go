package sipua

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// route is an entry of a dialog's route set: as the far end wrote it, for it must come back whole (RFC 3261, section 12.2.1.1).
type route struct {
	text string
	uri  sip.Uri
}

// maxRoutes bounds a route set.
const maxRoutes = 10

// routesOf is the route set that a 2xx to our INVITE makes: its Record-Route headers, last one first. An entry that is no address
// is left out: nothing could be sent there.
func routesOf(res *sip.Response) (routes []route) {
	for h := range headersOf(res, "Record-Route") {
		for _, text := range splitList(h.Value()) {
			r := route{text: text}
			_, address, found := strings.Cut(text, "<")
			address, _, closed := strings.Cut(address, ">")
			if !found || !closed || sip.ParseUri(address, &r.uri) != nil || r.uri.Host == "" || len(routes) == maxRoutes {
				continue
			}
			routes = append([]route{r}, routes...)
		}
	}
	return routes
}

// splitList parts a header's values at the commas that stand neither in quotes nor in an address.
func splitList(s string) (values []string) {
	quoted, inside, from := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			inside = true
		case c == '>':
			inside = false
		case c == ',' && !inside:
			values, from = append(values, strings.TrimSpace(s[from:i])), i+1
		}
	}
	return append(values, strings.TrimSpace(s[from:]))
}

// routed is where a request in the dialog is addressed to and its Route headers. A first proxy without "lr" is a strict one: it
// wants its own address there, and the target last. The caller holds d.mu.
func (d *dialog) routed() (to sip.Uri, headers []sip.Header) {
	to = d.target
	routes := d.routes
	if len(routes) > 0 && !routes[0].uri.UriParams.Has("lr") {
		to = *routes[0].uri.Clone()
		routes = append(routes[1:len(routes):len(routes)], route{text: "<" + d.target.String() + ">"})
	}
	for _, r := range routes {
		headers = append(headers, sip.NewHeader("Route", r.text))
	}
	return to, headers
}

// headerParsers are sipgo's but for Record-Route, which is kept as it was written.
func headerParsers() map[string]sip.HeaderParser {
	parsers := map[string]sip.HeaderParser{}
	for name, p := range sip.DefaultHeadersParser() {
		if name != "record-route" {
			parsers[name] = p
		}
	}
	return parsers
}
