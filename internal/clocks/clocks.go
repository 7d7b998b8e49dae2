// Package clocks keeps the clocks of a node, of its system of record and of its Redis apart, and says whether they agree.
//
// What SQL holds is judged by SQL's clock and what Redis holds by Redis', or two nodes whose clocks differ would take each
// other's leases for over. Asking for the time with each statement would cost a round trip, so a node follows both: it asks every
// two seconds, and counts on from there by a count of its own that nobody can set and that goes on in suspend. Setting the node's
// own clock changes neither.
package clocks

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
	"github.com/creditorro/ringmaster/internal/retry"
	"github.com/creditorro/ringmaster/internal/telemetry"
	"github.com/creditorro/ringmaster/internal/uptime"
)

const (
	every      = 2 * time.Second
	askLimit   = 2 * time.Second // for one answer; a slower one would say nothing
	firstLooks = 3
)

// The three clocks, as people read them.
const (
	node  = "this node's clock"
	sql   = "SQL's clock"
	redis = "Redis' clock"
)

// Source asks a server what its clock shows.
type Source func(ctx context.Context) (time.Time, error)

// Options of [New].
type Options struct {
	SQL, Redis Source           // nil: it is inside this process, and has the process's clock
	Wall       func() time.Time // the node's own clock; nil: time.Now
	Log        *slog.Logger     // nil: slog.Default()
	Metrics    *telemetry.Metrics

	// SetBack is called when SQL's clock was set back and is believed, with what it shows.
	SetBack func(ctx context.Context, now time.Time)
}

// Clocks are the three. They are safe for concurrent use.
type Clocks struct {
	o  Options
	up func() time.Duration // this node's count; never set

	mu         sync.Mutex
	sql, redis follower
	why        string // what was last said to keep the node from dialing; empty: nothing
	looked     bool
}

// New makes clocks; [Clocks.Look] reads them for the first time, [Clocks.Run] keeps them.
func New(o Options) *Clocks {
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Clocks{o: o, up: uptime.Elapsed}
}

// SQL is what SQL's clock shows. Before it was asked, or where SQL is a file, it is this node's.
func (c *Clocks) SQL() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shows(c.sql)
}

// Redis is what Redis' clock shows. Before it was asked it is SQL's.
func (c *Clocks) Redis() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.redis.kept) == 0 {
		return c.shows(c.sql)
	}
	return c.shows(c.redis)
}

func (c *Clocks) shows(f follower) time.Time {
	if len(f.kept) == 0 {
		return c.o.Wall().Round(0)
	}
	return f.best().zero.Add(c.up())
}

// ToRedis says what Redis' clock shows when SQL's shows t, ToSQL the reverse. No moment stays none.
func (c *Clocks) ToRedis(t time.Time) time.Time { return c.moved(t, 1) }

// ToSQL is the reverse of ToRedis.
func (c *Clocks) ToSQL(t time.Time) time.Time { return c.moved(t, -1) }

func (c *Clocks) moved(t time.Time, sign time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sql.kept) == 0 || len(c.redis.kept) == 0 {
		return t
	}
	return t.Add(sign * c.redis.best().zero.Sub(c.sql.best().zero))
}

// Run asks for the time until ctx ends.
func (c *Clocks) Run(ctx context.Context) {
	for retry.Sleep(ctx, uptime.Beat(every)) {
		c.ask(ctx)
	}
}

// Look reads the clocks for the first time. Whoever cannot be asked now is asked again by [Clocks.Run].
func (c *Clocks) Look(ctx context.Context) {
	for range firstLooks {
		c.ask(ctx)
	}
}

func (c *Clocks) ask(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { c.follow(ctx, c.o.SQL, &c.sql, c.setBack) })
	both.Go(func() { c.follow(ctx, c.o.Redis, &c.redis, nil) })
	both.Wait()
	_ = c.Agree()
}

func (c *Clocks) follow(ctx context.Context, source Source, f *follower, setBack func(context.Context)) {
	if source == nil {
		source = func(context.Context) (time.Time, error) { return c.o.Wall(), nil }
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	asked := c.up()
	at, err := source(ctx)
	if err != nil {
		return // whoever else asks that server says so
	}
	s := sampled(at, asked, c.up())
	c.mu.Lock()
	was := *f
	*f = was.next(s)
	back := f.sets > was.sets && f.best().zero.Before(was.best().zero)
	c.mu.Unlock()
	if back && setBack != nil {
		setBack(ctx)
	}
}

func (c *Clocks) setBack(ctx context.Context) {
	if c.o.SetBack != nil {
		c.o.SetBack(ctx, c.SQL())
	}
}

// Agree reports what keeps this node from dialing: any two of the clocks are more than [Tolerance] apart, or one of them was set
// a moment ago, or nobody knows what it shows. It asks nobody. The log hears of each change.
func (c *Clocks) Agree() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	why := c.disagreement()
	switch {
	case why != "" && c.why == "":
		c.o.Log.Error("clocks differ: nothing is dialed", slog.String("because", why),
			slog.String("mend", "keep all clocks by NTP; docs/operations.md, \"Clocks\""))
	case why == "" && c.why != "":
		c.o.Log.Info("clocks agree again: dialing goes on")
	}
	if changed := (why == "") != (c.why == ""); changed || !c.looked {
		c.o.Metrics.ClocksAgree(why == "")
	}
	c.why, c.looked = why, true
	if why != "" {
		return Error(why)
	}
	return nil
}

// Error says which clocks differ, and by how much.
type Error string

func (e Error) Error() string { return string(e) }

var whyDiffer = reason.Plain("clocks.differ")

// Why is what people are told who wanted to call.
func (Error) Why() reason.Reason { return whyDiffer }

func (c *Clocks) disagreement() string {
	up, own := c.up(), c.o.Wall().Round(0)
	all := []shown{{node, own}}
	for _, one := range []struct {
		who, label string
		f          follower
	}{{sql, "sql", c.sql}, {redis, "redis", c.redis}} {
		if len(one.f.kept) == 0 {
			return one.who + " is not known yet"
		}
		if silent := up - one.f.heard(); silent > unheard {
			return fmt.Sprintf("%s has not been heard for %s", one.who, silent.Round(time.Second))
		}
		best, now := one.f.best(), one.f.best().zero.Add(up)
		if n := len(one.f.strange); n > 0 { // what it shows now, not what is still believed
			c.o.Metrics.ClockOffset(one.label, one.f.strange[n-1].zero.Add(up).Sub(own))
			by := one.f.strange[n-1].zero.Sub(best.zero)
			return fmt.Sprintf("%s was set %s %s a moment ago", one.who, direction(by), by.Abs().Round(100*time.Millisecond))
		}
		c.o.Metrics.ClockOffset(one.label, now.Sub(own))
		all = append(all, shown{one.who, now})
	}
	limit := Tolerance
	if c.why != "" {
		limit = Tolerance * 3 / 4 // clocks at the very limit do not stop and start the node all the time
	}
	if two, differ := compare(limit, all...); differ {
		return two.String()
	}
	return ""
}

func direction(by time.Duration) string {
	if by < 0 {
		return "back by"
	}
	return "forward by"
}

func (a apart) String() string {
	return fmt.Sprintf("%s is %s ahead of %s", a.ahead, a.by.Round(100*time.Millisecond), a.behind)
}

// Differ compares clocks that were looked at once, for whoever does not run: what SQL and Redis are ahead of this machine. The
// text is empty if all agree.
func Differ(ahead map[string]time.Duration) string {
	moment := time.Unix(0, 0)
	all := []shown{{node, moment}}
	for _, one := range []struct{ who, label string }{{sql, "sql"}, {redis, "redis"}} {
		if by, known := ahead[one.label]; known {
			all = append(all, shown{one.who, moment.Add(by)})
		}
	}
	if two, differ := compare(Tolerance, all...); differ {
		return two.String()
	}
	return ""
}
