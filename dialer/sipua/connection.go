package sipua

import (
	"fmt"
	"strings"

	"github.com/creditorro/ringmaster/agents"
)

// ParseConnection reads an extension's connection string as Mediatel's supervisor tool prints it:
//
//	SIP:~~3444~~webrtc.example.com~~~~{g711a, g711u}
//
// number, telephony server, codecs. The server may be empty: our own registrar. Only G.711 is known. At most 500 bytes.
func ParseConnection(s string) (agents.Extension, error) {
	refuse := func(why string) (agents.Extension, error) {
		return agents.Extension{}, fmt.Errorf("sipua: connection string %q: %s; want SIP:~~NUMBER~~SERVER~~~~{g711a, g711u}",
			clean(s), why)
	}
	if len(s) > 500 {
		return refuse("longer than 500 bytes")
	}
	fields := strings.Split(strings.TrimSpace(s), "~~")
	if len(fields) != 5 || !strings.EqualFold(fields[0], "SIP:") {
		return refuse("it has other fields")
	}
	number, server, codecs := fields[1], fields[2], fields[4]
	switch {
	case number == "" || len(number) > 64 || userPart(number) != number:
		return refuse("the number is not one")
	case fields[3] != "":
		return refuse("the fourth field is not known")
	case !validServer(server):
		return refuse("the server is not host or host:port")
	case !strings.HasPrefix(codecs, "{") || !strings.HasSuffix(codecs, "}"):
		return refuse("the codecs are not in braces")
	}
	ext := agents.Extension{Name: number, Network: Name, Number: number, Server: server}
	for name := range strings.SplitSeq(codecs[1:len(codecs)-1], ",") {
		switch name = strings.TrimSpace(name); name {
		case "g711a", "g711u":
			ext.Codecs = append(ext.Codecs, name)
		case "":
		default:
			return refuse("codec " + clean(name) + " is not known")
		}
	}
	if len(ext.Codecs) > 2 {
		return refuse("codecs are repeated")
	}
	return ext, nil
}

// PrintConnection is the inverse of [ParseConnection].
func PrintConnection(ext agents.Extension) string {
	return "SIP:~~" + ext.Number + "~~" + ext.Server + "~~~~{" + strings.Join(ext.Codecs, ", ") + "}"
}

func validServer(s string) bool {
	if s == "" {
		return true
	}
	host := hostOf(s)
	if len(s) > 255 || host == "" || host != s && (portOf(s) < 1 || portOf(s) > 65535) {
		return false
	}
	return strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == ""
}
