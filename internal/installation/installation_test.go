package installation

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, good := range []string{"a", "rm-0123456789", "staging", "eu.west-1", strings.Repeat("x", 32)} {
		if n, err := Parse(good); err != nil || string(n) != good {
			t.Errorf("%q: %q, %v", good, n, err)
		}
	}
	for _, bad := range []string{"", "-a", ".a", "A", "a:b", "{a}", "a}", "a b", "a*", "a?", "[a]", "ж", "a\n",
		strings.Repeat("x", 33)} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestNames(t *testing.T) {
	if got := Name("staging").Key("all") + " " + Name("staging").Queue("dial:a"); got != "{staging}:all staging:dial:a" {
		t.Error(got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a part that was given no name has names")
		}
	}()
	Name("").Key("all")
}
