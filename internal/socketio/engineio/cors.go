package engineio

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// apply sets the CORS headers of a reply and reports whether the request's origin may speak to the server.
func (o *CORSOptions) apply(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	if len(o.Origins) > 0 || o.Allow != nil {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	anyOrigin := slices.Contains(o.Origins, "*")
	switch {
	case o.Allow != nil:
		if !o.Allow(r) {
			return false
		}
	case !anyOrigin && !slices.ContainsFunc(o.Origins, func(a string) bool { return strings.EqualFold(a, origin) }):
		return sameHost(origin, r.Host)
	}
	if anyOrigin && !o.Credentials {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	if o.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method != http.MethodOptions {
		return true
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		h.Set("Access-Control-Allow-Headers", wanted)
	}
	if o.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(o.MaxAge.Seconds())))
	}
	return true
}

// sameHost tells whether an Origin header names the host that was asked.
func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}
