package sipua

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

const (
	maxContacts   = 5   // in one REGISTER
	maxUser       = 100 // bytes of a user name: an extension's 64, an agent's number, a time
	minExpires    = 30 * time.Second
	maxExpires    = 2 * time.Minute // whatever a phone asks for: so long nobody can call it after its node was lost or restarted
	lookupTimeout = 2 * time.Second // of stored credentials
)

// onRegister answers a REGISTER (RFC 3261, section 10.3). A phone learns nothing before it proves itself: an unknown name
// is challenged and refused like a wrong password, and whoever fails too often is not answered any more.
func (n *Network) onRegister(req *sip.Request, tx sip.ServerTransaction) {
	source := sourceOf(req)
	if n.failures.blocked(source, time.Now()) {
		n.figures.refused("flood")
		return
	}
	user, proof, verdict := n.authenticate(req)
	switch verdict {
	case proven:
	case unproven, stale:
		_ = tx.Respond(n.challenge(req, verdict == stale))
		return
	case unavailable:
		respond(tx, req, sip.StatusServiceUnavailable, "Service Unavailable")
		return
	case astray:
		n.figures.refused("uri")
		respond(tx, req, sip.StatusBadRequest, "The uri of Authorization Is Not the Request's")
		return
	default:
		n.failures.add(source, time.Now())
		n.figures.refused("password")
		respond(tx, req, sip.StatusForbidden, "Forbidden")
		return
	}
	extension := user
	tab, isTab := browserUser(user)
	if isTab {
		extension = tab.extension
	}
	if to := req.To(); to == nil || to.Address.User != extension && to.Address.User != user {
		respond(tx, req, sip.StatusForbidden, "Forbidden") // an address that is not the phone's own
		return
	}
	n.failures.trust(source)
	if isTab && !n.mayRing(tab, req, tx) {
		return
	}
	if !n.trustFlow(req) {
		respond(tx, req, sip.StatusServiceUnavailable, "Too Many Phones")
		return
	}
	bindings, err := n.bindingsOf(req, extension, tab.agentID)
	var refusal *registerError
	if errors.As(err, &refusal) {
		res := sip.NewResponseFromRequest(req, refusal.code, refusal.reason, nil)
		if refusal.code == sip.StatusIntervalToBrief {
			res.AppendHeader(sip.NewHeader("Min-Expires", strconv.Itoa(int(minExpires/time.Second))))
		}
		_ = tx.Respond(res)
		return
	}
	for i := range bindings {
		bindings[i].user, bindings[i].proof = user, proof
	}
	live := n.locations.update(extension, bindings)
	_ = tx.Respond(registered(req, live))
	if len(live) == 0 && len(bindings) > 0 {
		n.phoneChanged(extension)
	}
	for _, b := range bindings {
		if b.Expires.After(time.Now()) {
			n.phoneRegistered(b)
		}
	}
}

// mayRing says whether a tab's agent has the extension still, and else refuses. The password of the session is good for longer
// than a shift may last, and the extension may be another agent's by now. Tabs of former owners are forgotten either way.
func (n *Network) mayRing(tab tabName, req *sip.Request, tx sip.ServerTransaction) bool {
	owner, err := n.owner(tab.extension)
	if err != nil {
		n.log.Error("an extension's owner cannot be looked up", "extension", tab.extension, "error", err)
		respond(tx, req, sip.StatusServiceUnavailable, "Service Unavailable")
		return false
	}
	n.dropTabs(tab.extension, owner)
	if owner != tab.agentID {
		n.figures.refused("owner")
		respond(tx, req, sip.StatusForbidden, "Forbidden")
		return false
	}
	return true
}

// standing is what a phone's credentials are worth.
type standing int

const (
	unproven    standing = iota // none were given
	stale                       // right nonce, too old
	proven                      //
	wrong                       //
	unavailable                 // they cannot be checked now
	astray                      // they are for another request
)

// authenticate says who sent a REGISTER, and what they proved it by: a fingerprint of the stored credentials.
func (n *Network) authenticate(req *sip.Request) (user string, proof [32]byte, s standing) {
	cred := n.answerOf(req)
	if cred == nil {
		return "", proof, unproven
	}
	now := time.Now()
	id, ours, fresh := n.nonces.check(cred.Nonce, n.clientOf(req), now)
	// Phones older than RFC 2617 know neither qop nor counts: their nonce serves once.
	count := uint32(spent)
	if cred.QOP != "" {
		count = uint32(cred.Nc)
	}
	switch {
	case !ours:
		return "", proof, unproven
	case !fresh || n.nonces.seen(id, count):
		return "", proof, stale
	}
	if !n.meant(cred.URI, &req.Recipient) {
		return "", proof, astray
	}
	algorithm := strings.ToUpper(cred.Algorithm)
	if algorithm == "" {
		algorithm = "MD5"
	}
	counted := cred.QOP == "auth" && cred.Cnonce != "" && cred.Nc > 0
	if !slices.Contains(n.opts.Algorithms, algorithm) || cred.QOP != "" && !counted {
		return "", proof, wrong
	}
	ha1, err := n.ha1(cred.Username, algorithm, n.opts.Now())
	if err != nil {
		n.log.Error("a phone's credentials cannot be looked up", "error", err)
		return "", proof, unavailable
	}
	hash := hashes[algorithm]
	middle := ":"
	if counted { // the count goes in as eight hex digits (RFC 7616, section 3.4)
		middle = ":" + fmt.Sprintf("%08x", cred.Nc) + ":" + cred.Cnonce + ":auth:"
	}
	want := hash(ha1 + ":" + cred.Nonce + middle + hash("REGISTER:"+cred.URI))
	if ha1 == "" || !equal(want, cred.Response) {
		return "", proof, wrong
	}
	if !n.nonces.use(id, count, now) {
		return "", proof, stale
	}
	return cred.Username, fingerprint(algorithm, ha1), proven
}

// answerOf is the answer to a challenge of ours: a phone may bring others', for proxies on its way.
func (n *Network) answerOf(req *sip.Request) *digest.Credentials {
	for h := range headersOf(req, "Authorization") {
		cred, err := digest.ParseCredentials(h.Value())
		if err == nil && len(cred.Username) <= maxUser && cred.Realm == n.opts.Realm {
			return cred
		}
	}
	return nil
}

// fingerprint tells credentials from those that took their place, and is of no use to who reads it.
func fingerprint(algorithm, ha1 string) [32]byte { return sha256.Sum256([]byte(algorithm + ":" + ha1)) }

// ha1 is what a user's response is checked against; empty: nobody of this name may come in.
func (n *Network) ha1(user, algorithm string, now time.Time) (string, error) {
	if tab, ok := browserUser(user); ok {
		if now.After(tab.until) {
			return "", nil
		}
		return HA1(algorithm, user, n.opts.Realm, n.secrets.password(user)), nil
	}
	if n.opts.Credentials == nil {
		return "", nil
	}
	ctx, stop := context.WithTimeout(context.Background(), lookupTimeout)
	defer stop()
	md5, sha256, err := n.opts.Credentials.HA1(ctx, user)
	switch {
	case errors.Is(err, ErrNoUser):
		return "", nil
	case err != nil:
		return "", err
	case algorithm == "SHA-256":
		return sha256, nil
	}
	return md5, nil
}

// challenge asks for credentials, in each algorithm offered (RFC 8760, section 2.4).
func (n *Network) challenge(req *sip.Request, stale bool) *sip.Response {
	res := sip.NewResponseFromRequest(req, sip.StatusUnauthorized, "Unauthorized", nil)
	nonce := n.nonces.issue(n.clientOf(req), time.Now())
	for _, algorithm := range n.opts.Algorithms {
		c := digest.Challenge{Realm: n.opts.Realm, Nonce: nonce, Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale}
		res.AppendHeader(sip.NewHeader("WWW-Authenticate", c.String()))
	}
	return res
}

// challengeStranger reports whether a stranger's REGISTER answers a challenge of ours, and else answers it by one, without
// memory of it. Who has failed too often is not answered.
func (n *Network) challengeStranger(data []byte, from net.Addr) (answers bool) {
	msg, err := sip.ParseMessage(data)
	req, ok := msg.(*sip.Request)
	if err != nil || !ok || req.Via() == nil || req.CSeq() == nil || req.CallID() == nil || req.From() == nil || req.To() == nil {
		n.figures.refused("malformed")
		return false
	}
	req.SetTransport("UDP")
	req.SetSource(from.String())
	now := time.Now()
	if n.failures.blocked(sourceOf(req), now) {
		n.figures.refused("flood")
		return false
	}
	isStale := false
	if cred := n.answerOf(req); cred != nil {
		_, ours, fresh := n.nonces.check(cred.Nonce, n.clientOf(req), now)
		if ours && fresh {
			return true
		}
		isStale = ours
	}
	res := n.challenge(req, isStale).String()
	socket := n.sockets[familyOf(addrOf(from.String()))].udp
	_, _ = socket.WriteTo([]byte(res), from)
	trace(true, "UDP", socket.LocalAddr().String(), from.String(), []byte(res))
	return false
}

// registerError is why a proven phone's REGISTER is refused all the same.
type registerError struct {
	code   int
	reason string
}

func (e *registerError) Error() string {
	return fmt.Sprintf("sipua: REGISTER: %d %s", e.code, e.reason)
}

// bindingsOf reads the Contact headers: bindings to add, or, with Expires in the past, to remove.
func (n *Network) bindingsOf(req *sip.Request, extension string, agentID int64) ([]Binding, error) {
	contacts := req.GetHeaders("Contact")
	if len(contacts) > maxContacts {
		return nil, &registerError{sip.StatusBadRequest, "Too Many Contacts"}
	}
	common := ""
	if h := req.GetHeader("Expires"); h != nil {
		common = h.Value()
	}
	now := time.Now()
	var bindings []Binding
	for _, h := range contacts {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			return nil, &registerError{sip.StatusBadRequest, "Bad Contact"}
		}
		if c.Address.Wildcard {
			for _, b := range n.locations.of(extension) {
				b.Expires = now
				bindings = append(bindings, b)
			}
			continue
		}
		life, err := lifetime(c.Params.GetOr("expires", common))
		if err != nil {
			return nil, err
		}
		source := req.Source()
		nat := sip.ASCIIToUpper(req.Transport()) == "UDP" && life > 0 && behindNAT(c.Address, source)
		if nat {
			life = min(life, natExpires)
		}
		agent := ""
		if h := req.GetHeader("User-Agent"); h != nil {
			agent = clean(h.Value())
		}
		bindings = append(bindings, Binding{
			Extension: extension, AgentID: agentID, Node: n.opts.Node, Contact: c.Address.String(),
			Instance:  c.Params.GetOr("+sip.instance", ""),
			Transport: sip.ASCIIToUpper(req.Transport()), Source: source, Expires: now.Add(life), Since: now, UserAgent: agent,
			uri: *c.Address.Clone(), params: c.Params.Clone(), nat: nat,
		})
	}
	return bindings, nil
}

func lifetime(value string) (time.Duration, error) {
	if value == "" {
		return maxExpires, nil
	}
	seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	life := time.Duration(seconds) * time.Second
	switch {
	case err != nil:
		return 0, &registerError{sip.StatusBadRequest, "Bad Expires"}
	case seconds == 0:
		return 0, nil
	case life < minExpires:
		return 0, &registerError{sip.StatusIntervalToBrief, "Interval Too Brief"}
	}
	return min(life, maxExpires), nil
}

// registered is the 200: all live bindings, the phone's own Contact parameters echoed.
func registered(req *sip.Request, live []Binding) *sip.Response {
	res := sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil)
	now := time.Now()
	for _, b := range live {
		c := &sip.ContactHeader{Address: b.uri, Params: b.params.Clone()}
		c.Params.Add("expires", strconv.Itoa(int(b.Expires.Sub(now).Round(time.Second)/time.Second)))
		res.AppendHeader(c)
	}
	res.AppendHeader(sip.NewHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
	return res
}

func addrOf(hostport string) netip.Addr {
	a, _ := netip.ParseAddrPort(hostport)
	return a.Addr().Unmap()
}
