package sipua

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
	"github.com/creditorro/ringmaster/internal/uptime"
)

const tcpCalls = 40 // whose INVITE has left, and as many that are about to send theirs

// TestStoppedProcessOverTCP is TestStoppedProcess over a stream, which the trunk resets while we are stopped: what had left is
// not sent again by another connection, and what had not does not leave any more.
func TestStoppedProcessOverTCP(t *testing.T) {
	if trunk := os.Getenv("RINGMASTER_TEST_STOPPED_TCP"); trunk != "" {
		beStoppedOverTCP(t, trunk)
		return
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var mu sync.Mutex
	var conns []*net.TCPConn
	var readers sync.WaitGroup
	in := make(chan string, 10*tcpCalls)
	readers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn.(*net.TCPConn))
			mu.Unlock()
			readers.Go(func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "INVITE ") {
						in <- lines.Text()
					}
				}
			})
		}
	})

	child := startStoppable(t, "TestStoppedProcessOverTCP", "RINGMASTER_TEST_STOPPED_TCP="+l.Addr().String())
	awaitLine(t, child.lines, "asked")
	for range tcpCalls {
		receive(t, in)
	}
	fmt.Fprintln(child.orders, "the lease begins")
	awaitLine(t, child.lines, "leased")
	began := uptime.Now()
	child.stop()
	mu.Lock()
	for _, conn := range conns {
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
	mu.Unlock()
	testdeps.Lasts(stoppedLease + 500*time.Millisecond - uptime.Now().Sub(began))
	fmt.Fprintln(child.orders, "dial")
	child.signal(syscall.SIGCONT)
	awaitLine(t, child.lines, fmt.Sprintf("%d calls kept back, %d unknown", tcpCalls, tcpCalls))
	child.orders.Close()
	_ = child.Wait() // and with it its connections are closed
	_ = l.Close()
	readers.Wait()
	if late := len(in); late > 0 {
		t.Errorf("%d INVITEs left after the lease", late)
	}
}

// beStoppedOverTCP is the process that is stopped.
func beStoppedOverTCP(t *testing.T, trunk string) {
	n := startNetwork(t, func(o *Options) { o.Trunks = []Trunk{{Name: "t", Host: trunk, Transport: "tcp", Check: -1}} })
	var lease lease
	var asked sync.WaitGroup
	dial := make(chan struct{})
	var written, waiting []dialer.LiveCall
	for range tcpCalls {
		order := orderTo(nil)
		order.MayWrite, order.Ring = lease.mayWrite, time.Minute
		written = append(written, place(t, n, order))
		order = orderTo(nil)
		order.MayWrite, order.Ring = lease.mayWrite, time.Minute
		asked.Add(1)
		order.BeforeCustomer = func(context.Context) error { asked.Done(); <-dial; return nil }
		waiting = append(waiting, place(t, n, order))
	}
	asked.Wait() // the connection stands, and the record has been asked
	fmt.Println("asked")
	orders := bufio.NewReader(os.Stdin)
	if _, err := orders.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	end := uptime.Now().Add(stoppedLease)
	lease.Store(&end)
	fmt.Println("leased")
	if _, err := orders.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	close(dial)
	kept, unknown := 0, 0
	for _, c := range waiting {
		if got := until(t, c, dialer.Ended); got.Outcome == campaigns.Unknown && got.NotDialed {
			kept++
		} else {
			fmt.Printf("%+v\n", got)
		}
	}
	for _, c := range written {
		if got := until(t, c, dialer.Ended); got.Outcome == campaigns.Unknown && !got.NotDialed && !got.Confirmed {
			unknown++
		} else {
			fmt.Printf("%+v\n", got)
		}
	}
	fmt.Printf("%d calls kept back, %d unknown\n", kept, unknown)
	_, _ = orders.ReadString('\n') // until the test has seen it
}
