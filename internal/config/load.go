package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// MaxFile bounds the configuration file, and every other file that is read whole, such as one that holds a secret.
const MaxFile = 1 << 20

// Assignment is one setting from the environment or the command line.
type Assignment struct {
	Key, Value string
	Origin     string // what to call it in errors: "--listen", "RINGMASTER_LISTEN"
}

// Check is what somebody else has to say against settings, in whose words they are: a room refuses what it could not read.
type Check func(*Config) []Wrong

// Wrong is a setting that a Check refuses.
type Wrong struct {
	Key string
	Err error
}

// Load lays the sources over each other (defaults, file, environment, flags) and checks the result, by its own rules and by
// those of others. Every error found is told, not only the first. An empty file name means no file.
func Load(file string, environ []string, flags []Assignment, checks ...Check) (*Config, error) {
	s := newSettings(Default())
	if file != "" {
		s.readFile(file)
	}
	s.assign(fromEnviron(environ))
	s.refuseSecrets(flags)
	s.assign(flags)
	if len(s.errs) == 0 {
		s.cfg.Derive()
		s.check()
		for _, check := range checks {
			for _, w := range check(s.cfg) {
				s.wrong(w.Key, "%w", w.Err)
			}
		}
	}
	if len(s.errs) > 0 {
		return nil, &Error{errors.Join(s.errs...)}
	}
	s.cfg.origin = s.origin
	return s.cfg, nil
}

// Error says that the configuration cannot be used; the command line is to blame, or a file: exit code 2.
type Error struct{ error }

func (Error) ExitCode() int   { return 2 }
func (e Error) Unwrap() error { return e.error }

// Errorf makes an Error.
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }

// settings is a Config in the making.
type settings struct {
	cfg    *Config
	fields map[string]reflect.Value // by key
	named  map[string]reflect.Value // sections of which there may be many, by key
	keys   []string                 // in the order of the struct
	origin map[string]string        // where a key's value came from; absent: the default
	errs   []error
}

func newSettings(cfg *Config) *settings {
	s := &settings{cfg: cfg, fields: map[string]reflect.Value{}, named: map[string]reflect.Value{}, origin: map[string]string{}}
	if cfg != nil {
		s.collect("", reflect.ValueOf(cfg).Elem())
	}
	return s
}

// collect finds the settings below v; sections are structs.
func (s *settings) collect(prefix string, v reflect.Value) {
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		key := prefix + v.Type().Field(i).Tag.Get("key")
		switch field := v.Field(i); field.Kind() {
		case reflect.Struct:
			s.collect(key+".", field)
		case reflect.Map:
			s.collectNamed(key, field)
		default:
			s.fields[key] = field
			s.keys = append(s.keys, key)
		}
	}
}

func (s *settings) refuse(origin, format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%s: "+format, append([]any{origin}, args...)...))
}

// resolve finds the setting behind a key, which may also be a secret's name with _file behind it.
func (s *settings) resolve(key string) (setting string, viaFile, known bool) {
	s.name(key)
	if _, ok := s.fields[key]; ok {
		return key, false, true
	}
	setting, viaFile = strings.CutSuffix(key, "_file")
	if viaFile && s.isSecret(setting) {
		return setting, true, true
	}
	return "", false, false
}

func (s *settings) isSecret(key string) bool {
	field, ok := s.fields[key]
	return ok && field.Type() == reflect.TypeFor[Secret]()
}

// known are all keys that may be written, secrets' files included.
func (s *settings) known() []string {
	var all []string
	for _, key := range s.keys {
		all = append(all, key)
		if s.isSecret(key) {
			all = append(all, key+"_file")
		}
	}
	return all
}

// sections are the keys that have settings below them.
func (s *settings) sections() []string {
	var all []string
	for _, key := range s.keys {
		for i, r := range key {
			if r == '.' && !slices.Contains(all, key[:i]) {
				all = append(all, key[:i])
			}
		}
	}
	return all
}

// assign applies the settings of one source. Within it a secret may be given once: as it is, or by its file.
func (s *settings) assign(source []Assignment) {
	given := map[string]string{}
	for _, a := range source {
		setting, viaFile, known := s.resolve(a.Key)
		if !known {
			s.refuse(a.Origin, "%s: no such setting%s", a.Key, s.suggest(a, s.known()))
			continue
		}
		if first, twice := given[setting]; twice {
			s.refuse(a.Origin, "conflicts with %s: both give %s; keep one", first, setting)
			continue
		}
		given[setting] = a.Origin
		value := a.Value
		if viaFile {
			text, err := ReadSecret(a.Value)
			if err != nil {
				s.refuse(a.Origin, "%w", err)
				continue
			}
			value = text
		}
		if err := set(s.fields[setting], value); err != nil {
			s.refuse(a.Origin, "%s: %w", setting, err)
			continue
		}
		s.origin[setting] = a.Origin
	}
}

// suggest names the right key that is nearest to a wrong one, in the wrong one's own spelling.
func (s *settings) suggest(a Assignment, among []string) string {
	best, distance := "", min(len(a.Key), 64)/2+1 // past 64 letters nothing is near
	for _, key := range among {
		if d := editDistance(a.Key, key); d < distance {
			best, distance = key, d
		}
	}
	switch {
	case best == "":
		return "; deploy/ringmaster.yaml shows all"
	case strings.HasPrefix(a.Origin, envPrefix):
		return "; did you mean " + envName(best) + "?"
	}
	return "; did you mean " + best + "?"
}

func (s *settings) refuseSecrets(flags []Assignment) {
	for _, f := range flags {
		s.name(f.Key)
		if s.isSecret(f.Key) {
			s.refuse(f.Origin, "%s is a secret, and a command line can be read by every user of this machine; use %s, %s_FILE, or "+
				"%s_file in the file",
				f.Key, envName(f.Key), envName(f.Key), f.Key)
		}
	}
}

const envPrefix = "RINGMASTER_"

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// fromEnviron turns RINGMASTER_* variables into assignments. RINGMASTER_CONFIG is a flag's; RINGMASTER_PORT… and
// RINGMASTER_SERVICE_… are what Kubernetes tells every pod of a service named ringmaster.
func fromEnviron(environ []string) []Assignment {
	keys := map[string]string{}
	s := newSettings(Default())
	for _, key := range s.known() {
		keys[envName(key)] = key
	}
	var found []Assignment
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		kubernetes := rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_")
		if !ours || kubernetes || rest == "CONFIG" {
			continue
		}
		key, ok := keys[name]
		if !ok {
			key, ok = s.namedByEnviron(name)
		}
		if !ok {
			key = strings.ToLower(rest)
		}
		found = append(found, Assignment{Key: key, Value: value, Origin: name})
	}
	return found
}

// readFile reads the YAML file. It must be one document, a mapping of sections.
func (s *settings) readFile(name string) {
	text, err := ReadBounded(name)
	if err != nil {
		s.refuse("configuration", "%w", err)
		return
	}
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return // nothing but comments
	} else if err != nil {
		s.refuse(name, "not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		s.refuse(name, "more than one document; keep one")
		return
	}
	var found []Assignment
	s.walk(name, "", root.Content[0], &found)
	s.assign(found)
}

// walk gathers the settings below a mapping.
func (s *settings) walk(file, section string, node *yaml.Node, found *[]Assignment) {
	if node.Kind != yaml.MappingNode {
		s.refuse(at(file, node), "%s: want a section, key: value below it", strings.TrimSuffix(section, "."))
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		key, origin := section+name.Value, at(file, name)
		switch {
		case value.Tag == "!!null": // a section whose lines are all commented out
		case s.isSection(key):
			s.walk(file, key+".", value, found)
		case value.Kind == yaml.ScalarNode:
			*found = append(*found, Assignment{key, value.Value, origin})
		case value.Kind == yaml.SequenceNode:
			*found = append(*found, Assignment{key, s.join(file, key, value), origin})
		default:
			s.refuse(origin, "%s: no such section%s", key, s.suggest(Assignment{Key: key}, s.sections()))
		}
	}
}

// join makes one text of a list, as the environment has it.
func (s *settings) join(file, key string, list *yaml.Node) string {
	var items []string
	for _, item := range list.Content {
		if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, ",") {
			s.refuse(at(file, item), "%s: want plain values without commas", key)
			continue
		}
		items = append(items, item.Value)
	}
	return strings.Join(items, ",")
}

func at(file string, node *yaml.Node) string { return file + ":" + strconv.Itoa(node.Line) }

// set stores a text in a field of the kinds that Config has.
func set(field reflect.Value, text string) error {
	if field.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q: want a duration such as 90s, 10m or 1h30m", text)
		}
		field.SetInt(int64(d))
		return nil
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q: want true or false", text)
		}
		field.SetBool(text == "true")
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q: want a whole number", text)
		}
		field.SetInt(int64(n))
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q: want a number", text)
		}
		field.SetFloat(x)
	case reflect.Slice:
		field.Set(reflect.ValueOf(splitList(text)))
	default:
		return fmt.Errorf("settings cannot be of kind %s", field.Kind())
	}
	return nil
}

// splitList reads a list separated by commas; an empty text is an empty list.
func splitList(text string) []string {
	list := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// ReadSecret reads a secret's file; the line end that editors leave is not part of it.
func ReadSecret(name string) (string, error) {
	text, err := ReadBounded(name)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty", name)
	}
	return secret, nil
}

// ReadBounded reads a file that is no longer than MaxFile.
func ReadBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err == nil && len(text) > MaxFile {
		err = fmt.Errorf("%s is longer than 1 MiB", name)
	}
	return text, err
}

// editDistance is Levenshtein's: the number of letters to add, drop or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
