package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/clocks"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/node"
	"github.com/creditorro/ringmaster/internal/reason"
)

// What this file looks at is on this machine: folder, secrets, ports, clock.

const (
	leastSpace  = 512 << 20 // below, the node would soon fail
	enoughSpace = 5 << 30   // a day of recordings of 50 agents, about
)

func lookAtData(_ context.Context, d *Doctor) {
	folder := d.cfg.Data
	if err := writable(folder); err != nil {
		d.say(failed, mendFolder, isFolderBad(folder, d.cause(err)))
		return
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		d.say(warning, mendDisk, isSpaceUnknown(folder, d.cause(err)))
		return
	}
	free := disk.Bavail * uint64(disk.Bsize)
	switch {
	case free < leastSpace:
		d.say(failed, mendRoom, isSpaceLow(folder, int(free>>20)))
	case free < enoughSpace:
		d.say(warning, mendRoomSoon, isSpaceScarce(folder, math.Round(10*float64(free)/(1<<30))/10))
	default:
		d.well(isSpace(folder, int(free>>30)))
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

// lookAtRetention says for how long what was said and dialed is kept: a supervisor would be asked by an auditor.
func lookAtRetention(_ context.Context, d *Doctor) {
	const day = 24 * time.Hour
	if keep := d.cfg.Recording.Keep; keep > 0 {
		d.well(isKept(int(keep / day)))
	} else {
		d.well(isKeptForEver)
	}
	for _, p := range campaigns.Profiles {
		if p.Retention > 0 {
			d.well(isRetention(p.Name, int(p.Retention/day)))
		}
	}
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
			d.say(warning, mendShared(s.key), isSecretMade(s.key, filepath.Join(d.cfg.Data, "keys", s.file)))
			continue
		}
		d.well(isSecretSet(s.key, len(s.given)))
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
		d.say(warning, mendHTTPS, isClear(c.PublicURL))
	}
}

func (d *Doctor) lookAtPort(ctx context.Context, key, address string) {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		listener.Close()
		d.well(isFree(key, address))
		return
	}
	if _, asked := node.Ask(ctx, d.cfg, "/healthz"); asked == nil && errors.Is(err, syscall.EADDRINUSE) {
		d.well(isTakenWell(key, address))
		return
	}
	d.say(failed, mendPort, isTaken(key, address, d.cause(err)))
}

func (d *Doctor) lookAtCertificate() {
	pair, err := tls.LoadX509KeyPair(d.cfg.TLS.Cert, d.cfg.TLS.Key)
	if err != nil {
		found := isPairWrong
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			found = isPairBad(d.cause(err))
		}
		d.say(failed, mendPair, found)
		return
	}
	leaf := pair.Leaf
	left := time.Until(leaf.NotAfter)
	switch {
	case left < 0:
		d.say(failed, mendRenew, isEnded(reason.Day(leaf.NotAfter.Format(time.DateOnly))))
	case left < 14*24*time.Hour:
		d.say(warning, mendRenew, isEnding(reason.Day(leaf.NotAfter.Format(time.DateOnly))))
	default:
		d.well(isCertificate(leaf.DNSNames, reason.Day(leaf.NotAfter.Format(time.DateOnly))))
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
		d.say(skipped, mendNTP, isClockUnknown)
	case !synchronised:
		d.say(warning, mendNTPClient, isClockAlone)
	default:
		d.well(isClockKept)
	}
}

// skew judges how far a neighbour's clock ("sql", "redis") is from ours, and from the other's; took is how long the question was
// under way.
func (d *Doctor) skew(which, who string, theirs time.Time, asked time.Time, took time.Duration) {
	ahead := theirs.Sub(asked.Add(took / 2))
	off, uncertain := ahead.Abs(), took/2
	if uncertain <= clocks.Tolerance/2 {
		if d.ahead == nil {
			d.ahead = map[string]time.Duration{}
		}
		d.ahead[which] = ahead
	}
	by := off.Round(time.Millisecond)
	switch {
	case off > clocks.Tolerance+uncertain:
		d.say(failed, mendClocks, isClockOff(who, by))
	case clocks.Differ(d.ahead) != "" && off <= clocks.Tolerance: // each is near enough to this machine
		d.say(failed, mendClocks, isClocksApart(who, clocks.Differ(d.ahead)))
	case off > 500*time.Millisecond+uncertain:
		d.say(warning, mendClocks, isClockBit(who, by))
	default:
		d.well(isClocksAgree(who))
	}
}
