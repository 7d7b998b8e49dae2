package webhook

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The samples of docs/webhooks.md verify what we sign, and nothing else. A language that is not installed is skipped.
func TestDocumentedVerifiers(t *testing.T) {
	page, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	// Each program reads {secret, headers, body in base64} and prints what verify returns.
	for language, c := range map[string]struct {
		command []string
		main    string
	}{
		"js": {[]string{"node", "-e"}, `
const i = JSON.parse(require("node:fs").readFileSync(0));
console.log(String(verify(i.secret, i.headers, Buffer.from(i.body, "base64"))));`},
		"python": {[]string{"python3", "-c"}, `
import json, sys
i = json.load(sys.stdin)
print(str(verify(i["secret"], i["headers"], base64.b64decode(i["body"]))).lower())`},
		"php": {[]string{"php", "-r"}, `
$i = json_decode(file_get_contents("php://stdin"), true);
echo verify($i["secret"], $i["headers"], base64_decode($i["body"])) ? "true" : "false";`},
	} {
		t.Run(language, func(t *testing.T) {
			program, err := exec.LookPath(c.command[0])
			if err != nil {
				t.Skip(err)
			}
			_, sample, found := strings.Cut(string(page), "```"+language+"\n")
			sample, _, ended := strings.Cut(sample, "```")
			if !found || !ended {
				t.Fatal("the page has no such sample")
			}
			verify := func(secret string, h http.Header, body []byte) bool {
				headers := map[string]string{}
				for name := range h {
					headers[strings.ToLower(name)] = h.Get(name)
				}
				encoded := base64.StdEncoding.EncodeToString(body)
				input, _ := json.Marshal(map[string]any{"secret": secret, "headers": headers, "body": encoded})
				cmd := exec.CommandContext(t.Context(), program, c.command[1], sample+c.main)
				cmd.Stdin = strings.NewReader(string(input))
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				return strings.TrimSpace(string(out)) == "true"
			}
			sign := func(e Endpoint, at time.Time, body []byte) http.Header {
				h := http.Header{}
				if err := e.sign(h, "evt_1", at, body); err != nil {
					t.Fatal(err)
				}
				return h
			}
			now, body := time.Now(), []byte(`{"name":"Ünal \u003c"}`)
			old := Endpoint{Secret: NewSecret()}
			rotated, err := old.Rotate(NewSecret(), now)
			if err != nil {
				t.Fatal(err)
			}
			if !verify(old.Secret, sign(rotated, now, body), body) || !verify(rotated.Secret, sign(rotated, now, body), body) {
				t.Error("a good signature is refused")
			}
			if verify(old.Secret, sign(old, now, body), append(body, ' ')) {
				t.Error("another body is accepted")
			}
			if verify(old.Secret, sign(old, now.Add(-time.Hour), body), body) {
				t.Error("an old request is accepted")
			}
			if verify(NewSecret(), sign(old, now, body), body) {
				t.Error("another secret is accepted")
			}
		})
	}
}
