// Package forms tests what is stored: in SQL, in Redis, in files, in task queues. A stored form is a contract with the data that
// is there and with nodes of other versions, so each has golden files: testdata/forms/NAME.vN.json, N from 1 on. The newest is
// what this program writes; all of them must be readable for ever.
package forms

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// folder of the golden files, beside the test.
const folder = "testdata/forms"

// NewVersion is the environment variable that has a changed form written as its next version. No version is ever rewritten.
const NewVersion = "FORMS_NEW_VERSION"

// Check tests the form of T as encoding/json writes and reads it.
func Check[T any](t *testing.T, name string) {
	t.Helper()
	CheckWith(t, name, func(v T) ([]byte, error) { return json.Marshal(v) },
		func(text []byte) (v T, err error) { return v, json.Unmarshal(text, &v) })
}

// dropped are values of older versions, by form, that this one does not need: say here why.
var dropped = map[string][]string{
	"order": {"2024-11-24T07:18:40.72Z"}, // until: when nobody waits any more, by the sender's clock; now it is patience
}

// CheckWith tests a form that encode writes and decode reads. Every field of T has a value that no other one has, so one that is
// dropped, renamed or mixed up with another is noticed. What decode does not restore, because it is kept elsewhere, without
// clears.
func CheckWith[T any](t *testing.T, name string, encode func(T) ([]byte, error), decode func([]byte) (T, error),
	without ...func(*T)) {
	t.Helper()
	full := Full[T]()
	text, err := encode(full)
	if err != nil {
		t.Fatalf("%s: write: %v", name, err)
	}
	for _, clear := range without {
		clear(&full)
	}
	versions := versions(t, name)
	if len(versions) == 0 || !same(t, versions[len(versions)-1], text) {
		file := filepath.Join(folder, fmt.Sprintf("%s.v%d.json", name, len(versions)+1))
		if os.Getenv(NewVersion) == "" {
			t.Fatalf("%s is stored otherwise than its newest golden file says:\n%s\nIf the data that is there, and nodes of the last "+
				"version, can be read "+
				"and can read it, %s=1 writes %s", name, text, NewVersion, file)
		}
		write(t, file, text)
		versions = append(versions, file)
	}
	for i, file := range versions {
		was := read(t, file)
		got, err := decode(was)
		if err != nil {
			t.Errorf("%s: read: %v", file, err)
			continue
		}
		if i == len(versions)-1 {
			if !reflect.DeepEqual(got, full) {
				t.Errorf("%s: a field did not come through\n got %+v\nwant %+v", file, got, full)
			}
			continue
		}
		again, err := encode(got)
		if err != nil {
			t.Errorf("%s: write again: %v", file, err)
			continue
		}
		lost := slices.DeleteFunc(lost(t, was, again), func(value string) bool { return slices.Contains(dropped[name], value) })
		if len(lost) > 0 {
			t.Errorf("%s: read by this version, these values are lost: %s", file, strings.Join(lost, ", "))
		}
	}
}

// versions are the golden files of a form, the oldest first.
func versions(t *testing.T, name string) (files []string) {
	t.Helper()
	for n := 1; ; n++ {
		file := filepath.Join(folder, fmt.Sprintf("%s.v%d.json", name, n))
		if _, err := os.Stat(file); err != nil {
			if more, _ := filepath.Glob(filepath.Join(folder, name+".v*.json")); len(more) != len(files) {
				t.Fatalf("%s: versions %v: one between is missing", name, more)
			}
			return files
		}
		files = append(files, file)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(pretty, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, file string, text []byte) bool {
	t.Helper()
	var a, b any
	if json.Unmarshal(read(t, file), &a) != nil || json.Unmarshal(text, &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}

// lost are the values of a golden file that are not there, as often, after reading and writing: names may have changed, values
// not.
func lost(t *testing.T, was, now []byte) (list []string) {
	t.Helper()
	count := map[string]int{}
	for _, text := range [][]byte{now, was} {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		leaves(v, func(leaf string) {
			if &text[0] == &now[0] {
				count[leaf]++
			} else if count[leaf]--; count[leaf] < 0 {
				list = append(list, leaf)
			}
		})
	}
	slices.Sort(list)
	return list
}

func leaves(v any, each func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			leaves(child, each)
		}
	case []any:
		for _, child := range v {
			leaves(child, each)
		}
	case nil:
	default:
		each(fmt.Sprint(v))
	}
}

// Full makes a T in which every field that is stored has a value of its own, which follows from its stored name alone.
func Full[T any]() T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), "")
	return v
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

func fill(v reflect.Value, path string) {
	h := fnv.New32a()
	h.Write([]byte(path))
	number := int64(h.Sum32()%100_000_000) + 1
	switch {
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+number, number%1000*1_000_000).UTC()))
		return
	case v.Type() == rawType:
		v.Set(reflect.ValueOf(json.RawMessage(strconv.Quote(path))))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch {
			case name == "-" || !field.IsExported():
			case field.Anonymous && name == "":
				fill(v.Field(i), path)
			case name == "":
				panic(fmt.Sprintf("%s.%s has no json name", v.Type(), field.Name))
			default:
				fill(v.Field(i), strings.TrimPrefix(path+"."+name, "."))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(path))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), path+"."+strconv.Itoa(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, path+".key"+strconv.Itoa(i))
			fill(value, path+".value"+strconv.Itoa(i))
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(path)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(number)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(number))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(number) / 8)
	default:
		panic("forms: " + v.Type().String() + " at " + path + " cannot be filled")
	}
}
