package sipua

import (
	"net"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/creditorro/ringmaster/internal/tcplimit"
)

// What is handed to the kernel on a stream leaves when the network lets it: an INVITE to a trunk that was cut off must not arrive
// when the lease behind it is long over. Writing and waiting for the acknowledgement take no longer, together, than the margin at
// which the dialer's lease ends for us, 5 s.
const (
	streamWrite = time.Second
	streamAcked = 4 * time.Second // TCP_USER_TIMEOUT: the connection is dropped, and what it holds with it
)

// streams are the transports of connections that we open ourselves.
func streams(conf *sip.TransportsConfig) {
	conf.TCP = &sip.TransportTCP{WriteTimeout: streamWrite, DialerCreate: streamDialer}
	conf.TLS = &sip.TransportTLS{TransportTCP: &sip.TransportTCP{WriteTimeout: streamWrite, DialerCreate: streamDialer}}
}

func streamDialer(local net.Addr) net.Dialer {
	return net.Dialer{Timeout: connectTimeout, LocalAddr: local, Control: tcplimit.Control(streamAcked)}
}
