package prose

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	got := Parse("p.md", "# How it's *done*: 1 `x`\n\nSee [that](a.md#b) and `one\ntwo`, not `[no](no.md)`.\n\n"+
		"```sh\nmake run # `no`\n```\n\n    make test\n\n## Again\n## Again\n| `a\\|b` | c |\n")
	want := Page{
		Path:     "p.md",
		Code:     []string{"x", "one two", "[no](no.md)", "a|b"},
		Blocks:   []Block{{"sh", "make run # `no`\n"}, {"", "make test\n"}},
		Links:    []string{"a.md#b"},
		Headings: []string{"how-its-done-1-x", "again", "again-1"},
		Rows:     [][]string{{"`a|b`", "c"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
