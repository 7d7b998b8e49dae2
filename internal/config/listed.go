package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Setting is one setting as it is in force.
type Setting struct {
	Key    string
	Value  string // of a secret three stars, empty where there is none
	Secret bool
	Source string // "default", "file", "environment" or "command line"
	// such as "ringmaster.yaml:12", "RINGMASTER_LISTEN", "--listen"; of a secret that a file holds, the name of the setting
	Origin string
}

// Listed are all settings with where they came from, by key. Nothing in it is secret: passwords inside of addresses are left out
// too.
func (c *Config) Listed() []Setting {
	s := newSettings(c)
	list := make([]Setting, 0, len(s.keys))
	for _, key := range s.keys {
		one := Setting{Key: key, Value: shown(s.fields[key]), Secret: s.isSecret(key), Source: "default", Origin: c.origin[key]}
		switch {
		case one.Origin == "":
		case strings.HasPrefix(one.Origin, envPrefix):
			one.Source = "environment"
		case strings.HasPrefix(one.Origin, "-"):
			one.Source = "command line"
		default:
			one.Source = "file"
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// shown is a setting's value as it may be written.
func shown(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret:
		return x.String()
	case time.Duration:
		return x.String()
	case []string:
		clean := make([]string, len(x))
		for i, text := range x {
			clean[i] = withoutPassword(text)
		}
		return strings.Join(clean, ",")
	}
	return withoutPassword(fmt.Sprint(v.Interface()))
}

// withoutPassword takes user and password out of an address.
func withoutPassword(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	u.User = url.UserPassword(stars, stars)
	return strings.Replace(u.String(), url.UserPassword(stars, stars).String(), stars, 1)
}
