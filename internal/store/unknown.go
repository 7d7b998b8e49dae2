package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// keepUnknown adds to a stored object, which is about to replace was, what was has and T does not know: a newer program has
// written it, before it was taken back or on another node, and will want it again.
func keepUnknown[T any](was, text string) (string, error) {
	merged, err := withUnknown(reflect.TypeFor[T](), json.RawMessage(was), json.RawMessage(text))
	if err != nil {
		return "", fmt.Errorf("store: what a newer version may have stored: %w", err)
	}
	return string(merged), nil
}

func withUnknown(of reflect.Type, was, text json.RawMessage) (json.RawMessage, error) {
	var before, after map[string]json.RawMessage
	if err := json.Unmarshal(was, &before); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &after); err != nil {
		return nil, err
	}
	known := map[string]reflect.Type{}
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		known[strings.ToLower(name)] = of.Field(i).Type
	}
	changed := false
	for name, value := range before {
		kind, ours := known[strings.ToLower(name)]
		switch {
		case !ours:
			after[name], changed = value, true
		case kind.Kind() == reflect.Struct && after[name] != nil && value[0] == '{':
			inner, err := withUnknown(kind, value, after[name])
			if err != nil {
				return nil, err
			}
			changed = changed || len(inner) != len(after[name])
			after[name] = inner
		}
	}
	if !changed {
		return text, nil
	}
	return json.Marshal(after)
}
