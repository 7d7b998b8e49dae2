package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/creditorro/ringmaster/internal/clocks"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
)

// What this file looks at is on this machine: folder, secrets, ports, clock.

const (
	leastSpace  = 512 << 20 // below, the node would soon fail
	enoughSpace = 5 << 30   // a day of recordings of 50 agents, about
)

func lookAtData(_ context.Context, d *Doctor) {
	folder := d.cfg.Data
	if err := writable(folder); err != nil {
		d.say(failed, "make the folder, and give it to the user that runs ringmaster", "%v", err)
		return
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		d.say(warning, "look at the disk by hand", "%s: free space unknown: %v", folder, err)
		return
	}
	free := disk.Bavail * uint64(disk.Bsize)
	switch {
	case free < leastSpace:
		d.say(failed, "make room, or move data to a larger disk", "%s: only %d MB free", folder, free>>20)
	case free < enoughSpace:
		d.say(warning, "make room: recordings need about 1 MB a minute of talk", "%s: %.1f GB free", folder, float64(free)/(1<<30))
	default:
		d.well("%s may be written; %d GB free", folder, free>>30)
	}
}

// writable reports whether a folder is there, or can be made, and takes files.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(folder, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func lookAtSecrets(_ context.Context, d *Doctor) {
	for _, s := range []struct {
		key, file string
		given     config.Secret
	}{
		{"vouch.secret", "vouch", d.cfg.Vouch.Secret},
		{"api.jwt_secret", "jwt", d.cfg.API.JWTSecret},
	} {
		if s.given == "" {
			d.say(warning, "set "+s.key+" to what all nodes share (and, for VouchCookie, Vouch Proxy signs with)",
				"%s is not set: one is made and kept in %s", s.key, filepath.Join(d.cfg.Data, "keys", s.file))
			continue
		}
		d.well("%s is set, %d bytes", s.key, len(s.given))
	}
}

func lookAtListeners(ctx context.Context, d *Doctor) {
	c := d.cfg
	d.lookAtPort(ctx, "listen", c.Listen)
	if c.AdminListen != "" {
		d.lookAtPort(ctx, "admin_listen", c.AdminListen)
	}
	if c.TLS.Cert != "" {
		d.lookAtCertificate()
	}
	public, err := url.Parse(c.PublicURL)
	if err == nil && public.Scheme == "http" && !loopback(public.Hostname()) {
		d.say(warning, "serve https, by tls.cert or a proxy (deploy/nginx.conf), and set public_url", "%s: cookies and passwords travel in the clear", c.PublicURL)
	}
}

func (d *Doctor) lookAtPort(ctx context.Context, key, address string) {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		listener.Close()
		d.well("%s %s is free", key, address)
		return
	}
	if _, asked := node.Ask(ctx, d.cfg, "/healthz"); asked == nil && errors.Is(err, syscall.EADDRINUSE) {
		d.well("%s %s is taken by a node that is well", key, address)
		return
	}
	d.say(failed, "choose another address, or end what has it (ss -ltnp)", "%s: %v", key, err)
}

func (d *Doctor) lookAtCertificate() {
	pair, err := tls.LoadX509KeyPair(d.cfg.TLS.Cert, d.cfg.TLS.Key)
	if err != nil {
		d.say(failed, "give tls.cert and tls.key a pair that belongs together, in PEM", "%v", err)
		return
	}
	leaf := pair.Leaf
	left := time.Until(leaf.NotAfter)
	switch {
	case left < 0:
		d.say(failed, "renew it", "certificate ended on %s", leaf.NotAfter.Format(time.DateOnly))
	case left < 14*24*time.Hour:
		d.say(warning, "renew it", "certificate ends on %s", leaf.NotAfter.Format(time.DateOnly))
	default:
		d.well("certificate for %s until %s", strings.Join(leaf.DNSNames, ", "), leaf.NotAfter.Format(time.DateOnly))
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// lookAtClock: leases, permits and signatures compare clocks of several machines.
func lookAtClock(_ context.Context, d *Doctor) {
	synchronised, known := clockSynchronised()
	switch {
	case !known:
		d.say(skipped, "see that NTP runs", "this system does not say whether its clock is kept")
	case !synchronised:
		d.say(warning, "run an NTP client: systemd-timesyncd, chrony", "no NTP client keeps this machine's clock")
	default:
		d.well("kept by NTP")
	}
}

// skew judges how far a neighbour's clock ("sql", "redis") is from ours, and from the other's; took is how long the question was under
// way.
func (d *Doctor) skew(which, who string, theirs time.Time, asked time.Time, took time.Duration) {
	ahead := theirs.Sub(asked.Add(took / 2))
	off, uncertain := ahead.Abs(), took/2
	if uncertain <= clocks.Tolerance/2 {
		if d.ahead == nil {
			d.ahead = map[string]time.Duration{}
		}
		d.ahead[which] = ahead
	}
	text := fmt.Sprintf("its clock differs by %s", off.Round(time.Millisecond))
	switch {
	case off > clocks.Tolerance+uncertain:
		d.say(failed, "keep both clocks by NTP", "%s: %s: this node dials nobody", who, text)
	case clocks.Differ(d.ahead) != "" && off <= clocks.Tolerance: // each is near enough to this machine
		d.say(failed, "keep all clocks by NTP", "%s: %s: this node dials nobody", who, clocks.Differ(d.ahead))
	case off > 500*time.Millisecond+uncertain:
		d.say(warning, "keep both clocks by NTP", "%s: %s", who, text)
	default:
		d.well("%s: clocks agree", who)
	}
}
