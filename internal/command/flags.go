package command

import (
	"os"
	"reflect"
	"strings"

	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
)

// ConfigFlags are the flags of every command that reads the configuration. Pointers tell a flag that was not given from an
// empty one; key names the setting.
type ConfigFlags struct {
	Config   string   `short:"c" placeholder:"FILE" env:"RINGMASTER_CONFIG" help:"Configuration file; deploy/ringmaster.yaml shows every setting."`
	Data     *string  `key:"data" placeholder:"DIR" help:"Folder for the SQLite file, recordings and generated keys (default ./data)."`
	LogLevel *string  `key:"log.level" placeholder:"LEVEL" help:"debug, info, warn or error (default info)."`
	Set      []string `sep:"none" placeholder:"KEY=VALUE" help:"Any other setting, such as --set limits.max_calls=50; repeatable."`
}

// NodeFlags are the flags of the commands that are, or ask, a node.
type NodeFlags struct {
	ConfigFlags
	Listen      *string `key:"listen" placeholder:"ADDR" help:"host:port to listen on (default 127.0.0.1:8080)."`
	AdminListen *string `key:"admin_listen" placeholder:"ADDR" help:"host:port for health and metrics alone (default: with the rest)."`
	Roles       *string `key:"roles" placeholder:"ROLE,…" help:"What this node does: gateway, dialer, scheduler, api (default: all)."`
	Node        *string `key:"node" placeholder:"NAME" help:"This node's name among its peers (default: the host's)."`
	LogFormat   *string `key:"log.format" placeholder:"FORMAT" help:"text or json (default text)."`
}

// Load reads the configuration as the flags have it.
func (f ConfigFlags) Load() (*config.Config, error) { return loadFlags(f.Config, f.Set, f) }

// Load reads the configuration as the flags have it.
func (f NodeFlags) Load() (*config.Config, error) { return loadFlags(f.Config, f.Set, f) }

func loadFlags(file string, sets []string, flags any) (*config.Config, error) {
	given := flagAssignments(reflect.ValueOf(flags))
	for _, pair := range sets {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, config.Errorf("--set %s: want KEY=VALUE, such as --set limits.max_calls=50", key)
		}
		given = append(given, config.Assignment{Key: key, Value: value, Origin: "--set " + key})
	}
	return node.LoadConfig(file, os.Environ(), given)
}

// flagAssignments finds the flags that were given and name a setting.
func flagAssignments(flags reflect.Value) []config.Assignment {
	var given []config.Assignment
	for i := range flags.NumField() {
		field, about := flags.Field(i), flags.Type().Field(i)
		if about.Anonymous {
			given = append(given, flagAssignments(field)...)
			continue
		}
		if key, value := about.Tag.Get("key"), field; key != "" && !value.IsNil() {
			given = append(given, config.Assignment{Key: key, Value: value.Elem().String(), Origin: flagName(about.Name)})
		}
	}
	return given
}

// flagName is how kong spells a field: AdminListen becomes --admin-listen.
func flagName(field string) string {
	var b strings.Builder
	b.WriteString("-")
	for _, r := range field {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
