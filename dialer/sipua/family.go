package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// family is the kind of address that a far end is reached by.
type family int

const (
	ipv4 family = iota
	ipv6
)

func familyOf(a netip.Addr) family {
	if a.Unmap().Is6() {
		return ipv6
	}
	return ipv4
}

func (f family) digit() string { return [...]string{"4", "6"}[f] }

// String is for people.
func (f family) String() string { return "IPv" + f.digit() }

// ourFace is what far ends of one family see of us.
type ourFace struct {
	host  string         // advertised; empty: we are not reached by this family
	udp   sip.Addr       // of the UDP socket, by which sipgo finds it
	ports map[string]int // by transport
}

// sockets are what we listen on for one family.
type sockets struct {
	udp      *net.UDPConn
	tcp, tls net.Listener
}

func (s *sockets) close() {
	if s.udp != nil {
		_ = s.udp.Close()
	}
	for _, l := range []net.Listener{s.tcp, s.tls} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// lookUp finds the address behind a name, or reads it.
func (e *endpoint) lookUp(ctx context.Context, host string, f family) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap(), nil
	}
	found, err := e.names.LookupNetIP(ctx, "ip"+f.digit(), host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("sipua: %w", err)
	}
	return found[0].Unmap(), nil
}

// listenAt is where we listen for IPv6 beside addr, which is for IPv4: at the same port, on all addresses if it is on all there,
// else on ours alone.
func listenAt(addr string, ours netip.Addr) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() && !ours.IsLoopback() {
		return net.JoinHostPort("::", port)
	}
	return net.JoinHostPort(ours.String(), port)
}

// listenOver opens the sockets of one family.
func (n *Network) listenOver(f family, ours netip.Addr) (err error) {
	s, face := &n.sockets[f], &n.endpoint.ours[f]
	at := func(addr string) string {
		if f == ipv6 {
			return listenAt(addr, ours)
		}
		return addr
	}
	if s.udp, err = listenUDP(f, at(n.opts.Listen.UDP)); err != nil {
		return err
	}
	local := s.udp.LocalAddr().(*net.UDPAddr)
	*face = ourFace{host: ours.String(), udp: sip.Addr{IP: local.IP, Port: local.Port}, ports: map[string]int{"UDP": local.Port}}
	if addr := n.opts.Listen.TCP; addr != "" {
		if s.tcp, err = net.Listen("tcp"+f.digit(), at(addr)); err != nil {
			return fmt.Errorf("sipua: listen: %w", err)
		}
		face.ports["TCP"] = s.tcp.Addr().(*net.TCPAddr).Port
	}
	if addr := n.opts.Listen.TLS; addr != "" {
		if s.tls, err = listenTLS(f, at(addr), n.opts.Listen.TLSConfig); err != nil {
			return err
		}
		face.ports["TLS"] = s.tls.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// addresses are ours by family; the one of IPv6 may be missing. A trunk's own counts where there is no other.
func (o *Options) addresses() (ours [2]netip.Addr) {
	ours[ipv4] = netip.MustParseAddr(o.Advertise).Unmap()
	ours[ipv6] = o.Advertise6
	for _, t := range o.Trunks {
		if a := t.Advertise; a.IsValid() && !ours[familyOf(a)].IsValid() {
			ours[familyOf(a)] = a
		}
	}
	return ours
}

// familyWanted is the family that a trunk is certainly reached by: that of its address, or else of ours as it is told it.
func (t *Trunk) familyWanted() (f family, certain bool, err error) {
	host, hostErr := netip.ParseAddr(hostOf(t.Host))
	switch {
	case hostErr == nil && t.Advertise.IsValid() && familyOf(host) != familyOf(t.Advertise):
		return 0, false, fmt.Errorf("want an %s address as Advertise, like Host, not %s", familyOf(host), t.Advertise)
	case hostErr == nil:
		return familyOf(host), true, nil
	case t.Advertise.IsValid():
		return familyOf(t.Advertise), true, nil
	}
	return 0, false, nil
}

// addressesOf finds the addresses behind a trunk's server, and the family that it is called by: IPv4 where both sides have it.
func (n *Network) addressesOf(ctx context.Context, t *trunk, host string) (f family, all []netip.Addr, err error) {
	f, certain, err := t.familyWanted()
	if err != nil {
		return f, nil, err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return familyOf(a), []netip.Addr{a.Unmap()}, nil
	}
	all, err = n.opts.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return f, nil, err
	}
	has := [2]bool{}
	for i, a := range all {
		all[i] = a.Unmap()
		has[familyOf(a)] = true
	}
	switch {
	case certain && !has[f]:
		return f, nil, fmt.Errorf("%s has no %s address, which advertise of this trunk asks for", host, f)
	case certain || has[ipv4]:
		return f, all, nil
	case n.endpoint.ours[ipv6].host == "":
		return ipv6, nil, errors.New(host + " has IPv6 addresses alone, and this node has none: set telephony.sip.advertise6")
	}
	return ipv6, all, nil
}

// ourIP is our address for sound, as the far end of h is told it.
func (n *Network) ourIP(h hop) netip.Addr {
	a, _ := netip.ParseAddr(n.endpoint.self(h))
	return a
}

// hostPort joins a host as it stands in an address of SIP, or without brackets, with a port.
func hostPort(host string, port int) string {
	return net.JoinHostPort(bare(host), strconv.Itoa(port))
}
