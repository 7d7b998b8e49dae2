package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
)

// composed is a page as browsers get it, and what its policy has to allow by hash, as a list of CSP sources.
type composed struct {
	content         []byte
	scripts, styles string
}

var (
	styleLink    = regexp.MustCompile(`(?m)^ *<link rel="stylesheet" href="/(assets/[a-z./-]+)">\n`)
	firstScript  = regexp.MustCompile(`<script src="/(assets/[a-z./-]+)"></script>`)
	moduleScript = regexp.MustCompile(`<(script type="module" src|link rel="modulepreload" href)="/assets/[a-z./-]+`)
)

// compose puts into a page what its first paint needs, so that nothing has to be fetched before it: its styles, and the script
// that runs before anything is painted. Modules are named with the version of all assets, so that browsers keep them and ask no
// more; an import map does the same for what modules import.
func compose(page []byte) (composed, error) {
	version, err := version()
	if err != nil {
		return composed{}, err
	}
	c := composed{}
	var style bytes.Buffer
	for _, link := range styleLink.FindAllSubmatch(page, -1) {
		content, err := assetNamed(string(link[1]))
		if err != nil {
			return composed{}, err
		}
		style.Write(content)
	}
	page = styleLink.ReplaceAll(page, nil)
	imports, err := importMap(version)
	if err != nil {
		return composed{}, err
	}
	head := `<script type="importmap">` + imports + "</script>"
	c.scripts = source([]byte(imports))
	if found := firstScript.FindSubmatch(page); found != nil {
		content, err := assetNamed(string(found[1]))
		if err != nil {
			return composed{}, err
		}
		page = bytes.Replace(page, found[0], nil, 1)
		head += "\n  <script>" + string(content) + "</script>"
		c.scripts += " " + source(content)
	}
	head += "\n  <style>" + style.String() + "</style>"
	c.styles = source(style.Bytes())
	page = moduleScript.ReplaceAll(page, []byte("${0}?v="+version))
	page = bytes.Replace(page, []byte("<html "), []byte(`<html data-version="`+version+`" `), 1)
	c.content = bytes.Replace(page, []byte("</title>"), []byte("</title>\n  "+head), 1)
	return c, nil
}

// source is a CSP source: a script or style of just this content.
func source(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// importMap names every module that another one may import with the version.
func importMap(version string) (string, error) {
	modules := map[string]string{"/assets/words.js": "/assets/words.js?v=" + version}
	names, err := fs.Glob(files, "assets/*.js")
	if err != nil {
		return "", fmt.Errorf("web: %w", err)
	}
	for _, name := range names {
		modules["/"+name] = "/" + name + "?v=" + version
	}
	text, err := json.Marshal(map[string]any{"imports": modules})
	if err != nil {
		return "", fmt.Errorf("web: %w", err)
	}
	return string(text), nil
}

// version is one for all assets: a hash of them and of the words. Whoever asks for an asset with it gets what never changes.
var version = sync.OnceValues(func() (string, error) {
	sum := sha256.New()
	for _, folder := range []string{"assets", "dist"} {
		if err := fs.WalkDir(files, folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := files.ReadFile(name)
			fmt.Fprintf(sum, "%s %d\n", name, len(content))
			sum.Write(content)
			return err
		}); err != nil {
			return "", fmt.Errorf("web: %w", err)
		}
	}
	list, err := words()
	if err != nil {
		return "", err
	}
	sum.Write(list)
	return strings.ToLower(hex.EncodeToString(sum.Sum(nil)[:8])), nil
})
