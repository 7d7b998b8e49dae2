package pacing

import "fmt"

// statusOf are agents' statuses on the wire.
var statusOf = map[string]Status{"idle": Idle, "ringing": Offered, "talk": Talk, "wrap": Wrap, "pause": Pause}

// check says what is wrong with a snapshot, and what would be right.
func (w *wire) check() error {
	for _, need := range []struct {
		name string
		has  bool
	}{
		{"now", w.Now != nil}, {"target", w.Target != nil}, {"ring_timeout", w.RingTimeout != nil}, {"patience", w.Patience != nil},
		{"max_new", w.MaxNew != nil},
	} {
		if !need.has {
			return fmt.Errorf("%s: is missing", need.name)
		}
	}
	switch {
	case !(*w.Target >= 0 && *w.Target < 1):
		return fmt.Errorf("target: %v: want a share from 0 to below 1, such as 0.03", *w.Target)
	case !(*w.RingTimeout > 0 && *w.RingTimeout <= 600):
		return fmt.Errorf("ring_timeout: %v: want seconds, above 0 and at most 600", *w.RingTimeout)
	case !(*w.Patience >= 0 && *w.Patience <= 600):
		return fmt.Errorf("patience: %v: want seconds from 0 to 600", *w.Patience)
	case *w.MaxNew < 0:
		return fmt.Errorf("max_new: %d: want a count from 0 on", *w.MaxNew)
	}
	if err := seconds("now", *w.Now); err != nil {
		return err
	}
	return firstOf(w.checkAgents, w.checkCalls, w.checkTotals, w.checkDone)
}

func firstOf(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func seconds(name string, v float64) error {
	if !(v >= 0 && v <= maxSecond) {
		return fmt.Errorf("%s: %v: want seconds from 0 to %.0f", name, v, float64(maxSecond))
	}
	return nil
}

func many(name string, n int) error {
	if n > maxMany {
		return fmt.Errorf("%s: %d of them: at most %d are taken", name, n, maxMany)
	}
	return nil
}

func (w *wire) checkAgents() error {
	if err := many("agents", len(w.Agents)); err != nil {
		return err
	}
	ids := make(map[int]struct{}, len(w.Agents))
	for i, a := range w.Agents {
		if statusOf[a.Status] == Unknown {
			return fmt.Errorf("agents[%d].status: %q: want idle, ringing, talk, wrap or pause", i, a.Status)
		}
		if !(a.For >= 0 && a.For <= maxSecond) {
			return seconds(fmt.Sprintf("agents[%d].for", i), a.For)
		}
		if _, twice := ids[a.ID]; twice {
			return fmt.Errorf("agents[%d].id: %d is there twice", i, a.ID)
		}
		ids[a.ID] = struct{}{}
	}
	return nil
}

func (w *wire) checkCalls() error {
	if err := many("calls", len(w.Calls)); err != nil {
		return err
	}
	for i, c := range w.Calls {
		if !(c.Age >= 0 && c.Age <= maxSecond) {
			return seconds(fmt.Sprintf("calls[%d].age", i), c.Age)
		}
		if i > 0 && c.ID <= w.Calls[i-1].ID {
			return fmt.Errorf("calls[%d].id: %d after %d: want the oldest call first, with ids that increase", i, c.ID, w.Calls[i-1].ID)
		}
	}
	if err := many("waiting", len(w.Waiting)); err != nil {
		return err
	}
	for i, c := range w.Waiting {
		if !(c.Age >= 0 && c.Age <= maxSecond) {
			return seconds(fmt.Sprintf("waiting[%d].age", i), c.Age)
		}
	}
	return nil
}

func (w *wire) checkTotals() error {
	t := &w.Total
	for _, count := range []struct {
		name  string
		value int
	}{
		{"dialed", t.Dialed}, {"answered", t.Answered}, {"connected", t.Connected}, {"abandoned", t.Abandoned},
		{"no_answer", t.NoAnswer},
		{"busy", t.Busy}, {"failed", t.Failed},
	} {
		if count.value < 0 || count.value > 1e9 {
			return fmt.Errorf("total.%s: %d: want a count from 0 to 1000000000", count.name, count.value)
		}
	}
	if t.Abandoned > t.Answered {
		return fmt.Errorf("total.abandoned: %d of %d answered: want no more than were answered", t.Abandoned, t.Answered)
	}
	return nil
}

func (w *wire) checkDone() error {
	for _, list := range []struct {
		name   string
		values []float64
	}{
		{"ring_answered", w.Done.RingAnswered}, {"ring_other", w.Done.RingOther}, {"talk", w.Done.Talk}, {"wrap", w.Done.Wrap},
	} {
		if err := many("done."+list.name, len(list.values)); err != nil {
			return err
		}
		for i, v := range list.values {
			if !(v >= 0 && v <= maxSecond) {
				return seconds(fmt.Sprintf("done.%s[%d]", list.name, i), v)
			}
		}
	}
	return nil
}

// follows says what contradicts the snapshot before.
func (w *wire) follows(last *wire) error {
	switch {
	case *w.Now < *last.Now:
		return fmt.Errorf("now: %v after %v: want times that do not go back", *w.Now, *last.Now)
	case w.Total.Answered < last.Total.Answered:
		return fmt.Errorf("total.answered: %d after %d: want counts of the day, which do not fall", w.Total.Answered,
			last.Total.Answered)
	case w.Total.Abandoned < last.Total.Abandoned:
		return fmt.Errorf("total.abandoned: %d after %d: want counts of the day, which do not fall", w.Total.Abandoned,
			last.Total.Abandoned)
	}
	return nil
}
