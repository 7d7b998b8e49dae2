package sipua

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creditorro/ringmaster/agents"
	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/dialer"
	"github.com/creditorro/ringmaster/internal/testdeps"
)

// startBaresip runs a phone that answers by itself, says a tone, and keeps what it hears in its folder.
func startBaresip(t *testing.T, port int, hz int, account string, settings ...string) (folder string, stop func()) {
	t.Helper()
	if _, err := exec.LookPath("baresip"); err != nil {
		t.Skip("baresip is not installed: apt-get install baresip")
	}
	folder = t.TempDir()
	ip := "127.0.0.1"
	if strings.Contains(account, "@[::1]") {
		ip = "::1"
	}
	config := fmt.Sprintf(`sip_listen %s
module_path /usr/lib/baresip/modules
module g711.so
module srtp.so
module ausine.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
snd_path %s
audio_source ausine,%d
audio_player aubridge,nowhere
ausrc_srate 48000
auplay_srate 8000
ausrc_channels 2
auplay_channels 1
net_interface %s
rtp_ports %d-%d
%s
`, net.JoinHostPort(ip, strconv.Itoa(port)), folder, hz, ip, port+20, port+60,
		strings.Join(settings, "\n"))
	for name, text := range map[string]string{"config": config, "accounts": account + "\n", "contacts": ""} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("baresip", "-f", folder)
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if !ended {
			ended = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			timer := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(folder, "log"))
			t.Logf("baresip: %s", text)
		}
	})
	testdeps.Eventually(t, "baresip is ready", func() bool {
		text, err := os.ReadFile(filepath.Join(folder, "log"))
		return err == nil && strings.Contains(string(text), "baresip is ready")
	})
	return folder, stop
}

// toneHeard is how much of what a phone heard is the tone (Goertzel, in the best second).
func toneHeard(t *testing.T, folder string, hz float64) float64 {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, "*dec.wav"))
	if len(files) != 1 {
		t.Fatalf("kept %v", files)
	}
	return toneIn(t, files[0], hz)
}

// toneIn is toneHeard of one call's file.
func toneIn(t *testing.T, file string, hz float64) float64 {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil || len(b) < 44 {
		t.Fatal("nothing kept", err)
	}
	rate := int(binary.LittleEndian.Uint32(b[24:]))
	best := 0.0
	for at := 44; at+2*rate <= len(b); at += rate / 2 * 2 {
		var re, im, all float64
		for i := range rate {
			s := float64(int16(binary.LittleEndian.Uint16(b[at+2*i:])))
			angle := 2 * math.Pi * hz * float64(i) / float64(rate)
			re, im, all = re+s*math.Cos(angle), im+s*math.Sin(angle), all+s*s
		}
		if all > float64(rate)*1e4 {
			best = max(best, 2*(re*re+im*im)/float64(rate)/all)
		}
	}
	return best
}

// TestBaresip lets two real phones talk through us: a desk phone that registered by digest and speaks µ-law, and a customer
// behind a trunk who speaks A-law. Each hears the other's tone, and the recording holds both.
func TestBaresip(t *testing.T) {
	t.Parallel()
	betweenBaresips(t, "127.0.0.1", "127.0.0.1")
}

// TestBaresipOverIPv6 has either of them reached by IPv6, and the other one by IPv4.
func TestBaresipOverIPv6(t *testing.T) {
	t.Parallel()
	t.Run("trunk", func(t *testing.T) { t.Parallel(); betweenBaresips(t, "127.0.0.1", "[::1]") })
	t.Run("desk phone", func(t *testing.T) { t.Parallel(); betweenBaresips(t, "[::1]", "127.0.0.1") })
}

func betweenBaresips(t *testing.T, deskAt, customerAt string) {
	recordings := keepRecordings(t)
	slot := int(sippSlot.Add(1))
	ports := 24000 + slot%40*100
	customer, stopCustomer := startBaresip(t, ports, 800,
		fmt.Sprintf("<sip:customer@%s:%d>;regint=0;answermode=auto;audio_codecs=PCMA/8000/1", customerAt, ports))
	n := startNetwork(t, func(o *Options) {
		o.Trunks = []Trunk{{Name: "t", Host: fmt.Sprintf("%s:%d", customerAt, ports),
			Rewrites: []Rewrite{{"+447700900123", "customer"}}}}
		o.Credentials, o.Advertise6 = stored{"desk1": "right"}, netip.IPv6Loopback()
		recordings.options(o)
	})
	<-n.ready
	registrar := n.sockets[ipv4].udp.LocalAddr()
	if deskAt == "[::1]" {
		registrar = n.sockets[ipv6].udp.LocalAddr()
	}
	desk, stopDesk := startBaresip(t, ports+10, 600,
		fmt.Sprintf("<sip:desk1@%s>;auth_pass=right;regint=60;answermode=auto;audio_codecs=PCMU/8000/1", registrar))
	testdeps.Eventually(t, "the phone registers", func() bool { return len(n.locations.of("desk1")) == 1 })

	order := orderTo(nil)
	order.Agent, order.Automatic = &agents.Extension{Name: "desk1"}, true
	c := place(t, n, order)
	until(t, c, dialer.CustomerAnswered)
	testdeps.Lasts(3 * time.Second) // they talk
	c.Hangup("system")
	if got := until(t, c, dialer.Ended); got.Outcome != campaigns.Answered {
		t.Errorf("got %+v", got)
	}
	rec := recordings.await(t)
	stopDesk()
	stopCustomer()
	if l, r := loudness(t, rec.Path, 0, 600), loudness(t, rec.Path, 1, 800); l < 0.9 || r < 0.9 {
		t.Errorf("in the recording, the agent's tone is %.2f of the left, the customer's %.2f of the right", l, r)
	}
	if a, b := toneHeard(t, desk, 800), toneHeard(t, customer, 600); a < 0.9 || b < 0.9 {
		t.Errorf("the customer's tone is %.2f of what the agent heard, the agent's %.2f of what the customer heard", a, b)
	}
	if rec.Agent.Packets < 100 || rec.Customer.Packets < 100 || rec.Agent.Lost+rec.Customer.Lost > 5 {
		t.Errorf("counted %+v and %+v", rec.Agent, rec.Customer)
	}
}
