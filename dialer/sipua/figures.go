package sipua

import (
	"errors"

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
}

func newFigures(reg prometheus.Registerer, calls, phones func() float64) (*figures, error) {
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
			Help: "1 while a trunk answers OPTIONS."}, []string{"trunk"}),
	}
	f.useless = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ringmaster", Name: "trunk_unusable_answers_total",
		Help: "Customers' answers whose sound we cannot take: they are hung up, and count as abandoned."}, []string{"trunk"})
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "ringmaster", Subsystem: "sip", Name: name, Help: help}, value)
	}
	var errs []error
	for _, c := range []prometheus.Collector{f.outcomes, f.answer, f.packets, f.lost, f.refusals, f.trunks, f.useless,
		gauge("calls", "Calls in the making or up.", calls), gauge("phones", "Phones registered at this node.", phones)} {
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

func (f *figures) invited(seconds float64) {
	if f != nil {
		f.answer.Observe(seconds)
	}
}
