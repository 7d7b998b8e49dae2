package sipua

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/media"
)

// figures are this package's metrics; all methods work on nil.
type figures struct {
	outcomes *prometheus.CounterVec
	answer   prometheus.Histogram
	packets  *prometheus.CounterVec
	lost     *prometheus.CounterVec
	refusals *prometheus.CounterVec
	trunks   *prometheus.GaugeVec
	useless  *prometheus.CounterVec
	none     prometheus.Gauge
	calls    *prometheus.CounterVec
	talk     *prometheus.CounterVec
	setup    *prometheus.HistogramVec
}

func newFigures(reg prometheus.Registerer, calls, nailed, phones func() float64) (*figures, error) {
	if reg == nil {
		return nil, nil
	}
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "ringmaster", Subsystem: "sip", Name: name, Help: help}
	}
	f := &figures{
		outcomes: prometheus.NewCounterVec(opts("calls_total", "Calls ended."), []string{"outcome"}),
		answer: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "ringmaster", Subsystem: "sip",
			Name: "place_to_invite_seconds",
			Help: "From the order of a call to its first INVITE.", Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .5}}),
		packets:  prometheus.NewCounterVec(opts("rtp_packets_total", "RTP packets heard."), []string{"side"}),
		lost:     prometheus.NewCounterVec(opts("rtp_lost_total", "RTP packets missing."), []string{"side"}),
		refusals: prometheus.NewCounterVec(opts("refused_total", "Messages of strangers refused or dropped."), []string{"reason"}),
		trunks: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "ringmaster", Subsystem: "sip", Name: "trunk_up",
			Help: "1 while calls may be sent over a trunk."}, []string{"trunk"}),
		none: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "ringmaster", Subsystem: "sip", Name: "no_trunk",
			Help: "1 while no trunk can take a call, so that nobody is dialed."}),
		calls: prometheus.NewCounterVec(opts("trunk_calls_total",
			"INVITEs over a trunk, by the status of the final response; none: there was none."),
			[]string{"trunk", "status"}),
		talk: prometheus.NewCounterVec(opts("trunk_talk_seconds_total", "Talk over a trunk."), []string{"trunk"}),
		setup: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "ringmaster", Subsystem: "sip",
			Name: "trunk_setup_seconds", Help: "From an INVITE to the first sign of the customer's phone.",
			Buckets: []float64{.1, .25, .5, 1, 2, 3, 5, 8, 12, 20, 30}}, []string{"trunk"}),
	}
	f.useless = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ringmaster", Name: "trunk_unusable_answers_total",
		Help: "Customers' answers whose sound we cannot take: they are hung up, and count as abandoned."}, []string{"trunk"})
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "ringmaster", Subsystem: "sip", Name: name, Help: help}, value)
	}
	var errs []error
	for _, c := range []prometheus.Collector{f.outcomes, f.answer, f.packets, f.lost, f.refusals, f.trunks, f.useless, f.none,
		f.calls, f.talk, f.setup,
		gauge("calls", "Calls in the making or up.", calls), gauge("nailed_legs", "Nailed-up legs to agents' phones.", nailed),
		gauge("phones", "Phones registered at this node.", phones)} {
		errs = append(errs, reg.Register(c))
	}
	return f, errors.Join(errs...)
}

func (f *figures) ended(outcome campaigns.Outcome, stats [2]media.Stats) {
	if f == nil {
		return
	}
	f.outcomes.WithLabelValues(string(outcome)).Inc()
	for side, name := range []string{"agent", "customer"} {
		f.packets.WithLabelValues(name).Add(float64(stats[side].Packets))
		f.lost.WithLabelValues(name).Add(float64(stats[side].Lost))
	}
}

func (f *figures) refused(reason string) {
	if f != nil {
		f.refusals.WithLabelValues(reason).Inc()
	}
}

func (f *figures) unusable(trunk string) {
	if f != nil {
		f.useless.WithLabelValues(trunk).Inc()
	}
}

func (f *figures) trunkUp(name string, up bool) {
	if f == nil {
		return
	}
	v := 0.0
	if up {
		v = 1
	}
	f.trunks.WithLabelValues(name).Set(v)
}

func (f *figures) noTrunk(none bool) {
	if f == nil {
		return
	}
	f.none.Set(0)
	if none {
		f.none.Set(1)
	}
}

// trunkCall counts a call over a trunk that has ended.
func (f *figures) trunkCall(name string, call trunkCall) {
	if f == nil {
		return
	}
	status := "none"
	if call.code > 0 {
		status = strconv.Itoa(call.code)
	}
	f.calls.WithLabelValues(name, status).Inc()
	f.talk.WithLabelValues(name).Add(call.talk.Seconds())
	if call.setup > 0 {
		f.setup.WithLabelValues(name).Observe(call.setup.Seconds())
	}
}

func (f *figures) invited(seconds float64) {
	if f != nil {
		f.answer.Observe(seconds)
	}
}
