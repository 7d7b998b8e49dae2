package node

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/internal/api"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/installation"
	"github.com/creditorro/ringmaster/internal/redisconn"
	"github.com/creditorro/ringmaster/webhook"
)

// LoadConfig reads the configuration, and has the rooms check what is written in their words.
func LoadConfig(file string, environ []string, flags []config.Assignment) (*config.Config, error) {
	return config.Load(file, environ, flags, Check)
}

// Check is what the rooms refuse of the settings that they read.
func Check(c *config.Config) (wrong []config.Wrong) {
	refuse := func(key string, err error) {
		if err != nil {
			wrong = append(wrong, config.Wrong{Key: key, Err: err})
		}
	}
	if c.Redis.Prefix != "" {
		_, err := installation.Parse(c.Redis.Prefix)
		refuse("redis.prefix", err)
	}
	if !c.EmbeddedRedis() {
		_, err := RedisConfig(c).Options()
		refuse("redis.url", err)
	}
	_, err := access.NewOrigins(c.Vouch.AllowedOrigins)
	refuse("vouch.allowed_origins", err)
	_, err = webhook.ParseAllowList(c.Webhook.Allow)
	refuse("webhook.allow", err)
	if c.Telephony.SIP.Listen == "" {
		return wrong
	}
	trunks := c.Telephony.SIP.Trunks
	for _, name := range slices.Sorted(maps.Keys(trunks)) {
		if _, err := parseTrunk(name, trunks[name]); err != nil {
			refuse("telephony.sip.trunks."+name+"."+err.key, err)
		}
	}
	return wrong
}

// RedisConfig is the redis section as the connection's settings.
func RedisConfig(c *config.Config) redisconn.Config {
	return redisconn.Config{
		URL: c.Redis.URL.Reveal(), Master: c.Redis.Master, Cluster: c.Redis.Cluster,
		Username: c.Redis.Username, Password: c.Redis.Password.Reveal(),
		SentinelUsername: c.Redis.SentinelUsername, SentinelPassword: c.Redis.SentinelPassword.Reveal(),
		CA: c.Redis.CA,
	}
}

// drain is limits.drain_timeout in the dialer's words, to whom zero means its default.
func drain(l config.Limits) time.Duration {
	if l.DrainTimeout == 0 {
		return -1
	}
	return l.DrainTimeout
}

// Realm is that of phones' addresses and passwords.
func Realm(s config.SIP) string { return cmp.Or(s.Realm, s.Advertise) }

// settings are the configuration in the API's words.
func (n *Node) settings() []api.Setting {
	listed := n.Config.Listed()
	list := make([]api.Setting, len(listed))
	for i, s := range listed {
		list[i] = api.Setting(s)
	}
	return list
}
