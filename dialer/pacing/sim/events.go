package sim

import (
	"slices"
	"time"
)

// events is a heap, the earliest first; of one moment, the one that was added first.
type events []event

func (h events) less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}

func (h *events) push(e event) {
	*h = append(*h, e)
	for i := len(*h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			return
		}
		(*h)[i], (*h)[up] = (*h)[up], (*h)[i]
		i = up
	}
}

func (h *events) pop() event {
	first := (*h)[0]
	last := len(*h) - 1
	(*h)[0] = (*h)[last]
	*h = (*h)[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return first
		}
		if down+1 < last && h.less(down+1, down) {
			down++
		}
		if !h.less(down, i) {
			return first
		}
		(*h)[i], (*h)[down] = (*h)[down], (*h)[i]
		i = down
	}
}

func sortPauses(list []pause) {
	slices.SortFunc(list, func(a, b pause) int { return int(a.at - b.at) })
}

func inSeconds(spans []time.Duration) []float64 {
	list := make([]float64, len(spans))
	for i, d := range spans {
		list[i] = d.Seconds()
	}
	return list
}
