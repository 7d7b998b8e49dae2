package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAddressesOfTrunks: what a node could never call is refused when its configuration is read, with the way out.
func TestAddressesOfTrunks(t *testing.T) {
	for _, test := range []struct{ ours, trunk, complain string }{
		{"", "host: '2001:db8::2'", "is an IPv6 address, and this node has none; set telephony.sip.advertise6, or advertise of " +
			"this trunk"},
		{"advertise6: '2001:db8::1', ", "host: '2001:db8::2'", ""},
		{"advertise6: '2001:db8::1', ", "host: '[2001:db8::2]:5070'", ""},
		{"", "host: '[2001:db8::2]:5070', advertise: '2001:db8::1'", ""},
		{"", "host: sip.example.com, advertise: '2001:db8::1'", ""},
		{"advertise6: '2001:db8::1', ", "host: 192.0.2.2, advertise: '2001:db8::1'", "not of the family of host 192.0.2.2"},
		{"advertise6: '2001:db8::1', ", "host: '2001:db8::2:5070:x'", "the last in brackets"},
		{"advertise6: '2001:db8::1', ", "host: 'fe80::1%eth0'", "without a zone"},
		{"advertise6: 192.0.2.7, ", "host: 192.0.2.2", "advertise6"},
		{"advertise6: '::', ", "host: 192.0.2.2", "advertise6"},
	} {
		file := filepath.Join(t.TempDir(), "ringmaster.yaml")
		text := fmt.Sprintf("data: %s\ntelephony: {sip: {listen: '0.0.0.0:5060', advertise: 192.0.2.1, %strunks: {t: {%s}}}}\n",
			t.TempDir(), test.ours, test.trunk)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadConfig(file, nil, nil)
		if test.complain == "" && err != nil || test.complain != "" && (err == nil || !strings.Contains(err.Error(), test.complain)) {
			t.Errorf("%s%s: got %v, want %q", test.ours, test.trunk, err, test.complain)
		}
	}
}
