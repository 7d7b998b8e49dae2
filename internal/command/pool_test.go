package command

import "testing"

// TestFirstLineOfAPool: it may name the columns, but not be a connection string with a fault in it.
func TestFirstLineOfAPool(t *testing.T) {
	const good = "\nSIP:~~3445~~webrtc.example.com~~~~{g711a}\n"
	if list, err := parsePool([]byte("name;connection" + good)); err != nil || len(list) != 1 {
		t.Errorf("columns: %v, %v", list, err)
	}
	if list, err := parsePool([]byte("SIP~~3444~~webrtc.example.com~~~~{g711a}" + good)); err == nil {
		t.Errorf("a fault in the first line: %v, want an error", list)
	}
}

// FuzzParsePool: whatever the file holds, the pool read from it has distinct names without blanks.
func FuzzParsePool(f *testing.F) {
	f.Add("SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}\n3445;\"SIP:~~3445~~~~~~{}\"\n# x\n")
	f.Add("\xef\xbb\xbfname\nsip:~~1~~a~~~~{g711a}\r\n")
	f.Add("ſip:~~1~~a~~~~{}")
	f.Add("ɐɐɐɐɐɐɐɐɐɐɐɐɐɐɐɐsip:~~1~~a~~~~{}") // letters that are longer in upper case
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parsePool([]byte(text))
		if err == nil && len(list) == 0 {
			t.Fatal("an empty pool without an error")
		}
		seen := map[string]bool{}
		for _, x := range list {
			if x.Name == "" || len(x.Name) > 64 || x.Number == "" || seen[x.Name] {
				t.Fatalf("extension %+v", x)
			}
			seen[x.Name] = true
		}
	})
}
