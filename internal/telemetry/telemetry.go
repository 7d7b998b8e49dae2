// Package telemetry holds the product's Prometheus metrics. A nil *Metrics counts nothing, so tests need none.
package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are all figures that the product exports, under the prefix ringmaster_.
type Metrics struct {
	attemptsClosed *prometheus.CounterVec
	callsActive    *prometheus.GaugeVec
	agents         *prometheus.GaugeVec
	abandoned      prometheus.Counter
	setup          prometheus.Histogram
	push           prometheus.Histogram
	delivered      *prometheus.CounterVec
	eventLag       prometheus.Gauge
	endpoints      *prometheus.GaugeVec
	refusals       *prometheus.CounterVec
	recordings     prometheus.Counter
	promises       prometheus.Gauge
	overdue        prometheus.Gauge
	slowTabs       prometheus.Counter
	dependency     *prometheus.GaugeVec
	clockOffset    *prometheus.GaugeVec
	clocksAgree    prometheus.Gauge
}

// New registers the metrics with reg.
func New(reg prometheus.Registerer) *Metrics {
	buckets := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ringmaster", Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "ringmaster", Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string) prometheus.Histogram {
		v := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "ringmaster", Name: name, Help: help, Buckets: buckets})
		reg.MustRegister(v)
		return v
	}
	return &Metrics{
		attemptsClosed: counter("attempts_closed_total", "Attempts closed.", "network", "outcome"),
		callsActive:    gauge("calls_active", "Calls in the making or up.", "network"),
		agents:         gauge("agents", "Agents by state.", "state"),
		abandoned: counter("abandoned_total", "Calls that a person answered and we ended, or let wait too long, before an "+
			"agent was connected.").WithLabelValues(),
		setup:      histogram("setup_seconds", "From the claim of an attempt to the order at the phone network."),
		push:       histogram("push_seconds", "From a change of an agent's state to its delivery to the tab's connection."),
		delivered:  counter("events_delivered_total", "Tries to deliver an event.", "result"),
		eventLag:   gauge("event_lag_seconds", "Age of the oldest delivery that is due.").WithLabelValues(),
		endpoints:  gauge("webhook_endpoints", "Webhook endpoints by health.", "health"),
		refusals:   counter("refusals_total", "Calls refused by policy.", "rule"),
		recordings: counter("recordings_missing_total", "Talked calls without a recording.").WithLabelValues(),
		promises: gauge("callbacks_in_time_ratio",
			"Of the callbacks promised for the last 24 hours, the part dialed within 5 minutes of the agreed moment.").WithLabelValues(),
		overdue: gauge("callbacks_overdue",
			"Promised callbacks that are not dialed 5 minutes after the agreed moment.").WithLabelValues(),
		slowTabs:    counter("slow_tabs_total", "Tabs closed because they did not read what they were sent.").WithLabelValues(),
		dependency:  gauge("dependency_up", "1 while a neighbour answers.", "name"),
		clockOffset: gauge("clock_offset_seconds", "How far a neighbour's clock is ahead of this node's.", "name"),
		clocksAgree: gauge("clocks_agree",
			"1 while the clocks of this node, SQL and Redis agree; 0: this node dials nobody.").WithLabelValues(),
	}
}

// AttemptClosed counts a closed attempt.
func (m *Metrics) AttemptClosed(network, outcome string) {
	if m != nil {
		m.attemptsClosed.WithLabelValues(network, outcome).Inc()
		if outcome == "abandoned" {
			m.abandoned.Inc()
		}
	}
}

// AbandonedLate counts an answer that came when the call was given up, and closed otherwise.
func (m *Metrics) AbandonedLate() {
	if m != nil {
		m.abandoned.Inc()
	}
}

// SlowTab counts a tab that was closed because it did not read.
func (m *Metrics) SlowTab() {
	if m != nil {
		m.slowTabs.Inc()
	}
}

// CallStarted and CallEnded move the number of active calls.
func (m *Metrics) CallStarted(network string) {
	if m != nil {
		m.callsActive.WithLabelValues(network).Inc()
	}
}

// CallEnded is the end of what CallStarted began.
func (m *Metrics) CallEnded(network string) {
	if m != nil {
		m.callsActive.WithLabelValues(network).Dec()
	}
}

// Agents sets how many agents are in a state.
func (m *Metrics) Agents(state string, n int) {
	if m != nil {
		m.agents.WithLabelValues(state).Set(float64(n))
	}
}

// Setup observes one call's set-up time.
func (m *Metrics) Setup(d time.Duration) {
	if m != nil {
		m.setup.Observe(d.Seconds())
	}
}

// Push observes one state's way to a tab.
func (m *Metrics) Push(d time.Duration) {
	if m != nil {
		m.push.Observe(d.Seconds())
	}
}

// Delivered counts a try: "ok", "retry" or "failed".
func (m *Metrics) Delivered(result string) {
	if m != nil {
		m.delivered.WithLabelValues(result).Inc()
	}
}

// EventLag sets the age of the oldest due delivery.
func (m *Metrics) EventLag(d time.Duration) {
	if m != nil {
		m.eventLag.Set(d.Seconds())
	}
}

// WebhookEndpoints sets how many endpoints are in a health: "working", "failing", "warned" or "disabled".
func (m *Metrics) WebhookEndpoints(health string, n int) {
	if m != nil {
		m.endpoints.WithLabelValues(health).Set(float64(n))
	}
}

// Refused counts a refusal by policy.
func (m *Metrics) Refused(rule string) {
	if m != nil {
		m.refusals.WithLabelValues(rule).Inc()
	}
}

// Promises sets which part of the promised callbacks is kept in time, and how many are late at this moment.
func (m *Metrics) Promises(share float64, overdue int) {
	if m != nil {
		m.promises.Set(share)
		m.overdue.Set(float64(overdue))
	}
}

// RecordingMissing counts a talked call that left no recording.
func (m *Metrics) RecordingMissing() {
	if m != nil {
		m.recordings.Inc()
	}
}

// Dependency says whether a neighbour ("sql", "redis") answers.
func (m *Metrics) Dependency(name string, up bool) {
	if m != nil {
		v := 0.0
		if up {
			v = 1
		}
		m.dependency.WithLabelValues(name).Set(v)
	}
}

// ClockOffset sets how far a neighbour's clock ("sql", "redis") is ahead of this node's.
func (m *Metrics) ClockOffset(name string, ahead time.Duration) {
	if m != nil {
		m.clockOffset.WithLabelValues(name).Set(ahead.Seconds())
	}
}

// ClocksAgree says whether the clocks of the node and its neighbours agree.
func (m *Metrics) ClocksAgree(agree bool) {
	if m != nil {
		v := 0.0
		if agree {
			v = 1
		}
		m.clocksAgree.Set(v)
	}
}
