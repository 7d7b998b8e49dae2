package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ErrStranger is how a [Site.Who] says that nobody is signed in. Any other error means that nobody could be asked.
var ErrStranger = errors.New("web: nobody is signed in")

// Site is the pages that people work in, at their addresses: the console at /, the agent's desk at /agent, and the doors to both.
type Site struct {
	// Who says which role the visitor has; "" is somebody who is signed in and has none here. ErrStranger: nobody is signed in.
	Who    func(r *http.Request) (role string, err error)
	Frames []string          // origins of the pages that the desk may show as a customer's card
	SignOn string            // where single sign-on begins; empty: there is none
	Data   map[string]string // more that pages are told, as the demo does
	Failed func(error)       // is told why nobody could be asked; nil: nobody is
}

// Routes are the site's pages by pattern. Those behind the door say so in roles.
func (s Site) Routes() (map[string]http.Handler, error) {
	routes := map[string]http.Handler{"/assets/": Assets()}
	data := maps.Clone(s.Data)
	if data == nil {
		data = map[string]string{}
	}
	data["frames"] = strings.Join(s.Frames, " ")
	if s.SignOn != "" {
		data["sign-on"] = s.SignOn
	}
	denied, err := Page{Name: "denied", Data: data}.Handler()
	if err != nil {
		return nil, err
	}
	for _, p := range []struct {
		pattern, name string
		roles         []string // none: everybody
	}{
		{"GET /{$}", "console", []string{"supervisor", "admin"}},
		{"GET /agent", "desk", []string{"agent"}},
		{"GET /sign-in", "sign-in", nil},
		{"GET /first-admin", "first-admin", nil},
	} {
		page := Page{Name: p.name, Data: data}
		if p.name == "desk" {
			page.Frames = s.Frames
		}
		h, err := page.Handler()
		if err != nil {
			return nil, err
		}
		if p.roles != nil {
			h = s.door(p.roles, h, denied)
		}
		routes[p.pattern] = h
	}
	return routes, nil
}

// door lets those of the roles in, sends strangers to the page where they sign in, and tells the others that this page is not
// theirs.
func (s Site) door(roles []string, page, denied http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		role, err := s.Who(r)
		w.Header().Add("Vary", "Cookie")
		switch {
		case errors.Is(err, ErrStranger):
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, signIn(r.URL), http.StatusSeeOther)
		case err != nil:
			if s.Failed != nil {
				s.Failed(err)
			}
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Retry-After", "2")
			http.Error(w, "Nobody can be let in at the moment. Try again in a few seconds.", http.StatusServiceUnavailable)
		case !slices.Contains(roles, role):
			r = r.Clone(r.Context())
			r.Header.Del("If-None-Match") // its status is for every time
			denied.ServeHTTP(&withStatus{ResponseWriter: w, status: http.StatusForbidden}, r)
		default:
			page.ServeHTTP(w, r)
		}
	})
}

// signIn is the sign-in page's address, from which the visitor comes back to the page that was wanted. Who wanted nothing but the
// bare address is sent to what the role has.
func signIn(wanted *url.URL) string {
	if wanted.Path == "/" && wanted.RawQuery == "" {
		return "/sign-in"
	}
	query := url.Values{"to": {wanted.RequestURI()}}
	if login := wanted.Query().Get("login"); login != "" {
		query.Set("login", login)
	}
	return "/sign-in?" + query.Encode()
}

// withStatus replies with another status than 200.
type withStatus struct {
	http.ResponseWriter
	status int
	told   bool
}

func (w *withStatus) WriteHeader(int) {
	if !w.told {
		w.told = true
		w.ResponseWriter.WriteHeader(w.status)
	}
}

func (w *withStatus) Write(b []byte) (int, error) {
	w.WriteHeader(w.status)
	return w.ResponseWriter.Write(b)
}
