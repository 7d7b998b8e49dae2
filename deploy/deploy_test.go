// Package deploy has no code: its tests read what is deployed as far as Go can.
package deploy

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"gopkg.in/yaml.v3"

	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/telemetry"
	"github.com/creditorro/ringmaster/internal/testdeps/prose"
)

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// names are the metrics that the product exports, and the labels of each as docs write them: {network,outcome}.
func names(t *testing.T) (names []string, labels map[string]string) {
	t.Helper()
	described := &describer{Registerer: prometheus.NewRegistry(), labels: map[string]string{}}
	telemetry.New(described)
	network, err := sipua.New(sipua.Options{Node: "n", Listen: sipua.Listen{UDP: "127.0.0.1:0"}, Advertise: "127.0.0.1",
		Secret: make([]byte, 32), Registerer: described})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_ = network.Run(ctx) // over at once: it gives its socket back
	return described.names, described.labels
}

// describer notes what is registered, which a registry tells only of metrics that have a value.
type describer struct {
	prometheus.Registerer
	names  []string
	labels map[string]string
}

func (d *describer) Register(c prometheus.Collector) error {
	descriptions := make(chan *prometheus.Desc, 10)
	c.Describe(descriptions)
	close(descriptions)
	for description := range descriptions {
		found := regexp.MustCompile(`fqName: "([a-z_]+)".*variableLabels: (\{.*?\})`).FindStringSubmatch(description.String())
		d.names = append(d.names, found[1])
		if found[2] != "{}" {
			d.labels[found[1]] = found[2]
		}
	}
	return d.Registerer.Register(c)
}

func (d *describer) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := d.Register(c); err != nil {
			panic(err)
		}
	}
}

// metric is a metric of ours in an expression, of a histogram without what is added to its name.
var metric = regexp.MustCompile(`\bringmaster_[a-z][a-z_]*[a-z]\b(\*|_\*)?`)

// isExported says whether a name that was written is a metric of ours. A star stands for several.
func isExported(known []string, name string) bool {
	if family, many := strings.CutSuffix(name, "*"); many {
		return slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, family) })
	}
	for _, part := range []string{"", "_bucket", "_sum", "_count"} {
		if whole, ok := strings.CutSuffix(name, part); ok && slices.Contains(known, whole) {
			return true
		}
	}
	return false
}

// TestDocsNameMetricsThatExist: in docs, alerts and whatever else lies here; and each metric is in a table of the docs, with its
// labels.
func TestDocsNameMetricsThatExist(t *testing.T) {
	known, labels := names(t)
	shown := map[string]bool{}
	cell := regexp.MustCompile("^`([a-z_]+)(\\{[a-z,]+\\})?`$")
	for _, page := range prose.Pages(t) {
		if page.Path == "CHANGELOG.md" {
			continue // it tells of what was, too
		}
		for _, span := range page.Code {
			for _, name := range metric.FindAllString(span, -1) {
				if !isExported(known, name) {
					t.Errorf("%s names %s, which is not exported", page.Path, name)
				}
			}
		}
		for _, row := range page.Rows {
			for span := range strings.SplitSeq(row[0], ", ") {
				if m := cell.FindStringSubmatch(span); m != nil {
					shown["ringmaster_"+m[1]+m[2]], shown["ringmaster_sip_"+m[1]+m[2]] = true, true
				}
			}
		}
	}
	for _, name := range known {
		if !shown[name+labels[name]] {
			t.Errorf("%s%s is exported, and no page's table says what it means", name, labels[name])
		}
	}
	if len(known) < 25 {
		t.Errorf("only %d metrics seen: %v", len(known), known)
	}
	prose.Files(t, func(path, text string) {
		if path == "deploy/ringmaster.yaml" || !strings.HasPrefix(path, "deploy/") {
			return
		}
		for _, name := range metric.FindAllString(text, -1) {
			if !isExported(known, name) && !strings.Contains(text, name+":") {
				t.Errorf("%s names %s, which is not exported", path, name)
			}
		}
	}, ".yaml", ".json")
}

func TestAlertsAskForMetricsThatExist(t *testing.T) {
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	read(t, "alerts.yaml", &file)
	known, _ := names(t)
	for _, rule := range file.Groups[0].Rules {
		used := metric.FindAllString(rule.Expr, -1)
		if len(used) == 0 && !strings.HasPrefix(rule.Expr, "up{") {
			t.Errorf("%s asks for no metric of ours", rule.Alert)
		}
		for _, name := range used {
			if !isExported(known, name) {
				t.Errorf("%s asks for %s, which is not exported", rule.Alert, name)
			}
		}
		if rule.Annotations["summary"] == "" || rule.Annotations["mend"] == "" || rule.Labels["severity"] == "" {
			t.Errorf("%s lacks a summary, what to mend, or a severity", rule.Alert)
		}
	}
	if len(file.Groups[0].Rules) < 5 {
		t.Error("hardly any rule was read")
	}
}

type service struct {
	Image       string
	Command     any
	Environment map[string]string
	Secrets     []string
	Volumes     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck any
	StopGrace   string   `yaml:"stop_grace_period"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
}

func TestComposeHangsTogether(t *testing.T) {
	var file struct {
		Services map[string]service
		Secrets  map[string]struct{ File string }
		Volumes  map[string]any
	}
	read(t, "compose.yaml", &file)
	made := makeSecrets(t)
	for name, s := range file.Services {
		for _, secret := range s.Secrets {
			if _, ok := file.Secrets[secret]; !ok {
				t.Errorf("%s: secret %s is not declared", name, secret)
			}
		}
		for variable, value := range s.Environment {
			if path, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !slices.Contains(s.Secrets, path) {
				t.Errorf("%s: %s names a secret that the service does not get", name, variable)
			}
		}
		for dependency := range s.DependsOn {
			if _, ok := file.Services[dependency]; !ok {
				t.Errorf("%s depends on %s, which is not there", name, dependency)
			}
		}
		for _, volume := range s.Volumes {
			if from, _, _ := strings.Cut(volume, ":"); !strings.HasPrefix(from, ".") {
				if _, ok := file.Volumes[from]; !ok {
					t.Errorf("%s: volume %s is not declared", name, from)
				}
			}
		}
	}
	for name, secret := range file.Secrets {
		if !slices.Contains(made, strings.TrimPrefix(secret.File, "secrets/")) {
			t.Errorf("secret %s: make-secrets does not make %s", name, secret.File)
		}
	}
	redis := strings.Join(strings.Fields(yamlText(t, file.Services["redis"].Command)), " ")
	for _, want := range []string{"--appendonly yes", "--maxmemory-policy noeviction", "--requirepass"} {
		if !strings.Contains(redis, want) {
			t.Errorf("redis runs without %s", want)
		}
	}
	for _, name := range []string{"redis", "postgres"} {
		if file.Services[name].Healthcheck == nil {
			t.Errorf("%s has no health check", name)
		}
	}
	if node := file.Services["ringmaster"]; !node.ReadOnly || !slices.Contains(node.CapDrop, "ALL") || node.StopGrace == "" {
		t.Errorf("ringmaster is not hardened: %+v", node)
	}
}

func yamlText(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// makeSecrets runs the script twice and returns the names of what it made; the second run must change nothing.
func makeSecrets(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var before map[string]string
	for range 2 {
		if out, err := exec.CommandContext(t.Context(), "./make-secrets", dir).CombinedOutput(); err != nil {
			t.Fatalf("make-secrets: %v\n%s", err, out)
		}
		after := map[string]string{}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			if len(text) < 33 {
				t.Errorf("secret %s has only %d bytes", e.Name(), len(text))
			}
			after[e.Name()] = string(text)
		}
		for name, text := range before {
			if after[name] != text {
				t.Errorf("the second run changed %s", name)
			}
		}
		before = after
	}
	var list []string
	for name := range before {
		list = append(list, name)
	}
	return list
}
