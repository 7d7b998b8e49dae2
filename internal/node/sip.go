package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/creditorro/ringmaster/agents/access"
	"github.com/creditorro/ringmaster/dialer/sipua"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/media"
	"github.com/creditorro/ringmaster/internal/store"
	"github.com/creditorro/ringmaster/internal/tlsfile"
)

// SIPOptions turns the configuration into the network's words; what it shares with the rest of the node is left out.
func SIPOptions(cfg *config.Config) (sipua.Options, error) {
	sip := cfg.Telephony.SIP
	secret, err := cfg.KeyOrMade(sip.Secret, "sip")
	if err != nil {
		return sipua.Options{}, err
	}
	o := sipua.Options{
		Node: cfg.Node, Listen: sipua.Listen{UDP: sip.Listen, TCP: sip.Listen, TLS: sip.TLSListen, Media: sip.MediaListen},
		Advertise: sip.Advertise, RTPLow: sip.RTPLow, RTPHigh: sip.RTPHigh, Realm: sip.Realm, Secret: []byte(secret),
		MediaTimeout: sip.MediaTimeout, ReloadGrace: sip.ReloadGrace,
	}
	if sip.Advertise6 != "" {
		if o.Advertise6, err = netip.ParseAddr(sip.Advertise6); err != nil {
			return o, fmt.Errorf("telephony.sip.advertise6: %w", err)
		}
	}
	for _, algorithm := range sip.Digest {
		o.Algorithms = append(o.Algorithms, strings.ToUpper(algorithm))
	}
	if sip.TLSListen != "" {
		pair, err := tlsfile.NewPair(cfg.TLS.Cert, cfg.TLS.Key)
		if err != nil {
			return o, fmt.Errorf("tls.cert: %w", err)
		}
		o.Listen.TLSConfig = &tls.Config{GetCertificate: pair.ForServer}
	}
	for _, sound := range []struct {
		file string
		clip *media.Clip
	}{{sip.Notice, &o.Notice}, {sip.Abandoned, &o.Abandoned}, {sip.MachineMessage, &o.MachineMessage}, {sip.Comfort, &o.Comfort},
		{sip.StartTone, &o.StartTone}} { // one file may be several of them
		if sound.file == "" {
			continue
		}
		if *sound.clip, err = media.ReadClip(sound.file); err != nil {
			return o, fmt.Errorf("telephony.sip: %w", err)
		}
	}
	for _, name := range trunksByPriority(sip.Trunks) {
		t, wrong := parseTrunk(name, sip.Trunks[name])
		if wrong != nil {
			return o, wrong
		}
		o.Trunks = append(o.Trunks, t)
	}
	for _, name := range slices.Sorted(maps.Keys(sip.Servers)) {
		s := sip.Servers[name]
		o.Servers = append(o.Servers, sipua.Server{Host: s.Host, Transport: s.Transport, Username: s.Username,
			Password: s.Password.Reveal()})
	}
	return o, nil
}

func trunksByPriority(trunks map[string]*config.Trunk) []string {
	return slices.SortedFunc(maps.Keys(trunks), func(a, b string) int {
		return cmp.Or(cmp.Compare(trunks[a].Priority, trunks[b].Priority), cmp.Compare(a, b))
	})
}

// trunkError says which setting of a trunk cannot be read.
type trunkError struct {
	key string
	error
}

// parseTrunk reads the settings that are written in a form of their own.
func parseTrunk(name string, t *config.Trunk) (sipua.Trunk, *trunkError) {
	trunk := sipua.Trunk{
		Name: name, Host: t.Host, Transport: t.Transport, Username: t.Username, Password: t.Password.Reveal(), Register: t.Register,
		FromDomain: t.FromDomain, FromUser: t.FromUser, AssertedIdentity: t.Asserted, Privacy: t.Privacy, CallerID: t.CallerID,
		Channels: t.Channels, CPS: t.CPS, UnknownRest: t.UnknownRest,
		SRTP: t.SRTP == "sdes",
	}
	if t.NoOptions {
		trunk.Check = -1
	}
	for _, rewrite := range t.Rewrites {
		prefix, with, ok := strings.Cut(rewrite, "=")
		if !ok || prefix == "" {
			return trunk, &trunkError{"rewrites", fmt.Errorf("%q: want BEGINNING=REPLACEMENT, such as +380=0", rewrite)}
		}
		trunk.Rewrites = append(trunk.Rewrites, sipua.Rewrite{Prefix: prefix, With: with})
	}
	if t.Advertise != "" {
		ip, err := netip.ParseAddr(t.Advertise)
		if err != nil || ip.IsUnspecified() || ip.Is4In6() || ip.Zone() != "" {
			return trunk, &trunkError{"advertise", fmt.Errorf("%q: want the IPv4 or IPv6 address under which this carrier reaches us",
				t.Advertise)}
		}
		if host, ok := config.AddressIn(t.Host); ok && host.Is4() != ip.Is4() {
			return trunk, &trunkError{"advertise", fmt.Errorf(
				"%q is not of the family of host %s: want an address that this carrier can reach", t.Advertise, t.Host)}
		}
		trunk.Advertise = ip
	}
	var wrong *trunkError
	if trunk.TLS, trunk.Authorities, wrong = trunkTLS(t); wrong != nil {
		return trunk, wrong
	}
	codecs := map[string]media.Codec{"g711a": media.ALaw, "g711u": media.ULaw}
	for _, name := range t.Codecs {
		codec, known := codecs[name]
		if !known {
			return trunk, &trunkError{"codecs", fmt.Errorf("%q: want g711a or g711u", name)}
		}
		trunk.Codecs = append(trunk.Codecs, codec)
	}
	for _, source := range t.Sources {
		prefix, err := config.ParseNetwork(source)
		if err != nil {
			return trunk, &trunkError{"sources", err}
		}
		trunk.Sources = append(trunk.Sources, prefix)
	}
	return trunk, nil
}

// trunkTLS reads what we prove ourselves with over TLS, and whom we believe, from files that may change; nil: nothing is set.
func trunkTLS(t *config.Trunk) (ours *tls.Config, authorities func() *x509.CertPool, wrong *trunkError) {
	switch {
	case t.Cert != "" && t.Key == "":
		return nil, nil, &trunkError{"cert", errors.New("a certificate without its key; set key, or drop this")}
	case t.Cert == "" && t.Key != "":
		return nil, nil, &trunkError{"key", errors.New("a key without its certificate; set cert, or drop this")}
	}
	if t.CA != "" {
		pool, err := tlsfile.NewPool(t.CA)
		if err != nil {
			return nil, nil, &trunkError{"ca", err}
		}
		authorities = pool.Now
	}
	if t.Cert != "" {
		pair, err := tlsfile.NewPair(t.Cert, t.Key)
		if err != nil {
			return nil, nil, &trunkError{"cert", err}
		}
		ours = &tls.Config{GetClientCertificate: pair.ForClient}
	}
	return ours, authorities, nil
}

// makeSIP opens our own telephony: its sockets, its recordings, and what it asks of the other rooms.
func (n *Node) makeSIP() error {
	o, err := SIPOptions(n.Config)
	if err != nil {
		return err
	}
	library, err := makeLibrary(n.Config.Recording)
	if err != nil {
		return err
	}
	n.recordings = newRecordings(n, library)
	o.Installation = n.installation
	o.Redis, o.Credentials, o.Owner = n.redis, phonePasswords{n.Store}, n.extensionOwner
	o.Recordings, o.RecordingDone = library, n.recordings.ended
	o.CheckRequest = n.mayPhone
	o.TrunksChanged = func() { n.dialer.Wake() }
	o.PhoneChanged = func(extension string, _ bool) { n.dialer.PhoneChanged(extension) }
	o.Now, o.Log, o.Metrics, o.Registerer = n.Clocks.SQL, n.Log, n.metrics, n.registry
	if n.Networks.SIP, err = sipua.New(o); err != nil {
		return err
	}
	n.Networks.byName[n.Networks.SIP.Name()] = n.Networks.SIP
	return nil
}

// mayPhone lets a browser's phone in: a cookie, on a page that we know. What the phone may be is for digest to say.
func (n *Node) mayPhone(r *http.Request) error {
	if !n.origins.Allows(r) {
		return access.ErrDenied
	}
	_, _, err := n.Gate.Check(r)
	return err
}

// extensionOwner says who has an extension: nobody, if there is none of that name.
func (n *Node) extensionOwner(ctx context.Context, extension string) (int64, error) {
	x, err := n.Store.Agents.ExtensionByName(ctx, extension)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return x.OwnerID, err
}

// phonePasswords are desk phones' credentials in the telephony's words.
type phonePasswords struct{ store *store.Store }

func (p phonePasswords) HA1(ctx context.Context, user string) (md5, sha256 string, err error) {
	md5, sha256, err = p.store.Credentials.PhonePassword(ctx, user)
	if errors.Is(err, store.ErrNotFound) {
		err = sipua.ErrNoUser
	}
	return md5, sha256, err
}
