package access

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Origins is the list of web origins whose pages may act with a user's cookie.
type Origins struct{ allowed map[string]bool }

// NewOrigins takes origins such as "https://crm.example.com"; a request's own origin is always allowed.
func NewOrigins(allowed []string) (Origins, error) {
	o := Origins{allowed: map[string]bool{}}
	for _, a := range allowed {
		u, err := url.Parse(a)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			return Origins{}, fmt.Errorf("access: origin %q: want scheme://host[:port] and nothing after it", a)
		}
		o.allowed[strings.ToLower(a)] = true
	}
	return o, nil
}

// Allows says whether a request that a cookie speaks for may be answered. Browsers name the origin of everything but plain
// navigation; a request that could change something and names none is taken only if the browser calls it its own.
func (o Origins) Allows(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		safe := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Upgrade") == ""
		return safe || r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	if o.allowed[strings.ToLower(origin)] {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
