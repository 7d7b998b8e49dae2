package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Some sections are there once for each of several things that the deployer names, such as trunks: in the file
// telephony.sip.trunks.NAME.host, in the environment RINGMASTER_TELEPHONY_SIP_TRUNKS_NAME_HOST. In Config they are maps of
// pointers to structs.

// properName is what such a thing may be called, in any source.
var properName = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)

// collectNamed finds the settings of the things that have been named so far, and remembers how to name others.
func (s *settings) collectNamed(key string, things reflect.Value) {
	s.named[key] = things
	for _, name := range things.MapKeys() {
		s.collect(key+"."+name.String()+".", things.MapIndex(name).Elem())
	}
}

// name makes the thing that the key speaks of, if the key is in such a section and nobody has named it before. The key may
// be of the thing itself, or of a setting of it.
func (s *settings) name(key string) {
	for section, things := range s.named {
		rest, below := strings.CutPrefix(key, section+".")
		if !below {
			continue
		}
		name, _, _ := strings.Cut(rest, ".")
		if !properName.MatchString(name) || things.MapIndex(reflect.ValueOf(name)).IsValid() {
			return
		}
		if things.IsNil() {
			things.Set(reflect.MakeMap(things.Type()))
		}
		thing := reflect.New(things.Type().Elem().Elem())
		things.SetMapIndex(reflect.ValueOf(name), thing)
		s.collect(section+"."+name+".", thing.Elem())
		return
	}
}

// isSection reports whether a key has settings below it.
func (s *settings) isSection(key string) bool {
	s.name(key)
	_, named := s.named[key]
	return named || slices.Contains(s.sections(), key)
}

// namedByEnviron reads the name out of a variable: the setting's own name ends it, and what is between is the thing's.
func (s *settings) namedByEnviron(variable string) (key string, ok bool) {
	for section, things := range s.named {
		rest, below := strings.CutPrefix(variable, envName(section)+"_")
		if !below {
			continue
		}
		one := newSettings(nil)
		one.collect("", reflect.New(things.Type().Elem().Elem()).Elem())
		for _, setting := range one.known() {
			name, ends := strings.CutSuffix(rest, "_"+strings.ToUpper(setting))
			if name = strings.ToLower(name); ends && properName.MatchString(name) {
				return section + "." + name + "." + setting, true
			}
		}
	}
	return "", false
}
