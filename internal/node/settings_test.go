package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditorro/ringmaster/internal/config"
)

// TestNamedSections: trunks are named by the deployer, in the file and in the environment, and over each other.
func TestNamedSections(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ringmaster.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`
telephony:
  sip:
    listen: 127.0.0.1:5060
    advertise: 127.0.0.1
    trunks:
      kyiv: {host: sip.kyiv.example, priority: 2, rewrites: [+380=0], sources: [192.0.2.1, 198.51.100.0/24]}
      lviv: {host: sip.lviv.example}
`)
	cfg, err := LoadConfig(file, []string{"RINGMASTER_TELEPHONY_SIP_TRUNKS_KYIV_PASSWORD=hush",
		"RINGMASTER_TELEPHONY_SIP_TRUNKS_ODESA_HOST=sip.odesa.example"},
		[]config.Assignment{{Key: "telephony.sip.trunks.lviv.channels", Value: "30", Origin: "--set"}})
	if err != nil {
		t.Fatal(err)
	}
	trunks := cfg.Telephony.SIP.Trunks
	if len(trunks) != 3 || trunks["kyiv"].Password.Reveal() != "hush" || trunks["lviv"].Channels != 30 ||
		trunks["odesa"].Host != "sip.odesa.example" {
		t.Errorf("trunks: %+v", trunks)
	}
	if got := strings.Join(trunksByPriority(trunks), " "); got != "lviv odesa kyiv" {
		t.Errorf("order %q", got)
	}
	options, err := SIPOptions(&config.Config{Data: t.TempDir(), Telephony: cfg.Telephony})
	if err != nil || len(options.Trunks) != 3 || len(options.Trunks[2].Sources) != 2 || options.Trunks[2].Rewrites[0].With != "0" {
		t.Errorf("options: %+v, %v", options.Trunks, err)
	}

	for name, c := range map[string]struct{ below, want string }{
		"a misspelt setting": {"      kyiv: {hots: x}",
			"ringmaster.yaml:6: telephony.sip.trunks.kyiv.hots: no such setting; did you mean telephony.sip.trunks.kyiv.host?"},
		"a name with a dash": {"      kyiv-1: {host: x}", "telephony.sip.trunks.kyiv-1"},
		"SRTP in the clear": {"      kyiv: {host: x, srtp: sdes}",
			"telephony.sip.trunks.kyiv.srtp: sdes sends its keys in the signalling; want transport: tls"},
		"SRTP of another way": {"      kyiv: {host: x, transport: tls, srtp: dtls}",
			"telephony.sip.trunks.kyiv.srtp: \"dtls\": want sdes"},
		"advertised by name": {"      kyiv: {host: x, advertise: y}",
			"telephony.sip.trunks.kyiv.advertise: \"y\": want the IPv4 or IPv6 address"},
		"a caller with a domain": {"      kyiv: {host: x, from_user: a@b}",
			"telephony.sip.trunks.kyiv.from_user: \"a@b\": want a number or a name"},
		"a hidden caller's name": {"      kyiv: {host: x, from_user: a, privacy: true}",
			"telephony.sip.trunks.kyiv.from_user: set, but privacy makes callers anonymous"},
		"IPv6, and no such address": {"      kyiv: {host: '[2001:db8::1]:5060'}",
			"telephony.sip.trunks.kyiv.host: \"[2001:db8::1]:5060\" is an IPv6 address, and this node has none"},
		"an own CA in the clear": {"      kyiv: {host: x, ca: /none}",
			"telephony.sip.trunks.kyiv.ca: set, but the transport is not tls"},
		"a CA that is not there": {"      kyiv: {host: x, transport: tls, ca: /none}",
			"telephony.sip.trunks.kyiv.ca: stat /none: no such file"},
		"a CA that is none": {"      kyiv: {host: x, transport: tls, ca: /dev/null}",
			"telephony.sip.trunks.kyiv.ca: no certificate in /dev/null"},
		"a certificate without a key": {"      kyiv: {host: x, transport: tls, cert: /none}",
			"telephony.sip.trunks.kyiv.cert: a certificate without its key"},
		"a key without certificate": {"      kyiv: {host: x, transport: tls, key: /none}",
			"telephony.sip.trunks.kyiv.key: a key without its certificate"},
		"a certificate that is nowhere": {"      kyiv: {host: x, transport: tls, cert: /none, key: /none}",
			"telephony.sip.trunks.kyiv.cert: stat /none: no such file"},
		"no host": {"      kyiv: {caller_id: '+1'}", "telephony.sip.trunks.kyiv.host: is missing"},
		"a strange codec": {"      kyiv: {host: x, codecs: [opus]}",
			"telephony.sip.trunks.kyiv.codecs: \"opus\": want g711a or g711u"},
		"a strange source":    {"      kyiv: {host: x, sources: [far]}", "want an address or a network"},
		"a half of a rewrite": {"      kyiv: {host: x, rewrites: [abc]}", "want BEGINNING=REPLACEMENT"},
	} {
		t.Run(name, func(t *testing.T) {
			write("telephony:\n  sip:\n    listen: 127.0.0.1:5060\n    advertise: 127.0.0.1\n    trunks:\n" + c.below + "\n")
			if _, err := LoadConfig(file, nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := LoadConfig("", nil, []config.Assignment{{Key: "telephony.sip.trunks.kyiv.password", Value: "x",
		Origin: "--set"}}); err == nil ||
		!strings.Contains(err.Error(), "is a secret") {
		t.Errorf("a secret on the command line: %v", err)
	}
}

// write makes a file in a temporary folder and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRoomsRefuse has a row for every setting that a room cannot read, told by its key and the line it is on.
func TestRoomsRefuse(t *testing.T) {
	for name, test := range map[string]struct{ yaml, want string }{
		"redis":              {"redis: {url: 'http://:hunter2@h'}", "redis.url: redis: want redis://"},
		"several hosts":      {"redis: {url: 'redis://a,b'}", "c.yaml:1: redis.url: redis: several hosts need either master"},
		"Sentinel, Cluster":  {"redis: {url: 'redis://a,b', master: m, cluster: true}", "exclude each other"},
		"origin with path":   {"vouch: {allowed_origins: ['https://a.example/']}", "c.yaml:1: vouch.allowed_origins: "},
		"any origin":         {"vouch: {allowed_origins: ['*']}", `"*": want scheme://host`},
		"a URL as a network": {"webhook: {allow: ['http://crm.lan']}", "c.yaml:1: webhook.allow: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadConfig(write(t, "c.yaml", test.yaml), nil, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if _, ok := errors.AsType[*config.Error](err); !ok {
				t.Errorf("%T is not told from other failures by its exit code", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is in the error: %v", err)
			}
		})
	}
}

// TestPrefixOfRedis: it names keys, channels and queues, so it is short and harmless in all of them.
func TestPrefixOfRedis(t *testing.T) {
	load := func(prefix string) (*config.Config, error) {
		return LoadConfig("", nil, []config.Assignment{{Key: "redis.prefix", Value: prefix, Origin: "--set"}})
	}
	if cfg, err := load("staging-2"); err != nil || cfg.Redis.Prefix != "staging-2" {
		t.Errorf("staging-2: %v", err)
	}
	for _, bad := range []string{"{rm}", "a:b", "Staging", "a b", strings.Repeat("x", 33)} {
		if _, err := load(bad); err == nil || !strings.Contains(err.Error(), "redis.prefix") || !strings.Contains(err.Error(),
			"want 1 to 32") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
